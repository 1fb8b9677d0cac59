"""The tabs as they were at first: what clearing puts into each of their components."""

from __future__ import annotations

from typing import Any

from persona_demo.ui.changes import Changes
from persona_demo.ui.inside import guess, tokens
from persona_demo.ui.inside.tables import chart, table, texts
from persona_demo.ui.linking import NO_LINK
from persona_demo.ui.page import Page


def _tables(page: Page) -> list[Any]:
    i = page.inside
    words = [i.words.likelier, i.words.vectors, i.words.posts, i.words.style]
    return [i.dial.table, i.placebo.table, i.posts.table, i.tokens.movers, i.growth.curve.table, *words]


def _charts(page: Page) -> list[Any]:
    return [page.inside.dial.chart, page.inside.growth.curve.chart]


def _texts(page: Page) -> list[Any]:
    return [page.inside.mix.texts, page.inside.growth.texts, page.inside.pins.texts, page.inside.guess.texts]


def _lines(page: Page) -> list[Any]:
    i = page.inside
    return [i.dial.line, i.placebo.line, i.posts.line, i.words.line, i.growth.curve.line, i.guess.line]


def _others(page: Page) -> dict[Any, Any]:
    """What is neither a table nor a chart, a text or a line, as it was at first."""
    i = page.inside
    return {
        i.posts.found: None,
        i.tokens.tokens: tokens.NOTHING,
        i.text.typed: "",
        i.maps.sentence: "",
        i.maps.find: "",
        **guess.none_dealt(i.guess),
        i.guess.played: [],
        i.guess.tally: guess.NO_VOTES,
        page.link.address: NO_LINK,
    }


def cleared_outputs(page: Page) -> list[Any]:
    """What :func:`cleared` changes."""
    bars = [part for bar in page.inside.bars for part in bar.parts]
    return [*bars, *_tables(page), *_charts(page), *_texts(page), *_lines(page), *_others(page)]


def cleared(page: Page) -> Changes:
    """The tabs as they were at first, for clearing."""
    changes: Changes = {}
    for bar in page.inside.bars:
        changes |= bar.cleared()
    changes |= {each: table() for each in _tables(page)}
    changes |= {each: chart() for each in _charts(page)}
    changes |= {each: texts() for each in _texts(page)}
    changes |= {each: {"text": ""} for each in _lines(page)}
    return changes | _others(page)
