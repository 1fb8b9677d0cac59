"""The shapes of corpus folders: what a line of ``users.jsonl`` holds, and the items it becomes.

Each reader turns one person's record into history items in file order: ``text`` is what the person
wrote, ``input`` what it answers, ``label`` the score, tag or category. A film that somebody gave
stars to, and wrote nothing about, is itself the text, as in LaMP's movie task.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from persona_demo.corpora.people import lines_file, records
from persona_demo.errors import UserError
from persona_demo.history import HistoryItem
from persona_demo.tasks import TaskName

Record = dict[str, Any]
Reader = Callable[[Record], tuple[HistoryItem, ...]]

_OWN: tuple[TaskName, ...] = (
    "blog-post",
    "film-review",
    "film-rating",
    "paper-title",
    "headline",
    "commit-subject",
    "movie-stars",
)


@dataclass(frozen=True)
class Shape:
    """One shape of corpus folder.

    Attributes:
        name: What the people in it left behind, in words.
        tasks: The tasks it serves.
        keys: Keys that a person (or, where they have items, an item) of this shape has.
        reader: Given the folder, makes the function that reads one person's items.
        own_texts: Whether texts are a person's own; films are not.
        shared: Key of a list of ids that people may have in common; those are resampled together.
    """

    name: str
    tasks: tuple[TaskName, ...]
    keys: frozenset[str]
    reader: Callable[[Path], Reader]
    own_texts: bool = True
    shared: str | None = None


def _table(folder: Path, name: str, key: str) -> dict[Any, Record]:
    path = lines_file(folder, name)
    if path is None:
        raise UserError(f"{folder} holds no {name}.jsonl.gz, which its users refer to: restore the file.")
    return {record[key]: record for record in records(path)}


def _plain(folder: Path) -> Reader:
    """History items as they stand: ``text``, and ``input``, ``label`` and ``date`` where there are any."""

    def read(person: Record) -> tuple[HistoryItem, ...]:
        return tuple(
            HistoryItem(
                id=str(item["id"]),
                text=item["text"],
                date=item.get("date"),
                input=item.get("input"),
                label=None if item.get("label") is None else str(item["label"]),
            )
            for item in person["items"]
            if item["text"].strip()
        )

    return read


def _commits(folder: Path) -> Reader:
    """Subject lines, with the bodies they head."""

    def read(person: Record) -> tuple[HistoryItem, ...]:
        return tuple(
            HistoryItem(id=item["id"], text=item["subject"], input=item["body"], date=item["date"])
            for item in person["items"]
        )

    return read


def _headlines(folder: Path) -> Reader:
    """Headlines, with the descriptions they head and their categories."""

    def read(person: Record) -> tuple[HistoryItem, ...]:
        return tuple(
            HistoryItem(
                id=item["id"], text=item["headline"], input=item["text"], label=item["category"], date=item["date"]
            )
            for item in person["items"]
        )

    return read


def _critics(folder: Path) -> Reader:
    """Critics' lines, with the film's synopsis and the stars that went with them, where these are known."""
    films = _table(folder, "movies", "movie")

    def read(person: Record) -> tuple[HistoryItem, ...]:
        return tuple(
            HistoryItem(
                id=item["id"],
                text=item["review"],
                input=films.get(item["movie"], {}).get("synopsis") or None,
                label=None if item["score"] is None else str(1 + round(4 * item["score"])),
                date=item["date"],
            )
            for item in person["items"]
        )

    return read


def _papers(folder: Path) -> Reader:
    """Titles, with their abstracts; of the date only the year is known, so it stands for its first day."""
    papers = _table(folder, "papers", "id")

    def read(person: Record) -> tuple[HistoryItem, ...]:
        return tuple(
            HistoryItem(id=p["id"], text=p["title"], input=p["abstract"], date=f"{p['year']:04d}-01-01")
            for p in (papers[name] for name in person["papers"])
        )

    return read


def _films(folder: Path) -> Reader:
    """Films, with the stars somebody gave them, rounded up to whole ones."""
    films = _table(folder, "movies", "movie")

    def read(person: Record) -> tuple[HistoryItem, ...]:
        items = []
        for seconds, name, stars in person["ratings"]:
            film = films[name]
            told = [film["title"], ", ".join(film["genres"]), film["overview"] or ""]
            items.append(
                HistoryItem(
                    id=str(name),
                    text=". ".join(part for part in told if part),
                    label=str(math.ceil(stars)),
                    date=datetime.fromtimestamp(seconds, UTC).date().isoformat(),
                )
            )
        return tuple(items)

    return read


SHAPES: tuple[Shape, ...] = (
    Shape("ratings of films", ("movie-stars",), frozenset({"ratings"}), _films, own_texts=False),
    Shape("papers", ("paper-title",), frozenset({"papers"}), _papers, shared="papers"),
    Shape("reviews of films", ("film-review", "film-rating"), frozenset({"review", "movie"}), _critics),
    Shape("commit messages", ("commit-subject",), frozenset({"subject", "body"}), _commits),
    Shape("headlines", ("headline",), frozenset({"headline", "text"}), _headlines),
    Shape("texts", _OWN, frozenset({"text"}), _plain),
)


def shape_of(person: Record) -> Shape | None:
    """The shape of a person's record, or None where it has none of them."""
    items = person.get("items") or [{}]
    keys = set(person) | set(items[0])
    return next((shape for shape in SHAPES if shape.keys <= keys), None)


def groups(members: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Who is to be resampled together: people linked by shared ids, over any number of steps.

    Args:
        members: Ids of each person.

    Returns:
        Name of each person's group, which is the id of one of its members.
    """
    leader = {person: person for person in members}

    def lead(person: str) -> str:
        while leader[person] != person:
            leader[person] = leader[leader[person]]
            person = leader[person]
        return person

    first: dict[str, str] = {}
    for person, ids in members.items():
        for name in ids:
            leader[lead(person)] = lead(first.setdefault(name, person))
    return {person: lead(person) for person in members}
