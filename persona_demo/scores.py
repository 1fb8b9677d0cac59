"""Scores: how many stars the person gave, read from the start of an item's text.

Somebody's scores are few figures that say much, and a sentence encoder hardly sees them beside a
review. Texts carry them where the plug reads labels ("Rated 4 of 5: ..."; LaMP's "4: ...").
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SCORES = ("1", "2", "3", "4", "5")
_START = re.compile(r"(?:Rated )?([1-5])(?: of 5)?: ")


def score_figures(texts: Sequence[str]) -> NDArray[np.float32]:
    """One figure for each score.

    Args:
        texts: N texts.

    Returns:
        An array of shape (N, len(SCORES)): 1 for the score a text starts with, else 0; the mean over
        items is the share of each score.
    """
    found = [match[1] if (match := _START.match(text)) else "" for text in texts]
    return np.array([[score == figure for figure in SCORES] for score in found], np.float32).reshape(-1, len(SCORES))
