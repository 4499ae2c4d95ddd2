"""Suggests points from what earlier ones have reached; nothing outside this package knows the libraries that do it."""
