"""A visitor's session: every verb makes a new one, and there is a way back."""

from __future__ import annotations

import json

import pytest

from persona_demo.errors import UserError
from persona_demo.history import MAX_ITEMS, HistoryItem, UserHistory
from persona_demo.states import MAX_STATES, MAX_TRAIL
from persona_demo.ui.state import Session


def session(*texts: str) -> Session:
    items = tuple(
        HistoryItem(id=f"p{n}", text=text, date="2009-03-14", label="news", extra={"mood": "fine"})
        for n, text in enumerate(texts)
    )
    return Session.open("sample:ada", UserHistory(name="Ada", items=items, about="Keeps a lock."))


def texts(of: Session) -> list[str]:
    return [item.text for item in of.history]


def test_a_session_survives_json() -> None:
    made = session("a", "b", "c").edit("p0", "A").mute("p1", True).delete("p2").stand_at((0.5, -1.0))
    assert Session.from_record(json.loads(json.dumps(made.as_record()))) == made


def test_each_verb_leaves_the_former_session_as_it_was() -> None:
    before = session("a", "b")
    assert texts(before.edit("p1", "B")) == ["a", "B"]
    assert texts(before.delete("p0")) == ["b"]
    assert [item.muted for item in before.mute("p0", True).history] == [True, False]
    assert texts(before) == ["a", "b"]
    assert not before.edited


def test_an_edit_keeps_what_it_does_not_touch() -> None:
    item = session("a").edit("p0", "b\r\nc").history.items[0]
    assert (item.text, item.date, item.label, item.extra) == ("b\nc", "2009-03-14", "news", {"mood": "fine"})


def test_added_posts_stand_last_under_ids_of_their_own() -> None:
    made = session("a").add([HistoryItem(id="p0", text="b"), HistoryItem(id="p0", text="c")]).delete("n1")
    made = made.add([HistoryItem(id="x", text="d")])
    assert texts(made) == ["a", "c", "d"]
    assert len({item.id for item in made.history}) == 3


def test_a_post_goes_one_place_up_or_down_and_no_further() -> None:
    made = session("a", "b", "c")
    assert texts(made.move("p2", "up")) == ["a", "c", "b"]
    assert texts(made.move("p0", "down").move("p0", "down").move("p0", "down")) == ["b", "c", "a"]
    assert made.move("p0", "up") == made.move("p2", "down") == made
    moved = made.move("p1", "up")
    assert moved.states.here.note == "post 2 moved up"
    assert texts(moved.undo()) == texts(moved.reset()) == ["a", "b", "c"]
    with pytest.raises(UserError, match="not in the history"):
        made.move("p9", "up")


def test_undo_goes_back_step_by_step_and_reset_can_be_undone() -> None:
    edited = session("a", "b").edit("p0", "A").delete("p1")
    assert texts(edited.undo()) == ["A", "b"]
    assert texts(edited.undo().undo()) == ["a", "b"]
    assert not edited.reset().edited
    assert texts(edited.reset().undo()) == ["A"]
    with pytest.raises(UserError, match="nothing to undo"):
        session("a").undo()


def test_what_changes_nothing_is_no_step() -> None:
    assert session("a").edit("p0", "a").mute("p0", False).reset().past == ()


def test_the_ways_back_are_bounded() -> None:
    made = session("a")
    for n in range(3 * MAX_STATES):
        made = made.edit("p0", f"text {n}").stand_at((float(n), 0.0))
    assert len(made.past) == MAX_STATES - 1
    assert len(made.trail) == MAX_TRAIL
    assert made.stand_at(made.trail[-1]) is made
    x, y = made.trail[-1]
    assert made.stand_at((x + 1e-6, y - 1e-6)) is made


@pytest.mark.parametrize("text", ["", "  \n ", "x" * 20_001])
def test_bad_texts_are_refused(text: str) -> None:
    with pytest.raises(UserError):
        session("a").edit("p0", text)


def test_unknown_posts_and_too_many_are_refused() -> None:
    with pytest.raises(UserError, match="not in the history"):
        session("a").delete("p9")
    with pytest.raises(UserError, match="not in the history"):
        session("a").mute("p9", True)
    with pytest.raises(UserError, match="items"):
        session("a").add([HistoryItem(id=str(n), text="x") for n in range(MAX_ITEMS)])
