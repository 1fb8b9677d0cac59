"""People who were left: they come back as they were, few enough of them, and nobody who was only looked at."""

from __future__ import annotations

import json

import pytest

from persona_demo.ui import kept as module
from persona_demo.ui.kept import MOST_PEOPLE, Kept, next_file
from persona_demo.ui.state import FILE, Session
from tests import tiny


def person(who: str = "sample:ada") -> Session:
    return Session.open(who, tiny.history(who))


def test_who_is_left_comes_back_as_they_were() -> None:
    edited = person().edit("p00", "mine").mute("p01", True).undo()
    left = Kept().leaving(edited)
    again = Kept(tuple(json.loads(json.dumps(left.as_record()))))
    assert again.session_of("sample:ada") == edited
    assert again.session_of("sample:bo") is None
    assert again.changed == {"sample:ada"}
    assert again.without("sample:ada") == Kept()


def test_only_whom_something_was_done_to_is_kept() -> None:
    assert Kept().leaving(person()) == Kept()
    pinned = Kept().leaving(person().pin("s0", True))
    assert len(pinned.records) == 1 and not pinned.changed
    opened = Kept().leaving(person(FILE))
    # A file cannot be opened again by its name.
    assert opened.files == {FILE: FILE} and not opened.changed
    # What was done and is gone again needs no keeping.
    assert Kept().leaving(person().edit("p00", "mine")).leaving(person()) == Kept()


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    left = Kept()
    for n in range(MOST_PEOPLE + 1):
        assert left.forgotten == ()
        left = left.leaving(person(f"{FILE}:{n + 2}"))
    assert len(left.records) == MOST_PEOPLE and left.forgotten == (f"{FILE}:2",)
    monkeypatch.setattr(module, "MOST_CHARACTERS", 10)
    small = left.leaving(person().edit("p00", "mine"))
    # Who was left last stays, however much that is.
    assert [record["who"] for record in small.records] == ["sample:ada"]
    assert len(small.forgotten) == MOST_PEOPLE


def test_pins_of_several_people_are_the_latest_two() -> None:
    here = person("sample:bo").edit("p00", "new").pin("s0", True).pin("s1", True)
    left = Kept().leaving(person().pin("s0", True))
    assert [pin.key for pin in left.pins(here)] == ["sample:bo/s0", "sample:bo/s1"]
    assert [pin.key for pin in left.pins(person("sample:bo"))] == ["sample:ada/s0"]
    none, free = left.pinned(here, ["sample:bo/s1"])
    assert none == Kept() and free.states.pinned == ("s1",)


def test_every_file_gets_an_id_of_its_own() -> None:
    assert next_file(person(), Kept()) == FILE
    assert next_file(person(FILE), Kept()) == f"{FILE}:2"
    assert next_file(person(f"{FILE}:2"), Kept().leaving(person(FILE))) == f"{FILE}:3"
