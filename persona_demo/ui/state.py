"""One visitor's session: whose history is on the table, every edit of it, and the way back.

A session is a frozen record; each verb makes a new one. Between two events it travels as plain JSON
(:meth:`Session.as_record`), so that nothing but text and numbers is kept for a visitor. Knows
nothing of models, of the map or of Gradio.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from persona_demo.errors import UserError
from persona_demo.history import HistoryItem, UserHistory
from persona_demo.history_records import items_from, record_of

MAX_UNDO = 20
"""Edits that can be taken back."""
MAX_TRAIL = 24
"""Earlier places on the map that are kept."""

NEW = "new"
"""Id of somebody who has not written anything yet."""
FILE = "file"
"""Id of somebody whose history was opened from a file."""
SAMPLE = "sample:"
"""What the id of a sample person starts with; the file's slug follows."""

Point = tuple[float, float]


@dataclass(frozen=True)
class Session:
    """What one visitor has in front of them.

    Attributes:
        who: ``sample:<slug>``, ``new``, ``file``, or the id of somebody on the map.
        history: The history as edited.
        origin: The history as it was loaded; what reset goes back to.
        past: Histories before each edit, oldest first.
        trail: Earlier places on the map, oldest first; the last one is where the person stands.
        stored: Whether only a stored vector is known of this person, and no text.
    """

    who: str
    history: UserHistory
    origin: UserHistory
    past: tuple[UserHistory, ...] = ()
    trail: tuple[Point, ...] = ()
    stored: bool = False

    @classmethod
    def open(cls, who: str, history: UserHistory, *, stored: bool = False) -> Session:
        """Start with a person as they were loaded."""
        return cls(who=who, history=history, origin=history, stored=stored)

    @property
    def edited(self) -> bool:
        """Whether the history differs from the one that was loaded."""
        return self.history != self.origin

    def _with_items(self, items: Sequence[HistoryItem]) -> Session:
        history = self.history.with_items(tuple(items))
        if history == self.history:
            return self
        return replace(self, history=history, past=(*self.past, self.history)[-MAX_UNDO:])

    def _place_of(self, item_id: str) -> int:
        for place, item in enumerate(self.history):
            if item.id == item_id:
                return place
        raise UserError("That post is not in the history any more: choose one of those in the table.")

    def edit(self, item_id: str, text: str) -> Session:
        """Give an item another text.

        Raises:
            UserError: If there is no such item, or its text is empty or too long.
        """
        place = self._place_of(item_id)
        if not text.strip():
            raise UserError(f"Post {place + 1} has no text any more: write something in it or delete it.")
        items = list(self.history)
        # A line's end may come back from a browser as two characters.
        items[place] = replace(items[place], text=text.replace("\r\n", "\n"))
        return self._with_items(items)

    def mute(self, item_id: str, muted: bool) -> Session:
        """Keep an item from every arm, or let them read it again.

        Raises:
            UserError: If there is no such item.
        """
        items, place = list(self.history), self._place_of(item_id)
        items[place] = replace(items[place], muted=muted)
        return self._with_items(items)

    def delete(self, item_id: str) -> Session:
        """Take an item out.

        Raises:
            UserError: If there is no such item.
        """
        place = self._place_of(item_id)
        return self._with_items([item for at, item in enumerate(self.history) if at != place])

    def add(self, items: Sequence[HistoryItem]) -> Session:
        """Put items at the end, as the latest; they are given ids of their own.

        Raises:
            UserError: If there are too many.
        """
        taken = {item.id for item in self.history}
        free = (name for number in range(1, len(taken) + len(items) + 1) if (name := f"n{number}") not in taken)
        return self._with_items([*self.history, *(replace(item, id=next(free)) for item in items)])

    def undo(self) -> Session:
        """Take the last edit back.

        Raises:
            UserError: If there is none.
        """
        if not self.past:
            raise UserError("There is nothing to undo: the history is as far back as is remembered.")
        return replace(self, history=self.past[-1], past=self.past[:-1])

    def reset(self) -> Session:
        """Go back to the history as it was loaded; this too can be undone."""
        return self._with_items(self.origin.items)

    def stand_at(self, point: Point) -> Session:
        """Note where the person stands on the map now."""
        if self.trail and self.trail[-1] == point:
            return self
        return replace(self, trail=(*self.trail, point)[-MAX_TRAIL:])

    def as_record(self) -> dict[str, Any]:
        """The session as plain JSON."""
        return {
            "who": self.who,
            "history": _record(self.history),
            "origin": _record(self.origin),
            "past": [_record(history) for history in self.past],
            "trail": [list(point) for point in self.trail],
            "stored": self.stored,
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Session:
        """A session from its record."""
        return cls(
            who=record["who"],
            history=_history(record["history"]),
            origin=_history(record["origin"]),
            past=tuple(_history(past) for past in record["past"]),
            trail=tuple((x, y) for x, y in record["trail"]),
            stored=record["stored"],
        )


def _record(history: UserHistory) -> dict[str, Any]:
    return {"name": history.name, "about": history.about, "items": [record_of(item) for item in history]}


def _history(record: Mapping[str, Any]) -> UserHistory:
    items = items_from(record["items"], source="the session")
    return UserHistory(name=record["name"], items=items, about=record["about"])
