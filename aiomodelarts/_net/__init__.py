"""The line out: transport, authentication, retry, and the caller that puts them together."""
