"""The tab on single items: how much of each was mixed in, beside what taking it away does to a text."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import gradio as gr

from persona_demo.arms import KNOWN, arm_named
from persona_demo.explain.attribution import Agreement, Attribution, ItemEffect, leave_one_out
from persona_demo.plug.config import PlugConfig
from persona_demo.tasks import Wording
from persona_demo.tasks.wording import capital
from persona_demo.ui.changes import Changes
from persona_demo.ui.inside.chosen import if_its_own, if_of_another, text_key, text_to_look_at
from persona_demo.ui.inside.look import AT_ONE, Look
from persona_demo.ui.inside.parts import PostParts
from persona_demo.ui.inside.runbar import RunBar
from persona_demo.ui.inside.tables import Head, View, cell, row, shortened, table
from persona_demo.ui.shelf import Shelf
from persona_demo.ui.state import Session
from persona_demo.ui.verbs import guarded
from persona_demo.ui.widget import widget

ABOUT = """The bar beside each {one} above says how much of it the plug mixed in. That is not what it did. Here
every {one} is taken away in turn and the text is read again: the effect is by how much the text becomes less
likely without that {one}. Weights and effects need not agree, and the sentence below says how far they do. Effects
are measured at strength 1, as the persona was trained, at whatever strength the text was written. The table also
says how far the person turns without that {one}, whatever the text: 0 is the same direction of their list of numbers,
1 is nothing in common. The text with every {one} is read once more beside each batch: what it comes out otherwise by
is numerical noise, and effects no larger than that are told as noise."""
COPIES = """This plug also copies the first words of the {copied} nearest to the {given}, word for word. No weight
tells of that second way into the text, so the table says which {many} took it."""
Order = Literal["effect", "weight", "shift", "post"]


def tab_about(of: Wording, form: PlugConfig | None) -> str:
    """What the tab shows.

    Args:
        of: What items are called.
        form: The form of the plug, where it is known.
    """
    said = ABOUT.format(one=of.one)
    if form is None or not form.excerpt_items:
        return said
    return f"{said} {COPIES.format(copied=of.count(form.excerpt_items), given=of.given, many=of.many)}"


def lay_out(shelf: Shelf) -> PostParts:
    """Lay the tab out."""
    of = shelf.wording
    gr.Markdown(tab_about(of, shelf.form), elem_classes="pd-lead")
    with gr.Row(elem_classes="pd-choices"):
        able = [(arm.title, arm.name) for arm in KNOWN.values() if arm.compared_with is not None]
        arm = gr.Dropdown(able, value="persona", label="Under which column", min_width=240, elem_id="pd-posts-arm")
        order = gr.Radio(
            [
                ("Largest effect", "effect"), ("Largest weight", "weight"), ("Turns the person most", "shift"),
                ("Oldest", "post"),
            ], value="effect", label="First in the table", min_width=280, elem_id="pd-posts-order",
        )  # fmt: skip
    bar = RunBar.lay_out(f"Take each {of.one} away", name="posts")
    line = widget("line", {"text": ""}, elem_classes="pd-finding")
    goes = f"Show this {of.one} in the table above"
    figures = widget("table", table(), go="post", goes=goes, elem_id="pd-posts-table")
    return PostParts(bar, arm, order, gr.State(None), line, figures)


@dataclass(frozen=True)
class Measured:
    """What was measured, and of whom: whoever is on the table later may have items of the same ids.

    Attributes:
        found: Weights and effects.
        person: Id of the person.
        numbers: The number of each item in the history, by its id.
        texts: The beginning of each item's text, likewise.
    """

    found: Attribution
    person: str
    numbers: Mapping[str, int]
    texts: Mapping[str, str]

    @classmethod
    def of(cls, found: Attribution, session: Session) -> Measured:
        """What was measured of whoever is in a session."""
        numbered = {item.id: (n, item) for n, item in enumerate(session.history, start=1) if not item.muted}
        return cls(
            found,
            session.who,
            {name: n for name, (n, _) in numbered.items()},
            {name: shortened(item.text, 90) for name, (_, item) in numbered.items()},
        )

    def as_record(self) -> dict[str, Any]:
        """As plain JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Measured:
        """What a record holds."""
        found = record["found"]
        agreement = found["agreement"]
        items = tuple(ItemEffect(**item) for item in found["items"])
        agreed = None if agreement is None else Agreement(**agreement)
        return cls(**{**record, "found": Attribution(**{**found, "items": items, "agreement": agreed})})


