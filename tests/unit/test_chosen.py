"""The text that is looked at: it is shown, and it is said whose it is where that is not who is here."""

from __future__ import annotations

from typing import Any

import pytest

from persona_demo.ui.inside.chosen import TYPED, chosen_line, if_its_own, text_key
from persona_demo.ui.inside.dial import Strength
from persona_demo.ui.inside.posts import Posts
from persona_demo.ui.inside.tokens import Tokens
from persona_demo.ui.loading import Loading
from persona_demo.ui.page import Page
from persona_demo.ui.shelf import Shelf
from persona_demo.ui.state import Session, key_of
from persona_demo.ui.writing import Writing
from persona_demo.ui.written import Outcome
from tests.unit.conftest import OPENING

CLAUSE = "The text was written by “Persona” for Ada at strength 3, before your last change."


@pytest.fixture(scope="module")
def written(page: Page, shelf: Shelf, loading: Loading) -> dict[str, Any]:
    """What Ada's columns hold."""
    ada = shelf.session_of("sample:ada").as_record()
    columns = ["persona", "task", "bm25"]
    changes: dict[Any, Any] = {}
    for each in Writing(page, shelf, loading).write(ada, OPENING, 3.0, 6, 0.0, 0.95, 0, columns, False, False):
        changes |= each
    return dict(changes[page.written])


def test_the_text_is_shown_with_whom_it_was_written_for(written: dict[str, Any], shelf: Shelf) -> None:
    outcome = Outcome.from_record(written)
    line = chosen_line("persona", "", written, None)
    assert outcome.text_of("persona").split()[0] in line["text"]
    assert line["text"].endswith("written by “Persona” for Ada at strength 3.")
    # With the key of what it was written for the page can tell when that is no longer here.
    assert line["key"] == key_of(shelf.session_of("sample:ada"), OPENING)
    assert chosen_line("task", "", written, None)["text"].endswith("written by “Trained, no person”.")
    assert chosen_line("bm25", "", written, None)["text"].endswith("written by “Texts with the same words” for Ada.")
    typed = chosen_line(TYPED, "mine ${6*7}", written, None)
    assert (typed["text"], typed["key"]) == ("Text: “mine ${6*7}”, typed by you.", "")
    for nothing in (chosen_line("dense", "", written, None), chosen_line(TYPED, " ", written, None)):
        assert (nothing["text"], nothing["key"]) == ("There is no such text yet.", "")
    # Who guesses blind is shown no text with a name on it.
    assert chosen_line("persona", "", written, {"round": {}})["text"] == ""


def test_texts_are_told_apart_by_a_key_that_does_not_give_them_away(written: dict[str, Any]) -> None:
    keys = {choice: chosen_line(choice, "mine", written, None)["looked"] for choice in ("persona", "task", TYPED)}
    assert len(set(keys.values())) == 3 and "mine" not in keys[TYPED]
    # The line and the measurement call a text by the same key; what is typed is a text by any name.
    assert keys["persona"] == text_key("persona", "", written)
    own = Outcome.from_record(written).text_of("persona")
    assert text_key(TYPED, own, written) == keys["persona"]
    assert chosen_line("persona", "", written, {"round": {}})["looked"] == ""


def test_who_wrote_a_text_finds_it_likely_and_that_is_said() -> None:
    assert "“Persona” wrote this text itself" in if_its_own("persona", "task", "persona")
    for nobody in (if_its_own("persona", "task", "bm25"), if_its_own(TYPED, "task", "persona")):
        assert nobody == ""


def test_what_a_visitor_finds_says_for_whom_it_is(shelf: Shelf) -> None:
    first = Outcome.of_showcase(shelf.showcase, shelf.first_session()).as_record()
    assert "written by “Persona” for Ada at strength" in chosen_line("persona", "", first, None)["text"]


@pytest.mark.parametrize("tab", ["dial", "posts", "tokens"])
def test_a_measurement_says_when_the_text_is_of_another(
    page: Page, shelf: Shelf, loading: Loading, written: dict[str, Any], tab: str
) -> None:
    bar = getattr(page.inside, tab).bar

    def said(session: Session, choice: str, typed: str = "") -> str:
        record, text = session.as_record(), (choice, typed, written)
        runs = {
            "dial": lambda: Strength(page, bar, shelf, loading).measure(record, OPENING, 2.0, 0, *text),
            "posts": lambda: Posts(page, bar, shelf, loading).measure(record, OPENING, 0, *text, "persona", "effect"),
            "tokens": lambda: Tokens(page, bar, shelf, loading).measure(
                record, OPENING, 2.0, 0, False, *text, "task", "persona"
            ),
        }
        return str(list(runs[tab]())[-1][bar.status]["words"])

    ada, bo = shelf.session_of("sample:ada"), shelf.session_of("sample:bo")
    assert "The text was" not in said(ada, "persona")
    assert said(bo, "persona").startswith("For Bo, from 6 posts") and CLAUSE in said(bo, "persona")
    assert CLAUSE in said(ada.mute("p00", True), "persona")
    assert "The text was" not in said(bo, TYPED, " typed for Bo")
