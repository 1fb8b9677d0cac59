"""Intervals over people: a figure is a mean of people's means, and people are what is resampled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 10_000
LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """A mean over people with its interval.

    Attributes:
        mean: The mean.
        low: Lower end of its 95% interval.
        high: Its upper end.
    """

    mean: float
    low: float
    high: float


def bootstrap(values: NDArray[np.float64], *, seed: int, groups: Sequence[str] | None = None) -> Estimate:
    """Percentile bootstrap of a mean over people.

    The same seed draws the same people, so that intervals of several figures are paired.

    Args:
        values: One value a person, (U,).
        seed: Of the resampling.
        groups: Name of each person's group, U of them; people of one group (who share items) are
            drawn together. Everybody is a group of their own when left out.

    Returns:
        The mean and its interval.
    """
    names = list(dict.fromkeys(groups)) if groups is not None else []
    sums, sizes = values, np.ones(len(values))
    if groups is not None and len(names) < len(values):
        place = np.array([names.index(name) for name in groups])
        sums = np.asarray(np.bincount(place, weights=values), dtype=np.float64)
        sizes = np.asarray(np.bincount(place), dtype=np.float64)
    rng = np.random.default_rng(seed)
    means = np.empty(RESAMPLES)
    for start in range(0, RESAMPLES, 1_000):
        drawn = rng.integers(0, len(sums), size=(1_000, len(sums)))
        means[start : start + 1_000] = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    tail = 100 * (1 - LEVEL) / 2
    low, high = np.percentile(means, [tail, 100 - tail])
    return Estimate(mean=float(values.mean()), low=float(low), high=float(high))
