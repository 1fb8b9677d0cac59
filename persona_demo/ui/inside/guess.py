"""The blind tab: which of the texts knew the person? Nothing is named before the vote."""

from __future__ import annotations

import contextlib
import dataclasses
import secrets
import time
from collections.abc import Iterator, Sequence
from typing import Any

import gradio as gr

from persona_demo.answers import ArmText
from persona_demo.arms import arms_named
from persona_demo.blind import LETTERS, Round, Tally
from persona_demo.errors import UserError
from persona_demo.lm.decode import DecodeOptions
from persona_demo.tasks import Wording
from persona_demo.ui import column_views, palette, views
from persona_demo.ui.changes import Changes
from persona_demo.ui.inside.look import Look
from persona_demo.ui.inside.parts import GuessParts
from persona_demo.ui.inside.runbar import RunBar
from persona_demo.ui.inside.tables import View, text_card, texts
from persona_demo.ui.state import Session, key_of
from persona_demo.ui.verbs import guarded, whole
from persona_demo.ui.widget import widget
from persona_demo.ui.written import Outcome

ABOUT = """Which text knew the person? The persona, its control and somebody else's persona write anew, with chance,
and are shown here without names, in an order drawn for this round. Judge by the {many} above; the columns stay empty
until you have voted. One round says nothing, so there is a tally. Decide beforehand how many rounds you play, because
whoever stops when it looks good fools themself. For a class, save each tally and add up “right”, “rounds” and
“expected_by_chance”: the file holds no text and no name."""
SIZES = [("Two: the persona and its control", 2), ("Three: somebody else's persona as well", 3)]
ARMS = ("persona", "task", "persona:other")
LIVELY = 0.7
"""Temperature where the page's is 0, so that no text is one that was seen with its name."""
TRIES = 4
"""Small models say the same at times; after so many that is how it is."""
HIDDEN = "A blind guess is open: the columns come back when you have voted."
BACK = "The columns are back as they were before the guess."
NO_VOTES = {"text": Tally().sentence}


def lay_out(of: Wording) -> GuessParts:
    """Lay the tab out."""
    gr.Markdown(ABOUT.format(many=of.many), elem_classes="pd-lead")
    with gr.Row(elem_classes="pd-choices"):
        size = gr.Radio(SIZES, value=3, label="How many texts", elem_id="pd-guess-size")
    bar = RunBar.lay_out("Deal the texts", name="guess")
    cards = widget("texts", texts(), elem_id="pd-guess-texts")
    with gr.Row(elem_classes="pd-runbar", elem_id="pd-guess-votes"):
        # A button each: choices of a Radio that come later cannot be reached by keyboard.
        votes = tuple(
            gr.Button(f"Text {letter} knew the person", visible=False, min_width=150, elem_id=f"pd-guess-{letter}")
            for letter in LETTERS[: len(ARMS)]
        )
    line = widget("line", {"text": ""}, elem_classes="pd-finding", elem_id="pd-guess-line")
    tally = widget("line", NO_VOTES, elem_id="pd-guess-tally")
    with gr.Row(elem_classes="pd-runbar"):
        save = gr.Button("Save my tally", size="md", min_width=150, elem_id="pd-guess-save")
    return GuessParts(bar, size, cards, votes, line, tally, save, gr.State(None), gr.State([]))


def unnamed(dealt: Round, opening: str, written: Sequence[str], *, running: bool = False) -> View:
    """The texts in their order, under a letter each.

    Args:
        dealt: The round.
        opening: The words all of them began with.
        written: The texts, in the order of the round.
        running: Whether they are still being written.
    """
    cards = [
        text_card(f"Text {letter}", text, opening=opening) for letter, text in zip(dealt.letters, written, strict=True)
    ]
    return texts(cards, running=running)


def named(played: Round, opening: str, written: Sequence[str]) -> View:
    """The texts of a round that is over, with whose they are."""
    return texts(
        [
            text_card(
                f"Text {letter}: {arm.title}", text, opening=opening, why=arm.explanation,
                colour=palette.arm_variable(arm.name), note="This one you chose." if played.choice == place else "",
            )
            for place, (letter, text, arm) in enumerate(
                zip(played.letters, written, arms_named(played.order), strict=True)
            )
        ]
    )  # fmt: skip


def none_dealt(parts: GuessParts) -> Changes:
    """The tab while no round is open."""
    return {parts.round: None, **{vote: gr.Button(visible=False) for vote in parts.votes}}


