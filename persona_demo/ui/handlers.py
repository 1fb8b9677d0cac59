"""What happens when a visitor picks or edits somebody: validate, ask the runtime, show a view.

Each method of :class:`Desk` is named after the visitor's verb and returns changes keyed by component.
What a change looks like, the views know; how a text is written, :mod:`persona_demo.ui.writing` knows.
"""

from __future__ import annotations

import base64
import binascii
import re
import time
from collections.abc import Sequence
from typing import cast, get_args

import gradio as gr

from persona_demo.arms import Placebo
from persona_demo.errors import UserError
from persona_demo.history_io import parse_history, parse_pasted, to_json
from persona_demo.ui import column_views, views
from persona_demo.ui.changes import Changes
from persona_demo.ui.kept import Kept, next_file
from persona_demo.ui.persona_map import selected_id
from persona_demo.ui.standing import map_of, stand
from persona_demo.ui.state import NEW, Record, Session, Step
from persona_demo.ui.verbs import Verbs, guarded, text_of
from persona_demo.ui.writing import USUAL, shown_arms
from persona_demo.ui.written import Outcome

GONE = "That change was made to somebody who is not on the table any more: nothing was changed."


class Desk(Verbs):
    """Who is on the table, and what they wrote."""

    def arrive(self, record: Record, opening: str) -> Changes:
        """Greet a visitor: the first one's page has the models loaded behind it."""
        self.loading.start()
        return self.tick(record, opening)

    @guarded
    def tick(self, record: Record, opening: str) -> Changes:
        """Say how far the models are; once they are settled, show what they know and stop asking."""
        progress, runtime = self.loading.progress, self.loading.runtime
        changes: Changes = {
            self.page.status: views.status(
                progress, runtime.lm.info if runtime else None, example=self.shelf.showcase is not None
            )
        }
        if progress.stage in ("idle", "loading"):
            return changes
        changes[self.page.timer] = gr.Timer(active=False)
        if runtime is None:
            return changes | self.refuse(progress.words)
        line = views.engine_line(runtime.lm.info, runtime.variant_notice)
        shown = self._shown(Session.from_record(record), opening)
        return changes | shown | {self.page.engine: {"text": line}}

    @guarded
    def pick_person(self, who: str | None, record: Record, kept: list[Record], opening: str) -> Changes:
        """Load somebody from a list; a list that was only searched names nobody."""
        if who is None:
            return {self.page.notice: gr.skip()}
        return self._taken(who, record, kept, opening)

    @guarded
    def pick_on_map(self, record: Record, kept: list[Record], opening: str, event: gr.EventData) -> Changes:
        """Load somebody from the map."""
        # Of an item of the population, its person is taken.
        return self._taken((selected_id(event) or "").partition(".")[0], record, kept, opening)

    def _taken(self, who: str, record: Record, kept: list[Record], opening: str) -> Changes:
        session, left = self.taken_up(who, record, kept)
        return self._loaded(session, left, opening)

    def taken_up(self, who: str, record: Record, kept: list[Record]) -> tuple[Session, Kept]:
        """Somebody as the visitor left them, or as they ship, and who is kept then.

        Raises:
            UserError: If nobody has this id.
        """
        here, before = Session.from_record(record), Kept(tuple(kept))
        if who == here.who:
            return here, before
        session = before.session_of(who) or self.shelf.session_of(who)
        return session, before.without(who).leaving(here)

    @guarded
    def open_file(self, record: Record, kept: list[Record], opening: str, event: gr.EventData) -> Changes:
        """Load a history from the visitor's file, which came with the event and touches no disk."""
        name, data = text_of(event, "name"), text_of(event, "data")
        try:
            content = base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError) as error:
            raise UserError("The file could not be read: choose it again.") from error
        history = parse_history(content, filename=name or "history.json")
        here, before = Session.from_record(record), Kept(tuple(kept))
        session = Session.open(next_file(here, before), history, task=self.task.name)
        return self._loaded(session, before.leaving(here), opening)

    def _loaded(self, session: Session, kept: Kept, opening: str, *, took: str = "") -> Changes:
        choices = [
            *views.sample_choices(self.shelf.samples, self.wording, changed=kept.changed),
            *views.guest_choices(session, kept.files),
        ]
        on_map = session.who if session.stored or session.who in self.shelf.names else None
        gone = (
            f"Only so much is kept: what you did to {views.enumerated(kept.forgotten)}, whom you left first, is gone."
        )
        return self._changed(session, opening, took=took) | {
            self.page.kept: kept.as_record(),
            self.page.notice: views.notice(gone if kept.forgotten else "", "info"),
            self.page.person: gr.Dropdown(choices=choices, value=session.who),
            self.page.find: gr.update(value=on_map),
        }

    @guarded
    def edit(self, record: Record, opening: str, event: gr.EventData) -> Changes:
        """Change the text of an item."""
        session = _of_whom(record, event)
        return self._changed(session.edit(text_of(event, "id"), text_of(event, "text")), opening)

    @guarded
    def mute(self, record: Record, opening: str, event: gr.EventData) -> Changes:
        """Keep an item from every arm, or let them read it again."""
        muted = isinstance(event._data, dict) and event._data.get("muted") is True
        return self._changed(_of_whom(record, event).mute(text_of(event, "id"), muted), opening)

    @guarded
    def delete(self, record: Record, opening: str, event: gr.EventData) -> Changes:
        """Take an item out."""
        return self._changed(_of_whom(record, event).delete(text_of(event, "id")), opening)

    @guarded
    def move(self, record: Record, opening: str, event: gr.EventData) -> Changes:
        """Put an item one place earlier or later."""
        step = text_of(event, "step")
        if step not in get_args(Step):
            raise UserError("The page sent something that could not be read: reload it and try again.")
        return self._changed(_of_whom(record, event).move(text_of(event, "id"), cast(Step, step)), opening)

    @guarded
    def add_posts(self, record: Record, kept: list[Record], opening: str, event: gr.EventData) -> Changes:
        """Add items; to a person whose texts are not here nothing can be added, so somebody new gets them."""
        items = parse_pasted(text_of(event, "text"))
        session, took = _of_whom(record, event), text_of(event, "key")
        if not session.stored:
            return self._changed(session.add(items), opening, took=took)
        new, left = self.taken_up(NEW, record, kept)
        return self._loaded(new.add(items), left, opening, took=took)

    @guarded
    def undo(self, record: Record, opening: str, event: gr.EventData) -> Changes:
        """Take the last edit back."""
        return self._changed(_of_whom(record, event).undo(), opening)

    @guarded
    def redo(self, record: Record, opening: str, event: gr.EventData) -> Changes:
        """Make the edit again that was taken back last."""
        return self._changed(_of_whom(record, event).redo(), opening)

    @guarded
    def reset(self, record: Record, opening: str, event: gr.EventData) -> Changes:
        """Go back to the history as it was loaded."""
        return self._changed(_of_whom(record, event).reset(), opening)

    @guarded
    def save(self, record: Record) -> Changes:
        """Hand the history out as a file."""
        history = Session.from_record(record).history
        slug = re.sub(r"[^a-z0-9]+", "-", history.name.lower()).strip("-") or "history"
        # The stamp makes a second file of the same content a change.
        file = {"name": f"{slug}.json", "text": to_json(history), "stamp": time.time()}
        return {self.page.download: file, self.page.notice: views.notice()}

    @guarded
    def reword(self, record: Record, opening: str) -> Changes:
        """Weigh the items for another input; where the person stands does not depend on it."""
        shown = self._shown(Session.from_record(record), opening)
        # What else is drawn on the map stays.
        del shown[self.page.people]
        return shown | {self.page.given: opening}

    def _changed(self, session: Session, opening: str, *, took: str = "") -> Changes:
        return self._shown(session, opening, took=took) | {self.page.notice: views.notice()}

    def _shown(self, session: Session, opening: str, *, took: str = "") -> Changes:
        """Everything that follows from who is on the table and what they wrote."""
        weights, placement = stand(self.shelf, self.loading.runtime, session, opening)
        if placement is not None:
            session = session.stand_at((placement.x, placement.y))
        people = map_of(self.shelf, session, placement)
        return {
            self.page.session: session.as_record(),
            self.page.history: views.history(session, weights, took=took, place=people["message"]),
            self.page.people: people,
        }

    @guarded
    def clear(self, arms: list[str], placebo: bool, placebos: Sequence[Placebo] = ("other",)) -> Changes:
        """Forget everything this visitor typed, and show the page as it was at first, whatever is ticked."""
        session, opening = self.shelf.first_session(), self.shelf.opening
        shown = shown_arms(arms or USUAL, placebo, placebos)
        if self.loading.runtime is not None:
            # Nobody's texts are marked as theirs, so all go: at worst somebody else's is written anew.
            self.loading.runtime.forget()
        cleared = self._loaded(session, Kept(), opening) | {
            self.page.opening: opening,
            self.page.columns: column_views.first_columns(self.shelf.showcase, shown),
            self.page.written: Outcome.of_showcase(self.shelf.showcase, session).as_record(),
            self.page.caption: views.first_caption(self.shelf.showcase, session),
            self.page.download: {"name": "", "text": ""},
            self.page.notice: views.notice("Your data is cleared.", "info"),
            **self.idle(),
        }
        cleared[self.page.history] = {**cleared[self.page.history], "took": "*"}
        return cleared


def _of_whom(record: Record, event: gr.EventData) -> Session:
    """The session a row's event is about.

    Raises:
        UserError: If somebody else was put on the table before it arrived: people may have items of one id.
    """
    session = Session.from_record(record)
    named = event._data.get("person") if isinstance(event._data, dict) else None
    if named is not None and named != session.who:
        raise UserError(GONE)
    return session
