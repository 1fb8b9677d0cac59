"""Lesson mode: five steps, each of which brings the live page into a state and points at what to look at.

The button of a step opens its state the way a link is opened. Nothing on the page is shown twice: the
panel says what to look at, the outline says where.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Sequence
from typing import Any

import gradio as gr
from gradio.events import Dependency

from persona_demo.ui.changes import Changes
from persona_demo.ui.inside.carry import Carry
from persona_demo.ui.inside.runbar import QUIET
from persona_demo.ui.lesson_steps import LessonStep, lesson_steps
from persona_demo.ui.line import Line
from persona_demo.ui.page import LessonParts, Page
from persona_demo.ui.shelf import Shelf
from persona_demo.ui.state import Record
from persona_demo.ui.verbs import Verbs, guarded
from persona_demo.ui.widget import widget

OPEN, CLOSE = "Take the lesson", "Close the lesson"
SHOWN = "Step {number} of the lesson is on the page: press Write to fill the columns for it."
SHOW = "Show on the page"
NOTE = (
    "“Show on the page” puts {name} on the table as they were loaded. Whoever is there waits as you leave them, and "
    "Undo brings back what you did to {name}."
)


def lay_out_button() -> gr.Button:
    """Lay out the button that opens and closes the lesson."""
    return gr.Button(OPEN, size="sm", elem_id="pd-lesson-toggle")


def lay_out(toggle: gr.Button, shelf: Shelf) -> LessonParts:
    """Lay the panel out; it is closed at first.

    Args:
        toggle: The button that opens and closes it.
        shelf: What ships.
    """
    steps, name = lesson_steps(shelf), shelf.first_session().history.name
    shows: list[gr.Button] = []
    moves: list[tuple[gr.Button, int]] = []
    opened = gr.State(False)
    with gr.Column(visible=False, elem_id="pd-lesson") as panel:
        with gr.Walkthrough(selected=1, elem_id="pd-lesson-steps") as walk:
            for number, step in enumerate(steps, start=1):
                with gr.Step(step.title, id=number, elem_id=f"pd-lesson-{number}"):
                    with gr.Row(equal_height=False, elem_classes="pd-lesson-words"):
                        gr.Markdown(f"**Look.** {step.look}")
                        gr.Markdown(f"**Ask yourself.** {step.ask}")
                    gr.Markdown(NOTE.format(name=name), elem_classes="pd-lesson-note")
                    with gr.Row(elem_classes="pd-lesson-bar"):
                        called = f"pd-lesson-show-{number}"
                        shows.append(gr.Button(SHOW, variant="primary", size="md", min_width=160, elem_id=called))
                        for way, to in (("Back", number - 1), ("Next", number + 1)):
                            if 1 <= to <= len(steps):
                                called = f"pd-lesson-{way.lower()}-{number}"
                                moves.append((gr.Button(way, size="md", min_width=80, elem_id=called), to))
        close = gr.Button(CLOSE, size="sm", min_width=60, elem_id="pd-lesson-close")
    point = widget("lesson", pointing(), elem_id="pd-lesson-point")
    return LessonParts(toggle, close, opened, panel, walk, tuple(shows), tuple(moves), point)


def pointing(*, opened: bool = False, step: LessonStep | None = None, number: int = 1) -> dict[str, Any]:
    """What the page's script does: outline what a step is about, or take every outline away.

    Args:
        opened: Whether the lesson is open.
        step: The step that is shown, where one is.
        number: Its place, from 1.
    """
    said = "" if step is None else f"Lesson, step {number}: {step.where}. Escape goes back to the lesson."
    return {
        "opened": opened,
        "number": number,
        "points": list(step.points) if step is not None else [],
        "said": said,
        # The same step shown a second time is a change as well.
        "stamp": time.time(),
    }


class Lessons(Verbs):
    """Verbs of the lesson."""

    def __init__(self, desk: Carry) -> None:
        """Bind them to a page.

        Args:
            desk: The verbs that open what a link names.
        """
        super().__init__(desk.page, desk.shelf, desk.loading)
        self.desk = desk

    def toggle(self, opened: bool) -> Changes:
        """Open the lesson, or close it; the page stays as it is."""
        parts = self.page.lesson
        return {
            parts.opened: not opened,
            parts.panel: gr.Column(visible=not opened),
            parts.toggle: gr.Button(OPEN if opened else CLOSE),
            parts.point: pointing(opened=not opened),
        }

    def go_to(self, number: int) -> Changes:
        """Turn to a step; nothing is pointed at until it is shown."""
        parts = self.page.lesson
        return {parts.walk: gr.Walkthrough(selected=number), parts.point: pointing(opened=True, number=number)}

    @guarded
    def show(self, number: int, record: Record, kept: list[Record], opening: str) -> Changes:
        """Bring the page into the state of a step, and point at what it is about."""
        step = lesson_steps(self.shelf)[number - 1]
        return (
            self.desk.opened(step.state, record, kept, opening, said=SHOWN.format(number=number))
            | self.idle()
            | {
                self.page.inside.tabs: gr.Tabs(selected=step.tab),
                self.page.lesson.point: pointing(opened=True, step=step, number=number),
            }
        )


def wire(page: Page, on: Lessons, *, linked: Sequence[Any], runs: Sequence[Dependency], line: Line) -> None:
    """Bind the verbs of the lesson.

    Args:
        page: The components.
        on: The verbs.
        linked: What changes when a link is opened.
        runs: What is writing the columns, and is stopped first.
        line: Who waits for the language model.
    """
    parts = page.lesson
    light: dict[str, Any] = {"queue": False, **QUIET}
    changed = [parts.opened, parts.panel, parts.toggle, parts.point]
    gr.on([parts.toggle.click, parts.close.click], on.toggle, parts.opened, changed, **light)
    for button, to in parts.moves:
        button.click(functools.partial(on.go_to, to), None, [parts.walk, parts.point], **light)
    outputs = [*linked, page.write, page.next_seed, page.stop, page.inside.tabs, parts.point]
    leave = functools.partial(line.leave, quietly=True)
    for number, button in enumerate(parts.shows, start=1):
        # By then whatever was being written is stopped, so that nothing of it arrives afterwards.
        button.click(leave, page.ticket, None, cancels=list(runs), **light).then(
            functools.partial(on.show, number), [page.session, page.kept, page.opening], outputs,
            concurrency_id="desk", concurrency_limit=1, **QUIET,
        )  # fmt: skip
