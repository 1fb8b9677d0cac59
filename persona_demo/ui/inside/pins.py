"""The tab of states: every edit of the history, going back to one, and comparing two that are pinned."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import gradio as gr
import numpy as np

from persona_demo.answers import ArmText, Embedding
from persona_demo.arms import arm_named
from persona_demo.errors import UserError
from persona_demo.explain.collapse import signs_of_collapse
from persona_demo.lm.decode import DecodeOptions
from persona_demo.placing import directions_of
from persona_demo.states import MAX_PINS, State
from persona_demo.tasks import Wording
from persona_demo.tasks.wording import capital
from persona_demo.ui import views
from persona_demo.ui.changes import Changes
from persona_demo.ui.inside.look import Look, standing_in, written_at
from persona_demo.ui.inside.parts import PinParts
from persona_demo.ui.inside.runbar import RunBar
from persona_demo.ui.inside.tables import View, cell, row, shortened, table, text_card, texts
from persona_demo.ui.state import Session
from persona_demo.ui.verbs import guarded, seed_of, whole
from persona_demo.ui.widget import widget

ABOUT = """Every edit of the history above makes a new state and keeps the old one. Choose a state to go back to
it; tick two to compare them: their {many}, their weights, how far apart the two people are, and what is written
from each."""


def lay_out(of: Wording) -> PinParts:
    """Lay the tab out."""
    gr.Markdown(ABOUT.format(many=of.many), elem_classes="pd-lead")
    with gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=280):
            states = widget("table", table(), go="select", goes="Go back to this state", elem_id="pd-states")
            pinned = gr.CheckboxGroup([], label="Pinned, two at most", elem_id="pd-pinned")
        with gr.Column(scale=3, min_width=320):
            line = widget("line", {"text": ""}, elem_classes="pd-finding", elem_id="pd-pins-line")
            figures = widget("table", table(), go="", elem_id="pd-pins-table")
    bar = RunBar.lay_out("Write from both", name="pins")
    return PinParts(bar, states, pinned, figures, line, widget("texts", texts(), elem_id="pd-pins-texts"))


def _called(state: State) -> str:
    return f"{state.id}: {state.note or 'as it was loaded'}"


def states_table(session: Session) -> View:
    """All states, the latest first, with what each was made from."""
    states = session.states
    rows = [
        row(
            state.id, state.note or "as it was loaded", state.parent or "-", str(len(state.history)),
            id=state.id, mark=state.id == states.current,
        )
        for state in reversed(states.all)
    ]  # fmt: skip
    return table(
        [
            ("State", "text"),
            ("What was done", "text"),
            ("Made from", "text"),
            (capital(session.wording.many), "number"),
        ],
        rows,
        caption=f"States of {session.history.name}; the one on the table is marked",
    )


def pinned_table(one: State, other: State, weights: Sequence[Mapping[str, float]], of: Wording) -> View:
    """Items and weights of two states side by side.

    Args:
        one: The first state.
        other: The second.
        weights: Of each active item by its id, for both; empty where they are not known.
        of: What items are called.
    """
    items = {item.id: item for item in (*one.history, *other.history)}
    most = max((weight for known in weights for weight in known.values()), default=1.0)
    sides = [{item.id: item for item in state.history} for state in (one, other)]

    def side(n: int, name: str) -> View:
        item = sides[n].get(name)
        if item is None or item.muted:
            return cell("not there" if item is None else "muted")
        weight = weights[n].get(name)
        return cell("there") if weight is None else cell(f"{100 * weight:.1f}%", weight / most)

    rows = []
    for number, (name, item) in enumerate(items.items(), start=1):
        differ = sides[0].get(name) != sides[1].get(name)
        note = "reworded" if differ and all(name in s for s in sides) and sides[0][name].text != item.text else ""
        rows.append(row(f"{number}", side(0, name), side(1, name), shortened(item.text), note, mark=differ))
    heads: list[tuple[str, Any]] = [
        (capital(of.one), "text"),
        (one.id, "bar"),
        (other.id, "bar"),
        ("Its words", "text"),
        ("Change", "text"),
    ]
    caption = f"{one.id} beside {other.id}: weights for {of.this}; what differs is marked"
    return table(heads, rows, caption=caption)


class Pins(Look):
    """Verbs of the tab of states."""

    @property
    def parts(self) -> PinParts:
        """The components of this tab."""
        return self.page.inside.pins

    @guarded
    def follow(self, record: dict[str, Any], opening: str, ticked: list[str]) -> Changes:
        """Show the states of who is on the table, and the two that are pinned."""
        session = Session.from_record(record)
        choices = [(_called(state), state.id) for state in reversed(session.states.all)]
        pinned, names = session.states.pinned, {name for _, name in choices}
        # A second tick may have been made while the first one was on its way: it is not taken back.
        kept = bool(pinned) and len(ticked) <= MAX_PINS and set(pinned) <= set(ticked) <= names
        group = gr.CheckboxGroup(choices=choices) if kept else gr.CheckboxGroup(choices=choices, value=list(pinned))
        changes: Changes = {self.parts.states: states_table(session), self.parts.pinned: group}
        return changes | self._compared(session, opening)

    def _compared(self, session: Session, opening: str) -> Changes:
        pair = self._pair(session)
        if pair is None:
            said = (
                "Tick two states to compare them."
                if len(session.states.all) > 1
                else f"There is one state so far: edit {self.wording.a}."
            )
            return {self.parts.line: {"text": said}, self.parts.table: table()}
        made = [self._embedded(state, opening) for state in pair]
        weights = [
            dict(zip([item.id for item in state.history.active], one.weights.tolist(), strict=True))
            if one is not None and opening.strip()
            else {}
            for state, one in zip(pair, made, strict=True)
        ]
        figures = pinned_table(*pair, weights, self.wording)
        return {self.parts.line: {"text": self._apart(made)}, self.parts.table: figures}

    def _pair(self, session: Session) -> tuple[State, State] | None:
        if len(session.states.pinned) < 2:
            return None
        one, other = (session.states.state(name) for name in session.states.pinned)
        return one, other

    def _embedded(self, state: State, opening: str) -> Embedding | None:
        runtime = self.loading.runtime
        if runtime is None or not state.history.active:
            return None
        return runtime.embed(state.history, runtime.task(self.task.name), query=opening if opening.strip() else None)

    def _apart(self, made: Sequence[Embedding | None]) -> str:
        one, other = made
        if one is None or other is None or self.shelf.atlas is None:
            return f"How far they are apart follows when both have {self.wording.many} and the models are loaded."
        scale = self.shelf.atlas.scale
        units = directions_of(np.stack([one.user_vector, other.user_vector]) / scale)
        distance = float(1 - units[0] @ units[1])
        near = [self.shelf.atlas.place(each.user_vector).neighbours[0].id for each in (one, other)]
        return (
            f"The two people are {distance:.3f} apart, where 0 is the same direction; nearest to them stand "
            f"{near[0]} and {near[1]}."
        )

    @guarded
    def pin(self, record: dict[str, Any], chosen: list[str]) -> Changes:
        """Pin states for comparing; of three the first one is let go."""
        session = Session.from_record(record)
        for name in [name for name in session.states.pinned if name not in chosen]:
            session = session.pin(name, False)
        for name in [name for name in chosen if name not in session.states.pinned]:
            session = session.pin(name, True)
        return {self.page.session: session.as_record(), self.page.notice: views.notice()}

    @guarded
    def write(
        self, record: dict[str, Any], opening: str, strength: float, seed: float, length: float, temperature: float,
        top_p: float, allow: bool,
    ) -> Iterator[Changes]:  # fmt: skip
        """Let the persona write from both pinned states."""
        session = Session.from_record(record)
        pair = self._pair(session)
        if pair is None:
            raise UserError("There are no two states to write from: tick two of them.")
        yield from self.waiting()
        options = DecodeOptions(
            max_new_tokens=whole(length, "number of new tokens"), temperature=temperature, top_p=top_p,
            seed=seed_of(seed),
        )  # fmt: skip
        stream = self.lent(self.written)(record, opening, strength, options, allow)
        with contextlib.closing(stream):
            for states in stream:
                shown = _cards(pair, self.task.begun(opening), states, strength=strength)
                yield {self.parts.texts: shown} | self.bar.busy("Writing both together.")
        yield self.measured(session, opening, more=written_at(strength, options))

    def written(
        self, record: dict[str, Any], opening: str, strength: float, options: DecodeOptions, allow: bool
    ) -> Iterator[tuple[ArmText, ...]]:
        """Both texts as they grow; takes and gives plain values."""
        session = Session.from_record(record)
        inputs, pair = self.inputs(session, opening, seed=options.seed), self._pair(session) or ()
        arms = [
            standing_in(arm_named("persona"), f"persona@{n}", _called(state), items=state.history.active)
            for n, state in enumerate(pair)
        ]
        yield from self.runtime.compare(inputs, arms, strength=strength, options=options, allow_listed_words=allow)


def _cards(pair: Sequence[State], opening: str, states: Sequence[ArmText], *, strength: float) -> View:
    done = all(text.written.done for text in states)
    # Two texts that are still being written differ for no other reason.
    others = [text.written.text if done else None for text in reversed(states)]
    return texts(
        [
            text_card(
                _called(state), text.written.text, opening=opening, colour="--pd-arm-persona",
                warning=signs_of_collapse(text.written.text).warning(strength) if text.written.done else "",
                beside=other,
            )
            for state, text, other in zip(pair, states, others, strict=True)
        ],
        running=not done,
    )  # fmt: skip
