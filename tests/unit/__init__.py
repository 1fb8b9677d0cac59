"""Properties of the core and of the pure views."""
