"""OBS over its S3-compatible interface: content through obstore, everything small by requests of our own."""
