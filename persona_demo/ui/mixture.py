"""What is drawn on the maps of people who are mixed: a line, where on it the mixture stands, and both in words.

Knows vectors and the map; nothing of sessions, of models or of Gradio.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from persona_demo import algebra
from persona_demo.maps.atlas import Atlas, Placement
from persona_demo.maps.placing import directions_of
from persona_demo.plug.model import PersonaPlug
from persona_demo.ui import views

FloatArray = NDArray[np.float32]
Place = tuple[float, float]

STEPS = 21
"""Places a line is drawn through."""


@dataclass(frozen=True)
class Mixture:
    """What is drawn of a mixture.

    Attributes:
        line: Places the line is drawn through.
        mixed: Where on it the mixture stands, where there is one.
        marks: Name and place of whoever else is marked.
        drawn: What the line is, for whoever looks at a map.
        where: Who is near, and what to know of it, for whoever mixes.
    """

    line: tuple[Place, ...] = ()
    mixed: Place | None = None
    marks: tuple[tuple[str, float, float], ...] = ()
    drawn: str = ""
    where: str = ""

    def as_record(self) -> dict[str, Any]:
        """As plain JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Mixture:
        """The mixture of a record, which may have been to a browser and back."""
        return cls(
            line=tuple((x, y) for x, y in record["line"]),
            mixed=None if record["mixed"] is None else (record["mixed"][0], record["mixed"][1]),
            marks=tuple((name, x, y) for name, x, y in record["marks"]),
            drawn=record["drawn"],
            where=record["where"],
        )


class Drawer:
    """Draws mixtures on one map."""

    def __init__(self, atlas: Atlas, plug: PersonaPlug, names: Mapping[str, str]) -> None:
        """Take a map.

        Args:
            atlas: The map.
            plug: Keeps the average person.
            names: Of people with another name than their id.
        """
        self._atlas, self._plug, self._names = atlas, plug, names

    def blend(self, one: FloatArray, other: FloatArray, share: float, *, names: tuple[str, str]) -> Mixture:
        """Somebody between two people, (D,) each, with the names of both."""
        drawn = f"The line leads from {names[0]} to {names[1]}, and ◆ is the mixture."
        return self._mixed(algebra.line(one, other, steps=STEPS), algebra.blend(one, other, share), drawn)

    def apart(self, person: FloatArray, factor: float, *, name: str) -> Mixture:
        """A person (D,) by what sets them apart from the average one."""
        factors = np.linspace(min(0.0, factor), max(1.0, factor), STEPS)
        vectors = np.stack([algebra.exaggerate(person, self._plug, factor=float(f)) for f in factors])
        mixed = algebra.exaggerate(person, self._plug, factor=factor)
        return self._mixed(
            vectors, mixed, f"The line leads through the average person and {name}, and ◆ is the mixture."
        )

    def alone(self, person: FloatArray, *, name: str) -> Mixture:
        """A person (D,) less the average one."""
        mixed = algebra.without_average(person, self._plug)
        scale = self._atlas.scale
        part = np.linalg.norm((person - mixed) / scale) / np.linalg.norm(person / scale)
        more = f"The average that was taken away is {100 * part:.0f}% as long as what it was taken from."
        drawn = f"The line leads from {name} to {name} minus the average, which is the ◆."
        return self._mixed(algebra.line(person, mixed, steps=STEPS), mixed, drawn, more=more)

    def times(
        self, early: FloatArray, late: FloatArray, turns: Sequence[FloatArray], *, name: str, few: str
    ) -> Mixture:
        """Somebody's two halves on the map, and how far apart they are.

        Args:
            early: The first half, (D,).
            late: The second, (D,).
            turns: Two halves that take turns, (D,) each, which no time sets apart; none where there are too few items.
            name: Whose.
            few: What is said where there are too few.
        """
        one, other = self._atlas.place(early), self._atlas.place(late)
        beside = f", and halves that take turns {self._apart(*turns):.3f}" if turns else ""
        return Mixture(
            line=((one.x, one.y), (other.x, other.y)),
            marks=(("early", one.x, one.y), ("late", other.x, other.y)),
            drawn=f"The line joins {name}, early, and {name}, late.",
            where=f"Early stands nearest to {self._near(one)}; late to {self._near(other)}. They are "
            f"{self._apart(early, late):.3f} apart{beside}, where 0 is the same direction.{'' if turns else f' {few}'}",
        )

    def _apart(self, one: FloatArray, other: FloatArray) -> float:
        units = directions_of(np.stack([one, other]) / self._atlas.scale)
        return float(1 - units[0] @ units[1])

    def _mixed(self, vectors: FloatArray, mixed: FloatArray, drawn: str, *, more: str = "") -> Mixture:
        places = [self._atlas.place(vector) for vector in vectors]
        here = self._atlas.place(mixed)
        said: Sequence[str] = (
            f"Here the mixture stands nearest to {self._near(here)}.", more, algebra.out_of_range(mixed, self._atlas),
        )  # fmt: skip
        return Mixture(
            line=tuple((p.x, p.y) for p in places),
            mixed=(here.x, here.y),
            drawn=drawn,
            where=" ".join(filter(None, said)),
        )

    def _near(self, placement: Placement) -> str:
        return views.enumerated([self._names.get(near.id, near.id) for near in placement.neighbours[:3]])
