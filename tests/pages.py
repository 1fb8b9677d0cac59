"""An app of two pages on tiny models: blog posts, and another task on a plug of its own."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

from persona_demo.history import HistoryItem, UserHistory
from persona_demo.plug.storage import plug_fingerprint, save_plug
from persona_demo.runtime import Runtime
from persona_demo.samples import Sample
from persona_demo.shipped import atlas_of
from persona_demo.showcase import build_showcase
from persona_demo.tasks import TaskName, task_named
from persona_demo.ui.shelf import Shelf
from tests import tiny
from tests.folders import text

FOREIGN = re.compile(r"\b(?i:posts?|blogs?|opening words)\b|\bopenings?\b")
"""Words that only the page of blog posts may say."""


def people(task: TaskName) -> tuple[Sample, ...]:
    """Two invented people who write for a task that answers something."""
    answers = task_named(task).answers

    def item(person: int, n: int) -> HistoryItem:
        label = answers[(person + n) % len(answers)] if answers else None
        day = f"2019-03-{n + 1:02d}"
        return HistoryItem(f"i{n}", text(person, n, words=6), day, input=text(person, n, 1, words=30), label=label)

    made = [UserHistory(name, tuple(item(p, n) for n in range(6)), about) for p, (name, about) in enumerate(_PEOPLE)]
    return tuple(Sample(each.name.lower(), each) for each in made)


_PEOPLE = (("Nell", "Never wastes a word."), ("Otto", "Counts everything twice."))


def inputs(*, count: int = 2) -> tuple[str, ...]:
    """Inputs to start from, as long as an abstract."""
    return tuple(text(77, n, words=40) for n in range(count))


def save_other(runtime: Runtime, folder: Path, task: TaskName, *, seed: int = 3) -> Path:
    """Save a random plug for a task, of the runtime's models, with its map inside."""
    config = dataclasses.replace(runtime.plug.config, tasks=(task,))
    save_plug(tiny.plug(config, runtime.encoder, seed=seed), folder, card="")
    made = tiny.atlas(config.user_width, seed=seed)
    dataclasses.replace(made, plug_fingerprint=plug_fingerprint(folder)).save(atlas_of(folder, task))
    return folder


def other_shelf(runtime: Runtime, folder: Path, task: TaskName) -> tuple[Shelf, Runtime]:
    """What ships for a task, with an example made in advance, and the runtime that made it."""
    plug = save_other(runtime, folder, task)
    other = runtime.with_plug(plug, atlas_folder=atlas_of(plug, task))
    samples, openings = people(task), inputs()
    case = build_showcase(
        other, samples, person="nell", opening=openings[0], plug_fingerprint=plug_fingerprint(plug), task=task
    )
    shelf = Shelf(samples, openings, atlas=other.atlas, showcase=case, task=task_named(task), plug=plug)
    return shelf, other


SILENT = frozenset(
    {"js_on_load", "css_template", "elem_id", "elem_classes", "kind", "id", "go", "population", "data_at"}
)
"""Properties that no reader reads."""


def said(value: Any, key: str = "") -> list[str]:
    """Every text of a component's properties, or of changes, that a reader may come to read."""
    if key in SILENT:
        return []
    if isinstance(value, str):
        return [re.sub(r"<[^>]*>", " ", value) if key == "html_template" else value]
    if isinstance(value, dict):
        return [each for name, part in value.items() for each in said(part, name)]
    if isinstance(value, list | tuple):
        if key == "choices":
            # Of a choice its label is read.
            value = [choice[0] if isinstance(choice, list | tuple) else choice for choice in value]
        return [each for part in value for each in said(part, key)]
    return []


def foreign(value: Any) -> list[str]:
    """Texts that speak of another task's things."""
    return [each for each in said(value) if FOREIGN.search(each)]
