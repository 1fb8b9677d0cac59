"""The fastest way to read with a model that reads right on this processor.

The library has several multiplications for the same weights and chooses among them by the length of a
batch, the kind of the weights and what the processor can do. Not all are right: on weights with an
offset (``Q4_1``, ``Q5_1``) in rows no multiple of 128 long, batches of 32 positions and more leave out
the end of each row, and half of all first choices differ from torch's. So a model is tried before it
is used: a short text is read in the plainest way, then in the fastest, and the fastest is taken only
where both say the same. That takes a third of a second on one processor, once a start.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from persona_demo.lm._llama_ffi import NativeContext, NativeModel, Position
from persona_demo.lm.base import FloatArray

LONG, SHORT = 64, 28
"""Positions a batch; longer than ``LONG`` gains nothing, from 32 on another multiplication is used."""
PLAINEST = 8
POSITIONS = 40
COMPARED = 4
"""Last positions of the text whose logits are compared: an error anywhere before has reached them."""
ALIKE = 0.99
"""Least correlation; two right ways to multiply 8-bit numbers differ by 0.002, a wrong one by 0.2 and more."""


@dataclass(frozen=True)
class Way:
    """How weights are laid out in memory and how many positions are read at once."""

    repack: bool
    chunk: int


FAST = (Way(repack=True, chunk=LONG), Way(repack=False, chunk=LONG))


def load_trusted(gguf: Path, *, threads: int) -> NativeModel:
    """Load a GGUF file in the fastest way that is right here.

    Args:
        gguf: The model file.
        threads: Processor threads.

    Raises:
        UserError: If the library is missing, the file cannot be read, or memory does not suffice.
    """
    plain = NativeModel(gguf, repack=False, chunk=PLAINEST)
    expected = _last_logits(plain, threads)
    for way in FAST:
        model = NativeModel(gguf, repack=way.repack, chunk=way.chunk)
        if _alike(expected, _last_logits(model, threads)):
            return model
    # Below 32 positions each is computed for itself, as in the plainest way, to the last bit.
    plain.chunk = SHORT
    return plain


def _last_logits(model: NativeModel, threads: int) -> FloatArray:
    """Logits after the last positions of a fixed text, shape (COMPARED, V)."""
    context = NativeContext(model, cells=POSITIONS, sequences=1, threads=threads)
    # Any tokens will do; these are far apart in the vocabulary.
    text = [Position(7919 * i % model.vocab_size, i, [0], wanted=i >= POSITIONS - COMPARED) for i in range(POSITIONS)]
    logits = []
    for start in range(0, POSITIONS, model.chunk):
        batch = text[start : start + model.chunk]
        context.decode(batch)
        logits += [context.logits(i).copy() for i, position in enumerate(batch) if position.wanted]
    return np.stack(logits)


def _alike(expected: FloatArray, found: FloatArray) -> bool:
    """Whether logits correlate at every position; what is not finite never does."""
    if not np.isfinite(found).all():
        return False
    with np.errstate(invalid="ignore"):
        return all(np.corrcoef(a, b)[0, 1] >= ALIKE for a, b in zip(expected, found, strict=True))
