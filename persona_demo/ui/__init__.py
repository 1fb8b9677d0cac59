"""The app. Everything that imports Gradio lives here; the core and the command line do without it."""

from __future__ import annotations

from persona_demo.ui.pages import build_demo, launch_options

__all__ = ["build_demo", "launch_options"]