class Guess(Look):
    """Verbs of the blind tab."""

    @property
    def parts(self) -> GuessParts:
        """The components of this tab."""
        return self.page.inside.guess

    @guarded
    def deal(
        self, record: dict[str, Any], opening: str, strength: float, length: float, temperature: float, top_p: float,
        allow: bool, size: int, columns: dict[str, Any], kept: dict[str, Any] | None, written: dict[str, Any],
    ) -> Iterator[Changes]:  # fmt: skip
        """Have the arms write, and show what they wrote without names."""
        session = Session.from_record(record)
        if session.stored or not session.history.active:
            raise UserError(f"Nobody can judge without {self.wording.many} to read: choose a person who has some.")
        if strength == 0:
            raise UserError("At strength 0 the persona is its control, word for word: turn the dial first.")
        whole(length, "number of new tokens")
        begun = self.task.begun(opening)
        # A round that was open is over, and what it held back is there again until the next one is.
        back = {} if kept is None else self._back(columns, written)
        yield back | none_dealt(self.parts) | {self.parts.line: {"text": ""}, self.parts.texts: texts()}
        yield from self.waiting()
        of = self.of(session, opening, more=f"At strength {strength:g}.")
        for _ in range(TRIES):
            # Drawn afresh, because a whole class that starts alike must not be dealt alike.
            dealt = Round.deal(ARMS[:size], truth=ARMS[0], seed=secrets.randbits(32))
            options = DecodeOptions(
                max_new_tokens=int(length), temperature=temperature or LIVELY, top_p=top_p, seed=dealt.seed
            )
            new: list[str] = []
            stream = self.lent(self.written)(record, opening, dealt.order, strength, options, allow)
            with contextlib.closing(stream):
                for states in stream:
                    new = [state.written.text for state in states]
                    shown = unnamed(dealt, begun, new, running=True)
                    yield {self.parts.texts: shown} | self.bar.busy("Writing.", of=of)
            if len(set(new)) == len(new):
                break
        else:
            raise UserError(f"Some of the texts come out the same: turn the strength up, or take {self.wording.other}.")
        kept = {
            "round": dataclasses.asdict(dealt), "texts": new, "opening": begun, "key": key_of(session, opening),
        }  # fmt: skip
        yield self.bar.done(of) | {
            self.parts.texts: unnamed(dealt, begun, new),
            self.parts.round: kept,
            self.page.columns: column_views.withheld(columns),
            self.page.caption: views.caption(HIDDEN),
        }

    def _back(self, columns: dict[str, Any], written: dict[str, Any]) -> Changes:
        """The columns as they were before a round."""
        outcome = Outcome.from_record(written)
        return {
            self.page.columns: column_views.columns(
                outcome.texts,
                opening=self.task.begun(outcome.prompt),
                shown=column_views.shown_in(columns),
                strength=outcome.strength,
                seed=outcome.options.seed,
            ),
            self.page.caption: views.caption(BACK, outcome.key),
        }

    def opened(self, kept: dict[str, Any] | None) -> Changes:
        """Let the visitor vote, once everything of the deal has arrived; nothing of it may undo a quick vote."""
        texts_dealt = 0 if kept is None else len(kept["texts"])
        return {vote: gr.Button(visible=place < texts_dealt) for place, vote in enumerate(self.parts.votes)}

    def written(
        self, record: dict[str, Any], opening: str, order: Sequence[str], strength: float, options: DecodeOptions,
        allow: bool,
    ) -> Iterator[tuple[ArmText, ...]]:  # fmt: skip
        """The texts as they grow, in their order; takes and gives plain values."""
        inputs = self.inputs(Session.from_record(record), opening, seed=options.seed)
        yield from self.runtime.compare(
            inputs, arms_named(order), strength=strength, options=options, allow_listed_words=allow
        )

    @guarded
    def vote(
        self, choice: int, record: dict[str, Any], opening: str, kept: dict[str, Any] | None,
        tally: list[dict[str, Any]], columns: dict[str, Any], written: dict[str, Any],
    ) -> Changes:  # fmt: skip
        """Take a vote, name the texts, and count the round."""
        if kept is None:
            raise UserError("There is nothing to vote on: deal the texts first.")
        session = Session.from_record(record)
        back = self._back(columns, written) | none_dealt(self.parts)
        if kept["key"] != key_of(session, opening):
            return back | self.refuse("These texts were for another person or other words: deal again.")
        played = Round.from_record(kept["round"]).vote(choice)
        counted = Tally.from_record(tally).add(played)
        letter = played.letters[played.order.index(played.truth)]
        said = f"{'Right' if played.right else 'No'}: text {letter} was written for {session.history.name}."
        return back | {
            self.parts.texts: named(played, kept["opening"], kept["texts"]),
            self.parts.line: {"text": said},
            self.parts.tally: {"text": counted.sentence},
            self.parts.played: counted.as_record(),
            self.page.notice: views.notice(),
        }

    @guarded
    def save(self, tally: list[dict[str, Any]]) -> Changes:
        """Hand the tally out as a file."""
        counted = Tally.from_record(tally)
        if not counted.rounds:
            raise UserError("There is no vote to save: deal the texts and vote first.")
        file = {"name": "guesses.json", "text": counted.to_json(), "stamp": time.time()}
        return {self.page.download: file, self.page.notice: views.notice()}
