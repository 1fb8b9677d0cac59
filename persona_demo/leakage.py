"""The leakage check: no person and no text of one split in another, before every training and evaluation.

Where all splits lie in one folder they are compared directly. People who are held back lie alone; for
them a plug carries a fingerprint of whom it was trained and tuned on: salted 64-bit hashes of their ids
and texts, from which no text can be read, though whoever has a text can ask whether it is among them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from persona_demo.corpora.people import asked, plain
from persona_demo.corpora.reading import chance_text, splits_in
from persona_demo.corpus import Person, Split, read_corpus, split_named
from persona_demo.errors import UserError
from persona_demo.files import whole
from persona_demo.plug.storage import plug_fingerprint
from persona_demo.tasks import Task

Hashes = NDArray[np.uint64]

FINGERPRINT = "trained_on.safetensors"
"""File beside a plug."""


def check_leakage(train: Sequence[Person], other: Sequence[Person], task: Task | None = None) -> None:
    """Make sure that no person and no text is in both groups.

    People who come with a question (LaMP) are compared by their questions alone: the benchmark's
    profiles share items, and its time split shares users, by its own design. Questions that it asks in two
    splits are left out of the earlier one when that is read.

    Args:
        train: People of one split.
        other: People of another.
        task: The task; where texts are nobody's own (films), they are not compared.

    Raises:
        UserError: If one is; names the first.
    """
    authors = {p.id for p in train}
    texts = {text: p.id for p in train for text in own_texts(p, task)}
    for person in other:
        if person.id in authors:
            raise UserError(f"Person {person.id} is in two splits: keep each person in one split.")
        for text in own_texts(person, task):
            if (twin := texts.get(text)) is not None:
                raise UserError(f"A text of {person.id} is also a text of {twin} of another split: drop one.")


def check_folder(data: Path, split: Split, people: Sequence[Person], task: Task) -> None:
    """Make sure that no person and no text of a split is in another split of the same folder.

    Args:
        data: Corpus folder.
        split: Which split.
        people: Its people.
        task: The task.

    Raises:
        UserError: If one is, or another split cannot be read.
    """
    for other in splits_in(data, task):
        if other != split:
            check_leakage(read_corpus(data, other, task), people, task)


def own_texts(person: Person, task: Task | None) -> set[str]:
    """What only this person may have, in small letters and with single spaces."""
    if task is not None and not task.own_text:
        return set()
    texts = [item.text for item in person.items] if person.given is None else [asked(person)]
    return {plain(text) for text in texts}


@dataclass(frozen=True)
class Fingerprint:
    """Whom a plug was trained and tuned on, as hashes.

    Attributes:
        plug: SHA-256 of the plug's weights, which salts the hashes.
        people: Sorted hashes of people's ids, by split, (U,).
        texts: Sorted hashes of their texts, by split, (T,).
    """

    plug: str
    people: Mapping[Split, Hashes]
    texts: Mapping[Split, Hashes]

    @classmethod
    def of(cls, groups: Iterable[tuple[Split, Task, Sequence[Person]]], *, plug: str) -> Fingerprint:
        """Take the fingerprint of people.

        Args:
            groups: People with their split and the task they were read for; any number of each.
            plug: SHA-256 of the plug's weights.
        """
        people: dict[Split, set[int]] = {}
        texts: dict[Split, set[int]] = {}
        for split, task, members in groups:
            people.setdefault(split, set()).update(_hash(_name(p, task), plug) for p in members)
            texts.setdefault(split, set()).update(_hash(text, plug) for p in members for text in own_texts(p, task))
        return cls(plug, {s: _sorted(h) for s, h in people.items()}, {s: _sorted(h) for s, h in texts.items()})

    def check(self, people: Sequence[Person], split: Split, task: Task) -> None:
        """Make sure that nobody and no text of a split was trained or tuned on as another split.

        Texts so short that they are written twice by chance are no sign of anything; see
        :meth:`without_chance`.

        Raises:
            UserError: If one was; names the first person.
        """
        known, texts = self._known(self.people, split), self._known(self.texts, split)
        for person in people:
            if _hash(_name(person, task), self.plug) in known:
                raise UserError(f"The plug was trained or tuned on person {person.id}: evaluate it on other people.")
            for text in own_texts(person, task):
                if chance_text(text) is None and _hash(text, self.plug) in texts:
                    raise UserError(f"The plug was trained or tuned on a text of {person.id}: drop it from the data.")

    def without_chance(self, people: Sequence[Person], split: Split, task: Task) -> list[Person]:
        """People without the short texts that were also written by those trained on.

        Where all splits lie in one folder, reading it leaves such texts out of both; this does it for
        people who lie alone. People left without items are left out.
        """
        texts = self._known(self.texts, split)
        if not task.own_text:
            return list(people)
        kept = []
        for person in people:
            items = tuple(
                item
                for item in person.items
                if chance_text(item.text) is None or _hash(plain(item.text), self.plug) not in texts
            )
            if items or person.given is not None:
                kept.append(replace(person, items=items))
        return kept

    @staticmethod
    def _known(hashes: Mapping[Split, Hashes], split: Split) -> frozenset[int]:
        return frozenset(h for name, group in hashes.items() if name != split for h in group.tolist())

    def save(self, folder: Path) -> None:
        """Write the fingerprint beside its plug.

        Raises:
            UserError: If it cannot be written.
        """
        kinds = {"people": self.people, "texts": self.texts}
        arrays = {f"{kind}.{split}": h for kind, groups in kinds.items() for split, h in groups.items()}
        with whole(folder / FINGERPRINT) as draft:
            save_file(arrays, draft, metadata={"plug": self.plug})

    @classmethod
    def load(cls, folder: Path) -> Fingerprint | None:
        """Read the fingerprint beside a plug; None where there is none.

        Raises:
            UserError: If it is damaged or another plug's.
        """
        path = folder / FINGERPRINT
        if not path.is_file():
            return None
        found: dict[str, dict[Split, Hashes]] = {"people": {}, "texts": {}}
        try:
            with safe_open(path, framework="numpy") as file:
                plug = (file.metadata() or {}).get("plug", "")
                for name in file.keys():
                    kind, _, split = name.partition(".")
                    found[kind][split_named(split)] = file.get_tensor(name)
        except (SafetensorError, OSError, KeyError) as error:
            raise UserError(f"{path} cannot be read: restore the plug's folder.") from error
        if plug != plug_fingerprint(folder):
            raise UserError(f"{path} is another plug's: restore the plug's folder, or delete the file.")
        return cls(plug, found["people"], found["texts"])


def fingerprint_plug(folder: Path, sources: Iterable[tuple[Path, Task]]) -> Fingerprint:
    """Write the fingerprint of a plug's training and tuning people beside it.

    Args:
        folder: The plug.
        sources: Corpus folders it was trained from, each with the task it was read for.

    Raises:
        UserError: If a corpus cannot be read or the file cannot be written.
    """
    groups = [
        (split, task, read_corpus(data, split, task))
        for data, task in sources
        for split in splits_in(data, task)
        if split in ("train", "tune")
    ]
    made = Fingerprint.of(groups, plug=plug_fingerprint(folder))
    made.save(folder)
    return made


def _name(person: Person, task: Task) -> str:
    # Two corpora may number their people alike, so an id is somebody's within a task.
    return f"{task.name}\0{person.id}"


def _hash(text: str, salt: str) -> int:
    digest = hashlib.blake2b(text.encode("utf-8"), digest_size=8, key=salt.encode("ascii")[:64])
    return int.from_bytes(digest.digest(), "big")


def _sorted(hashes: Iterable[int]) -> Hashes:
    return np.array(sorted(hashes), dtype=np.uint64)
