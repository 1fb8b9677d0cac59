"""Corpora of many people: reading them, and drawing the targets a plug is trained and measured on.

A corpus folder holds ``users.jsonl.gz`` (or ``users.jsonl``), a person a line with ``user``,
``split`` and ``items``, oldest first. Which items may stand in the history of a target is decided
here, once, for training and evaluation alike, so that nothing of a target leaks into its history.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from persona_demo.errors import UserError
from persona_demo.history import HistoryItem
from persona_demo.tasks import Task, WritingPair

Split = Literal["train", "tune", "dev", "test"]

NEAR_DUPLICATE = 0.5
"""Word-trigram overlap (Jaccard) from which two texts count as near duplicates."""


@dataclass(frozen=True)
class Person:
    """One person of a corpus.

    Attributes:
        id: The corpus's id of the person.
        split: The person's split; splits never share people.
        items: What they wrote, oldest first.
        dated: Whether all items carry dates, so that file order is time.
    """

    id: str
    split: Split
    items: tuple[HistoryItem, ...]
    dated: bool


@dataclass(frozen=True)
class Target:
    """One piece of a person's writing to be predicted from the others.

    Attributes:
        person: Index of the person in the list the target was drawn from.
        item: Index of the item that is predicted.
        pair: Its input and target text.
        history: Indices of the items that may be seen, oldest first.
    """

    person: int
    item: int
    pair: WritingPair
    history: tuple[int, ...]


def _lines(path: Path) -> Iterator[str]:
    opener: Callable[..., object] = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as lines:  # type: ignore[attr-defined]
        yield from lines


def split_named(name: str) -> Split:
    """A split by the name somebody typed.

    Raises:
        UserError: If there is none of that name.
    """
    for split in get_args(Split):
        if split == name:
            return split  # type: ignore[no-any-return]
    raise UserError(f"There is no split {name!r}: choose one of {', '.join(get_args(Split))}.")


def read_corpus(folder: Path, split: Split) -> list[Person]:
    """Read the people of one split.

    Args:
        folder: A corpus folder.
        split: Which people.

    Returns:
        The people in file order.

    Raises:
        UserError: If the folder holds no corpus, a line is not a person, or nobody is in the split.
    """
    paths = [folder / "users.jsonl.gz", folder / "users.jsonl"]
    path = next((p for p in paths if p.is_file()), None)
    if path is None:
        raise UserError(f"{folder} holds no users.jsonl.gz: name a corpus folder with --data.")
    people = []
    try:
        for line in _lines(path):
            record = json.loads(line)
            if record["split"] not in get_args(Split):
                raise UserError(f"{path} has a person in the unknown split {record['split']!r}.")
            if record["split"] == split:
                items = tuple(
                    HistoryItem(id=str(i["id"]), text=i["text"], date=i.get("date"))
                    for i in record["items"]
                    if i["text"].strip()
                )
                dated = all(item.date is not None for item in items)
                people.append(Person(id=record["user"], split=split, items=items, dated=dated))
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path} is not a readable corpus ({type(error).__name__}): restore the file.") from error
    if not people:
        raise UserError(f"{path} holds nobody in the split {split!r}: choose another split.")
    return people


def shingles(text: str) -> frozenset[str]:
    """Lower-cased word trigrams of a text (the whole text where it has fewer words)."""
    words = re.findall(r"\w+", text.lower())
    if len(words) < 3:
        return frozenset([" ".join(words)])
    return frozenset(" ".join(words[i : i + 3]) for i in range(len(words) - 2))


def _near(a: frozenset[str], b: frozenset[str]) -> bool:
    shared = len(a & b)
    return shared > 0 and shared / (len(a) + len(b) - shared) >= NEAR_DUPLICATE


def draw_targets(
    people: Sequence[Person],
    task: Task,
    *,
    per_person: int,
    rng: np.random.Generator,
    last_third: bool,
    min_history: int = 1,
) -> list[Target]:
    """Draw targets with the histories that go with them.

    Args:
        people: Whom to draw for.
        task: Splits a text into input and target.
        per_person: At most this many targets a person.
        rng: Source of the draw.
        last_third: Only from the last third of a person's items (evaluation); else from all items.
        min_history: A target needs at least this many items to be seen.

    Returns:
        Targets ordered by person, then item. Histories hold earlier items where items are dated,
        all others where they are not, without exact or near duplicates of the target.
    """
    targets = []
    for index, person in enumerate(people):
        first = len(person.items) - len(person.items) // 3 if last_third else 0
        marks = [shingles(item.text) for item in person.items]
        drawn = 0
        for item in rng.permutation(np.arange(first, len(person.items))).tolist():
            pair = task.split(person.items[item].text)
            seen = range(item) if person.dated else (i for i in range(len(person.items)) if i != item)
            history = tuple(i for i in seen if not _near(marks[i], marks[item]))
            if pair is not None and len(history) >= min_history:
                targets.append(Target(person=index, item=item, pair=pair, history=history))
                drawn += 1
            if drawn == per_person:
                break
    return sorted(targets, key=lambda t: (t.person, t.item))
