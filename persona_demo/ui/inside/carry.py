"""Taking a run along: a whole run as one file and back, and a link to a state."""

from __future__ import annotations

import base64
import binascii
import os
import re
import time
from collections.abc import Mapping
from typing import Any

import gradio as gr

from persona_demo import link
from persona_demo.arms import KNOWN, arms_named
from persona_demo.errors import UserError
from persona_demo.lm.decode import DecodeOptions
from persona_demo.plug.storage import plug_fingerprint
from persona_demo.runtime import Runtime
from persona_demo.session import Models, Run, Vectors
from persona_demo.session_io import read_run
from persona_demo.tasks import Task, TaskName, task_named
from persona_demo.ui import views, words
from persona_demo.ui.changes import Changes
from persona_demo.ui.handlers import GONE, Desk
from persona_demo.ui.inside.parts import CarryParts
from persona_demo.ui.kept import Kept, next_file, state_key
from persona_demo.ui.loading import Loading
from persona_demo.ui.page import Page
from persona_demo.ui.shelf import FIRST, Shelf
from persona_demo.ui.state import SAMPLE, Point, Record, Session, key_of
from persona_demo.ui.verbs import guarded, seed_of, text_of, whole
from persona_demo.ui.widget import widget
from persona_demo.ui.writing import USUAL, shown_arms
from persona_demo.ui.written import Outcome

ABOUT = """**Export** puts everything on this page into one file: the history with its states, the {each}, seed
and strength, the models, the weights and lists of numbers, and what each column wrote. Opening it brings the same
page back, here or elsewhere. **Copy link** makes an address of the person, the {each}, the seed, the strength
and the columns. It never carries {many} of your own, and words you typed only if you say so: a link is kept by
browsers, chats and logs."""


def lay_out(task: Task) -> CarryParts:
    """Lay the tab out."""
    of = task.wording
    gr.Markdown(ABOUT.format(each=of.each, many=of.many), elem_classes="pd-lead")
    with gr.Row(elem_classes="pd-runbar"):
        export = gr.Button("Export this run", min_width=150, elem_id="pd-export")
        bring = widget("bring", {}, elem_id="pd-bring")
    with gr.Row(elem_classes="pd-runbar"):
        copy = gr.Button("Copy link", min_width=150, elem_id="pd-copy-link")
        with_text = gr.Checkbox(
            value=False, label=f"The link may carry the {of.given} I typed", min_width=280, elem_id="pd-with-text"
        )
    address = widget("link", {"query": "", "base": "", "left_out": ""}, elem_id="pd-address")
    with gr.Accordion("From a program", open=False):
        gr.Markdown(words.program(task, usual=task.name == FIRST))
    return CarryParts(export, bring, copy, with_text, address)


NOT_OF_THIS = (
    "The file is without texts: those in the columns were written before your last change. Press Write, then export."
)
ALLOWED = "It was written with words of the profanity lists allowed, and the switch under Advanced is on now."
LINKED = "The link is open: press Write to fill the columns for it."


