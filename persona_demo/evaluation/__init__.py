"""Measuring arms on people never trained on, each beside its control."""