def effects_table(measured: Measured, of: Wording, order: Order) -> View:
    """Weight beside effect, one row an item."""
    found, numbers = measured.found, measured.numbers
    sizes = [abs(item.effect) for item in found.items if item.effect is not None]
    turned = max((item.shift or 0.0 for item in found.items), default=1.0) or 1.0
    heaviest = max((item.weight or 0.0 for item in found.items), default=1.0) or 1.0
    most = max(sizes, default=1.0) or 1.0
    copied = any(item.copied for item in found.items)
    keys = {
        "effect": lambda item: -abs(item.effect or 0.0),
        "weight": lambda item: -(item.weight or 0.0),
        "shift": lambda item: -(item.shift or 0.0),
        "post": lambda item: numbers[item.item],
    }
    rows = [
        row(
            of.numbered(numbers[item.item]),
            cell("-" if item.weight is None else f"{100 * item.weight:.1f}%", _share(item.weight, heaviest)),
            _effect_cell(item.effect, most, found),
            cell("-" if item.shift is None else f"{item.shift:.3f}", _share(item.shift, turned)),
            *(["its first words" if item.copied else "no"] if copied else []),
            measured.texts[item.item],
            id=item.item,
            dim=item.effect is not None and found.is_noise(item.effect),
        )
        for item in sorted(found.items, key=keys[order])
    ]
    also: list[Head] = [("Also copied word for word", "text")] if copied else []
    heads: list[Head] = [
        (capital(of.one), "text"),
        ("Weight", "bar"),
        ("Effect, nats", "signed"),
        ("Turns the person by", "bar"),
        *also,
        ("Its words", "text"),
    ]
    return table(
        heads,
        rows,
        caption=f"Weight and effect under “{KNOWN[found.arm].title}”; above 0 the {of.one} makes the text likelier",
        person=measured.person,
    )


def _effect_cell(effect: float | None, most: float, found: Attribution) -> View:
    if effect is None:
        return cell("waiting")
    if effect == 0:
        return cell("0")
    # Noise has no length: a bar would make it look like a finding.
    return cell("noise") if found.is_noise(effect) else cell(f"{effect:+.2f}", effect / most)


def _bases(arm: str) -> list[str]:
    """What an arm is compared with."""
    base = KNOWN[arm].compared_with
    return [] if base is None else [base]


def _share(value: float | None, most: float) -> float | None:
    return None if value is None else value / most


class Posts(Look):
    """Verbs of the tab on single items."""

    @guarded
    def measure(
        self, record: dict[str, Any], opening: str, seed: float, choice: str, typed: str, written: dict[str, Any],
        arm: str, order: Order,
    ) -> Iterator[Changes]:  # fmt: skip
        """Take each item away in turn."""
        session, parts = self.with_texts(record), self.page.inside.posts
        text = text_to_look_at(choice, typed, written, opening, self.task)
        yield from self.waiting()
        # No strength applies to what only puts texts into the prompt.
        at = "" if KNOWN[arm].kind == "text" else AT_ONE
        caveats = if_of_another(choice, written, session, opening), if_its_own(choice, arm, *_bases(arm))
        more = " ".join(filter(None, (at, *caveats)))
        of = self.of(session, opening, more=more, text=text_key(choice, typed, written))
        stream = self.lent(self.left_out)(record, opening, seed, arm, text)
        with contextlib.closing(stream):
            for found in stream:
                measured = Measured.of(found, session)
                done = sum(item.effect is not None for item in found.items)
                said = found.sentence(self.wording) + (f" {found.agreement.sentence}" if found.agreement else "")
                yield {
                    parts.table: effects_table(measured, self.wording, order),
                    parts.line: {"text": said if done else ""},
                    parts.found: measured.as_record(),
                } | self.bar.busy(f"{done} of {self.wording.count(len(found.items))} taken away", found.share, of=of)
        yield self.bar.done(of)

    def left_out(self, record: dict[str, Any], opening: str, seed: float, arm: str, text: str) -> Iterator[Attribution]:
        """The attribution as it grows; takes and gives plain values."""
        inputs = self.inputs(Session.from_record(record), opening, seed=seed)
        yield from leave_one_out(self.runtime.lm, inputs, arm_named(arm), text)

    @guarded
    def sort(self, found: dict[str, Any] | None, order: Order) -> Changes:
        """Put the rows in another order."""
        if found is None:
            return {self.page.inside.posts.table: gr.skip()}
        return {self.page.inside.posts.table: effects_table(Measured.from_record(found), self.wording, order)}
