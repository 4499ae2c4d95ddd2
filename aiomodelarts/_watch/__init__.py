"""Watching: one task that asks for states on behalf of everybody who waits."""
