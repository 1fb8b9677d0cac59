"""One visitor's session: whose history is on the table, every edit of it, and the way back.

A session is a frozen record; each verb makes a new one. Between two events it travels as plain JSON
(:meth:`Session.as_record`), so that nothing but text and numbers is kept for a visitor. Knows
nothing of models, of the map or of Gradio.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from persona_demo.errors import UserError
from persona_demo.history import HistoryItem, UserHistory
from persona_demo.history_records import items_from, record_of
from persona_demo.states import MAX_TRAIL, State, States
from persona_demo.tasks import TaskName, task_named
from persona_demo.tasks.wording import Wording

NEW = "new"
"""Id of somebody who has not written anything yet."""
FILE = "file"
"""Id of somebody whose history was opened from a file; that of a second one has a number after a colon."""
SAMPLE = "sample:"
"""What the id of a sample person starts with; the file's slug follows."""

SAME_PLACE = 1e-4
"""Distance on the map below which nobody has moved; the map's spread is about 1."""

Record = Mapping[str, Any]
"""A session as plain JSON."""
Point = tuple[float, float]
Step = Literal["up", "down"]
"""A place earlier in the history, or a place later."""


@dataclass(frozen=True)
class Session:
    """What one visitor has in front of them.

    Attributes:
        who: ``sample:<slug>``, ``new``, ``file``, or the id of somebody on the map.
        states: The history, every edit of it as a child of what it was made from, and which is on the table.
        origin: The history as it was loaded; what reset goes back to.
        trail: Earlier places on the map, oldest first; the last one is where the person stands.
        stored: Whether only a stored vector is known of this person, and no text.
        task: What the person writes for.
    """

    who: str
    states: States
    origin: UserHistory
    trail: tuple[Point, ...] = ()
    stored: bool = False
    task: TaskName = "blog-post"

    @classmethod
    def open(cls, who: str, history: UserHistory, *, stored: bool = False, task: TaskName = "blog-post") -> Session:
        """Start with a person as they were loaded."""
        return cls(who=who, states=States.of(history), origin=history, stored=stored, task=task)

    @property
    def wording(self) -> Wording:
        """What the items are called."""
        return task_named(self.task).wording

    @property
    def history(self) -> UserHistory:
        """The history as edited."""
        return self.states.here.history

    @property
    def past(self) -> tuple[UserHistory, ...]:
        """Histories before each edit, oldest first."""
        found: list[UserHistory] = []
        state = self.states.here
        while state.parent is not None:
            state = self.states.state(state.parent)
            found.append(state.history)
        return tuple(reversed(found))

    @property
    def undone(self) -> bool:
        """Whether there is an edit that was taken back and can be made again."""
        return any(state.parent == self.states.current for state in self.states.all)

    @property
    def edited(self) -> bool:
        """Whether the history differs from the one that was loaded."""
        return self.history != self.origin

    def _with_items(self, items: Sequence[HistoryItem], note: str) -> Session:
        return replace(self, states=self.states.edited(self.history.with_items(tuple(items)), note=note))

    def _place_of(self, item_id: str) -> int:
        for place, item in enumerate(self.history):
            if item.id == item_id:
                return place
        raise UserError(f"That {self.wording.one} is not in the history any more: choose one of those in the table.")

    def edit(self, item_id: str, text: str) -> Session:
        """Give an item another text.

        Raises:
            UserError: If there is no such item, or its text is empty or too long.
        """
        place = self._place_of(item_id)
        if not text.strip():
            called = self.wording.numbered(place + 1)
            raise UserError(f"{called} has no text any more: write something in it or delete it.")
        items = list(self.history)
        # A line's end may come back from a browser as two characters.
        items[place] = replace(items[place], text=text.replace("\r\n", "\n"))
        return self._with_items(items, f"{self.wording.one} {place + 1} reworded")

    def mute(self, item_id: str, muted: bool) -> Session:
        """Keep an item from every arm, or let them read it again.

        Raises:
            UserError: If there is no such item.
        """
        items, place = list(self.history), self._place_of(item_id)
        items[place] = replace(items[place], muted=muted)
        done = "muted" if muted else "heard again"
        return self._with_items(items, f"{self.wording.one} {place + 1} {done}")

    def delete(self, item_id: str) -> Session:
        """Take an item out.

        Raises:
            UserError: If there is no such item.
        """
        place = self._place_of(item_id)
        rest = [item for at, item in enumerate(self.history) if at != place]
        return self._with_items(rest, f"{self.wording.one} {place + 1} deleted")

    def move(self, item_id: str, step: Step) -> Session:
        """Put an item one place earlier or later; one at the end stays where it is.

        Raises:
            UserError: If there is no such item.
        """
        items, place = list(self.history), self._place_of(item_id)
        to = min(max(place + (-1 if step == "up" else 1), 0), len(items) - 1)
        items.insert(to, items.pop(place))
        return self._with_items(items, f"{self.wording.one} {place + 1} moved {step}")

    def add(self, items: Sequence[HistoryItem]) -> Session:
        """Put items at the end, as the latest; they are given ids of their own.

        Raises:
            UserError: If there are too many.
        """
        taken = {item.id for item in self.history}
        free = (name for number in range(1, len(taken) + len(items) + 1) if (name := f"n{number}") not in taken)
        added = [replace(item, id=next(free)) for item in items]
        return self._with_items([*self.history, *added], f"{len(added)} added")

    def undo(self) -> Session:
        """Take the last edit back.

        Raises:
            UserError: If there is none.
        """
        return replace(self, states=self.states.undo())

    def redo(self) -> Session:
        """Make the edit again that was taken back last.

        Raises:
            UserError: If there is none.
        """
        return replace(self, states=self.states.redo())

    def at(self, state: str) -> Session:
        """Put another state on the table.

        Raises:
            UserError: If there is none of that id.
        """
        return replace(self, states=self.states.at(state))

    def pin(self, state: str, pinned: bool) -> Session:
        """Pin a state for comparing, or let it go.

        Raises:
            UserError: If there is none of that id.
        """
        return replace(self, states=self.states.pin(state) if pinned else self.states.unpin(state))

    def reset(self) -> Session:
        """Go back to the history as it was loaded; this too can be undone."""
        return self._with_items(self.origin.items, "as it was loaded")

    def stand_at(self, point: Point) -> Session:
        """Note where the person stands on the map now."""
        # The same items in another order add up to the same place but for the last digits.
        if self.trail and math.dist(self.trail[-1], point) < SAME_PLACE:
            return self
        return replace(self, trail=(*self.trail, point)[-MAX_TRAIL:])

    def as_record(self) -> dict[str, Any]:
        """The session as plain JSON; an item that many states share is in it once."""
        pool: dict[int, int] = {}
        items: list[dict[str, Any]] = []

        def packed(history: UserHistory) -> dict[str, Any]:
            places = []
            for item in history:
                if id(item) not in pool:
                    pool[id(item)] = len(items)
                    items.append(record_of(item))
                places.append(pool[id(item)])
            return {"name": history.name, "about": history.about, "items": places}

        states = [
            {"id": state.id, "parent": state.parent, "note": state.note, "history": packed(state.history)}
            for state in self.states.all
        ]
        return {
            "who": self.who,
            "states": states,
            "current": self.states.current,
            "pinned": list(self.states.pinned),
            "origin": packed(self.origin),
            "trail": [list(point) for point in self.trail],
            "stored": self.stored,
            "task": self.task,
            "items": items,
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Session:
        """A session from its record."""
        pool = [items_from([item], source="the session")[0] for item in record["items"]]

        def unpacked(packed: Mapping[str, Any]) -> UserHistory:
            items = tuple(pool[place] for place in packed["items"])
            return UserHistory(name=packed["name"], items=items, about=packed["about"])

        states = tuple(State(s["id"], s["parent"], unpacked(s["history"]), s["note"]) for s in record["states"])
        return cls(
            who=record["who"],
            states=States(states, record["current"], tuple(record["pinned"])),
            origin=unpacked(record["origin"]),
            trail=tuple((x, y) for x, y in record["trail"]),
            stored=record["stored"],
            task=record["task"],
        )


def is_from_file(who: str) -> bool:
    """Whether this is the id of somebody who came in a file."""
    return who.partition(":")[0] == FILE


def key_of(session: Session, opening: str | None) -> str:
    """A short key of what a measurement depends on: who, what they wrote, and the input.

    That of a measurement that asks for no input is what the keys of all inputs begin with.
    """
    items = (json.dumps(record_of(item), sort_keys=True) for item in session.history.active)
    read = "\0".join([session.task, session.who, *items])
    parts = (read, opening.strip() if opening is not None else "")
    first, second = (hashlib.sha256(part.encode("utf-8")).hexdigest()[:10] for part in parts)
    return f"{first}." if opening is None else f"{first}.{second}"
