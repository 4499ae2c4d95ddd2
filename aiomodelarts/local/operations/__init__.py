"""The operations, one module per kind of object. Each takes the platform and a call and gives an answer."""
