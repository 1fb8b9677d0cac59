"""People algebra on the page: nobody reads the item whose input they write on, and the average can be taken away."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from persona_demo.arms import Arm
from persona_demo.lm.decode import DecodeOptions
from persona_demo.ui.inside import mix
from persona_demo.ui.inside.maps import Maps
from persona_demo.ui.inside.mix import Mix
from persona_demo.ui.loading import Loading
from persona_demo.ui.page import Page
from persona_demo.ui.shelf import Shelf
from persona_demo.ui.state import Session, key_of
from tests.unit.conftest import OPENING

OPTIONS = DecodeOptions(max_new_tokens=4, temperature=0.0)


@pytest.fixture
def mixing(page: Page, shelf: Shelf, loading: Loading) -> Mix:
    return Mix(page, page.inside.mix.bar, shelf, loading)


def write(mixing: Mix, session: Session, what: str, other: str | None = "sample:bo") -> list[dict[Any, Any]]:
    given = (session.as_record(), OPENING, 1.0, 0, 4, 0.0, 0.95, False, what, other, 0.5, 2.0)
    return list(mixing.write(*given))  # type: ignore[arg-type]


def test_nobody_reads_the_item_whose_input_is_written_on(
    mixing: Mix, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[dict[str, Any]] = []
    standing_in = mix.standing_in

    def watched(arm: Arm, name: str, title: str, **fields: Any) -> Arm:
        given.append(fields)
        return standing_in(arm, name, title, **fields)

    monkeypatch.setattr(mix, "standing_in", watched)
    bo = shelf.session_of("sample:bo")
    ada = shelf.session_of("sample:ada").add([bo.history.items[-1]])
    _, opening, _ = next(iter(mixing.written(ada.as_record(), OPENING, 1.0, OPTIONS, False, "swap", bo.who, 0.5, 2.0)))
    held = [item for item in bo.history if item.text.startswith(opening)]
    assert len(held) == 1
    own, theirs = ([item.text for item in fields["items"]] for fields in given)
    assert held[0].text not in own and held[0].text not in theirs
    assert len(own) == len(ada.history) - 1 and len(theirs) == len(bo.history) - 1


def test_a_swap_is_of_the_two_people_and_not_of_the_input_of_the_page(mixing: Mix, page: Page, shelf: Shelf) -> None:
    ada = shelf.session_of("sample:ada")
    last = write(mixing, ada, "swap")[-1][page.inside.mix.bar.status]
    assert key_of(ada, OPENING).startswith(last["key"]) and key_of(ada, "another").startswith(last["key"])
    blended = write(mixing, ada, "blend")[-1][page.inside.mix.bar.status]
    assert blended["key"] == key_of(ada, OPENING)


def test_without_the_item_there_must_be_something_left(mixing: Mix, page: Page, shelf: Shelf, loading: Loading) -> None:
    ada = shelf.session_of("sample:ada")
    said = write(mixing, ada, "swap", "p0003")[-1][page.notice]["text"]
    assert said == "No opening of p0003 is at hand: choose somebody whose posts are shown here."
    first, second = shelf.samples
    alone = dataclasses.replace(second, history=second.history.with_items(second.history.items[:1]))
    few = Mix(page, page.inside.mix.bar, dataclasses.replace(shelf, samples=(first, alone)), loading)
    said = write(few, ada, "swap")[-1][page.notice]["text"]
    assert said == "Bo has one post only, and nothing is left without it: choose somebody with more."


def test_the_average_is_taken_away_and_it_is_said_how_much_that_was(mixing: Mix, page: Page, shelf: Shelf) -> None:
    record = shelf.session_of("sample:ada").as_record()
    moved = mixing.move(record, "alone", None, 0.5, 2.0)
    assert "The average that was taken away is" in moved[page.inside.mix.line]["text"]
    line = np.array(moved[page.people]["line"])
    assert line.shape == (21, 2)
    cards = write(mixing, shelf.session_of("sample:ada"), "alone")[-2][page.inside.mix.texts]["cards"]
    assert [card["title"] for card in cards] == ["Ada", "Ada, minus the average"]


def test_clearing_the_maps_takes_the_line_of_a_mixture_from_both(
    mixing: Mix, page: Page, shelf: Shelf, loading: Loading
) -> None:
    record = shelf.session_of("sample:ada").as_record()
    both = (page.people, page.inside.maps.people)
    moved = mixing.move(record, "blend", "sample:bo", 0.5, 2.0)
    assert all(moved[each]["line"] and moved[each]["mixed"] for each in both)
    cleared = Maps(page, None, shelf, loading).clear_marks(record)
    assert not any("line" in cleared[each] or "mixed" in cleared[each] for each in both)
    assert all(cleared[each]["you"] == moved[each]["you"] for each in both)
