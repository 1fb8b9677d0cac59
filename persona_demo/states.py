"""States of a history: every edit makes a child, and no edit overwrites what was there.

A tree of frozen histories with a place in it. Undo goes to the parent and redo back to the child one
came from last; any two states can be pinned and compared. Knows nothing of models or pages.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from persona_demo.errors import UserError
from persona_demo.history import UserHistory

MAX_STATES = 64
"""States that are kept; the oldest one that nothing needs is forgotten first."""
MAX_PINS = 2
MAX_TRAIL = 24
"""Earlier places on the map that are kept."""


@dataclass(frozen=True)
class State:
    """A history at one moment.

    Attributes:
        id: Unique within its tree.
        parent: The state it was made from, or None for one that was loaded.
        history: The history.
        note: What was done, for readers; may be empty.
    """

    id: str
    parent: str | None
    history: UserHistory
    note: str = ""


@dataclass(frozen=True)
class States:
    """All states of one person, oldest first, and which of them is on the table.

    Attributes:
        all: The states; a parent stands before its children.
        current: Id of the one on the table.
        pinned: Ids of those that are pinned for comparing, at most two.
    """

    all: tuple[State, ...]
    current: str
    pinned: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the tree.

        Raises:
            UserError: If ids repeat, a parent is missing or comes later, or a named state is not there.
        """
        if not self.all:
            raise UserError(
                "This run has no state of the history: it is damaged, so export it again where it was made."
            )
        seen: set[str] = set()
        for state in self.all:
            if state.id in seen:
                raise UserError(f"Two states share the id {state.id[:40]!r}: each needs its own.")
            if state.parent is not None and state.parent not in seen:
                raise UserError(f"The parent of state {state.id[:40]!r} is not among the states before it.")
            seen.add(state.id)
        if len(self.all) > MAX_STATES:
            raise UserError(f"There are {len(self.all)} states: at most {MAX_STATES} are kept.")
        if len(self.pinned) > MAX_PINS or len(set(self.pinned)) < len(self.pinned):
            raise UserError(f"At most {MAX_PINS} different states can be pinned.")
        if missing := [name for name in (self.current, *self.pinned) if name not in seen]:
            raise UserError(f"There is no state {missing[0][:40]!r} in this run: export it again where it was made.")

    @classmethod
    def of(cls, history: UserHistory) -> States:
        """Begin with a history as it was loaded."""
        return cls((State("s0", None, history),), "s0")

    def state(self, name: str) -> State:
        """A state by its id.

        Raises:
            UserError: If there is none.
        """
        for state in self.all:
            if state.id == name:
                return state
        raise UserError(f"There is no state {name[:40]!r} in this run.")

    @property
    def here(self) -> State:
        """The state on the table."""
        return self.state(self.current)

    def edited(self, history: UserHistory, *, note: str = "") -> States:
        """Make a child of the state on the table; the same tree where nothing changed."""
        if history == self.here.history:
            return self
        number = 1 + max((int(s.id[1:]) for s in self.all if s.id[:1] == "s" and s.id[1:].isdecimal()), default=-1)
        child = State(f"s{number}", self.current, history, note)
        return replace(self._with_room(), all=(*self._with_room().all, child), current=child.id)

    def at(self, name: str) -> States:
        """The same tree with another state on the table.

        Raises:
            UserError: If there is none of that id.
        """
        return replace(self, current=self.state(name).id)

    def undo(self) -> States:
        """Go to the parent.

        Raises:
            UserError: If there is none.
        """
        if self.here.parent is None:
            raise UserError("There is nothing to undo.")
        return self.at(self.here.parent)

    def redo(self) -> States:
        """Go to the latest child.

        Raises:
            UserError: If there is none.
        """
        children = [s.id for s in self.all if s.parent == self.current]
        if not children:
            raise UserError("There is nothing to redo.")
        return self.at(children[-1])

    def pin(self, name: str) -> States:
        """Pin a state; of three the first one is let go."""
        others = tuple(p for p in self.pinned if p != name)
        return replace(self, pinned=(*others, self.state(name).id)[-MAX_PINS:])

    def unpin(self, name: str) -> States:
        """Let a state go."""
        return replace(self, pinned=tuple(p for p in self.pinned if p != name))

    def _with_room(self) -> States:
        """Forget the oldest state that is neither on the table nor pinned, where there are too many."""
        if len(self.all) < MAX_STATES:
            return self
        needed = {self.current, *self.pinned}
        gone = next(state for state in self.all if state.id not in needed)
        kept = (s for s in self.all if s is not gone)
        return replace(self, all=tuple(replace(s, parent=gone.parent) if s.parent == gone.id else s for s in kept))
