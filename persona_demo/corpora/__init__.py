"""Corpora of many people: one small reader for each shape a folder may have."""
