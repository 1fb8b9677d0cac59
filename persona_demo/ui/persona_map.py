"""The map of people: a clickable scatter of the training population with the edited person on it.

Draws with the copy of Plotly that the ``plotly`` package ships, served from where it is installed.
The population goes to the browser once, as properties of the component; a value is only what moves:
who is selected, who is near, where the edited person stands and stood. A click triggers ``select``
with ``{"id": ...}``. Knows coordinates and names, and nothing of vectors or how a place is found.
"""

from __future__ import annotations

import json
import re
from abc import ABCMeta
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, TypedDict
from urllib.parse import quote

import gradio as gr
import plotly
from gradio.component_meta import ComponentMeta, updateable

MAX_TRAIL = 24
"""Most earlier places that are sent; older ones are left out."""

MAX_LINE = 41
"""Most places a line between two people is drawn through."""

SCRIPTS = ("persona_map_geometry.js", "persona_map_marks.js", "persona_map_ground.js", "persona_map.js")

MapKind = Literal["people", "posts"]

_SELECTABLE = re.compile(r"p[0-9]{4,6}(\.[0-9]{1,4})?|sample:[a-z0-9][a-z0-9_-]{0,63}")


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
    """

    label: str
    count: int


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

    ``line`` and ``mixed`` are there only where they are drawn. Without ``tint`` the colours stay as they are; an empty
    one takes them away.
    """

    selected: str | None
    you: dict[str, Any] | None
    people: list[dict[str, Any]]
    neighbours: list[str]
    message: str
    line: list[list[float]]
    mixed: list[float]
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
        tint: Colours of the population; they stay as they are, or are taken away.
    """
    here = None
    if you is not None:
        trail = [_place(point) for point in you.trail[-MAX_TRAIL:]]
        here = {"name": you.name, "at": _place((you.x, you.y)), "trail": trail}
    value: MapValue = {
        "selected": selected,
        "you": here,
        "people": [{"id": p.id, "name": p.name, "at": _place((p.x, p.y))} for p in people],
        "neighbours": list(neighbours),
        "message": message,
    }
    if line:
        value["line"] = [_place(point) for point in line[:MAX_LINE]]
    if mixed is not None:
        value["mixed"] = _place(mixed)
    if tint == "none":
        value["tint"] = {}
    elif not isinstance(tint, str):
        # One digit for each of the population: three thousand of them are three kilobytes.
        value["tint"] = {
            "title": tint.title,
            "groups": [{"label": group.label, "count": group.count} for group in tint.groups],
            "of": "".join(map(str, tint.of)),
            "ordered": tint.ordered,
        }
    return value


def _place(point: tuple[float, float]) -> list[float]:
    # Four decimals are finer than a pixel of a map whose spread is one, and a third of the bytes.
    return [round(float(coordinate), 4) for coordinate in point]


def selected_id(event: gr.EventData) -> str | None:
    """The id a ``select`` event carries, or None if it is none that the map could have sent.

    Any value can arrive from a browser. What passes has the shape of an id; whether somebody has
    it is for the caller to look up.
    """
    data = event._data
    chosen = data.get("id") if isinstance(data, dict) else None
    return chosen if isinstance(chosen, str) and _SELECTABLE.fullmatch(chosen) else None


def plotly_file() -> Path:
    """Where the installed ``plotly`` package keeps its JavaScript."""
    return Path(plotly.__file__).resolve().parent / "package_data" / "plotly.min.js"


def static_paths() -> list[Path]:
    """What the app must pass to ``gr.set_static_paths`` before it is launched, so that maps can draw."""
    return [plotly_file()]


def _asset(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


class _Unstubbed(ComponentMeta):
    """Gradio's metaclass without its writing of a ``.pyi`` beside the source at every import."""

    def __new__(cls, name: str, bases: tuple[type, ...], attrs: dict[str, Any]) -> Any:
        attrs["__init__"] = updateable(attrs["__init__"])  # type: ignore[no-untyped-call]
        return ABCMeta.__new__(cls, name, bases, attrs)


