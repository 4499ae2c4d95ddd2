"""How a sweep is described, in a file or in Python, and the checked value that both become."""
