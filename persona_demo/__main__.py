"""``python -m persona_demo``."""

from __future__ import annotations

import sys

from persona_demo.cli import main

if __name__ == "__main__":
    sys.exit(main())
