"""The tab of people algebra: between two people, away from the average, early and late, another's opening."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import astuple, replace
from typing import Any

import gradio as gr
import numpy as np
from numpy.typing import NDArray

from persona_demo import algebra
from persona_demo.answers import ArmText
from persona_demo.arms import Arm, ArmInputs, arm_named
from persona_demo.errors import UserError
from persona_demo.explain.collapse import signs_of_collapse
from persona_demo.history import HistoryItem, UserHistory
from persona_demo.lm.decode import DecodeOptions
from persona_demo.plug.config import PlugConfig
from persona_demo.tasks import Wording
from persona_demo.ui import palette, views
from persona_demo.ui.changes import Changes
from persona_demo.ui.inside.look import Look, about, standing_in
from persona_demo.ui.inside.parts import MixParts
from persona_demo.ui.inside.recipe import FARTHEST, Recipe, What, first_other, kinds, second_choices
from persona_demo.ui.inside.runbar import Of, RunBar
from persona_demo.ui.inside.tables import View, shortened, text_card, texts
from persona_demo.ui.kept import Kept
from persona_demo.ui.mixture import Drawer, Mixture
from persona_demo.ui.shelf import Shelf
from persona_demo.ui.standing import map_of, pinned_points, stand
from persona_demo.ui.state import Record, Session, key_of
from persona_demo.ui.verbs import guarded, seed_of, whole
from persona_demo.ui.widget import widget

FloatArray = NDArray[np.float32]
ABOUT = """To the plug a person is a list of numbers, so people can be mixed, exaggerated and compared with who
they were. What is mixed is used as a stored vector is: it stands in for a history, and does not depend on the
{given}. The control, which knows nobody, writes beside them."""
NO_COPIES = """What this plug otherwise copies from the {many} word for word does not fit into that list: mixtures,
and the people beside them, are written without it. Early and late me, and another person's {each}, keep it."""


def tab_about(of: Wording, form: PlugConfig | None) -> str:
    """What the tab shows.

    Args:
        of: What items are called.
        form: The form of the plug, where it is known.
    """
    said = ABOUT.format(given=of.given)
    return said if form is None or not form.own_words else f"{said} {NO_COPIES.format(many=of.many, each=of.each)}"


