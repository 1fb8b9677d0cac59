"""Taking a run along: a whole run as one file, and back."""

from __future__ import annotations

import base64
import binascii
import re
import time
from typing import Any

import gradio as gr

from persona_demo.arms import arms_named
from persona_demo.errors import UserError
from persona_demo.lm.decode import DecodeOptions
from persona_demo.plug.storage import plug_fingerprint
from persona_demo.runtime import Runtime
from persona_demo.session import Models, Run, Vectors
from persona_demo.session_io import read_run
from persona_demo.tasks import Task, task_named
from persona_demo.ui import column_views, views, words
from persona_demo.ui.changes import Changes
from persona_demo.ui.handlers import GONE
from persona_demo.ui.inside.parts import CarryParts
from persona_demo.ui.kept import Kept, next_file, state_key
from persona_demo.ui.linking import Linking
from persona_demo.ui.shelf import FIRST
from persona_demo.ui.state import Point, Record, Session, key_of
from persona_demo.ui.verbs import guarded, seed_of, text_of, whole
from persona_demo.ui.widget import widget
from persona_demo.ui.writing import shown_arms
from persona_demo.ui.written import Outcome

ABOUT = """**Export** puts the run into one file: the history with its states, the {each}, seed and strength,
the models, the weights and lists of numbers, and what each column wrote. Opening it brings this person and
these columns back, here or elsewhere. What the tabs measured is not in it (a table is saved where it stands), nor are
other people you changed. A link to this state, without {many} of your own, is made by **Copy link** at the top of the
page."""


def lay_out(task: Task) -> CarryParts:
    """Lay the tab out."""
    of = task.wording
    gr.Markdown(ABOUT.format(each=of.each, many=of.many), elem_classes="pd-lead")
    with gr.Row(elem_classes="pd-runbar"):
        export = gr.Button("Export this run", min_width=150, elem_id="pd-export")
        bring = widget("bring", {}, elem_id="pd-bring")
    with gr.Accordion("From a program", open=False):
        gr.Markdown(words.program(task, usual=task.name == FIRST))
    return CarryParts(export, bring)


NOT_OF_THIS = (
    "The file is without texts: those in the columns were written before your last change. Press Write, then export."
)
ALLOWED = "It was written with words of the profanity lists allowed, and the switch under Advanced is on now."


