"""The terminal: flags in, a request out, progress and results shown."""
