"""People a visitor worked on and then left: the session of each, until they are taken up again.

Kept as plain JSON beside the session on the table, for as long as the page is open, and bounded. Knows
nothing of models, of the map or of Gradio.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from persona_demo.states import MAX_PINS, State
from persona_demo.ui.state import FILE, Record, Session, is_from_file, key_of

MOST_PEOPLE = 8
"""People who are kept besides the one on the table; who was left longest ago goes first."""
MOST_CHARACTERS = 10_000_000
"""Length of all that is kept, as JSON."""


@dataclass(frozen=True)
class Pin:
    """A state that is pinned for comparing, and whose it is.

    Attributes:
        session: Of the person.
        state: One of the person's states.
    """

    session: Session
    state: State

    @property
    def key(self) -> str:
        """An id among the states of everybody."""
        return state_key(self.session.who, self.state.id)

    def read_with(self, opening: str) -> str:
        """A short key of what is written from it: who, what they wrote, and the input."""
        there = replace(self.session.states, current=self.state.id)
        return key_of(replace(self.session, states=there), opening)

    def called(self, among: Sequence[Pin] = ()) -> str:
        """Its name for readers, with the person's where others are among them."""
        name = f"{self.session.history.name}, " if any(p.session.who != self.session.who for p in among) else ""
        return f"{name}{self.state.id}"

    def told(self, among: Sequence[Pin] = ()) -> str:
        """Its name, and what was done."""
        return f"{self.called(among)}: {self.state.note or 'as it was loaded'}"


def state_key(who: str, state: str) -> str:
    """An id of a state among those of everybody; ids of people have no slash."""
    return f"{who}/{state}"


@dataclass(frozen=True)
class Kept:
    """Everybody who is kept.

    Attributes:
        records: Their sessions as plain JSON, who was left longest ago first.
        forgotten: Names of those who made room for who was left last.
    """

    records: tuple[Record, ...] = ()
    forgotten: tuple[str, ...] = ()

    def as_record(self) -> list[Record]:
        """As plain JSON."""
        return list(self.records)

    def session_of(self, who: str) -> Session | None:
        """A person as they were left, where they are kept."""
        found = next((record for record in self.records if record["who"] == who), None)
        return None if found is None else Session.from_record(found)

    def without(self, who: str) -> Kept:
        """Everybody else."""
        return Kept(tuple(record for record in self.records if record["who"] != who))

    def leaving(self, session: Session) -> Kept:
        """Keep somebody who is left now, where anything was done to them; the oldest make room."""
        others = self.without(session.who).records
        if not _touched(session):
            return Kept(others)
        records = [*others, session.as_record()]
        sizes = [len(json.dumps(record)) for record in records]
        forgotten = []
        while len(records) > 1 and (len(records) > MOST_PEOPLE or sum(sizes) > MOST_CHARACTERS):
            forgotten.append(records.pop(0)["origin"]["name"])
            sizes.pop(0)
        return Kept(tuple(records), tuple(forgotten))

    @property
    def changed(self) -> frozenset[str]:
        """Ids of people whose items were edited."""
        return frozenset(record["who"] for record in self.records if len(record["states"]) > 1)

    @property
    def files(self) -> dict[str, str]:
        """Names of those who came in a file, by their ids."""
        return {r["who"]: r["origin"]["name"] for r in self.records if is_from_file(r["who"])}

    def pins(self, session: Session) -> tuple[Pin, ...]:
        """States that are pinned, of whomever; the latest ones where there are more than can be compared.

        Args:
            session: Who is on the table.
        """
        others = [Session.from_record(r) for r in self.records if r["pinned"] and r["who"] != session.who]
        return tuple(Pin(each, each.states.state(name)) for each in (*others, session) for name in each.states.pinned)[
            -MAX_PINS:
        ]

    def pinned(self, session: Session, keys: Iterable[str]) -> tuple[Kept, Session]:
        """Pin these states and let all others go.

        Args:
            session: Who is on the table.
            keys: Ids of states, as :func:`state_key` makes them.
        """
        wanted = list(keys)

        def with_pins(of: Session) -> Session:
            own = [key.removeprefix(state_key(of.who, "")) for key in wanted if key.startswith(state_key(of.who, ""))]
            return replace(of, states=replace(of.states, pinned=tuple(own)))

        records: list[Record] = []
        for record in self.records:
            if record["pinned"]:
                left = with_pins(Session.from_record(record))
                record = left.as_record()
                if not _touched(left):
                    continue
            records.append(record)
        return Kept(tuple(records)), with_pins(session)


def _touched(session: Session) -> bool:
    """Whether a person is more than what opening them again would give."""
    done = len(session.states.all) > 1 or session.edited or session.states.pinned
    return bool(done) or is_from_file(session.who)


def next_file(session: Session, kept: Kept) -> str:
    """A free id for somebody who comes in a file now.

    Args:
        session: Who is on the table.
        kept: Who is kept.
    """
    taken = {session.who, *kept.files}
    return next(who for n in range(1, len(taken) + 2) if (who := FILE if n == 1 else f"{FILE}:{n}") not in taken)
