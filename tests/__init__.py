"""Tests, and the tiny models they run on."""