class PersonaMap(gr.HTML, metaclass=_Unstubbed):
    """A map of people that can be clicked.

    Listen with ``.select(handler, ..., api_visibility="private")`` and read the event with
    :func:`selected_id`. The same people should be reachable without a mouse: the component has a
    list of those near, and a dropdown bound to the same handler reaches everybody.
    """

    def __init__(
        self,
        *,
        ids: Sequence[str],
        coordinates: Sequence[tuple[float, float]],
        counts: Sequence[int],
        value: MapValue | None = None,
        kind: MapKind = "people",
        regions: Sequence[tuple[str, float, float]] = (),
        nouns: tuple[str, str] = ("a post", "posts"),
        actions: bool = False,
        **kwargs: Any,
    ) -> None:
        """Make a map of a population, which never moves afterwards.

        Args:
            ids: Ids of the U people, ``p0123`` and so on.
            coordinates: Their places, (U, 2).
            counts: How many items each stands for, (U,).
            value: What is shown first, from :func:`map_value`.
            kind: Whether the points are people or single posts, or whatever else, of theirs (``p0123.2``).
            nouns: What one of these is called, with its article, and several are.
            regions: Label and place (x, y) of stretches of the map.
            actions: Whether it has buttons to isolate those near and to clear what was marked, which
                triggers ``clear``.
            **kwargs: Passed on to ``gr.HTML``.

        Raises:
            ValueError: If the three do not have the same length.
        """
        if not len(ids) == len(coordinates) == len(counts):
            raise ValueError(f"{len(ids)} ids, {len(coordinates)} coordinates and {len(counts)} counts")
        settings: dict[str, Any] = {
            "html_template": _asset("persona_map.html"),
            "css_template": _asset("persona_map.css"),
            "js_on_load": "".join(map(_asset, SCRIPTS)),
            "apply_default_css": False,
            # One text: Gradio's page copies every property at every event, and lists figure by figure.
            "population": json.dumps(
                {
                    "ids": list(ids),
                    "at": [_place((point[0], point[1])) for point in coordinates],
                    "counts": [int(count) for count in counts],
                },
                separators=(",", ":"),
            ),
            "kind": kind,
            "nouns": list(nouns),
            "regions": [{"label": label, "at": _place((x, y))} for label, x, y in regions],
            "actions": actions,
            # Relative, so that it holds under a sub-path and behind the server-side renderer.
            "library": f"gradio_api/file={quote(plotly_file().as_posix())}",
        }
        super().__init__(value=value, **(settings | kwargs))

    def postprocess(self, value: MapValue | None) -> MapValue:  # type: ignore[override]
        """What is sent for a value; None clears the map of everything but its population."""
        return value or map_value()

    def api_info(self) -> dict[str, Any]:
        """JSON schema of a value."""
        # Spelled for Gradio's own reader of schemas, which knows anyOf and no lists of types.
        text, place = {"type": "string"}, {"type": "array", "items": {"type": "number"}}
        nothing = {"type": "null"}
        you = {"name": text, "at": place, "trail": {"type": "array", "items": place}}
        person = {"id": text, "name": text, "at": place}
        group = {"label": text, "count": {"type": "integer"}}
        tint = {
            "title": text,
            "groups": {"type": "array", "items": {"type": "object", "properties": group}},
            "of": text,
            "ordered": {"type": "boolean"},
        }
        return {
            "type": "object",
            "properties": {
                "selected": {"anyOf": [text, nothing]},
                "you": {"anyOf": [{"type": "object", "properties": you}, nothing]},
                "people": {"type": "array", "items": {"type": "object", "properties": person}},
                "neighbours": {"type": "array", "items": text},
                "message": text,
                "line": {"type": "array", "items": place},
                "mixed": place,
                "tint": {"type": "object", "properties": tint},
            },
        }

    def example_payload(self) -> MapValue:
        """A value, for the API page."""
        tint = Tint("Posts", (Group("1 to 9", 1), Group("10 and more", 1)), (0, 1), ordered=True)
        return map_value(message="Nobody is selected.", line=[(0.0, 0.0), (1.0, 1.0)], mixed=(0.5, 0.5), tint=tint)

    def example_value(self) -> MapValue:
        """A value, for the API page."""
        return self.example_payload()
