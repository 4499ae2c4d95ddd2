"""The watcher, its plans, events and their delivery."""
