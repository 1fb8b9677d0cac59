"""Reading a corpus folder: which shape it has, who is in the split, and which items are of the task."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any, get_args

from persona_demo.corpora.lamp import lamp_splits, read_questions_of
from persona_demo.corpora.people import Person, Split, asked, lines_file, reading, records
from persona_demo.corpora.shapes import Reader, Shape, groups, shape_of
from persona_demo.errors import UserError
from persona_demo.tasks import LampTask, Task

CHANCE_WORDS = 7
"""Texts of so few words ("A must see.") are written twice by chance. Those that occur in two splits are
left out of both; that a longer one does is no chance, and is for the leakage check to refuse."""

CHANCE_CHARACTERS = 100
CHANCE_PAIR = 3
"""Two people of different splits who have so many such texts in common do not have them by chance."""


def read_corpus(folder: Path, split: Split, task: Task | None = None) -> list[Person]:
    """Read the people of one split.

    Of LaMP's questions those are left out that a later split asks too (papers have several authors, and
    a news article several bylines): nobody can be asked to change the benchmark's files.

    Args:
        folder: A corpus folder, or a folder of LaMP's files for a task of LaMP's.
        split: Which people.
        task: What for. Items that are not of the task (a review without a score, where scores are
            wanted) are left out; without a task nothing is.

    Returns:
        The people in file order.

    Raises:
        UserError: If the folder holds no corpus, does not serve the task, a line is not a person, or
            nobody is in the split.
    """
    if isinstance(task, LampTask):
        everybody = read_questions_of(folder, split, task)
        later = _asked_later(folder, split, task)
        if not (people := [person for person in everybody if asked(person) not in later]):
            raise UserError(f"Every question in {folder} of the split {split!r} is also asked in a later one.")
        return people
    path = lines_file(folder, "users")
    if path is None:
        raise UserError(f"{folder} holds no users.jsonl.gz: name a corpus folder with --data.")
    with reading(path):
        people = _read(path, split, task)
    if not people:
        raise UserError(f"{path} holds nobody in the split {split!r}: choose another split.")
    if task is not None:
        people = [replace(p, items=kept) for p in people if (kept := tuple(i for i in p.items if task.serves(i)))]
        if not people:
            raise UserError(f"{path} holds nothing for the task {task.name!r}: choose another folder or task.")
    return people


def splits_in(folder: Path, task: Task | None = None) -> tuple[Split, ...]:
    """The splits a folder has people of.

    Args:
        folder: A corpus folder, or a folder of LaMP's files for a task of LaMP's.
        task: What for.

    Raises:
        UserError: If the folder holds no corpus.
    """
    if isinstance(task, LampTask):
        return lamp_splits(folder, task)
    path = lines_file(folder, "users")
    if path is None:
        raise UserError(f"{folder} holds no users.jsonl.gz: name a corpus folder with --data.")
    with reading(path):
        found = {record["split"] for record in records(path)}
    return tuple(split for split in get_args(Split) if split in found)


def twins_in(folder: Path, task: Task) -> int:
    """How many of LaMP's questions reading leaves out because a later split asks them too; 0 for other tasks.

    Args:
        folder: A folder of LaMP's files.
        task: What for.

    Raises:
        UserError: If the folder cannot be read.
    """
    if not isinstance(task, LampTask):
        return 0
    count = 0
    for split in lamp_splits(folder, task):
        later = _asked_later(folder, split, task)
        count += sum(asked(person) in later for person in read_questions_of(folder, split, task)) if later else 0
    return count


def _asked_later(folder: Path, split: Split, task: LampTask) -> frozenset[str]:
    """Questions, with their answers, of later splits; none where they are nobody's own."""
    if not task.own_text:
        return frozenset()
    order = get_args(Split)
    others = [other for other in lamp_splits(folder, task) if order.index(other) > order.index(split)]
    return frozenset(asked(person) for other in others for person in read_questions_of(folder, other, task))


def chance_text(text: str) -> str | None:
    """A text short enough to be written twice by chance, in small letters and with single spaces; else None."""
    words = text[:CHANCE_CHARACTERS].lower().split()
    return " ".join(words) if len(words) <= CHANCE_WORDS and len(text) < CHANCE_CHARACTERS else None


def pairs_in_common(writers: Iterable[Iterable[str]]) -> Counter[tuple[str, str]]:
    """How many short texts each two people have in common.

    Args:
        writers: Who wrote each such text.
    """
    return Counter(pair for each in writers for pair in combinations(sorted(each), 2))


def _read(path: Path, split: Split, task: Task | None) -> list[Person]:
    found: tuple[Shape, Reader] | None = None
    people: list[Person] = []
    shared: dict[str, list[str]] = {}
    short: dict[str, dict[str, str]] = {}
    owners: dict[str, tuple[str, str]] = {}
    for record in records(path):
        if record["split"] not in get_args(Split):
            raise UserError(f"{path} has a person in the unknown split {record['split']!r}.")
        if found is None and record.get("items") != []:
            found = _reader(path, record, task)
        items = found[1](record) if found else ()
        for item in items if found and found[0].own_texts else ():
            if (text := chance_text(item.text)) is not None:
                short.setdefault(text, {})[record["user"]] = record["split"]
        ids = record[found[0].shared] if found and found[0].shared else []
        _refuse_shared(ids, record["user"], record["split"], owners)
        if record["split"] == split:
            dated = all(item.date is not None for item in items)
            people.append(Person(id=record["user"], split=split, items=items, dated=dated))
            shared[record["user"]] = ids
    together = groups(shared)
    common = {text: writers for text, writers in short.items() if len(set(writers.values())) > 1}
    _refuse_copies(common.values())
    return [
        replace(
            person,
            group=together[person.id],
            items=tuple(item for item in person.items if chance_text(item.text) not in common),
        )
        for person in people
    ]


def _refuse_shared(ids: Sequence[str], user: str, split: str, owners: dict[str, tuple[str, str]]) -> None:
    """Make sure that items people may have in common, papers, are of people of one split.

    Their texts may be too short to be compared, and are not all that is read of them.

    Args:
        ids: Names of a person's items.
        user: The person.
        split: Of the person.
        owners: Who was found to have an item, and of which split they are; the person's are put in.

    Raises:
        UserError: If one is of somebody of another split.
    """
    for name in ids:
        owner, other = owners.setdefault(name, (user, split))
        if other != split:
            raise UserError(f"{name} is of {owner} and {user}, who are of two splits: keep it with one of them.")


def _refuse_copies(common: Collection[Mapping[str, str]]) -> None:
    """Make sure that short texts of two splits are common by chance and not because somebody was copied.

    Args:
        common: Who wrote each such text, with their splits.

    Raises:
        UserError: If two people of different splits share :data:`CHANCE_PAIR` of them.
    """
    splits = {user: split for writers in common for user, split in writers.items()}
    for (one, other), count in pairs_in_common(common).most_common():
        if count >= CHANCE_PAIR and splits[one] != splits[other]:
            raise UserError(f"{one} and {other} of two splits have {count} short texts in common: keep one of them.")


def _reader(path: Path, record: dict[str, Any], task: Task | None) -> tuple[Shape, Reader]:
    """The shape of a corpus by one of its people, and its reader."""
    shape = shape_of(record)
    if shape is None:
        raise KeyError("items")
    if task is not None and task.name not in shape.tasks:
        raise UserError(
            f"{path.parent} holds {shape.name}, for the task {' or '.join(shape.tasks)} and not {task.name}: "
            "choose another folder or task."
        )
    return shape, shape.reader(path.parent)
