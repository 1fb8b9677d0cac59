"""Single items on the page: a table is about whom it was measured of, whoever is on the table now."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from persona_demo.explain.attribution import Attribution, ItemEffect
from persona_demo.runtime import Runtime
from persona_demo.tasks import BLOG_POST
from persona_demo.ui.inside import mix
from persona_demo.ui.inside import posts as posts_tab
from persona_demo.ui.inside.posts import Measured, Posts, effects_table
from persona_demo.ui.loading import Loading
from persona_demo.ui.page import Page
from persona_demo.ui.shelf import Shelf
from persona_demo.ui.state import Session
from persona_demo.ui.written import Outcome
from tests.unit.conftest import OPENING

TYPED = ("typed", " and the gulls did not mind", {})


@pytest.fixture
def posts(page: Page, shelf: Shelf, loading: Loading) -> Posts:
    return Posts(page, page.inside.posts.bar, shelf, loading)


def measured(posts: Posts, session: Session, arm: str = "persona") -> dict[Any, Any]:
    last: dict[Any, Any] = {}
    for changes in posts.measure(session.as_record(), OPENING, 0, *TYPED, arm, "effect"):
        last |= changes
    return last


def test_a_table_keeps_whom_it_was_measured_of(posts: Posts, page: Page, shelf: Shelf) -> None:
    parts, ada = page.inside.posts, shelf.session_of("sample:ada").mute("p01", True)
    changes = measured(posts, ada)
    assert changes[parts.table]["person"] == ada.who
    found = json.loads(json.dumps(changes[parts.found]))
    # Sorting asks for nobody's session: numbers and words are those that were measured.
    view = posts.sort(found, "post")[parts.table]
    assert [row["id"] for row in view["rows"]] == ["p00", "p02", "p03"]
    assert [row["cells"][0]["text"] for row in view["rows"]] == ["Post 1", "Post 3", "Post 4"]
    assert [row["cells"][-1]["text"] for row in view["rows"]] == [item.text for item in ada.history.active]
    assert view["person"] == ada.who
    again = posts.sort(found, "effect")[parts.table]
    assert again == changes[parts.table]


def test_a_table_says_which_posts_are_copied_as_well(shelf: Shelf) -> None:
    ada = shelf.session_of("sample:ada")
    items = tuple(ItemEffect(item.id, 0.25, 0.1, 0.2, item.id in ("p01", "p03")) for item in ada.history)
    found = Attribution("persona", "task", 6, -10.0, -12.0, items)
    view = effects_table(Measured.of(found, ada), ada.wording, "post")
    assert [head["text"] for head in view["heads"]][-2:] == ["Also copied word for word", "Its words"]
    assert [row["cells"][-2]["text"] for row in view["rows"]] == ["no", "its first words", "no", "its first words"]
    none = Attribution("persona", "task", 6, -10.0, -12.0, tuple(replace(item, copied=False) for item in items))
    assert "copied" not in str(effects_table(Measured.of(none, ada), ada.wording, "post"))


def test_the_whole_person_stands_beside_a_stranger(posts: Posts, page: Page, shelf: Shelf) -> None:
    ada = shelf.session_of("sample:ada")
    said = measured(posts, ada)[page.inside.posts.line]["text"]
    assert re.search(r"against “Trained, no person”; those of p\d+ in their place by [+-]", said)
    alone = Attribution("persona", "task", 6, -10.0, -12.0, (ItemEffect("p00", 1.0, 0.1),))
    assert "in their place" not in alone.sentence(BLOG_POST.wording)
    beside = replace(alone, stranger=-12.5, stand_in="Bo")
    assert "those of Bo in their place by -0.50; " in beside.sentence(BLOG_POST.wording)


def test_the_text_of_an_arm_is_likely_under_it_and_that_is_said(posts: Posts, page: Page, shelf: Shelf) -> None:
    ada = shelf.session_of("sample:ada")
    first = Outcome.of_showcase(shelf.showcase, ada).as_record()

    def said(choice: str, arm: str) -> str:
        runs = list(posts.measure(ada.as_record(), OPENING, 0, choice, " typed", first, arm, "effect"))
        # What the rows are of is known with the first of them.
        assert runs[1][page.inside.posts.bar.status]["of"] == runs[-1][page.inside.posts.bar.status]["of"]
        return str(runs[-1][page.inside.posts.bar.status]["words"])

    assert "“Persona” wrote this text itself" in said("persona", "persona")
    assert "“Trained, no person” wrote this text itself" in said("task", "persona")
    assert "itself" not in said("typed", "persona")


def test_tabs_say_what_a_plug_copies(runtime: Runtime) -> None:
    plain, of = runtime.plug.config, BLOG_POST.wording
    copies = replace(plain, keyword_tokens=0, excerpt_items=4)
    assert "first words of the 4 posts nearest to the opening words" in posts_tab.tab_about(of, copies)
    assert "word for word" in mix.tab_about(of, copies)
    for form in (replace(plain, keyword_tokens=0), None):
        assert "word for word" not in posts_tab.tab_about(of, form) + mix.tab_about(of, form)


def test_noise_has_no_bar_and_steps_back(shelf: Shelf) -> None:
    ada = shelf.session_of("sample:ada")
    effects = (2.0, -0.01, 0.0, None)
    items = tuple(ItemEffect(item.id, 0.25, effect) for item, effect in zip(ada.history, effects, strict=True))
    found = Attribution("persona", "task", 6, -10.0, -12.0, items, noise=0.015)
    rows = effects_table(Measured.of(found, ada), ada.wording, "post")["rows"]
    assert [row["cells"][2]["text"] for row in rows] == ["+2.00", "noise", "0", "waiting"]
    assert [row["cells"][2]["bar"] for row in rows] == [1.0, None, None, None]
    assert [row["dim"] for row in rows] == [False, True, True, False]


def test_rows_can_be_ordered_by_how_far_they_turn_the_person(shelf: Shelf) -> None:
    ada = shelf.session_of("sample:ada")
    shifts = (0.1, None, 0.4, 0.2)
    items = tuple(ItemEffect(item.id, 0.25, 0.1, shift) for item, shift in zip(ada.history, shifts, strict=True))
    found = Attribution("persona", "task", 6, -10.0, -12.0, items)
    rows = effects_table(Measured.of(found, ada), ada.wording, "shift")["rows"]
    assert [row["id"] for row in rows] == ["p02", "p03", "p00", "p01"]
