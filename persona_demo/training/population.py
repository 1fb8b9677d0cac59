"""The training population: who is trained on, with which items, and their item vectors.

Made for classes: items the word filter objects to are left out, unless it is switched off. Vectors take
minutes on a processor, so they are kept in the run's folder, by content, and a resumed run starts at once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save_file

from persona_demo.corpus import Person, Split, read_corpus
from persona_demo.errors import UserError
from persona_demo.files import whole
from persona_demo.items import ItemEncoder
from persona_demo.tasks import Task
from persona_demo.training.processes import ALONE, Processes
from persona_demo.wordfilter import WordFilter

FloatArray = NDArray[np.float32]
Report = Callable[[str, float | None], None]

MIN_ITEMS = 8
"""People with fewer items left are not trained on, unless the task says otherwise."""


@dataclass(frozen=True)
class Population:
    """People with the raw item vectors of everything they wrote.

    Attributes:
        people: The people.
        vectors: Raw item vectors, one (N_u, D) array a person.
        dropped_items: Items the word filter left out.
        dropped_people: People left with too few items.
    """

    people: tuple[Person, ...]
    vectors: tuple[FloatArray, ...]
    dropped_items: int
    dropped_people: int


def clean(
    people: Sequence[Person], words: WordFilter, *, most_items: int, min_items: int = MIN_ITEMS
) -> tuple[list[Person], int, int]:
    """Leave out items with listed words, people with few items, and items beyond the latest.

    Args:
        people: Whom to clean; those whose own question is answered with listed words are left out.
        words: The word filter.
        most_items: Latest items kept of each person.
        min_items: People with fewer items left are left out.

    Returns:
        The people kept, how many items and how many people were left out for their words.
    """
    kept, items_out = [], 0
    for person in people:
        items = tuple(item for item in person.items if words.is_clean(item.text))
        items_out += len(person.items) - len(items)
        wanted = person.given is None or words.is_clean(person.given.target)
        if wanted and len(items) >= min_items:
            kept.append(replace(person, items=items[-most_items:]))
    return kept, items_out, len(people) - len(kept)


def read_people(
    data: Path,
    split: Split,
    task: Task,
    *,
    most_items: int,
    most_people: int | None = None,
    word_filter: bool = True,
) -> tuple[list[Person], int, int]:
    """Read and clean the people of a split.

    Args:
        data: Corpus folder.
        split: Whom.
        task: The task.
        most_items: Latest items kept of each person.
        most_people: Only the first so many.
        word_filter: Whether items with listed words are left out.

    Returns:
        The people, how many items and how many people were left out.

    Raises:
        UserError: If the corpus cannot be read or leaves nobody.
    """
    words = WordFilter.default() if word_filter else WordFilter.of(())
    people, items_out, people_out = clean(
        read_corpus(data, split, task), words, most_items=most_items, min_items=task.min_items
    )
    if not people[:most_people]:
        raise UserError(
            f"Nobody in {data} has {task.min_items} usable items in the split {split!r}: use another corpus."
        )
    return people[:most_people], items_out, people_out


def read_population(
    data: Path,
    split: Split,
    task: Task,
    encoder: ItemEncoder,
    *,
    most_items: int,
    keep: Path | None,
    report: Report,
    most_people: int | None = None,
    word_filter: bool = True,
    labels: bool = True,
    models: str = "",
    processes: Processes = ALONE,
) -> Population:
    """Read, clean and encode the people of a split.

    Args:
        data: Corpus folder.
        split: Whom.
        task: Says what of an item is read.
        encoder: Encodes items.
        most_items: Latest items kept of each person.
        keep: A safetensors file the vectors are kept in.
        report: Told what is done and how far.
        most_people: Only the first so many.
        word_filter: Whether items with listed words are left out.
        labels: Whether item texts hold scores, tags and categories.
        models: What the vectors depend on besides texts and blocks; kept vectors of others are not read.
        processes: Who else encodes a share.

    Raises:
        UserError: If the corpus cannot be read or leaves nobody.
    """
    people, items_out, people_out = read_people(
        data, split, task, most_items=most_items, most_people=most_people, word_filter=word_filter
    )
    vectors = encode_people(
        people, task, encoder, keep=keep, report=report, labels=labels, models=models, processes=processes
    )
    return Population(tuple(people), tuple(vectors), dropped_items=items_out, dropped_people=people_out)


def encode_people(
    people: Sequence[Person],
    task: Task,
    encoder: ItemEncoder,
    *,
    keep: Path | None,
    report: Report,
    labels: bool = True,
    models: str = "",
    processes: Processes = ALONE,
) -> list[FloatArray]:
    """Raw item vectors of people.

    Args:
        people: Whose items.
        task: Says what of an item is read.
        encoder: Encodes them.
        keep: A safetensors file the vectors are kept in.
        report: Told what is done and how far.
        labels: Whether item texts hold scores, tags and categories.
        models: What the vectors depend on besides texts and blocks; kept vectors of others are not read.
        processes: Who else encodes a share; the first one keeps the vectors.

    Returns:
        One (N_u, D) array a person.
    """
    texts = [task.item_text(item, labels=labels) for person in people for item in person.items]
    digest = hashlib.sha256("\0".join([*encoder.blocks, *texts]).encode("utf-8")).hexdigest()
    stored = {} if keep is None else _kept(keep, models)
    # All must go the same way, since those who encode wait for each other.
    if float(processes.sum(torch.tensor(float(digest in stored)))) == processes.count:
        flat = stored[digest].astype(np.float32)
    else:
        report(f"encoding {len(texts):,} history items", 0.0)
        own = slice(processes.rank, None, processes.count)
        made = np.zeros((len(texts), encoder.width), np.float32)
        made[own] = encoder.encode(texts[own], report=lambda share: report("encoding history items", share))
        kept = processes.sum(torch.from_numpy(made)).numpy().astype(np.float16)
        if keep is not None and processes.rank == 0:
            with whole(keep) as draft:
                save_file({digest: kept}, draft, metadata={"models": models})
        # Rounded as what is kept, so that a resumed run reads exactly what this one does.
        flat = kept.astype(np.float32)
    ends = np.cumsum([len(person.items) for person in people])
    return np.split(flat, ends[:-1])


def _kept(path: Path, models: str) -> dict[str, NDArray[np.float16]]:
    """Vectors kept in a file, by digest; none where it is missing or damaged or of other models."""
    try:
        with safe_open(path, framework="numpy") as opened:
            of = (opened.metadata() or {}).get("models", models)
        return load_file(path) if of == models else {}
    except (OSError, SafetensorError):
        return {}
