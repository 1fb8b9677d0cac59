"""The blind tab: nothing is named before the vote, and every vote is counted once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from persona_demo.arms import KNOWN
from persona_demo.ui import column_views
from persona_demo.ui.inside.guess import Guess
from persona_demo.ui.loading import Loading
from persona_demo.ui.page import Page
from persona_demo.ui.shelf import Shelf
from persona_demo.ui.state import Session
from persona_demo.ui.writing import Writing
from persona_demo.ui.written import Outcome
from tests.unit.conftest import OPENING


@pytest.fixture
def guess(page: Page, shelf: Shelf, loading: Loading) -> Guess:
    return Guess(page, page.inside.guess.bar, shelf, loading)


def first_columns(shelf: Shelf) -> dict[str, Any]:
    return column_views.first_columns(shelf.showcase, ["task", "persona"])


def deal(guess: Guess, session: Session, **changes: Any) -> list[dict[Any, Any]]:
    usual: dict[str, Any] = {
        "opening": OPENING, "strength": 2.0, "length": 16, "temperature": 0.0, "top_p": 0.95, "allow": False, "size": 3,
        "columns": first_columns(guess.shelf), "kept": None,
        "written": Outcome.of_showcase(guess.shelf.showcase, session).as_record(),
    }  # fmt: skip
    return list(guess.deal(session.as_record(), **usual | changes))


def vote(guess: Guess, session: Session, kept: Any, choice: int, **changes: Any) -> dict[Any, Any]:
    outcome = Outcome.of_showcase(guess.shelf.showcase, session)
    usual: dict[str, Any] = {
        "opening": OPENING, "tally": [], "columns": column_views.withheld(first_columns(guess.shelf)),
        "written": outcome.as_record(),
    }  # fmt: skip
    return guess.vote(choice, session.as_record(), kept=kept, **usual | changes)


@pytest.mark.parametrize("size", [2, 3])
def test_nothing_is_named_before_the_vote(guess: Guess, page: Page, shelf: Shelf, size: int) -> None:
    parts = page.inside.guess
    for changes in deal(guess, shelf.session_of("sample:ada"), size=size):
        seen = json.dumps([changes.get(parts.texts), changes.get(page.columns), changes.get(parts.bar.status)])
        assert not any(arm.title in seen or arm.explanation in seen for arm in KNOWN.values())
        assert "--pd-arm" not in seen
    assert len(changes[parts.texts]["cards"]) == size
    assert changes[page.columns]["cards"] == {} and changes[page.columns]["shown"] == ["task", "persona"]
    # The vote is opened when all of this has arrived.
    assert not any(changes[vote].visible for vote in parts.votes if vote in changes)
    opened = guess.opened(changes[parts.round])
    assert [opened[vote].visible for vote in parts.votes] == [True] * size + [False] * (3 - size)
    assert not any(button.visible for button in guess.opened(None).values())


def test_a_new_deal_gives_the_columns_back_until_it_is_there(guess: Guess, page: Page, shelf: Shelf) -> None:
    parts, ada = page.inside.guess, shelf.session_of("sample:ada")
    kept = deal(guess, ada)[-1][parts.round]
    first, *_, last = deal(guess, ada, kept=kept, columns=column_views.withheld(first_columns(shelf)))
    assert first[page.columns]["cards"] == first_columns(shelf)["cards"] and first[parts.round] is None
    assert "as they were" in first[page.caption]["text"]
    assert last[page.columns]["cards"] == {} and last[parts.round]["round"] != kept["round"]
    # Nothing is held back by a round that never came to be.
    assert page.columns not in deal(guess, ada)[0]


def test_who_writes_ends_the_round(page: Page, shelf: Shelf, loading: Loading) -> None:
    begun = Writing(page, shelf, loading).begin("next")
    assert begun[page.inside.guess.round] is None
    assert not any(begun[vote].visible for vote in page.inside.guess.votes)


def test_two_visitors_are_not_dealt_alike(guess: Guess, page: Page, shelf: Shelf) -> None:
    ada = shelf.session_of("sample:ada")
    seeds = {deal(guess, ada)[-1][page.inside.guess.round]["round"]["seed"] for _ in range(3)}
    assert len(seeds) == 3


def test_texts_that_are_the_same_are_written_again_and_in_the_end_refused(
    guess: Guess, page: Page, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, usual, dealt = shelf.session_of("sample:ada"), guess.written, []

    def same(*args: Any) -> Iterator[tuple[Any, ...]]:
        dealt.append(args[2])
        for states in usual(*args):
            yield (states[0],) * len(states) if len(dealt) < 3 else states

    monkeypatch.setattr(guess, "written", same)
    assert page.inside.guess.round in deal(guess, ada, length=40)[-1]
    assert len(dealt) >= 3
    monkeypatch.setattr(guess, "written", lambda *args: ((states[0],) * 3 for states in usual(*args)))
    assert "come out the same" in deal(guess, ada)[-1][page.notice]["text"]


@pytest.mark.parametrize("choice", [0, 1, 2])
def test_a_vote_names_the_texts_and_counts(guess: Guess, page: Page, shelf: Shelf, choice: int) -> None:
    parts, ada = page.inside.guess, shelf.session_of("sample:ada")
    kept = json.loads(json.dumps(deal(guess, ada)[-1][parts.round]))
    order = kept["round"]["order"]
    changes = vote(guess, ada, kept, choice)
    right = order[choice] == "persona"
    assert changes[parts.line]["text"].startswith("Right" if right else "No")
    assert f"text {'ABC'[order.index('persona')]} was written for Ada" in changes[parts.line]["text"]
    cards = changes[parts.texts]["cards"]
    assert cards[order.index("persona")]["title"].endswith(": Persona")
    assert [bool(card["note"]) for card in cards] == [place == choice for place in range(3)]
    assert [card["text"] for card in cards] == kept["texts"]
    assert changes[parts.tally]["text"].startswith(f"{int(right)} of 1 right")
    # The columns are as they were, and the round cannot be voted on again.
    assert changes[page.columns]["cards"] == first_columns(shelf)["cards"]
    assert changes[parts.round] is None
    again = vote(guess, ada, None, choice, tally=changes[parts.played])
    assert "deal the texts first" in again[page.notice]["text"] and parts.played not in again
    second = vote(guess, ada, kept, choice, tally=changes[parts.played])
    assert second[parts.tally]["text"].startswith(f"{2 * right} of 2 right")
    saved = json.loads(guess.save(second[parts.played])[page.download]["text"])
    assert (saved["right"], saved["rounds"]) == (2 * right, 2)
    assert not any(text.strip() in json.dumps(saved) for text in kept["texts"])


def test_what_cannot_be_guessed_is_said(guess: Guess, page: Page, shelf: Shelf) -> None:
    ada, parts = shelf.session_of("sample:ada"), page.inside.guess
    for session, changed, said in (
        (shelf.session_of("p0003"), {}, "without posts to read"),
        (shelf.session_of("new"), {}, "without posts to read"),
        (ada, {"strength": 0}, "word for word"),
        (ada, {"opening": " "}, "no opening words"),
    ):
        last = deal(guess, session, **changed)[-1]
        assert said in last[page.notice]["text"]
        assert parts.round not in last
    kept = deal(guess, ada)[-1][parts.round]
    assert "No text is chosen" in vote(guess, ada, kept, 7)[page.notice]["text"]
    other = vote(guess, ada.mute("p00", True), kept, 0)
    assert "deal again" in other[page.notice]["text"] and other[parts.round] is None and parts.played not in other
    assert "no vote to save" in guess.save([])[page.notice]["text"]
