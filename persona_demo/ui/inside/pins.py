"""The tab of states: every edit of the history, going back to one, and comparing two that are pinned."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import gradio as gr
import numpy as np
from numpy.typing import NDArray

from persona_demo.answers import ArmText
from persona_demo.arms import arm_named
from persona_demo.errors import UserError
from persona_demo.explain.collapse import signs_of_collapse
from persona_demo.lm.decode import DecodeOptions
from persona_demo.maps.placing import directions_of
from persona_demo.states import MAX_PINS, State
from persona_demo.tasks import Wording
from persona_demo.tasks.wording import capital
from persona_demo.ui import palette, views
from persona_demo.ui.changes import Changes
from persona_demo.ui.handlers import GONE
from persona_demo.ui.inside.look import Look, standing_in, written_at
from persona_demo.ui.inside.parts import PinParts
from persona_demo.ui.inside.runbar import Of, RunBar
from persona_demo.ui.inside.tables import View, cell, row, shortened, table, text_card, texts
from persona_demo.ui.kept import Kept, Pin, state_key
from persona_demo.ui.state import Record, Session
from persona_demo.ui.verbs import guarded, seed_of, whole
from persona_demo.ui.widget import widget

FloatArray = NDArray[np.float32]
Pair = tuple[Pin, Pin]

ABOUT = """Every edit of the history above makes a new state and keeps the old one. Choose a state to go back to
it; tick two to compare them: their {many}, their weights, how far apart the two people are, and what is written
from each. A tick stays when you choose somebody else, so two people can be compared as well. Which word comes
next is now and then a close call that rounding decides: states that hardly differ can go on in other words. One pair
of texts proves nothing; likelihoods (Placebos, Few and many {many}) do."""


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


def states_table(session: Session) -> View:
    """All states, the latest first, with what each was made from."""
    states = session.states
    rows = [
        row(
            state.id, state.note or "as it was loaded", state.parent or "-", _count(state),
            id=state_key(session.who, state.id), mark=state.id == states.current,
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


def _count(state: State) -> str:
    muted = sum(item.muted for item in state.history)
    return f"{len(state.history)}, {muted} muted" if muted else str(len(state.history))


def pinned_table(pair: Pair, weights: Sequence[Mapping[str, float]], of: Wording) -> View:
    """Items and weights of two states side by side.

    Args:
        pair: The states.
        weights: Of each active item by its id, for both; empty where they are not known.
        of: What items are called.
    """
    most = max((weight for known in weights for weight in known.values()), default=1.0)
    # People may have items of one id.
    sides = [{(pin.session.who, item.id): item for item in pin.state.history} for pin in pair]

    def side(n: int, name: tuple[str, str]) -> View:
        item = sides[n].get(name)
        if item is None or item.muted:
            return cell("not there" if item is None else "muted")
        weight = weights[n].get(item.id)
        return cell("there") if weight is None else cell(f"{100 * weight:.1f}%", weight / most)

    rows = []
    for number, (name, item) in enumerate((sides[0] | sides[1]).items(), start=1):
        differ = sides[0].get(name) != sides[1].get(name)
        note = "reworded" if differ and all(name in s for s in sides) and sides[0][name].text != item.text else ""
        rows.append(row(f"{number}", side(0, name), side(1, name), shortened(item.text), note, mark=differ))
    one, other = (pin.called(pair) for pin in pair)
    heads: list[tuple[str, Any]] = [
        (capital(of.one), "text"),
        (one, "bar"),
        (other, "bar"),
        ("Its words", "text"),
        ("Change", "text"),
    ]
    return table(heads, rows, caption=f"{one} beside {other}: weights for {of.this}; what differs is marked")


def compared(pins: Sequence[Pin], opening: str) -> str:
    """A key of the states that are compared and of the input; of fewer than two, one that no comparison has."""
    # Whichever was ticked first.
    return "+".join(sorted(pin.read_with(opening) for pin in pins)) if len(pins) == MAX_PINS else "-"


class Pins(Look):
    """Verbs of the tab of states."""

    @property
    def parts(self) -> PinParts:
        """The components of this tab."""
        return self.page.inside.pins

    @guarded
    def follow(self, record: Record, kept: list[Record], opening: str, ticked: list[str]) -> Changes:
        """Show the states of who is on the table, and the two that are pinned, of whomever."""
        session = Session.from_record(record)
        pins = Kept(tuple(kept)).pins(session)
        own = [Pin(session, state) for state in reversed(session.states.all)]
        offered = [*own, *(pin for pin in pins if pin.session.who != session.who)]
        choices = [(pin.told((Pin(session, session.states.here), pin)), pin.key) for pin in offered]
        pinned, names = [pin.key for pin in pins], {key for _, key in choices}
        # A tick may have been made while this, or the answer to another tick, was on its way: it is not taken back.
        more = bool(pinned) and len(ticked) <= MAX_PINS and set(pinned) <= set(ticked) <= names
        stays = more or set(ticked) == set(pinned)
        group = gr.CheckboxGroup(choices=choices) if stays else gr.CheckboxGroup(choices=choices, value=pinned)
        changes: Changes = {self.parts.states: states_table(session), self.parts.pinned: group}
        return changes | self._compared(session, pins, opening)

    def _compared(self, session: Session, pins: Sequence[Pin], opening: str) -> Changes:
        told = {"pins": compared(pins, opening)}
        if len(pins) < MAX_PINS:
            said = (
                "Tick two states to compare them."
                if len(session.states.all) > 1 or pins
                else f"There is one state so far: edit {self.wording.a}, or tick it and choose somebody else."
            )
            return {self.parts.line: {"text": said, **told}, self.parts.table: table()}
        read = [self._read(pin, opening) for pin in pins]
        figures = pinned_table((pins[0], pins[1]), [weights for _, weights in read], self.wording)
        said = self._apart([vector for vector, _ in read])
        return {self.parts.line: {"text": said, **told}, self.parts.table: figures}

    def _read(self, pin: Pin, opening: str) -> tuple[FloatArray | None, dict[str, float]]:
        """The user vector of a state and the weights of its items, as far as they are known."""
        stored, runtime, active = self.shelf.stored_vector(pin.session), self.loading.runtime, pin.state.history.active
        if stored is not None or runtime is None or not active:
            return stored, {}
        query = opening if opening.strip() else None
        made = runtime.embed(pin.state.history, runtime.task(self.task.name), query=query)
        weights = zip([item.id for item in active], made.weights.tolist(), strict=True)
        return made.user_vector, dict(weights) if query else {}

    def _apart(self, vectors: Sequence[FloatArray | None]) -> str:
        one, other = vectors
        if one is None or other is None or self.shelf.atlas is None:
            return f"How far they are apart follows when both have {self.wording.many} and the models are loaded."
        units = directions_of(np.stack([one, other]) / self.shelf.atlas.scale)
        distance = float(1 - units[0] @ units[1])
        near = [self.shelf.atlas.place(each).neighbours[0].id for each in (one, other)]
        return (
            f"The two people are {distance:.3f} apart, where 0 is the same direction; nearest to them stand "
            f"{near[0]} and {near[1]}."
        )

    @guarded
    def pin(self, record: Record, kept: list[Record], chosen: list[str]) -> Changes:
        """Pin states for comparing; of three the first one is let go."""
        session, left = Session.from_record(record), Kept(tuple(kept))
        pinned = [pin.key for pin in left.pins(session)]
        known = {*pinned, *(state_key(session.who, state.id) for state in session.states.all)}
        if not set(chosen) <= known:
            raise UserError(GONE)
        wanted = [*(key for key in pinned if key in chosen), *(key for key in chosen if key not in pinned)]
        left, session = left.pinned(session, wanted[-MAX_PINS:])
        return {
            self.page.session: session.as_record(),
            self.page.kept: left.as_record(),
            self.page.notice: views.notice(),
        }

    @guarded
    def write(
        self, record: Record, kept: list[Record], opening: str, strength: float, seed: float, length: float,
        temperature: float, top_p: float, allow: bool,
    ) -> Iterator[Changes]:  # fmt: skip
        """Let the persona write from both pinned states."""
        session = Session.from_record(record)
        pins = Kept(tuple(kept)).pins(session)
        if len(pins) < MAX_PINS:
            raise UserError("There are no two states to write from: tick two of them.")
        yield from self.waiting()
        options = DecodeOptions(
            max_new_tokens=whole(length, "number of new tokens"), temperature=temperature, top_p=top_p,
            seed=seed_of(seed),
        )  # fmt: skip
        people = dict.fromkeys(pin.session.history.name for pin in pins)
        of_whom = f"For {views.enumerated(list(people))}, {self.wording.follows} “{shortened(opening, 60)}”."
        of = Of(f"{of_whom} {written_at(strength, options)}", pins=compared(pins, opening))
        stream = self.lent(self.written)(record, kept, opening, strength, options, allow)
        with contextlib.closing(stream):
            for states in stream:
                shown = _cards(pins, self.task.begun(opening), states, strength=strength)
                yield {self.parts.texts: shown} | self.bar.busy("Writing both and the control together.", of=of)
        yield self.bar.done(of)

    def written(
        self, record: Record, kept: list[Record], opening: str, strength: float, options: DecodeOptions, allow: bool
    ) -> Iterator[tuple[ArmText, ...]]:
        """Both texts as they grow; takes and gives plain values."""
        session = Session.from_record(record)
        inputs, pins = self.inputs(session, opening, seed=options.seed), Kept(tuple(kept)).pins(session)
        arms = [
            standing_in(
                arm_named("persona"), f"persona@{n}", pin.told(pins), items=pin.state.history.active,
                stored=self.shelf.stored_vector(pin.session),
            )
            for n, pin in enumerate(pins)
        ]  # fmt: skip
        # The control stands beside both: what it writes too is owed to nobody.
        arms.insert(0, arm_named("task"))
        yield from self.runtime.compare(inputs, arms, strength=strength, options=options, allow_listed_words=allow)


def _cards(pins: Sequence[Pin], opening: str, states: Sequence[ArmText], *, strength: float) -> View:
    done = all(text.written.done for text in states)
    control, *both = states
    # Two texts that are still being written differ for no other reason.
    others = [text.written.text if done else None for text in reversed(both)]
    known = text_card(
        arm_named("task").title, control.written.text, opening=opening, colour=palette.arm_variable("task"),
        warning=signs_of_collapse(control.written.text).warning(None) if control.written.done else "",
    )  # fmt: skip
    return texts(
        [
            known,
            *(text_card(
                pin.told(pins), text.written.text, opening=opening, colour="--pd-arm-persona",
                warning=signs_of_collapse(text.written.text).warning(strength) if text.written.done else "",
                beside=other,
            )
            for pin, text, other in zip(pins, both, others, strict=True))
        ],
        running=not done,
    )  # fmt: skip
