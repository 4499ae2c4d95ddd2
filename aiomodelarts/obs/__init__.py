"""OBS: files to and from buckets."""
