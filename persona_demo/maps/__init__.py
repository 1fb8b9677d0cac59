"""Frozen maps: of people, of items, of people by subject, of everybody behind a plug for several tasks."""
