"""Drives a sweep: one controller's part of it."""
