"""The lesson: five states that could be links, and a button of each that opens its state."""

from __future__ import annotations

import dataclasses
import json

import gradio as gr
import pytest

from persona_demo.link import from_link, to_link
from persona_demo.ui.inside.carry import Carry
from persona_demo.ui.lesson_steps import STRANGER, lesson_steps
from persona_demo.ui.lessons import CLOSE, OPEN, Lessons
from persona_demo.ui.loading import Loading
from persona_demo.ui.page import Page
from persona_demo.ui.shelf import Shelf
from persona_demo.ui.state import Session
from tests.unit.conftest import OPENING


@pytest.fixture
def lessons(page: Page, shelf: Shelf, loading: Loading) -> Lessons:
    return Lessons(Carry(page, shelf, loading))


def test_every_step_is_a_state_that_a_link_can_carry(shelf: Shelf) -> None:
    items = {"sample:ada": tuple(item.id for item in shelf.session_of("sample:ada").history)}
    for step in lesson_steps(shelf):
        made = to_link(step.state, people=items, openings=shelf.openings)
        assert made.left_out == ""
        assert from_link(made.query, people=items, openings=shelf.openings) == step.state


def test_the_persona_is_never_shown_without_its_control(shelf: Shelf) -> None:
    steps = lesson_steps(shelf)
    assert len(steps) == 5
    for step in steps:
        assert {"task", "persona"} <= set(step.state.arms)
    # What retrieval adds is seen beside the untuned model, which reads it.
    assert {"plain", "bm25"} <= set(steps[4].state.arms)
    assert STRANGER in steps[0].state.arms
    alone = lesson_steps(dataclasses.replace(shelf, samples=shelf.samples[:1], atlas=None))
    assert STRANGER not in alone[0].state.arms


def test_steps_point_at_tabs_and_elements_that_are_there(shelf: Shelf, page: Page) -> None:
    tabs = {tab.id for tab in page.inside.tabs.children}
    blocks = (value for value in vars(page).values() if isinstance(value, gr.blocks.Block))
    there = {block.elem_id for block in blocks}
    for step in lesson_steps(shelf):
        assert step.tab in tabs
        assert set(step.points) <= there
        assert step.look and step.ask and step.where


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_showing_a_step_brings_its_state(lessons: Lessons, page: Page, shelf: Shelf, number: int) -> None:
    step = lesson_steps(shelf)[number - 1]
    other = shelf.session_of("sample:bo").mute("p00", True).as_record()
    changes = lessons.show(number, other, [], "rain on the roof")
    assert Session.from_record(changes[page.session]).who == "sample:ada"
    assert changes[page.opening] == OPENING
    assert changes[page.strength] == step.state.strength
    assert changes[page.columns]["shown"] == list(step.state.arms)
    assert [name for name in step.state.arms if ":" not in name] == changes[page.arms]
    assert changes[page.inside.tabs].selected == step.tab
    assert changes[page.lesson.point]["points"] == list(step.points)
    assert changes[page.write].interactive and not changes[page.stop].interactive
    json.dumps(changes[page.lesson.point])
    # Only where the dial is turned is there nothing made in advance to look at.
    assert bool(changes[page.columns]["cards"]) == (number != 4)
    said = changes[page.caption]["text"]
    assert ("press Write to fill the columns" in said) == (number == 4)


def test_the_lesson_opens_and_closes_and_turns(lessons: Lessons, page: Page) -> None:
    parts = page.lesson
    opened = lessons.toggle(False)
    assert opened[parts.opened] and opened[parts.panel].visible and opened[parts.toggle].value == CLOSE
    closed = lessons.toggle(True)
    assert not closed[parts.opened] and not closed[parts.panel].visible and closed[parts.toggle].value == OPEN
    assert not closed[parts.point]["opened"] and closed[parts.point]["points"] == []
    turned = lessons.go_to(3)
    assert turned[parts.walk].selected == 3
    assert turned[parts.point]["points"] == [] and turned[parts.point]["opened"]
    assert sorted(to for _, to in parts.moves) == [1, 2, 2, 3, 3, 4, 4, 5]
