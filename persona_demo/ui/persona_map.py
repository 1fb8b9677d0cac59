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
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import gradio as gr
import plotly
from gradio.component_meta import ComponentMeta, updateable

from persona_demo.ui.map_value import Group, MapValue, Tint, map_value, place

SCRIPTS = tuple(f"persona_map{part}.js" for part in ("_geometry", "_names", "_marks", "_ground", "_pointer", ""))
"""In the order they are joined; the last one starts the map."""

MapKind = Literal["people", "posts"]

_SELECTABLE = re.compile(r"([a-z0-9-]{1,32}/)?p[0-9]{4,6}(\.[0-9]{1,4})?|sample:[a-z0-9][a-z0-9_-]{0,63}")


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
        striking: Sequence[str] = (),
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
            striking: What is to be said of each person in a few words, (U,); nothing, when left out.
            regions: Label and place (x, y) of stretches of the map.
            actions: Whether it has buttons to isolate those near and to clear what was marked, which
                triggers ``clear``.
            **kwargs: Passed on to ``gr.HTML``.

        Raises:
            ValueError: If the three do not have the same length.
        """
        if not len(ids) == len(coordinates) == len(counts):
            raise ValueError(f"{len(ids)} ids, {len(coordinates)} coordinates and {len(counts)} counts")
        # Few phrases are said of many people, so each is sent once.
        phrases = list(dict.fromkeys(striking))
        place_of = {phrase: number for number, phrase in enumerate(phrases)}
        settings: dict[str, Any] = {
            "html_template": _asset("persona_map.html"),
            "css_template": _asset("persona_map.css"),
            "js_on_load": "".join(map(_asset, SCRIPTS)),
            "apply_default_css": False,
            # One text: Gradio's page copies every property at every event, and lists figure by figure.
            "population": json.dumps(
                {
                    "ids": list(ids),
                    "at": [place((point[0], point[1])) for point in coordinates],
                    "counts": [int(count) for count in counts],
                    "phrases": phrases,
                    "striking": [place_of[phrase] for phrase in striking],
                },
                separators=(",", ":"),
            ),
            "kind": kind,
            "nouns": list(nouns),
            "regions": [{"label": label, "at": place((x, y))} for label, x, y in regions],
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
        group = {"label": text, "count": {"type": "integer"}, "unknown": {"type": "boolean"}}
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
                "pinned": {"type": "array", "items": {"type": "object", "properties": {"name": text, "at": place}}},
                "tint": {"type": "object", "properties": tint},
            },
        }

    def example_payload(self) -> MapValue:
        """A value, for the API page."""
        tint = Tint("Posts", (Group("1 to 9", 1), Group("10 and more", 1)), (0, 1), ordered=True)
        line, pinned = [(0.0, 0.0), (1.0, 1.0)], [("s0", 0.1, 0.2)]
        return map_value(message="Nobody is selected.", line=line, mixed=(0.5, 0.5), pinned=pinned, tint=tint)

    def example_value(self) -> MapValue:
        """A value, for the API page."""
        return self.example_payload()