class Carry(Linking):
    """Verbs of taking a run along. A file is opened much as a link is, so they are verbs of links as well."""

    @guarded
    def go_back(self, record: Record, opening: str, event: gr.EventData) -> Changes:
        """Put another state of the history on the table."""
        session, key = Session.from_record(record), text_of(event, "id")
        own = state_key(session.who, "")
        if not key.startswith(own):
            raise UserError(GONE)
        return self._changed(session.at(key.removeprefix(own)), opening)

    @guarded
    def export(
        self, record: Record, opening: str, strength: float, seed: float, length: float, temperature: float,
        top_p: float, arms: list[str], placebo: bool, placebos: list[Any], allow: bool, written: dict[str, Any],
    ) -> Changes:  # fmt: skip
        """Hand the whole run out as a file."""
        session, outcome = Session.from_record(record), Outcome.from_record(written)
        runtime = self.loading.runtime
        if runtime is None:
            raise UserError("The models are still loading, and a run says which they are: export it in a moment.")
        # The file says of its texts how they were written, whatever the dials were turned to since.
        told = outcome.is_of(session, opening)
        options = (
            outcome.options
            if told
            else DecodeOptions(
                whole(length, "number of new tokens"), temperature=temperature, top_p=top_p, seed=seed_of(seed)
            )
        )
        run = Run(
            who=session.who,
            stored=session.stored,
            states=session.states,
            origin=session.origin,
            trail=session.trail,
            task=self.task.name,
            prompt=opening,
            arms=tuple(shown_arms(arms, placebo, placebos)),
            strength=outcome.strength if told else strength,
            options=options,
            models=Models.of(runtime, plug_fingerprint=self._plug),
            vectors=self._vectors(runtime, session, opening),
            allow_listed_words=outcome.allow_listed_words if told else allow,
            outputs=outcome.texts if told else (),
        )
        slug = re.sub(r"[^a-z0-9]+", "-", session.history.name.lower()).strip("-") or "run"
        file = {"name": f"{slug}-run.json", "text": run.to_json(), "stamp": time.time()}
        left_out = "" if told or not outcome.texts else NOT_OF_THIS
        return {self.page.download: file, self.page.notice: views.notice(left_out, "info")}

    def _vectors(self, runtime: Runtime, session: Session, opening: str) -> Vectors:
        stored = self.shelf.stored_vector(session)
        if stored is not None:
            return Vectors.of_stored(stored)
        if not session.history.active:
            return Vectors()
        query = opening if opening.strip() else None
        return Vectors.of(runtime.embed(session.history, runtime.task(self.task.name), query=query), session.history)

    @property
    def _plug(self) -> str:
        """SHA-256 of the page's plug; empty where neither plug nor map ships with it."""
        if self.shelf.plug is not None:
            return plug_fingerprint(self.shelf.plug)
        return self.shelf.atlas.plug_fingerprint if self.shelf.atlas is not None else ""

    @guarded
    def bring(self, record: Record, kept: list[Record], event: gr.EventData) -> Changes:
        """Take an exported run in; its texts and costs are shown as they were, weights are measured anew."""
        try:
            content = base64.b64decode(text_of(event, "data"), validate=True)
        except (binascii.Error, ValueError) as error:
            raise UserError("The file could not be read: choose it again.") from error
        run = read_run(content)
        if run.task != self.task.name:
            raise UserError(
                f"This run is of the task {run.task}, and this page is about {self.task.name}{self._go(run)}"
            )
        other_plug = run.fits(self._plug) if self._plug else ""
        # A trail drawn on another plug's map leads nowhere on this one.
        here, before = Session.from_record(record), Kept(tuple(kept))
        session = self._session_of(run, () if other_plug else run.trail, else_named=next_file(here, before))
        former = here if here.who == session.who else before.session_of(session.who)
        before = before.without(session.who)
        left = before if here.who == session.who else before.leaving(here)
        outcome = Outcome(
            run.prompt, run.strength, run.options, run.outputs, key_of(session, run.prompt), session.history.name,
            run.allow_listed_words,
        )  # fmt: skip
        names = list(run.arms)
        shown = column_views.columns(
            run.outputs,
            opening=self.task.begun(run.prompt),
            shown=names,
            notes=column_views.arm_notes(arms_named(names), session),
            strength=run.strength,
            seed=run.options.seed,
        )
        changes = self._loaded(session, left, run.prompt)
        name = session.history.name
        replaced = (
            ""
            if former is None or former.states == session.states or len(former.states.all) < 2
            else (f"What you had done to {name} gave way to what the file says.")
        )
        lost = (
            f"{run.who[:40]} is not on this map: to write again, add {self.wording.many} or choose somebody."
            if (run.stored and not session.stored)
            else ""
        )
        allowed = ALLOWED if run.allow_listed_words else ""
        said = " ".join(filter(None, (other_plug, lost, replaced, changes[self.page.notice]["text"], allowed)))
        return (
            changes
            | self._settings(run.prompt, run.strength, run.options, names)
            | {
                self.page.columns: shown,
                self.page.written: outcome.as_record(),
                self.page.caption: views.caption(
                    f"A run brought in, for {name} at strength {run.strength:g}.", outcome.key
                ),
                self.page.allow: run.allow_listed_words,
                self.page.notice: views.notice(said, "info"),
            }
        )

    def _go(self, run: Run) -> str:
        """Where a run of another task can be opened."""
        if run.task not in self._paths:
            return ": no page here has a plug for it."
        return f": open it on the page {task_named(run.task).wording.page} (/{self._paths[run.task]})."

    def _session_of(self, run: Run, trail: tuple[Point, ...], *, else_named: str) -> Session:
        """The run's person; somebody who is not here keeps their history under this id, and nothing else."""
        try:
            known = self.shelf.session_of(run.who)
        except UserError:
            known = None
        if known is None or known.stored != run.stored:
            return Session(else_named, run.states, run.origin, trail, task=run.task)
        # Of somebody who is here, it is known what they were loaded as, whatever the file says.
        return Session(run.who, run.states, known.history, trail, known.stored, task=run.task)
