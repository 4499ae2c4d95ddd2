"""Code of this machine in a bucket: by content, once."""
