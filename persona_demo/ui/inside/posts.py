"""The tab on single items: how much of each was mixed in, beside what taking it away does to a text."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Any, Literal

import gradio as gr

from persona_demo.arms import KNOWN, arm_named
from persona_demo.explain.attribution import Agreement, Attribution, ItemEffect, leave_one_out
from persona_demo.tasks import Wording
from persona_demo.tasks.wording import capital
from persona_demo.ui.changes import Changes
from persona_demo.ui.inside.look import AT_ONE, Look, text_to_look_at
from persona_demo.ui.inside.parts import PostParts
from persona_demo.ui.inside.runbar import RunBar
from persona_demo.ui.inside.tables import View, cell, row, shortened, table
from persona_demo.ui.state import Session
from persona_demo.ui.verbs import guarded
from persona_demo.ui.widget import widget

ABOUT = """The bar beside each {one} above says how much of it the plug mixed in. That is not what it did. Here
every {one} is taken away in turn and the text is read again: the effect is by how much the text becomes less
likely without that {one}. Weights and effects need not agree, and the sentence below says how far they do. Effects
are measured at strength 1, as the persona was trained, at whatever strength the text was written. The table also
says how far the person turns without that {one}, whatever the text: 0 is the same direction of their list of numbers,
1 is nothing in common."""
Order = Literal["effect", "weight", "post"]


def lay_out(of: Wording) -> PostParts:
    """Lay the tab out."""
    gr.Markdown(ABOUT.format(one=of.one), elem_classes="pd-lead")
    with gr.Row(elem_classes="pd-choices"):
        able = [(arm.title, arm.name) for arm in KNOWN.values() if arm.compared_with is not None]
        arm = gr.Dropdown(able, value="persona", label="Under which column", min_width=240, elem_id="pd-posts-arm")
        order = gr.Radio(
            [("Largest effect", "effect"), ("Largest weight", "weight"), ("Oldest", "post")], value="effect",
            label="First in the table", min_width=280, elem_id="pd-posts-order",
        )  # fmt: skip
    bar = RunBar.lay_out(f"Take each {of.one} away", name="posts")
    line = widget("line", {"text": ""}, elem_classes="pd-finding")
    goes = f"Show this {of.one} in the table above"
    figures = widget("table", table(), go="post", goes=goes, elem_id="pd-posts-table")
    return PostParts(bar, arm, order, gr.State(None), line, figures)


def effects_table(found: Attribution, session: Session, order: Order) -> View:
    """Weight beside effect, one row an item."""
    of = session.wording
    numbers = {item.id: n for n, item in enumerate(session.history, start=1)}
    texts = {item.id: item.text for item in session.history}
    sizes = [abs(item.effect) for item in found.items if item.effect is not None]
    turned = max((item.shift or 0.0 for item in found.items), default=1.0) or 1.0
    heaviest = max((item.weight or 0.0 for item in found.items), default=1.0) or 1.0
    most = max(sizes, default=1.0) or 1.0
    keys = {
        "effect": lambda item: -abs(item.effect or 0.0),
        "weight": lambda item: -(item.weight or 0.0),
        "post": lambda item: numbers.get(item.item, 0),
    }
    rows = [
        row(
            of.numbered(numbers.get(item.item, "?")),
            cell("-" if item.weight is None else f"{100 * item.weight:.1f}%", _share(item.weight, heaviest)),
            cell("waiting" if item.effect is None else f"{item.effect:+.2f}", _share(item.effect, most)),
            cell("-" if item.shift is None else f"{item.shift:.3f}", _share(item.shift, turned)),
            shortened(texts.get(item.item, ""), 90),
            id=item.item,
        )
        for item in sorted(found.items, key=keys[order])
    ]
    return table(
        [
            (capital(of.one), "text"),
            ("Weight", "bar"),
            ("Effect, nats", "signed"),
            ("Turns the person by", "bar"),
            ("Its words", "text"),
        ],
        rows,
        caption=f"Weight and effect under “{KNOWN[found.arm].title}”; above 0 the {of.one} makes the text likelier",
    )


def _share(value: float | None, most: float) -> float | None:
    return None if value is None else value / most


def _found(record: dict[str, Any]) -> Attribution:
    agreement = record["agreement"]
    return Attribution(
        **{
            **record,
            "items": tuple(ItemEffect(**item) for item in record["items"]),
            "agreement": None if agreement is None else Agreement(**agreement),
        }
    )


class Posts(Look):
    """Verbs of the tab on single items."""

    @guarded
    def measure(
        self, record: dict[str, Any], opening: str, seed: float, choice: str, typed: str, written: dict[str, Any],
        arm: str, order: Order,
    ) -> Iterator[Changes]:  # fmt: skip
        """Take each item away in turn."""
        text = text_to_look_at(choice, typed, written, opening, self.task)
        yield from self.waiting()
        session, parts = Session.from_record(record), self.page.inside.posts
        stream = self.lent(self.left_out)(record, opening, seed, arm, text)
        with contextlib.closing(stream):
            for found in stream:
                done = sum(item.effect is not None for item in found.items)
                said = found.sentence + (f" {found.agreement.sentence}" if found.agreement else "")
                yield {
                    parts.table: effects_table(found, session, order),
                    parts.line: {"text": said if done else ""},
                    parts.found: dataclasses.asdict(found),
                } | self.bar.busy(f"{done} of {self.wording.count(len(found.items))} taken away", found.share)
        # No strength applies to what only puts texts into the prompt.
        yield self.measured(session, opening, more="" if KNOWN[arm].kind == "text" else AT_ONE)

    def left_out(self, record: dict[str, Any], opening: str, seed: float, arm: str, text: str) -> Iterator[Attribution]:
        """The attribution as it grows; takes and gives plain values."""
        inputs = self.inputs(Session.from_record(record), opening, seed=seed)
        yield from leave_one_out(self.runtime.lm, inputs, arm_named(arm), text)

    @guarded
    def sort(self, record: dict[str, Any], found: dict[str, Any] | None, order: Order) -> Changes:
        """Put the rows in another order."""
        if found is None:
            return {self.page.inside.posts.table: gr.skip()}
        view = effects_table(_found(found), Session.from_record(record), order)
        return {self.page.inside.posts.table: view}
