"""Models: which there are, from where they come, and how they lie on disk."""
