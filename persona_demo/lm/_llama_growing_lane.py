"""A lane that is made when it is first needed, and made anew, larger, when a text does not fit.

Whoever reads given texts, beside the sessions and not in them, reads them in one of these. The lane
that is outgrown goes, and what it held with it.
"""

from __future__ import annotations

from persona_demo.lm._llama_ffi import NativeModel
from persona_demo.lm._llama_lane import Lane

CELLS = 1024
"""Least cells of the lane."""


class GrowingLane:
    """A lane of as many cells as were ever asked for; one thread at a time may use it."""

    def __init__(self, model: NativeModel, *, rows: int, threads: int) -> None:
        """Allocate nothing yet.

        Args:
            model: Weights to run.
            rows: Most sequences live at once.
            threads: Processor threads.
        """
        self._model, self._rows, self._threads = model, rows, threads
        self._lane: Lane | None = None

    def of(self, cells: int) -> Lane:
        """The lane, with at least so many cells.

        Raises:
            UserError: If memory does not suffice.
        """
        if self._lane is None or self._lane.cells < cells:
            size = max(CELLS, 1 << (cells - 1).bit_length())
            self._lane = Lane(self._model, cells=size, rows=self._rows, threads=self._threads)
        return self._lane
