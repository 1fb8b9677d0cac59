"""What the benchmarks share: the shipped plug, a long history, and edits of it."""

from __future__ import annotations

import itertools
from dataclasses import replace

from persona_demo.history import HistoryItem, UserHistory
from persona_demo.runtime import Runtime
from persona_demo.samples import load_samples

PROMPT = "The last train left without me, so"
Figures = dict[str, float | str | list[float]]


def load() -> Runtime:
    """The shipped plug on this machine's default engine."""
    return Runtime.load()


def long_history(length: int = 200) -> UserHistory:
    """A history of ``length`` items, taken in turn from all sample people."""
    people = [sample.history for sample in load_samples()]
    pool = [item for group in itertools.zip_longest(*people) for item in group if item is not None]
    items = [pool[i % len(pool)] for i in range(length)]
    return UserHistory("everybody", tuple(replace(item, id=f"b{i}") for i, item in enumerate(items)))


def edited(history: UserHistory, place: int, turn: int) -> UserHistory:
    """The history with a few words added to one item, other words each turn."""
    items = list(history.items)
    old = items[place]
    items[place] = HistoryItem(id=old.id, text=f"{old.text} And one more line, number {turn}.", date=old.date)
    return history.with_items(tuple(items))
