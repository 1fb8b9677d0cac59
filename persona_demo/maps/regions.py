"""Labels for stretches of a map: what is common to the people or items there, in a few words.

Labels come from style figures, so that no text of the population is needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from persona_demo.maps.atlas import Atlas, Region
from persona_demo.maps.figures import FIGURES
from persona_demo.maps.item_map import ItemMap

REGIONS = 8
LEAST = 10
"""People or items a region stands for at least; smaller maps have fewer regions."""
PHRASES = 2
STRIKING = 0.1
"""Mean rank from the middle, 0 to 0.5, from which a figure is told."""


Mapped = TypeVar("Mapped", Atlas, ItemMap)


def with_regions(mapped: Mapped, *, most: int = REGIONS, seed: int = 0) -> Mapped:
    """The map with labelled regions; without where it keeps no figures, and where nothing is striking.

    Args:
        mapped: A map of people or of items.
        most: At most so many regions.
        seed: Of the grouping.
    """
    count = min(most, len(mapped.coordinates) // LEAST)
    if mapped.style is None or count < 2:
        return replace(mapped, regions=())
    groups = KMeans(count, random_state=seed, n_init=4).fit_predict(mapped.coordinates)
    ranks = _ranks(mapped.style)
    regions = []
    for group in range(count):
        inside = groups == group
        x, y = mapped.coordinates[inside].mean(axis=0).tolist()
        label = _label(dict(zip(mapped.style_names, ranks[inside].mean(axis=0).tolist(), strict=True)))
        if label:
            regions.append(Region(label=label, x=x, y=y, size=int(inside.sum())))
    return replace(mapped, regions=tuple(sorted(regions, key=lambda region: -region.size)))


def striking(mapped: Atlas | ItemMap) -> tuple[str, ...]:
    """What is most striking about each of a map in a few words, (U,); nothing where it keeps no figures.

    Args:
        mapped: A map of people or of items.
    """
    if mapped.style is None:
        return ()
    rows = _ranks(mapped.style).tolist()
    return tuple(_label(dict(zip(mapped.style_names, row, strict=True))) or "a bit of everything" for row in rows)


def _ranks(style: NDArray[np.float32]) -> NDArray[np.float64]:
    """Rank in each figure, (U, F), from -0.5 to 0.5; equal figures have equal ranks, and none is in the middle."""
    ranks = np.zeros(style.shape)
    for place, column in enumerate(style.T):
        known = ~np.isnan(column)
        _, inverse, counts = np.unique(column[known], return_inverse=True, return_counts=True)
        middles = np.cumsum(counts) - (counts + 1) / 2
        ranks[known, place] = middles[inverse] / max(int(known.sum()) - 1, 1) - 0.5
    return ranks


def _label(ranks: Mapping[str, float]) -> str:
    """The most striking figures in words; nothing where none is."""
    said: list[str] = []
    for kind in sorted(FIGURES, key=lambda kind: -abs(ranks.get(kind.name, 0.0))):
        rank = ranks.get(kind.name, 0.0)
        phrase = kind.more if rank > 0 else kind.less
        if phrase and abs(rank) >= STRIKING and len(said) < PHRASES:
            said.append(phrase)
    return ", ".join(said)
