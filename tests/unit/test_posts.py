"""Single items on the page: a table is about whom it was measured of, whoever is on the table now."""

from __future__ import annotations

import json
from typing import Any

import pytest

from persona_demo.ui.inside.posts import Posts
from persona_demo.ui.loading import Loading
from persona_demo.ui.page import Page
from persona_demo.ui.shelf import Shelf
from persona_demo.ui.state import Session
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
