"""Folds of a corpus, for cross-validation over people where few are left to evaluate on.

Everybody of the splits ``train``, ``tune`` and ``dev`` is held out once, as ``dev`` of one fold; those of
``test`` are left out of all. Folds are corpus folders, so that training, evaluation and the leakage
check need not know of them.
"""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np

from persona_demo.corpora.people import Split, lines_file, plain, reading, records
from persona_demo.corpora.reading import CHANCE_PAIR, chance_text, pairs_in_common
from persona_demo.corpora.shapes import Shape, groups, shape_of
from persona_demo.errors import UserError
from persona_demo.files import whole

TUNE_SHARE = 0.1
"""Of the people of a fold who are not held out."""

Record = dict[str, Any]


@dataclass(frozen=True)
class Fold:
    """One fold that was written.

    Attributes:
        folder: Where.
        people: How many people each of its splits has.
    """

    folder: Path
    people: Mapping[Split, int]


def write_folds(data: Path, out: Path, *, folds: int, seed: int) -> list[Fold]:
    """Write folds of a corpus.

    People who share a paper or a text, or several short texts, are held out together.

    Args:
        data: Corpus folder.
        out: Where the folders ``fold-1`` and so on go.
        folds: How many.
        seed: Of the draw of folds.

    Raises:
        UserError: If there are fewer than two folds or too few people, the corpus cannot be read, or a
            fold cannot be written.
    """
    if folds < 2:
        raise UserError(f"--folds is {folds}: use 2 or more.")
    path = lines_file(data, "users")
    if path is None:
        raise UserError(f"{data} holds no users.jsonl.gz: name a corpus folder with --data.")
    with reading(path):
        people = [record for record in records(path) if record["split"] != "test"]
        shape = next((found for record in people if (found := shape_of(record))), None)
        if shape is None:
            raise KeyError("items")
        together = _together(people, shape, data)
    rng = np.random.default_rng(seed)
    held = _deal(together, folds, rng)
    made = []
    for number in range(folds):
        others = [person for person in held if held[person] != number]
        watched = _some(others, together, rng)
        splits: dict[str, Split] = {
            person: "dev" if held[person] == number else "tune" if person in watched else "train" for person in held
        }
        counts: dict[Split, int] = {s: sum(split == s for split in splits.values()) for s in get_args(Split)[:3]}
        if not all(counts.values()):
            raise UserError(f"{data} has too few people for {folds} folds: use fewer.")
        folder = out / f"fold-{number + 1}"
        _write(path, folder, [{**record, "split": splits[record["user"]]} for record in people])
        made.append(Fold(folder, counts))
    return made


def _together(people: Sequence[Record], shape: Shape, data: Path) -> dict[str, str]:
    """Name of the group each person is held out with."""
    reader = shape.reader(data)
    members: dict[str, list[str]] = {}
    short: dict[str, set[str]] = {}
    for record in people:
        person = record["user"]
        members[person] = [f"id {name}" for name in (record[shape.shared] if shape.shared else ())]
        for item in reader(record) if shape.own_texts else ():
            text = chance_text(item.text)
            if text is None:
                members[person].append(f"text {plain(item.text)}")
            else:
                short.setdefault(text, set()).add(person)
    for pair, count in pairs_in_common(short.values()).items():
        if count >= CHANCE_PAIR:
            for person in pair:
                members[person].append(f"pair {pair}")
    return groups(members)


def _deal(together: Mapping[str, str], folds: int, rng: np.random.Generator) -> dict[str, int]:
    """Whose fold is which: groups in drawn order, each to the smallest fold so far."""
    sizes = [0] * folds
    fold_of: dict[str, int] = {}
    for group in _drawn(together.values(), rng):
        smallest = int(np.argmin(sizes))
        fold_of[group] = smallest
        sizes[smallest] += sum(other == group for other in together.values())
    return {person: fold_of[group] for person, group in together.items()}


def _some(people: Sequence[str], together: Mapping[str, str], rng: np.random.Generator) -> set[str]:
    """A tenth of the people, whole groups."""
    chosen: set[str] = set()
    for group in _drawn([together[person] for person in people], rng):
        if len(chosen) >= TUNE_SHARE * len(people):
            break
        chosen |= {person for person in people if together[person] == group}
    return chosen


def _drawn(found: Iterable[str], rng: np.random.Generator) -> list[str]:
    names = sorted(set(found))
    return [names[place] for place in rng.permutation(len(names))]


def _write(users: Path, folder: Path, people: Sequence[Record]) -> None:
    """A corpus folder with other splits; tables that users refer to are copied."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for table in users.parent.iterdir():
            if table.is_file() and table != users and table.name.removesuffix(".gz").endswith(".jsonl"):
                shutil.copyfile(table, folder / table.name)
        lines = "".join(json.dumps(person, ensure_ascii=False) + "\n" for person in people)
        with whole(folder / "users.jsonl.gz") as draft:
            draft.write_bytes(gzip.compress(lines.encode("utf-8"), mtime=0))
    except OSError as error:
        raise UserError(f"{folder} cannot be written ({type(error).__name__}): choose another --out folder.") from error
