"""All logits along one text, for those who ask what else might have stood there.

A scorer needs one figure a position and throws the rest away; here the rest is what is asked for, so
texts are read one at a time and nothing is shared with sessions or scoring but the weights. A text
that begins as the last one did is read from where they part.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np

from persona_demo.lm._llama_ffi import Key, NativeModel
from persona_demo.lm._llama_growing_lane import GrowingLane
from persona_demo.lm.base import FloatArray

ROWS = 2


class LogitReader:
    """Reads texts one call at a time; a second caller waits."""

    def __init__(self, model: NativeModel, *, threads: int) -> None:
        """Allocate nothing yet.

        Args:
            model: Weights to run.
            threads: Processor threads.
        """
        self._vocab_size = model.vocab_size
        self._lane = GrowingLane(model, rows=ROWS, threads=threads)
        self._turn = threading.Lock()

    def read(self, prompt: Sequence[Key], *, last: int) -> FloatArray:
        """Logits after each of the ``last`` last positions of a prompt, shape (last, V).

        Raises:
            UserError: If memory does not suffice.
        """
        logits = np.empty((last, self._vocab_size), np.float32)

        def take(_: int, offset: int, found: FloatArray) -> None:
            logits[offset] = found

        if last:
            with self._turn:
                # Twice the length: while a text is read, what the last one left is still there.
                self._lane.of(2 * len(prompt)).score([prompt], first=[len(prompt) - last], take=take)
        return logits
