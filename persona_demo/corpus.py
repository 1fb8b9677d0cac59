"""Drawing the targets a plug is trained and measured on, from the people of a corpus.

Which items may stand in the history of a target is decided here, once, for training and evaluation
alike, so that nothing of a target leaks into its history. How people are read from files,
:mod:`persona_demo.corpora` knows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from persona_demo.corpora.people import Person, Split, split_named
from persona_demo.corpora.reading import read_corpus
from persona_demo.history import MAX_ITEMS
from persona_demo.tasks import Task, WritingPair

__all__ = ["Person", "Split", "Target", "draw_targets", "read_corpus", "shingles", "split_named"]

NEAR_DUPLICATE = 0.5
"""Word-trigram overlap (Jaccard) from which two texts count as near duplicates."""


@dataclass(frozen=True)
class Target:
    """One piece of a person's writing to be predicted from the others.

    Attributes:
        person: Index of the person in the list the target was drawn from.
        item: Index of the item that is predicted; None where the person came with a question.
        pair: Its input and target text.
        history: Indices of the items that may be seen, oldest first.
    """

    person: int
    item: int | None
    pair: WritingPair
    history: tuple[int, ...]


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
        task: Makes input and target of an item.
        per_person: At most this many targets a person; one for people who came with a question.
        rng: Source of the draw.
        last_third: Only from the last third of a person's items (evaluation); else from all items.
        min_history: A target needs at least this many items to be seen.

    Returns:
        Targets ordered by person, then item. Histories hold earlier items where items are dated,
        all others where they are not, at most the latest :data:`~persona_demo.history.MAX_ITEMS`,
        without exact or near duplicates of the target and, where the task wants it so, without
        items of its day.
    """
    targets = []
    for index, person in enumerate(people):
        marks = [shingles(item.text) for item in person.items]
        if person.given is not None:
            own = shingles(task.written(person.given))
            history = tuple(i for i, mark in enumerate(marks) if not _near(mark, own))[-MAX_ITEMS:]
            if len(history) >= min_history:
                targets.append(Target(person=index, item=None, pair=person.given, history=history))
            continue
        first = len(person.items) - len(person.items) // 3 if last_third else 0
        drawn = 0
        for item in rng.permutation(np.arange(first, len(person.items))).tolist():
            pair = task.pair(person.items[item])
            history = tuple(i for i in _seen(person, item, task) if not _near(marks[i], marks[item]))[-MAX_ITEMS:]
            if pair is not None and len(history) >= min_history:
                targets.append(Target(person=index, item=item, pair=pair, history=history))
                drawn += 1
            if drawn == per_person:
                break
    return sorted(targets, key=lambda t: (t.person, t.item or 0))


def _seen(person: Person, item: int, task: Task) -> list[int]:
    """Items that may be seen for an item, duplicates of it not yet left out."""
    seen = list(range(item)) if person.dated else [i for i in range(len(person.items)) if i != item]
    if task.same_day:
        return seen
    return [i for i in seen if person.items[i].date is None or person.items[i].date != person.items[item].date]
