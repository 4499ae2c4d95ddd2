"""The points a sweep may try."""