def lay_out(shelf: Shelf) -> MixParts:
    """Lay the tab out."""
    of = shelf.wording
    gr.Markdown(tab_about(of, shelf.form), elem_classes="pd-lead")
    what = gr.Radio(kinds(of), value="blend", label="What to try", elem_id="pd-mix-what")
    with gr.Row(elem_classes="pd-choices"):
        other = gr.Dropdown(
            second_choices(shelf, shelf.first_session(), Kept()), value=first_other(shelf), label="The second person",
            min_width=240, filterable=True, elem_id="pd-mix-other",
        )  # fmt: skip
        share = gr.Slider(
            0, 1, value=0.5, step=0.05, label="How much of the second person", min_width=240, elem_id="pd-mix-share"
        )
        factor = gr.Slider(
            -2, 4, value=2, step=0.25, label="How many times what sets them apart", visible=False, min_width=240,
            elem_id="pd-mix-factor",
        )  # fmt: skip
        back = gr.Slider(
            1, FARTHEST, value=1, step=1, label=f"Which {of.one} of theirs, 1 being the latest", visible=False,
            min_width=240, elem_id="pd-mix-back",
        )  # fmt: skip
    widget("release", {}, visible="hidden", ranges="#pd-mix-share, #pd-mix-factor, #pd-mix-back")
    line = widget(
        "line", {"text": Recipe("blend").explained(of), "key": ""}, old="That was before your last change.",
        elem_classes="pd-finding", elem_id="pd-mix-line",
    )  # fmt: skip
    bar = RunBar.lay_out("Write with each", name="mix")
    written = widget("texts", texts(), elem_id="pd-mix-texts")
    return MixParts(bar, what, other, share, factor, back, written, line, gr.State(None), gr.State([]))


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
            self.parts.back: gr.Slider(visible=what == "swap"),
        }

    def forget(self, what: What) -> Changes:
        """Draw nothing from now on, until somebody mixes again."""
        return {self.parts.drawn: None, self.parts.line: {"text": Recipe(what).explained(self.wording), "key": ""}}

    @guarded
    def move(self, record: Record, kept: list[Record], *given: Any) -> Changes:
        """Show on the maps where the mixture stands; what has no place on them takes the last one away.

        Args:
            record: The session.
            kept: Sessions of people who were left, who may be the second person.
            *given: Fields of a :class:`Recipe`.
        """
        session, recipe, mixture = Session.from_record(record), Recipe(*given), Mixture()
        try:
            mixture = self._mixture(session, Kept(tuple(kept)), recipe)
            said = mixture.where
        except UserError as error:
            # It is said where the choice was made, and no map goes on showing what was there before.
            said = str(error)
        runtime = self.loading.runtime
        _, placement = stand(self.shelf, runtime, session, "")
        pinned = pinned_points(self.shelf, runtime, session)
        line = {"text": f"{recipe.explained(self.wording)} {said}".strip(), "key": key_of(session, None)}
        return {
            self.page.people: map_of(self.shelf, session, placement, mixture=mixture),
            self.page.inside.maps.people: map_of(self.shelf, session, placement, mixture=mixture, pinned=pinned),
            self.parts.line: line,
            self.parts.drawn: mixture.as_record(),
            self.page.notice: views.notice(),
        }

    def follow(
        self, record: Record, kept: list[Record], drawn: dict[str, Any] | None, offered: list[str], *given: Any
    ) -> Changes:
        """Offer whom the visitor has left, and mix whoever is on the table now where a mixture is shown.

        Args:
            record: The session.
            kept: Sessions of people who were left.
            drawn: The mixture that is shown; None where none is asked for.
            offered: What sets the list of second people apart from that of who ships.
            *given: Fields of a :class:`Recipe`.
        """
        session, left, recipe = Session.from_record(record), Kept(tuple(kept)), Recipe(*given)
        changes: Changes = {}
        people = second_choices(self.shelf, session, left)
        usual = set(second_choices(self.shelf, self.shelf.first_session(), Kept()))
        told = [f"{who} {label}" for label, who in people if (label, who) not in usual]
        # Gradio's page copies a list of everybody whenever it is named, so it is only where it has changed.
        if told != offered:
            other = gr.Dropdown(choices=people)
            # Another may have been chosen meanwhile: it is not taken back.
            if recipe.other not in {who for _, who in people}:
                recipe = replace(recipe, other=first_other(self.shelf))
                other = gr.Dropdown(choices=people, value=recipe.other)
            changes = {self.parts.other: other, self.parts.offered: told}
        if drawn is None:
            return changes
        moved = self.move(record, kept, *astuple(recipe))
        # Whatever the strip says is about something else.
        return changes | {part: value for part, value in moved.items() if part is not self.page.notice}

    def _mixture(self, session: Session, kept: Kept, recipe: Recipe) -> Mixture:
        atlas, name = self.shelf.atlas, session.history.name
        if recipe.what == "swap":
            second = recipe.second(session, kept, self.shelf)
            _, opening = self._taken(second, recipe.back)
            return Mixture(where=f"Taken from {second.history.name}: “{shortened(opening)}”.")
        if atlas is None:
            return Mixture()
        draw = Drawer(atlas, self.runtime.plug, self.shelf.names)
        if recipe.what == "times":
            early, late, *turns = (self._embedded(part.history) for part in self._slices(session))
            few = f"Fewer than {algebra.LEAST_IN_TURNS} {self.wording.many} make no halves to set beside them."
            return draw.times(early, late, turns, name=name, few=few)
        one = self._vector(session)
        if recipe.what == "alone":
            return draw.alone(one, name=name)
        if recipe.what == "apart":
            return draw.apart(one, recipe.factor, name=name)
        second = recipe.second(session, kept, self.shelf)
        return draw.blend(one, self._vector(second), recipe.share, names=(name, second.history.name))

    @guarded
    def write(
        self, record: Record, kept: list[Record], opening: str, strength: float, seed: float, length: float,
        temperature: float, top_p: float, allow: bool, *given: Any,
    ) -> Iterator[Changes]:  # fmt: skip
        """Write from each, together; what is given are the fields of a :class:`Recipe`."""
        yield from self.waiting()
        session = Session.from_record(record)
        options = DecodeOptions(
            max_new_tokens=whole(length, "number of new tokens"), temperature=temperature, top_p=top_p,
            seed=seed_of(seed),
        )  # fmt: skip
        # What stands on another's input does not grow old with the page's own.
        key = key_of(session, None if Recipe(*given).what == "swap" else opening)
        stream = self.lent(self.written)(record, kept, opening, strength, options, allow, *given)
        with contextlib.closing(stream):
            for titles, started, states in stream:
                shown = _cards(titles, self.task.begun(started), states, running=True)
                of = Of(f"{about(session, started)} At strength {strength:g}.", key=key)
                yield {self.parts.texts: shown} | self.bar.busy(f"Writing {len(titles)} texts together.", of=of)
        yield {self.parts.texts: _cards(titles, self.task.begun(started), states)}
        yield self.bar.done(of)

    def written(
        self, record: Record, kept: list[Record], opening: str, strength: float, options: DecodeOptions, allow: bool,
        *given: Any,
    ) -> Iterator[tuple[list[str], str, tuple[ArmText, ...]]]:  # fmt: skip
        """Titles, input and texts as they grow; takes and gives plain values."""
        session, left, recipe = Session.from_record(record), Kept(tuple(kept)), Recipe(*given)
        if recipe.what == "swap":
            opening, arms = self._swapped(session, recipe.second(session, left, self.shelf), recipe.back)
            inputs = self.inputs(session, opening, seed=options.seed)
        else:
            inputs = self.inputs(session, opening, seed=options.seed)
            arms = self._arms(session, left, inputs, recipe)
        # No effect without what the same plug writes of nobody.
        arms = [arm_named("task"), *arms]
        titles = [arm.title for arm in arms]
        for states in self.runtime.compare(inputs, arms, strength=strength, options=options, allow_listed_words=allow):
            yield titles, opening, states

    def _arms(self, session: Session, kept: Kept, inputs: ArmInputs, recipe: Recipe) -> Sequence[Arm]:
        persona, name = arm_named("persona"), session.history.name
        if recipe.what == "times":
            return [
                standing_in(persona, f"persona@{n}", part.title, items=part.history.active, stored=None)
                for n, part in enumerate(self._slices(session))
            ]
        one = self._vector(session)
        if recipe.what == "alone":
            less = algebra.without_average(one, inputs.plug)
            alone = standing_in(persona, "persona@1", f"{name}, minus the average", stored=less)
            return [standing_in(persona, "persona@0", name, stored=one), alone]
        if recipe.what == "apart":
            mixed = algebra.exaggerate(one, inputs.plug, factor=recipe.factor)
            far = standing_in(persona, "persona@1", f"{name}, {recipe.factor:g} times", stored=mixed)
            return [standing_in(persona, "persona@0", name, stored=one), far]
        second, share = recipe.second(session, kept, self.shelf), recipe.share
        two, theirs = self._vector(second), second.history.name
        mixed = algebra.blend(one, two, share)
        between = f"{100 * (1 - share):.0f}% {name}, {100 * share:.0f}% {theirs}"
        vectors = ((name, one), (between, mixed), (theirs, two))
        return [standing_in(persona, f"persona@{n}", title, stored=v) for n, (title, v) in enumerate(vectors)]

    def _slices(self, session: Session) -> tuple[algebra.Slice, ...]:
        """Early and late, and the two halves that take turns, where these are others."""
        history = self.with_texts(session.as_record()).history
        halves = algebra.early_and_late(history, self.wording)
        if len(history.active) < algebra.LEAST_IN_TURNS:
            return halves
        return *halves, *algebra.in_turns(history, self.wording)

    def _vector(self, session: Session) -> FloatArray:
        stored = self.shelf.stored_vector(session)
        if stored is not None:
            return stored
        return self._embedded(session.history)

    def _embedded(self, history: UserHistory) -> FloatArray:
        return self.runtime.embed(history, self.runtime.task(self.task.name)).user_vector

    def _taken(self, second: Session, back: float) -> tuple[HistoryItem, str]:
        """An item of the second person that has an input, and that input."""
        of, name = self.wording, second.history.name
        pairs = ((item, self.task.pair(item)) for item in reversed(second.history.active))
        found = [(item, pair.input) for item, pair in pairs if pair is not None]
        if not found:
            raise UserError(f"No {of.each} of {name} is at hand: choose somebody whose {of.many} are shown here.")
        place = whole(back, f"number of the {of.one}")
        if not 1 <= place <= len(found):
            raise UserError(
                f"{name} has {of.count(len(found))} to choose from: set the slider to {len(found)} or less."
            )
        return found[place - 1]

    def _swapped(self, session: Session, second: Session, back: float) -> tuple[str, Sequence[Arm]]:
        """The input of an item of the second person, and both people without that item."""
        of, name = self.wording, second.history.name
        held, opening = self._taken(second, back)
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
                title, state.written.text, opening=opening, colour=palette.arm_variable(state.arm.partition("@")[0]),
                warning=signs_of_collapse(state.written.text).sentence if state.written.done else "",
            )
            for title, state in zip(titles, states, strict=True)
        ],
        running=running,
    )  # fmt: skip
