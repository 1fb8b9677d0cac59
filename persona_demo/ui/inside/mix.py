"""The tab of people algebra: between two people, away from the average, early and late, another's opening."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import gradio as gr
import numpy as np
from numpy.typing import NDArray

from persona_demo import algebra
from persona_demo.answers import ArmText
from persona_demo.arms import Arm, ArmInputs, arm_named
from persona_demo.errors import UserError
from persona_demo.explain.collapse import signs_of_collapse
from persona_demo.history import UserHistory
from persona_demo.lm.decode import DecodeOptions
from persona_demo.tasks import Wording
from persona_demo.ui import views
from persona_demo.ui.changes import Changes
from persona_demo.ui.inside.look import Look, about, standing_in
from persona_demo.ui.inside.parts import MixParts
from persona_demo.ui.inside.runbar import RunBar
from persona_demo.ui.inside.tables import View, text_card, texts
from persona_demo.ui.mixture import Drawer, Mixture
from persona_demo.ui.shelf import Shelf
from persona_demo.ui.standing import map_of, pinned_points, stand
from persona_demo.ui.state import Session, key_of
from persona_demo.ui.verbs import guarded, seed_of, whole
from persona_demo.ui.widget import widget

FloatArray = NDArray[np.float32]
What = Literal["blend", "apart", "alone", "times", "swap"]

ABOUT = """To the plug a person is a list of numbers, so people can be mixed, exaggerated and compared with who
they were. What is mixed is used as a stored vector is: it stands in for a history, and does not depend on the
{given}."""
EXPLAINED: dict[What, str] = {
    "blend": "A straight line from one person to the other; the slider says how far along.",
    "apart": "What sets this person apart from the average of everybody, taken 0, 1 or more times, or turned around.",
    "alone": "This person minus the average of everybody: a difference between people, used as though it were one.",
    "times": "The first half of the {many} against the second half: the same person, earlier and later.",
    "swap": "The same history on another person's {each}, beside that person's own. The {one} it is taken from is "
    "read by neither.",
}


def choices(of: Wording) -> list[tuple[str, What]]:
    """What can be tried."""
    return [
        ("Between two people", "blend"),
        ("Away from the average person", "apart"),
        ("Minus the average person", "alone"),
        ("Early me and late me", "times"),
        (f"On another person's {of.each}", "swap"),
    ]


def lay_out(shelf: Shelf) -> MixParts:
    """Lay the tab out."""
    of = shelf.wording
    gr.Markdown(ABOUT.format(given=of.given), elem_classes="pd-lead")
    what = gr.Radio(choices(of), value="blend", label="What to try", elem_id="pd-mix-what")
    with gr.Row(elem_classes="pd-choices"):
        other = gr.Dropdown(
            views.everyone(shelf.samples, shelf.atlas, of), label="The second person", min_width=240, filterable=True,
            value=_first_other(shelf), elem_id="pd-mix-other",
        )  # fmt: skip
        share = gr.Slider(
            0, 1, value=0.5, step=0.05, label="How much of the second person", min_width=240, elem_id="pd-mix-share"
        )
        factor = gr.Slider(
            -2, 4, value=2, step=0.25, label="How many times what sets them apart", visible=False, min_width=240,
            elem_id="pd-mix-factor",
        )  # fmt: skip
    widget("release", {}, visible="hidden", ranges="#pd-mix-share, #pd-mix-factor")
    line = widget(
        "line", {"text": EXPLAINED["blend"], "key": ""}, old="That was before your last change.",
        elem_classes="pd-finding", elem_id="pd-mix-line",
    )  # fmt: skip
    bar = RunBar.lay_out("Write with each", name="mix")
    written = widget("texts", texts(), elem_id="pd-mix-texts")
    return MixParts(bar, what, other, share, factor, written, line, gr.State(None))


def _first_other(shelf: Shelf) -> str | None:
    own = shelf.first_session().who
    return next((who for _, who in views.sample_choices(shelf.samples, shelf.wording) if who not in (own, "new")), None)


class Mix(Look):
    """Verbs of the tab of people algebra."""

    @property
    def parts(self) -> MixParts:
        """The components of this tab."""
        return self.page.inside.mix

    def choose(self, what: What) -> Changes:
        """Show what a choice needs."""
        return {
            self.parts.other: gr.Dropdown(visible=what in ("blend", "swap")),
            self.parts.share: gr.Slider(visible=what == "blend"),
            self.parts.factor: gr.Slider(visible=what == "apart"),
        }

    def forget(self, what: What) -> Changes:
        """Draw nothing from now on, until somebody mixes again."""
        return {self.parts.drawn: None, self.parts.line: {"text": self._explained(what), "key": ""}}

    @guarded
    def move(self, record: dict[str, Any], what: What, other: str | None, share: float, factor: float) -> Changes:
        """Show on the maps where the mixture stands; what has no place on them takes the last one away."""
        session, mixture, said = Session.from_record(record), Mixture(), ""
        try:
            mixture = self._mixture(session, what, other, share, factor)
            said = mixture.where
        except UserError as error:
            # It is said where the choice was made, and no map goes on showing what was there before.
            said = str(error)
        runtime = self.loading.runtime
        _, placement = stand(self.shelf, runtime, session, "")
        pinned = pinned_points(self.shelf, runtime, session)
        line = {"text": f"{self._explained(what)} {said}".strip(), "key": key_of(session, None)}
        return {
            self.page.people: map_of(self.shelf, session, placement, mixture=mixture),
            self.page.inside.maps.people: map_of(self.shelf, session, placement, mixture=mixture, pinned=pinned),
            self.parts.line: line,
            self.parts.drawn: mixture.as_record(),
            self.page.notice: views.notice(),
        }

    def follow(
        self, record: dict[str, Any], drawn: dict[str, Any] | None, what: What, other: str | None, share: float,
        factor: float,
    ) -> Changes:  # fmt: skip
        """Mix whoever is on the table now, where a mixture is shown."""
        if drawn is None:
            return {}
        changes = self.move(record, what, other, share, factor)
        # Whatever the strip says is about something else.
        return {part: value for part, value in changes.items() if part is not self.page.notice}

    def _explained(self, what: What) -> str:
        of = self.wording
        return EXPLAINED[what].format(one=of.one, many=of.many, each=of.each)

    def _mixture(self, session: Session, what: What, other: str | None, share: float, factor: float) -> Mixture:
        atlas, name = self.shelf.atlas, session.history.name
        if atlas is None or what == "swap":
            return Mixture()
        draw = Drawer(atlas, self.runtime.plug, self.shelf.names)
        if what == "times":
            early, late = (self._embedded(part.history) for part in algebra.early_and_late(session.history))
            return draw.times(early, late, name=name)
        one = self._vector(session)
        if what == "alone":
            return draw.alone(one, name=name)
        if what == "apart":
            return draw.apart(one, factor, name=name)
        second = self._other(other)
        return draw.blend(one, self._vector(second), share, names=(name, second.history.name))

    @guarded
    def write(
        self, record: dict[str, Any], opening: str, strength: float, seed: float, length: float, temperature: float,
        top_p: float, allow: bool, what: What, other: str | None, share: float, factor: float,
    ) -> Iterator[Changes]:  # fmt: skip
        """Write from each, together."""
        yield from self.waiting()
        session = Session.from_record(record)
        options = DecodeOptions(
            max_new_tokens=whole(length, "number of new tokens"), temperature=temperature, top_p=top_p,
            seed=seed_of(seed),
        )  # fmt: skip
        stream = self.lent(self.written)(record, opening, strength, options, allow, what, other, share, factor)
        with contextlib.closing(stream):
            for titles, started, states in stream:
                shown = _cards(titles, self.task.begun(started), states, running=True)
                yield {self.parts.texts: shown} | self.bar.busy(f"Writing {len(titles)} texts together.")
        yield {self.parts.texts: _cards(titles, self.task.begun(started), states)}
        # What stands on another's input does not grow old with the page's own.
        key = key_of(session, None if what == "swap" else opening)
        yield self.bar.done(f"{about(session, started)} At strength {strength:g}.", key=key)

    def written(
        self, record: dict[str, Any], opening: str, strength: float, options: DecodeOptions, allow: bool,
        what: What, other: str | None, share: float, factor: float,
    ) -> Iterator[tuple[list[str], str, tuple[ArmText, ...]]]:  # fmt: skip
        """Titles, input and texts as they grow; takes and gives plain values."""
        session = Session.from_record(record)
        if what == "swap":
            opening, arms = self._swapped(session, self._other(other))
            inputs = self.inputs(session, opening, seed=options.seed)
        else:
            inputs = self.inputs(session, opening, seed=options.seed)
            arms = self._arms(session, inputs, what, other, share, factor)
        titles = [arm.title for arm in arms]
        for states in self.runtime.compare(inputs, arms, strength=strength, options=options, allow_listed_words=allow):
            yield titles, opening, states

    def _arms(
        self, session: Session, inputs: ArmInputs, what: What, other: str | None, share: float, factor: float
    ) -> Sequence[Arm]:
        persona, name = arm_named("persona"), session.history.name
        if what == "times":
            slices = algebra.early_and_late(session.history)
            return [
                standing_in(persona, f"persona@{n}", part.title, items=part.history.active, stored=None)
                for n, part in enumerate(slices)
            ]
        one = self._vector(session)
        if what == "alone":
            less = algebra.without_average(one, inputs.plug)
            alone = standing_in(persona, "persona@1", f"{name}, minus the average", stored=less)
            return [standing_in(persona, "persona@0", name, stored=one), alone]
        if what == "apart":
            mixed = algebra.exaggerate(one, inputs.plug, factor=factor)
            far = standing_in(persona, "persona@1", f"{name}, {factor:g} times", stored=mixed)
            return [standing_in(persona, "persona@0", name, stored=one), far]
        second = self._other(other)
        two, theirs = self._vector(second), second.history.name
        mixed = algebra.blend(one, two, share)
        between = f"{100 * (1 - share):.0f}% {name}, {100 * share:.0f}% {theirs}"
        vectors = ((name, one), (between, mixed), (theirs, two))
        return [standing_in(persona, f"persona@{n}", title, stored=v) for n, (title, v) in enumerate(vectors)]

    def _other(self, who: str | None) -> Session:
        if who is None:
            raise UserError("There is no second person: choose one from the list.")
        return self.shelf.session_of(who)

    def _vector(self, session: Session) -> FloatArray:
        stored = self.shelf.stored_vector(session)
        if stored is not None:
            return stored
        return self._embedded(session.history)

    def _embedded(self, history: UserHistory) -> FloatArray:
        return self.runtime.embed(history, self.runtime.task(self.task.name)).user_vector

    def _swapped(self, session: Session, second: Session) -> tuple[str, Sequence[Arm]]:
        """The input of an item of the second person, and both people without that item."""
        of, task, name = self.wording, self.runtime.task(self.task.name), second.history.name
        pairs = ((item, task.pair(item)) for item in reversed(second.history.active))
        found = next(((item, pair.input) for item, pair in pairs if pair is not None), None)
        if found is None:
            raise UserError(f"No {of.each} of {name} is at hand: choose somebody whose {of.many} are shown here.")
        held, opening = found
        # Who has read how the text goes on would only have to remember it.
        own, theirs = (
            tuple(item for item in each.history.active if item.text != held.text) for each in (session, second)
        )
        if not theirs:
            raise UserError(f"{name} has one {of.one} only, and nothing is left without it: choose somebody with more.")
        persona, writes = arm_named("persona"), "goes on" if of.begins else "writes"
        return opening, [
            standing_in(persona, "persona@0", f"{session.history.name} {writes}", items=own),
            standing_in(persona, "persona@1", f"{name} {writes}", items=theirs, stored=None),
        ]


def _cards(titles: Sequence[str], opening: str, states: Sequence[ArmText], *, running: bool = False) -> View:
    return texts(
        [
            text_card(
                title, state.written.text, opening=opening, colour="--pd-arm-persona",
                warning=signs_of_collapse(state.written.text).sentence if state.written.done else "",
            )
            for title, state in zip(titles, states, strict=True)
        ],
        running=running,
    )  # fmt: skip
