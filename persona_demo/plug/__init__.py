"""The plug: the trained part, and nothing else."""
