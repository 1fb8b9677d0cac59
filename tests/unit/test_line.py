"""Turns at the language model: whoever leaves is not served, at whatever moment they leave."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import gradio as gr
import pytest

from persona_demo.ui.line import REMEMBERED, Line


@pytest.fixture
def line() -> Line:
    return Line(gr.Blocks())


def run(count: int) -> Generator[dict[Any, Any], None, None]:
    for at in range(count):
        yield {"table": at, f"row {at}": at}


def tidied(changed: dict[Any, Any]) -> dict[Any, Any]:
    return {"status": "stopped", **changed}


def test_a_turn_says_what_its_run_says(line: Line) -> None:
    assert list(line.turn(run, lastly=tidied)(line.ticket(), 3)) == list(run(3))


def test_who_left_before_their_turn_is_not_served(line: Line) -> None:
    ticket = line.ticket()
    line.leave(ticket)
    assert list(line.turn(run, lastly=tidied)(ticket, 3)) == [{"status": "stopped"}]
    assert list(line.turn(run, lastly=tidied)(line.ticket(), 3)) == list(run(3))


def test_who_leaves_in_their_turn_ends_it_and_the_page_is_tidied(line: Line) -> None:
    ticket = line.ticket()
    stream = line.turn(run, lastly=tidied)(ticket, 3)
    first = next(stream)
    line.leave(ticket)
    assert list(stream) == [{"status": "stopped", **first}]


def test_of_who_leaves_quietly_nothing_more_is_said(line: Line) -> None:
    ticket = line.ticket()
    stream = line.turn(run, lastly=tidied)(ticket, 3)
    next(stream)
    line.leave("", ticket, quietly=True)
    assert list(stream) == []
    # An empty ticket is nobody's: a page that never wrote gives back no turn of another.
    assert list(line.turn(run, lastly=tidied)("", 1)) == list(run(1))


def test_only_the_latest_who_left_are_remembered(line: Line) -> None:
    tickets = [line.ticket() for _ in range(REMEMBERED + 1)]
    assert len(set(tickets)) == len(tickets)
    line.leave(*tickets)
    assert list(line.turn(run, lastly=tidied)(tickets[0], 1)) == list(run(1))
    assert list(line.turn(run, lastly=tidied)(tickets[-1], 1)) == [{"status": "stopped"}]
