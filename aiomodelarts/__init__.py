"""The asyncio SDK for training on ModelArts."""
