"""Which points are tried: given beforehand, or suggested from what is known."""
