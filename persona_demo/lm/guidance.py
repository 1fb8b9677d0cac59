"""Guidance: the logits of one row, led away from those of another by a strength, and the limit to it.

    logits = base + strength * (row - base)

so strength 0 is exactly the base and 1 exactly the row. Outside of 0 to 1 the difference is exaggerated,
and with it the noise of tokens that neither row would ever write. There the choice is among what the
nearer row finds plausible (contrastive decoding, arXiv 2210.15097), a limit that comes in gradually: at 0
and 1 there is none.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from persona_demo.lm.base import FloatArray

PLAUSIBLE = 0.01
"""Beyond the rows, a token is plausible that has at least this share of the likeliest one's probability."""
IMPLAUSIBLE = np.float32(1e4)
"""What the others lose: they come after all plausible ones, and stay in order where those are banned."""


def blended(row: FloatArray, base: FloatArray, strength: float) -> FloatArray:
    """Logits at a strength before the limit, (..., V): those a text that is given is measured by.

    Args:
        row: Logits of the row, (..., V).
        base: Logits of what strength leads away from, (..., V).
        strength: 0 gives the base, 1 the row.
    """
    mixed: FloatArray = base + np.float32(strength) * (row - base)
    return mixed


def barred(row: FloatArray, base: FloatArray, strength: float) -> NDArray[np.bool_]:
    """Which tokens are implausible at a strength, (..., V); none of them from 0 to 1.

    Args:
        row: Logits of the row, (..., V).
        base: Logits of what strength leads away from, (..., V).
        strength: Above 1 the row says what is plausible, below 0 the base.
    """
    beyond = max(strength - 1, -strength)
    if beyond <= 0:
        return np.zeros(row.shape, dtype=np.bool_)
    nearer = row if strength > 1 else base
    least = nearer.max(axis=-1, keepdims=True) + np.float32(np.log(PLAUSIBLE * min(beyond, 1.0)))
    found: NDArray[np.bool_] = nearer < least
    return found


def guided(row: FloatArray, base: FloatArray, strength: float) -> FloatArray:
    """Next logits at a strength, as they are written by: implausible tokens come last.

    Args:
        row: Logits of the row, (..., V).
        base: Logits of what strength leads away from, (..., V).
        strength: 0 gives the base, 1 the row.

    Returns:
        Shape (..., V).
    """
    mixed = blended(row, base, strength)
    return np.where(barred(row, base, strength), mixed - IMPLAUSIBLE, mixed)
