"""Persona Demo: give a frozen language model a person, and see, edit and test what that means."""

from __future__ import annotations

__version__ = "0.1.0"
