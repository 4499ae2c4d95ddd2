"""The whole client in virtual time, under one seed, against the platform's own core: nothing is made twice or lost."""