class Carry(Desk):
    """Verbs of taking a run along. They change the desk, so they are verbs of the desk as well."""

    def __init__(
        self, page: Page, shelf: Shelf, loading: Loading, *, paths: Mapping[TaskName, str] | None = None
    ) -> None:
        """Bind them to a page.

        Args:
            page: Its components.
            shelf: What ships.
            loading: The models.
            paths: Where the page of each task lies, without slashes; nothing else is here, when left out.
        """
        super().__init__(page, shelf, loading)
        self._paths = {shelf.task.name: ""} if paths is None else paths

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
        shown = views.columns(
            run.outputs,
            opening=self.task.begun(run.prompt),
            shown=names,
            notes=views.arm_notes(arms_named(names), session),
            strength=run.strength,
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

    def _settings(self, opening: str, strength: float, options: DecodeOptions, names: list[str]) -> Changes:
        placebos = sorted({name.partition(":")[2] for name in names if ":" in name})
        return {
            self.page.opening: opening,
            self.page.strength: strength,
            self.page.seed: options.seed,
            self.page.max_new_tokens: options.max_new_tokens,
            self.page.temperature: options.temperature,
            self.page.top_p: options.top_p,
            self.page.arms: [name for name in names if name in KNOWN],
            self.page.placebo: bool(placebos),
            self.page.placebos: placebos or ["other"],
        }

    @guarded
    def copy_link(
        self, record: Record, opening: str, strength: float, seed: float, arms: list[str], placebo: bool,
        placebos: list[Any], with_text: bool,
    ) -> Changes:  # fmt: skip
        """Make a link to this state."""
        session = Session.from_record(record)
        # Only what is muted can be said of a history; what was reworded or added are posts of one's own.
        people = self._people()
        own = self.shelf.session_of(session.who).history if session.who in people else session.origin
        kept = {item.id: item.text for item in own}
        same = list(kept.items()) == [(item.id, item.text) for item in session.history]
        muted = tuple(item.id for item in session.history if item.muted and item.id in kept)
        state = link.LinkState(
            person=session.who,
            prompt=opening,
            seed=seed_of(seed),
            strength=strength,
            arms=tuple(shown_arms(arms, placebo, placebos)),
            muted=muted,
        )
        made = link.to_link(
            state, people=people, openings=self.shelf.openings, with_text=with_text, many=self.wording.many
        )
        # The stamp makes a second link of the same state a change, so that it is copied again.
        changed = (
            "" if same or session.who not in people else f"It does not carry your changes to the {self.wording.many}."
        )
        left_out = f"{made.left_out} {changed}".strip()
        view = {"query": made.query, "base": self._base(), "left_out": left_out, "stamp": time.time()}
        return {self.page.inside.carry.address: view, self.page.notice: views.notice()}

    def _base(self) -> str:
        """Address of this page on a Space, whose own pages stand in a frame; elsewhere the browser knows it."""
        path = self._paths.get(self.task.name, "")
        space, host = os.environ.get("SPACE_ID", ""), os.environ.get("SPACE_HOST", "")
        if path and host:
            # The address of the frame's outer page leads to the first page only.
            return f"https://{host}/{path}"
        return f"https://huggingface.co/spaces/{space}" if space and not path else ""

    def _people(self) -> dict[str, tuple[str, ...]]:
        people = {f"sample:{s.slug}": tuple(item.id for item in s.history) for s in self.shelf.samples}
        return people | {who: () for who in (self.shelf.atlas.ids if self.shelf.atlas is not None else ())}

    @guarded
    def come_by_link(self, record: Record, kept: list[Record], opening: str, request: gr.Request) -> Changes:
        """Greet a visitor; one who came by a link finds what it names."""
        changes = self.arrive(record, opening)
        try:
            state = link.from_link(dict(request.query_params), people=self._people(), openings=self.shelf.openings)
        except UserError as error:
            return changes | self.refuse(str(error))
        return changes if state is None else changes | self.opened(state, record, kept, opening)

    def opened(
        self, state: link.LinkState, record: Record, kept: list[Record], opening: str, *, said: str = LINKED
    ) -> Changes:
        """The page as a link names it.

        Args:
            state: What the link carries.
            record: The session, of which stays what the state leaves open.
            kept: Who was left; the person of the state comes back as they were loaded, and Undo leads to what was done.
            opening: The input, likewise.
            said: The line above columns that are still to be filled.

        Raises:
            UserError: If the state names nobody who is here, or no column.
        """
        session, left = self.taken_up(state.person or record["who"], record, kept)
        if state.person is not None:
            session = session.reset()
        for item in state.muted:
            session = session.mute(item, True)
        prompt = state.prompt if state.prompt is not None else opening
        options = DecodeOptions(seed=state.seed)
        names = list(state.arms) or shown_arms(USUAL, False)
        case = self.shelf.showcase
        made = None if case is None else (SAMPLE + case.person, case.opening, case.strength)
        shows = not session.edited and made == (session.who, prompt, state.strength)
        # The example made in advance is about somebody else, or was made otherwise: it goes.
        outcome = Outcome.of_showcase(case if shows else None, session)
        return (
            self._loaded(session, left, prompt)
            | self._settings(prompt, state.strength, options, names)
            | {
                self.page.columns: views.first_columns(case if shows else None, names),
                self.page.written: outcome.as_record(),
                self.page.caption: views.first_caption(case, session) if shows else views.caption(said),
            }
        )
