"""What a map is told when something changes: plain JSON, and the records it is made of.

Knows coordinates and names, and nothing of the component that draws them or of how a place is found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

MAX_TRAIL = 24
"""Most earlier places that are sent; older ones are left out."""

MAX_LINE = 41
"""Most places a line between two people is drawn through."""


@dataclass(frozen=True)
class You:
    """The person being edited.

    Attributes:
        name: What the point is called.
        x: First coordinate of where they stand.
        y: Second coordinate.
        trail: Earlier places (x, y), oldest first.
    """

    name: str
    x: float
    y: float
    trail: Sequence[tuple[float, float]] = ()


@dataclass(frozen=True)
class NamedPoint:
    """A person with a name, as the sample people have.

    Attributes:
        id: What ``select`` reports, ``sample:<slug>``.
        name: What the point is called.
        x: First coordinate.
        y: Second coordinate.
    """

    id: str
    name: str
    x: float
    y: float


@dataclass(frozen=True)
class Group:
    """Some of the population that share a colour.

    Attributes:
        label: What they have in common, for the legend.
        count: How many they are.
        unknown: Whether it is those of whom the quantity is not known.
    """

    label: str
    count: int
    unknown: bool = False


@dataclass(frozen=True)
class Tint:
    """Colours of the population.

    Attributes:
        title: What is coloured.
        groups: The groups, at most ten, in the order of their colours.
        of: For each of the population the index of its group, (U,).
        ordered: Whether the groups are steps of one quantity, from little to much.
    """

    title: str
    groups: tuple[Group, ...]
    of: Sequence[int]
    ordered: bool = False


class MapValue(TypedDict, total=False):
    """What the browser is told when something changes; made by :func:`map_value`.

    ``line``, ``mixed`` and ``pinned`` are there only where they are drawn. Without ``tint`` the colours stay as they
    are; an empty one takes them away.
    """

    selected: str | None
    you: dict[str, Any] | None
    people: list[dict[str, Any]]
    neighbours: list[str]
    message: str
    line: list[list[float]]
    mixed: list[float]
    pinned: list[dict[str, Any]]
    tint: dict[str, Any]


def map_value(
    *,
    selected: str | None = None,
    you: You | None = None,
    people: Sequence[NamedPoint] = (),
    neighbours: Sequence[str] = (),
    message: str = "",
    line: Sequence[tuple[float, float]] = (),
    mixed: tuple[float, float] | None = None,
    pinned: Sequence[tuple[str, float, float]] = (),
    tint: Tint | Literal["keep", "none"] = "keep",
) -> MapValue:
    """State of the map as plain JSON, without the population.

    Args:
        selected: Id of the person everything else shows, if one is.
        you: The person being edited, if they have a place.
        people: The people shown by name.
        neighbours: Ids of those nearest to the selected person, nearest first.
        message: The same in words; shown below the map and read out when it changes.
        line: Places (x, y) a line is drawn through, from one person to another.
        mixed: Where on it somebody stands who is mixed from others.
        pinned: Name and place (x, y) of each state of the person that is marked beside the one on the table.
        tint: Colours of the population; they stay as they are, or are taken away.
    """
    here = None
    if you is not None:
        trail = [place(point) for point in you.trail[-MAX_TRAIL:]]
        here = {"name": you.name, "at": place((you.x, you.y)), "trail": trail}
    value: MapValue = {
        "selected": selected,
        "you": here,
        "people": [{"id": p.id, "name": p.name, "at": place((p.x, p.y))} for p in people],
        "neighbours": list(neighbours),
        "message": message,
    }
    if line:
        value["line"] = [place(point) for point in line[:MAX_LINE]]
    if mixed is not None:
        value["mixed"] = place(mixed)
    if pinned:
        value["pinned"] = [{"name": name, "at": place((x, y))} for name, x, y in pinned]
    if tint == "none":
        value["tint"] = {}
    elif not isinstance(tint, str):
        # One digit for each of the population: three thousand of them are three kilobytes.
        value["tint"] = {
            "title": tint.title,
            "groups": [{"label": g.label, "count": g.count, "unknown": g.unknown} for g in tint.groups],
            "of": "".join(map(str, tint.of)),
            "ordered": tint.ordered,
        }
    return value


def place(point: tuple[float, float]) -> list[float]:
    """A place as it is sent."""
    # Four decimals are finer than a pixel of a map whose spread is one, and a third of the bytes.
    return [round(float(coordinate), 4) for coordinate in point]
