"""Of whom only a vector is kept: what needs their texts says that, and not that they wrote too little."""

from __future__ import annotations

import re
from typing import Any

import pytest

from persona_demo.ui.inside.growth import Growth
from persona_demo.ui.inside.mix import Mix
from persona_demo.ui.inside.placebo import Placebos
from persona_demo.ui.inside.posts import Posts
from persona_demo.ui.loading import Loading
from persona_demo.ui.page import Page
from persona_demo.ui.shelf import Shelf
from tests.unit.conftest import OPENING, SIX

SAID = "Only a list of numbers is kept of p0007, and no posts: choose somebody whose posts are shown here."
TEXT = ("typed", " and the gulls did not mind", {})
HOW = (1.0, 0, 4, 0.0, 0.95, False)


def refusals(page: Page, shelf: Shelf, loading: Loading, who: str) -> dict[str, str]:
    """What each verb that needs texts says about somebody."""
    record, tabs, given = shelf.session_of(who).as_record(), page.inside, {"shelf": shelf, "loading": loading}
    runs: dict[str, Any] = {
        "posts": Posts(page, tabs.posts.bar, **given).measure(record, OPENING, 0, *TEXT, "persona", "effect"),
        "placebo": Placebos(page, tabs.placebo.bar, **given).score(record, 0, SIX),
        "growth": Growth(page, tabs.growth.curve.bar, **given).measure(record, 0, SIX),
        "growth texts": Growth(page, tabs.growth.writes, **given).write(record, OPENING, *HOW, SIX),
        "mix": Mix(page, tabs.mix.bar, **given).write(record, [], OPENING, *HOW, "times"),
    }
    return {name: str(list(run)[-1][page.notice]["text"]) for name, run in runs.items()}


def test_what_needs_texts_says_that_none_are_kept(page: Page, shelf: Shelf, loading: Loading) -> None:
    assert set(refusals(page, shelf, loading, "p0007").values()) == {SAID}
    moved = Mix(page, page.inside.mix.bar, shelf, loading).move(shelf.session_of("p0007").as_record(), [], "times")
    assert moved[page.inside.mix.line]["text"].endswith(SAID)


@pytest.mark.parametrize("who", ["new", "p0007"])
def test_nothing_that_is_said_speaks_of_items(page: Page, shelf: Shelf, loading: Loading, who: str) -> None:
    for said in refusals(page, shelf, loading, who).values():
        assert said and not re.search(r"\bitems?\b", said)
