"""Files and folders on their way: bounded, checked, resumable."""
