"""Copy link: an address of what is on the page, and the page as an address names it.

What a link carries and how it reads, :mod:`persona_demo.link` knows.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import gradio as gr

from persona_demo import link
from persona_demo.arms import KNOWN
from persona_demo.errors import UserError
from persona_demo.lm.decode import DecodeOptions
from persona_demo.tasks import TaskName
from persona_demo.tasks.wording import Wording
from persona_demo.ui import column_views, views
from persona_demo.ui.changes import Changes
from persona_demo.ui.handlers import Desk
from persona_demo.ui.inside.runbar import QUIET
from persona_demo.ui.loading import Loading
from persona_demo.ui.page import LinkParts, Page
from persona_demo.ui.shelf import Shelf
from persona_demo.ui.state import SAMPLE, Record, Session
from persona_demo.ui.verbs import guarded, seed_of, whole
from persona_demo.ui.widget import widget
from persona_demo.ui.writing import USUAL, shown_arms
from persona_demo.ui.written import Outcome

NO_LINK = {"query": "", "base": "", "left_out": ""}
LINKED = "The link is open: press Write to fill the columns for it."


def lay_out_button() -> gr.Button:
    """Lay out what makes a link."""
    return gr.Button("Copy link", size="sm", min_width=90, elem_id="pd-copy-link")


def lay_out(button: gr.Button, of: Wording) -> LinkParts:
    """Lay the rest out: whether a link carries what was typed, and the link.

    Args:
        button: What makes it.
        of: What things are called.
    """
    with_text = gr.Checkbox(
        value=False, label=f"The link may carry the {of.given} I typed", container=False, elem_id="pd-with-text"
    )
    return LinkParts(button, with_text, widget("link", NO_LINK, elem_id="pd-address"))


class Linking(Desk):
    """Verbs of links. Opening one changes the desk, so they are verbs of the desk as well."""

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
        self, record: Record, opening: str, strength: float, seed: float, length: float, temperature: float,
        top_p: float, arms: list[str], placebo: bool, placebos: list[Any], with_text: bool,
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
            max_new_tokens=whole(length, "number of new tokens"),
            temperature=temperature,
            top_p=top_p,
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
        return {self.page.link.address: view, self.page.notice: views.notice()}

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
        names = list(state.arms) or shown_arms(USUAL, False)
        case = self.shelf.showcase
        made = None if case is None else (SAMPLE + case.person, case.opening, case.strength)
        # Nothing in it was left to chance, so it is the same whatever the seed.
        usual = replace(state.options, seed=0) == DecodeOptions()
        shows = not session.edited and usual and made == (session.who, prompt, state.strength)
        # The example made in advance is about somebody else, or was made otherwise: it goes.
        outcome = Outcome.of_showcase(case if shows else None, session)
        return (
            self._loaded(session, left, prompt)
            | self._settings(prompt, state.strength, state.options, names)
            | {
                self.page.columns: column_views.first_columns(case if shows else None, names),
                self.page.written: outcome.as_record(),
                self.page.caption: views.first_caption(case, session) if shows else views.caption(said),
            }
        )


def wire(page: Page, on: Linking) -> None:
    """Bind the making of links.

    Args:
        page: The components.
        on: The verbs.
    """
    how = [page.strength, page.seed, page.max_new_tokens, page.temperature, page.top_p]
    shown = [page.arms, page.placebo, page.placebos]
    carried = [page.session, page.opening, *how, *shown, page.link.with_text]
    page.link.copy.click(
        on.copy_link, carried, [page.link.address, page.notice], concurrency_id="desk", concurrency_limit=1, **QUIET
    )
