"""States: edits make children, undo and redo walk the tree, room is made without losing what is needed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from persona_demo.errors import UserError
from persona_demo.states import MAX_STATES, State, States
from tests import tiny


def edited(states: States, number: int) -> States:
    """One more edit."""
    history = states.here.history
    item = replace(history.items[0], text=f"edit {number}")
    return states.edited(history.with_items((item, *history.items[1:])), note=f"edit {number}")


def test_an_edit_makes_a_child_and_loses_nothing() -> None:
    first = States.of(tiny.history())
    second = edited(first, 1)
    assert second.here.parent == first.current
    assert second.state(first.current).history == tiny.history()
    assert second.edited(second.here.history) is second
    assert second.undo().here == first.here
    assert second.undo().redo() == second
    fork = edited(second.undo(), 2)
    assert len(fork.all) == 3
    assert fork.undo().redo() == fork
    for tree in (first.undo, fork.redo):
        with pytest.raises(UserError, match="nothing to"):
            tree()


def test_two_states_can_be_pinned() -> None:
    states = edited(edited(States.of(tiny.history()), 1), 2)
    pinned = states.pin("s0").pin("s1").pin("s2")
    assert pinned.pinned == ("s1", "s2")
    assert pinned.pin("s1").pinned == ("s2", "s1")
    assert pinned.unpin("s2").pinned == ("s1",)
    with pytest.raises(UserError, match="no state"):
        states.pin("s9")


def test_the_oldest_state_nobody_needs_is_forgotten() -> None:
    states = States.of(tiny.history()).pin("s0")
    for number in range(MAX_STATES + 10):
        states = edited(states, number)
    assert len(states.all) == MAX_STATES
    assert states.all[0].id == "s0" and states.all[1].parent == "s0"
    assert states.here.history.items[0].text == f"edit {MAX_STATES + 9}"
    while states.here.parent is not None:
        states = states.undo()
    assert states.current == "s0"


def test_broken_trees_are_refused() -> None:
    one = State("a", None, tiny.history())
    for states, current, pinned, wrong in (
        ((one, one), "a", (), "share the id"),
        ((replace(one, parent="b"), replace(one, id="b")), "a", (), "parent"),
        ((one,), "b", (), "no state"),
        ((one,), "a", ("b",), "no state"),
        ((one,), "a", ("a", "a"), "different"),
        ((), "a", (), "damaged, so export it again"),
    ):
        with pytest.raises(UserError, match=wrong):
            States(states, current, pinned)
