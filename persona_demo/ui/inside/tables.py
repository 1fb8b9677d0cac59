"""Tables and lines as the widgets of the tabs draw them: plain JSON, and no Gradio."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from persona_demo.explain.difference import Piece, differences
from persona_demo.tasks.wording import plural

View = dict[str, Any]
HeadKind = Literal["text", "number", "bar", "signed"]
Head = tuple[str, HeadKind]


def cell(text: str, bar: float | None = None) -> View:
    """A cell: its words, and the length of its bar, -1 to 1, where it has one."""
    return {"text": text, "bar": None if bar is None else round(bar, 4)}


def row(*cells: str | View, id: str | None = None, mark: bool = False, dim: bool = False) -> View:
    """A row; with an id its first cell is a button that goes there, with a mark it stands out, dim it steps back."""
    return {"id": id, "cells": [cell(c) if isinstance(c, str) else c for c in cells], "mark": mark, "dim": dim}


def table(
    heads: Sequence[Head] = (), rows: Sequence[View] = (), *, caption: str = "", empty: str = "", person: str = ""
) -> View:
    """A table.

    Args:
        heads: Title and kind of each column; the first names the row.
        rows: The rows.
        caption: What it shows.
        empty: What is said where there is no row.
        person: Id of the person whose items the rows are; two people may have items of one id.
    """
    return {
        "caption": caption,
        "heads": [{"text": text, "kind": kind} for text, kind in heads],
        "rows": list(rows),
        "empty": empty,
        "person": person,
    }


def series(name: str, colour: str, points: Sequence[tuple[float, float]], *, dash: bool = False) -> View:
    """A line of a chart; the colour is a CSS variable's name."""
    return {
        "name": name,
        "colour": f"var({colour})",
        "points": [[round(x, 4), round(y, 4)] for x, y in points],
        "dash": dash,
    }


def chart(
    lines: Sequence[View] = (),
    *,
    title: str = "",
    x: str = "",
    y: str = "",
    ticks: Sequence[tuple[float, str]] = (),
    marks: Sequence[tuple[float, str]] = (),
) -> View:
    """A chart of lines.

    Args:
        lines: The lines.
        title: What it shows.
        x: What goes across, with its unit.
        y: What goes up, with its unit.
        ticks: Places across that are named, where they are not the numbers themselves.
        marks: Places across that are marked, with a word each.
    """
    return {
        "title": title,
        "x": x,
        "y": y,
        "ticks": [{"at": at, "text": text} for at, text in ticks] or None,
        "series": list(lines),
        "marks": [{"at": at, "text": text} for at, text in marks],
    }


def text_card(
    title: str, text: str = "", *, opening: str = "", why: str = "", colour: str = "", warning: str = "",
    note: str = "", groups: Sequence[str] = (), beside: str | None = None,
) -> View:  # fmt: skip
    """A text side by side with others.

    Args:
        title: Its head.
        text: The text.
        opening: The words it goes on from; empty where it starts afresh.
        why: A sentence below the head.
        colour: Name of a CSS variable.
        warning: What is wrong with the text.
        note: What else is to be said of it.
        groups: What it is chosen by.
        beside: Another text; what is not in it is underlined, and told in the note.
    """
    # A blank at the start sets a text apart from the words before it.
    shown = text if opening else text.lstrip()
    pieces = () if beside is None else differences(shown, beside)
    return {
        "title": title,
        "why": why,
        "opening": opening,
        "text": shown,
        "pieces": [{"text": piece.text, "differs": piece.differs} for piece in pieces],
        "warning": warning,
        "note": " ".join(filter(None, (note, "" if beside is None else _differs(pieces)))),
        "colour": f"var({colour})" if colour else "",
        "groups": list(groups),
    }


def _differs(pieces: Sequence[Piece]) -> str:
    """How much of a text another one has not."""
    counts = [(len(piece.text.split()), piece.differs) for piece in pieces]
    own, every = sum(count for count, differs in counts if differs), sum(count for count, _ in counts)
    if not own:
        return "All its words are in the other text, in this order."
    said = "is not in the other text; it is" if own == 1 else "are not in the other text; they are"
    return f"{own} of {plural(every, 'word')} {said} underlined."


def texts(cards: Sequence[View] = (), *, running: bool = False, choices: Sequence[tuple[str, str]] = ()) -> View:
    """Texts side by side.

    Args:
        cards: The texts.
        running: Whether they are still written.
        choices: Words and name of each group, where one group is looked at at a time; the first one at first.
    """
    offered = [{"text": text, "group": group} for text, group in choices]
    return {"cards": list(cards), "running": running, "choices": offered}


def shortened(text: str, most: int = 70) -> str:
    """A text in one line, cut where it is too long."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"
