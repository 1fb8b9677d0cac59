"""Figures that maps keep of every point, for colours and labels: how it is written, and the score given with it.

They come out of raw item vectors, so no text is needed. Not every item has a score: where one has none, its
figure is not a number, and a map on which nobody gives scores keeps no such figure.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from persona_demo.explain.style import STYLE, raw_style, readable_style, style_of_items, surface_start
from persona_demo.items import block_parts
from persona_demo.plug.model import PersonaPlug
from persona_demo.scores import SCORES
from persona_demo.surface import SURFACE_NAMES

FloatArray = NDArray[np.float32]

SCORE = "score"


@dataclass(frozen=True)
class MapFigure:
    """One figure.

    Attributes:
        name: Key in files and menus.
        title: For readers, with its unit.
        choice: What it is called among things to colour by.
        more: What a region with much of it has, for labels.
        less: What one with little of it has; empty where little is the rule and says nothing.
    """

    name: str
    title: str
    choice: str
    more: str
    less: str


FIGURES: tuple[MapFigure, ...] = (
    *(MapFigure(kind.name, kind.title, f"Style: {kind.title}", kind.more, kind.less) for kind in STYLE),
    MapFigure(SCORE, "score given, 1 to 5", "Score given, 1 to 5", "high scores", "low scores"),
)
"""In the order they are shown and kept in files."""


@dataclass(frozen=True)
class Figures:
    """Figures of a population, in the units of their titles.

    Attributes:
        names: Names of the F figures.
        people: Of each person, (U, F).
        items: Of each person's items, (N_u, F) each.
    """

    names: tuple[str, ...]
    people: FloatArray
    items: tuple[FloatArray, ...]


def figures_of(plug: PersonaPlug, raw: tuple[FloatArray, ...]) -> Figures | None:
    """Figures of people given by their raw item vectors.

    Args:
        plug: Says where in them what lies.
        raw: Raw item vectors of each, (N_u, D).

    Returns:
        The figures, or None where the plug reads no surface figures.
    """
    start = surface_start(plug)
    if start is None:
        return None
    part = slice(start, start + len(SURFACE_NAMES))
    surfaces = [raw_style(items[:, part]) for items in raw]
    scores = [_scores(plug, items) for items in raw]
    people = np.stack([style_of_items(surface) for surface in surfaces])
    written = [readable_style(surface, np.zeros_like(surface)) for surface in surfaces]
    names = tuple(kind.name for kind in STYLE)
    if np.isnan(np.concatenate(scores)).all():
        return Figures(names, people, tuple(written))
    means = np.array([[_mean(own)] for own in scores], np.float32)
    return Figures(
        names=(*names, SCORE),
        people=np.concatenate([people, means], axis=1),
        items=tuple(np.column_stack([own, given]) for own, given in zip(written, scores, strict=True)),
    )


def _scores(plug: PersonaPlug, raw: FloatArray) -> FloatArray:
    """The score each item gives, (N,); not a number where it gives none."""
    part = block_parts(plug.config).get("score")
    if part is None:
        return np.full(len(raw), np.nan, np.float32)
    shares = raw[:, part]
    given = shares @ np.array(SCORES, np.float32)
    return np.where(shares.any(axis=1), given, np.nan).astype(np.float32)


def _mean(scores: FloatArray) -> float:
    known = scores[~np.isnan(scores)]
    return float(known.mean()) if len(known) else float("nan")
