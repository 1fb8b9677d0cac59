"""States pinned for comparing: they stay when somebody else is chosen, and two people are kept apart by name."""

from __future__ import annotations

from typing import Any

import pytest

from persona_demo.arms import arm_named
from persona_demo.ui.handlers import Desk
from persona_demo.ui.inside.pins import Pins
from persona_demo.ui.loading import Loading
from persona_demo.ui.page import Page
from persona_demo.ui.shelf import Shelf
from persona_demo.ui.state import Session
from tests.unit.conftest import OPENING

CONTROL = arm_named("task").title


@pytest.fixture
def pins(page: Page, shelf: Shelf, loading: Loading) -> Pins:
    return Pins(page, page.inside.pins.bar, shelf, loading)


@pytest.fixture
def pair(page: Page, shelf: Shelf, loading: Loading, pins: Pins) -> tuple[dict[str, Any], list[Any]]:
    """Ada pinned, then Bo chosen and pinned."""
    ada = pins.pin(shelf.session_of("sample:ada").as_record(), [], ["sample:ada/s0"])
    away = Desk(page, shelf, loading).pick_person("sample:bo", ada[page.session], ada[page.kept], OPENING)
    both = pins.pin(away[page.session], away[page.kept], ["sample:ada/s0", "sample:bo/s0"])
    return both[page.session], both[page.kept]


def test_two_people_are_compared(
    pins: Pins, page: Page, shelf: Shelf, loading: Loading, pair: tuple[dict[str, Any], list[Any]]
) -> None:
    parts = page.inside.pins
    shown = pins.follow(*pair, OPENING, ["sample:ada/s0", "sample:bo/s0"])
    assert [label for label, _ in shown[parts.pinned].choices] == ["s0: as it was loaded", "Ada, s0: as it was loaded"]
    assert "apart" in shown[parts.line]["text"]
    table = shown[parts.table]
    assert [head["text"] for head in table["heads"][1:3]] == ["Ada, s0", "Bo, s0"]
    # Their items have the same ids, and are different items all the same.
    assert len(table["rows"]) == 4 + 6
    assert {row["cells"][1]["text"] for row in table["rows"][4:]} == {"not there"}
    *_, texts, last = pins.write(*pair, OPENING, 1.0, 0, 4, 0.0, 0.95, False)
    cards = texts[parts.texts]["cards"]
    # What both are compared with stands beside them.
    assert [card["title"] for card in cards] == [CONTROL, "Ada, s0: as it was loaded", "Bo, s0: as it was loaded"]
    assert len({card["text"] for card in cards}) == 3
    assert last[parts.bar.status]["words"].startswith("For Ada and Bo, after")
    # Whoever is on the table: the texts are of the two states and of the input, and of nothing else.
    of, told = last[parts.bar.status]["of"], shown[parts.line]["pins"]
    assert of["pins"] == told and not of["key"]
    away = Desk(page, shelf, loading).pick_person("sample:ada", *pair, OPENING)
    again = pins.follow(away[page.session], away[page.kept], OPENING, [])
    assert set(again[parts.line]["pins"].split("+")) == set(told.split("+"))
    for record, kept, opening in ((*pair, "another"), (pair[0], [], OPENING)):
        assert pins.follow(record, kept, opening, [])[parts.line]["pins"] != told


def test_a_person_of_whom_a_vector_is_stored_can_be_pinned(pins: Pins, page: Page, shelf: Shelf) -> None:
    left = [shelf.session_of("p0003").pin("s0", True).as_record()]
    record = shelf.session_of("sample:ada").pin("s0", True).as_record()
    assert "apart" in pins.follow(record, left, OPENING, [])[page.inside.pins.line]["text"]
    *_, texts, _ = pins.write(record, left, OPENING, 1.0, 0, 4, 0.0, 0.95, False)
    titles = [card["title"] for card in texts[page.inside.pins.texts]["cards"]]
    assert titles[:2] == [CONTROL, "p0003, s0: as it was loaded"]


def test_of_three_the_first_is_let_go(pins: Pins, page: Page, pair: tuple[dict[str, Any], list[Any]]) -> None:
    record = Session.from_record(pair[0]).mute("p00", True).as_record()
    third = pins.pin(record, pair[1], ["sample:ada/s0", "sample:bo/s0", "sample:bo/s1"])
    assert Session.from_record(third[page.session]).states.pinned == ("s0", "s1")
    # Nothing else was done to Ada.
    assert third[page.kept] == []
    none = pins.pin(*pair, [])
    assert Session.from_record(none[page.session]).states.pinned == () and none[page.kept] == []


def test_a_tick_that_comes_late_is_refused(pins: Pins, page: Page, shelf: Shelf) -> None:
    changes = pins.pin(shelf.session_of("sample:bo").as_record(), [], ["sample:ada/s0"])
    assert set(changes) == {page.notice} and "not on the table any more" in changes[page.notice]["text"]
