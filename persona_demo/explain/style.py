"""Style figures for readers: a few of the surface figures, in units one can picture.

The item encoder's surface figures (:mod:`persona_demo.surface`) are logarithms and roots, made to be
compared; here some of them are turned back into words, letters and marks. A rate is the mean of the items'
own rates, which the mean and the spread of their roots give exactly: the mean of the roots alone would all
but hide a mark that most items lack. A length is that of the typical item, made of the mean logarithm, so
that one odd item does not decide. A person and a population are read in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from persona_demo.items import block_parts
from persona_demo.plug.model import CLIP, FLOOR, PersonaPlug
from persona_demo.surface import SURFACE_NAMES, surface_figures

FloatArray = NDArray[np.float32]
Scale = Literal["log", "share", "plain", "rate"]


@dataclass(frozen=True)
class StyleKind:
    """One style figure.

    Attributes:
        name: Key in files and menus.
        title: For readers, with its unit.
        surface: The surface figure it is made of.
        scale: How that one was made: logarithm of a count plus one, share, plain, or root of a rate a word.
        more: What a text with much of it has, for labels.
        less: What a text with little of it has; empty where little is the rule and says nothing.
    """

    name: str
    title: str
    surface: str
    scale: Scale
    more: str
    less: str = ""

    def readable(self, means: NDArray[np.floating], spreads: NDArray[np.floating]) -> NDArray[np.float32]:
        """The surface figure of items in the unit of the title.

        Args:
            means: Its mean over items, of any shape.
            spreads: Its standard deviation over items, of the same shape; zero for a single item.
        """
        values, around = np.asarray(means, dtype=np.float64), np.asarray(spreads, dtype=np.float64)
        undone = {
            "log": np.expm1(values),
            "share": 100 * values,
            "plain": values,
            "rate": 100 * (np.square(values) + np.square(around)),
        }[self.scale]
        return np.asarray(undone, dtype=np.float32)


STYLE: tuple[StyleKind, ...] = (
    StyleKind("words", "words of a typical item", "words", "log", "long texts", "short texts"),
    StyleKind("sentence", "words of a typical sentence", "sentence length", "log", "long sentences", "short sentences"),
    StyleKind("word_length", "letters a word", "word length", "plain", "long words", "short words"),
    StyleKind("capitals", "capitals in 100 letters", "upper case", "share", "many capitals", "few capitals"),
    StyleKind("exclamations", "exclamation marks in 100 words", "rate of !", "rate", "many exclamation marks"),
    StyleKind("questions", "question marks in 100 words", "rate of ?", "rate", "many questions"),
    StyleKind("ellipses", "ellipses in 100 words", "rate of ellipsis", "rate", "many ellipses"),
    StyleKind("commas", "commas in 100 words", "rate of ,", "rate", "many commas", "few commas"),
    StyleKind("emoticons", "emoticons in 100 words", "rate of emoticon", "rate", "emoticons"),
    StyleKind("small_i", "“i” for “I” in 100 words", "rate of small i", "rate", "small i"),
    StyleKind("first_person", "“I” or “i” in 100 words", "rate of 'i'", "rate", "much “I”", "little “I”"),
    StyleKind("variety", "different words in 100", "variety", "share", "varied words", "repeated words"),
)
"""The figures, in the order they are shown and kept in files."""

_PLACES = [SURFACE_NAMES.index(kind.surface) for kind in STYLE]


@dataclass(frozen=True)
class StyleFigure:
    """A person's figure beside the population's.

    Attributes:
        kind: What it is.
        value: The person's, in the unit of the title.
        population: The population's mean, in the same unit; None where the plug does not keep it.
        distance: By how many standard deviations of single items the person is above it, cut where the plug
            cuts it; None likewise, and where the items are not kept.
    """

    kind: StyleKind
    value: float
    population: float | None
    distance: float | None


def raw_style(surface: NDArray[np.floating]) -> NDArray[np.float32]:
    """Pick the style figures out of surface figures.

    Args:
        surface: Shape (..., len(SURFACE_NAMES)).

    Returns:
        Shape (..., F), still as logarithms, shares and roots.
    """
    return np.asarray(surface[..., _PLACES], dtype=np.float32)


def readable_style(means: NDArray[np.floating], spreads: NDArray[np.floating]) -> NDArray[np.float32]:
    """Style figures in the units of their titles, of their means and standard deviations over items, (..., F) each."""
    return np.stack([kind.readable(means[..., i], spreads[..., i]) for i, kind in enumerate(STYLE)], axis=-1)


def style_of_items(raw: NDArray[np.floating]) -> NDArray[np.float32]:
    """Style figures of somebody's items in the units of their titles, (F,).

    Args:
        raw: Of each of at least one item, as :func:`raw_style` gives them, (N, F).
    """
    return readable_style(raw.mean(axis=0), raw.std(axis=0))


def style_of_texts(texts: Sequence[str]) -> NDArray[np.float32]:
    """Style figures of a person's texts in the units of their titles, (F,); zeros where there are none."""
    if not texts:
        return np.zeros(len(STYLE), np.float32)
    return style_of_items(raw_style(surface_figures(texts)))


def surface_start(plug: PersonaPlug) -> int | None:
    """Where the surface figures begin in the plug's item vectors, or None if they are no part of them."""
    part = block_parts(plug.config).get("surface")
    return None if part is None else part.start


def population_style(plug: PersonaPlug) -> tuple[FloatArray, FloatArray] | None:
    """Mean and standard deviation over items of the training population, (F,) each.

    They are still logarithms, shares and roots; None where the plug does not know them.
    """
    start = surface_start(plug)
    if start is None:
        return None
    part = slice(start, start + len(SURFACE_NAMES))
    return raw_style(plug.item_mean[part].numpy()), raw_style(plug.item_std[part].numpy())


def kept_style(values: Mapping[str, float], plug: PersonaPlug) -> tuple[StyleFigure, ...]:
    """Style figures that a map keeps of somebody, beside those of the training population.

    Args:
        values: By the names of :data:`STYLE`, in the units of their titles.
        plug: Keeps the population's mean and spread of item vectors.
    """
    known = population_style(plug)
    usual = [None] * len(STYLE) if known is None else readable_style(*known).tolist()
    each = zip(STYLE, usual, strict=True)
    return tuple(StyleFigure(kind, values[kind.name], mean, None) for kind, mean in each if kind.name in values)


def style_beside_population(texts: Sequence[str], plug: PersonaPlug) -> tuple[StyleFigure, ...]:
    """A person's style figures beside those of the training population, in the order of :data:`STYLE`.

    Args:
        texts: The person's texts.
        plug: Keeps the population's mean and spread of item vectors.
    """
    values = style_of_texts(texts)
    known = population_style(plug)
    if known is None or not texts:
        return tuple(StyleFigure(k, float(v), None, None) for k, v in zip(STYLE, values, strict=True))
    mean, spread = known
    distances = (raw_style(surface_figures(texts)).mean(axis=0) - mean) / np.maximum(spread, FLOOR)
    distances = distances.clip(-CLIP, CLIP)
    figures = zip(STYLE, values, readable_style(mean, spread), distances, strict=True)
    return tuple(StyleFigure(k, float(v), float(p), float(d)) for k, v, p, d in figures)
