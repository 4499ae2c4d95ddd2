"""Whole sweeps in virtual time: real controllers on a real ledger, killed and paused, and a platform full of faults."""
