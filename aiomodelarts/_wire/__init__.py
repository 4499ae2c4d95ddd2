"""The wire, without I/O: a request value out, a response value in."""
