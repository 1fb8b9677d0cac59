"""The app: ``python app.py``, or what a Gradio Space runs."""

from __future__ import annotations

import sys

try:
    import spaces  # lends a GPU for the length of a call, on ZeroGPU only; must come before torch
except ImportError:
    spaces = None

from persona_demo.errors import UserError
from persona_demo.ui import build_demo, launch_options

try:
    demo = build_demo(gpu=spaces.GPU if spaces else None)
except UserError as error:
    sys.exit(str(error))

if __name__ == "__main__":
    demo.launch(**launch_options())
