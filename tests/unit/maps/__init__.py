"""Frozen maps: placing, neighbours, regions, files; of people, items, subjects and tasks."""
