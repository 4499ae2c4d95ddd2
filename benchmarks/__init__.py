"""Measurements of what a client costs; see ``README.md`` in this folder."""
