"""Waits, logs and events in virtual time, against a board whose every moment is known beforehand."""
