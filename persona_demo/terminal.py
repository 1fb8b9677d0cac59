"""What commands say: results on standard output, progress on standard error, other libraries kept quiet."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Mapping
from typing import Any

PROGRESS_SECONDS = 1.0


class ProgressLine:
    """Progress on standard error: one line rewritten on a terminal, a line now and then elsewhere."""

    def __init__(self, *, every: float | None = None, shown: bool = True) -> None:
        """Start silent.

        Args:
            every: Seconds between two lines; chosen by whether standard error is a terminal.
            shown: False where another process tells the same.
        """
        self._shown = shown
        self._terminal = sys.stderr.isatty()
        self._every = every or (PROGRESS_SECONDS if self._terminal else 10 * PROGRESS_SECONDS)
        self._last, self._said = 0.0, ""

    def __call__(self, message: str, share: float | None = None) -> None:
        """Say what is being done, and how far it is (0 to 1) where that is known."""
        now = time.monotonic()
        if not self._shown:
            return
        if message == self._said and now - self._last < self._every and share != 1:
            return
        self._last, self._said = now, message
        text = message if share is None else f"{message} {share:.0%}"
        sys.stderr.write(f"\r\x1b[2K{text}" if self._terminal else f"{text}\n")
        sys.stderr.flush()

    def close(self) -> None:
        """End the line."""
        if self._terminal and self._said:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()


def say(text: str) -> None:
    """Write a line to standard output."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


_NUMBERS = re.compile(r"\[\n\s*((?:-?\d[\d.eE+-]*,?\s+)+)\]")
"""A list of numbers over several lines; a line break in a text would be written as two characters."""


def document(record: Mapping[str, Any]) -> str:
    """A record as the JSON document of a command; a list of numbers is one line."""
    whole = json.dumps(record, indent=2, ensure_ascii=False)
    return _NUMBERS.sub(lambda found: f"[{' '.join(found[1].split())}]", whole)


def quiet_libraries() -> None:
    """Keep other libraries' bars and hints off standard error, where our own progress is."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from transformers.utils import logging

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
