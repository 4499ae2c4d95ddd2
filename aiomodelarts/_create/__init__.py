"""Making exactly one version per intent: what an answer means, and finding out where there was none."""
