"""Everybody the plug has learned from, of this page's task and of others, coloured by task."""

from __future__ import annotations

import gradio as gr
import numpy as np

from persona_demo.maps.task_map import TaskMap
from persona_demo.runtime import Runtime
from persona_demo.tasks import task_named
from persona_demo.ui.inside.parts import ByTaskParts
from persona_demo.ui.inside.tables import View, row, table
from persona_demo.ui.map_value import Group, MapValue, Tint, You, map_value
from persona_demo.ui.persona_map import PersonaMap
from persona_demo.ui.shelf import Shelf
from persona_demo.ui.state import Session
from persona_demo.ui.widget import widget

ABOUT = """This plug serves several tasks. Here is everybody it has learned from, coloured by the task they write for:
where the colours lie apart, a persona tells first what is being written, and only then by whom. Click one of this
page's people to take them; the others are taken on pages of their own."""


def lay_out(shelf: Shelf) -> ByTaskParts:
    """Lay out the map of tasks and its table, out of sight."""
    everybody = shelf.everybody
    with gr.Column(min_width=320, visible=False) as side:
        gr.Markdown(ABOUT, elem_classes="pd-lead")
        people = PersonaMap(
            ids=_ids(shelf, everybody) if everybody else (),
            coordinates=everybody.coordinates.tolist() if everybody else (),
            counts=everybody.counts.tolist() if everybody else (),
            nouns=("a text", "texts"),
            elem_id="pd-map-tasks",
        )
        widget("table", shares_table(everybody), elem_id="pd-map-shares")
    return ByTaskParts(side, people)


def _ids(shelf: Shelf, everybody: TaskMap) -> list[str]:
    """Ids of everybody: this page's people as on its other maps, those of others with their task before it."""
    return [
        f"p{number:04d}" if share.task == shelf.task.name else f"{share.task}/p{number:04d}"
        for share in everybody.shares
        for number in range(share.people)
    ]


def _tint(everybody: TaskMap) -> Tint:
    groups = tuple(Group(_page(share.task), share.people) for share in everybody.shares)
    return Tint("Task", groups, everybody.tasks.tolist())


def _page(task: str) -> str:
    return task_named(task).wording.page


def shares_table(everybody: TaskMap | None) -> View:
    """How far the nearest people of each task are of the same task, beside chance."""
    if everybody is None:
        return table()
    rows = [
        row(_page(share.task), f"{share.people:,}", f"{share.same:.0%}", f"{share.chance:.0%}")
        for share in everybody.shares
    ]
    return table(
        [("Task", "text"), ("People", "number"), ("Nearest of the same task", "number"), ("By chance", "number")],
        rows,
        caption="Of the nearest people by vector, how many write for the same task",
    )


def by_task_value(shelf: Shelf, runtime: Runtime | None, session: Session) -> MapValue:
    """The map of tasks with who is on the table."""
    everybody = shelf.everybody
    if everybody is None:
        return map_value()
    vector, name = shelf.stored_vector(session), session.history.name
    if vector is None and runtime is not None and session.history.active:
        vector = runtime.embed(session.history, runtime.task(shelf.task.name)).user_vector
    if vector is None:
        return map_value(message=f"{name} has no place among everybody yet.", tint=_tint(everybody))
    (x, y), nearest = everybody.place(vector)
    counts = np.bincount(everybody.tasks[nearest], minlength=len(everybody.shares))
    told = ", ".join(
        f"{count} of {_page(share.task)}" for share, count in zip(everybody.shares, counts, strict=True) if count
    )
    ids = _ids(shelf, everybody)
    return map_value(
        selected=session.who if session.stored else None,
        you=None if session.stored else You(name, x, y),
        neighbours=[ids[place] for place in nearest],
        # A page that draws late sees the last value alone, so the colours come with each.
        tint=_tint(everybody),
        message=f"{name}: the {len(nearest)} nearest people are {told}.",
    )
