"""People algebra: arithmetic on user vectors, and histories cut in time.

A user vector says who somebody is to the plug, so people can be mixed, exaggerated and compared with
themselves. Whatever comes out is used as a stored vector is (``stored`` of
:class:`~persona_demo.arms.ArmInputs`): it stands in for a history and does not depend on the input.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from persona_demo.errors import UserError
from persona_demo.history import HistoryItem, UserHistory
from persona_demo.maps.atlas import Atlas
from persona_demo.plug.model import PersonaPlug
from persona_demo.tasks import Wording

FloatArray = NDArray[np.float32]

MOST_FACTOR = 5.0
MOST_SLICES = 12
LEAST_IN_TURNS = 4
"""With two items the halves that take turns would be early and late themselves."""
TRAINED = (1.0, 99.0)
"""Percentiles of the population's norms between which a vector counts as one the plug has met."""


@dataclass(frozen=True)
class Slice:
    """A stretch of a person's history.

    Attributes:
        title: When it is from, for readers.
        history: The person with the items of that time.
    """

    title: str
    history: UserHistory


def blend(one: FloatArray, other: FloatArray, share: float) -> FloatArray:
    """Somebody between two people.

    Args:
        one: A user vector, (D,).
        other: Another, (D,).
        share: Of the other one, 0 to 1.

    Raises:
        UserError: If the share is out of range.
    """
    if not 0 <= share <= 1:
        raise UserError(f"The share of the second person is {share}: choose from 0 to 1.")
    return np.asarray((1 - share) * one + share * other, dtype=np.float32)


def line(one: FloatArray, other: FloatArray, *, steps: int = 11) -> FloatArray:
    """Everybody on the way from one person to another, (steps, D), both included."""
    return np.stack([blend(one, other, float(share)) for share in np.linspace(0, 1, steps)])


def exaggerate(person: FloatArray, plug: PersonaPlug, *, factor: float) -> FloatArray:
    """A person by what sets them apart from the average one.

    Args:
        person: A user vector, (D,).
        plug: Keeps the average person of its training population.
        factor: 0 gives the average person, 1 the person, 2 twice what sets them apart, -1 their opposite.

    Raises:
        UserError: If the factor is out of range.
    """
    if not abs(factor) <= MOST_FACTOR:
        raise UserError(f"The factor is {factor}: choose from {-MOST_FACTOR:g} to {MOST_FACTOR:g}.")
    mean = plug.population_mean.numpy()
    return np.asarray(mean + factor * (person - mean), dtype=np.float32)


def without_average(person: FloatArray, plug: PersonaPlug) -> FloatArray:
    """A person less the average one: what is theirs alone, (D,)."""
    return np.asarray(person - plug.population_mean.numpy(), dtype=np.float32)


def time_slices(history: UserHistory, count: int = 2, *, of: Wording) -> tuple[Slice, ...]:
    """Cut a history into stretches of time with as many items each as can be.

    Items are put in order of their dates where all have one, and left in theirs where not; items of one
    day are not torn apart from their order. Muted items stay muted and are not counted.

    Args:
        history: The person.
        count: Into how many, earliest first.
        of: What items are called.

    Raises:
        UserError: If there are fewer active items than stretches.
    """
    if not 2 <= count <= MOST_SLICES:
        raise UserError(f"The number of stretches is {count}: choose from 2 to {MOST_SLICES}.")
    items = history.active
    if len(items) < count:
        raise UserError(f"{history.name} has {of.count(len(items))}: that is too few for {count} stretches of time.")
    dated = all(item.date is not None for item in items)
    ordered = sorted(items, key=lambda item: item.date or "") if dated else list(items)
    parts = np.array_split(np.arange(len(ordered)), count)
    return tuple(
        _slice(history, [ordered[i] for i in part], number=number, count=count, dated=dated)
        for number, part in enumerate(parts, start=1)
    )


def early_and_late(history: UserHistory, of: Wording) -> tuple[Slice, Slice]:
    """The first and the second half of a history: early me and late me.

    Args:
        history: The person.
        of: What items are called.

    Raises:
        UserError: If there are fewer than two active items.
    """
    early, late = time_slices(history, 2, of=of)
    return early, late


def in_turns(history: UserHistory, of: Wording) -> tuple[Slice, Slice]:
    """Two halves of a history whose items take turns, so that no time sets them apart: the placebo of early and late.

    Args:
        history: The person.
        of: What items are called.

    Raises:
        UserError: If there are fewer than :data:`LEAST_IN_TURNS` active items, of which they would be early and late.
    """
    if len(history.active) < LEAST_IN_TURNS:
        raise UserError(f"{history.name} has {of.count(len(history.active))}: add some, {LEAST_IN_TURNS} are needed.")
    early, late = early_and_late(history, of)
    ordered = (*early.history, *late.history)
    return (
        Slice(f"{history.name}, every other {of.one} from the first", replace(history, items=ordered[0::2])),
        Slice(f"{history.name}, every other {of.one} from the second", replace(history, items=ordered[1::2])),
    )


def _slice(history: UserHistory, items: Sequence[HistoryItem], *, number: int, count: int, dated: bool) -> Slice:
    which = {(1, 2): "early", (2, 2): "late"}.get((number, count), f"part {number} of {count}")
    when = f", {items[0].date} to {items[-1].date}" if dated else ""
    title = f"{history.name}, {which}{when}"
    return Slice(title, replace(history, items=tuple(items)))


def out_of_range(vector: FloatArray, atlas: Atlas) -> str:
    """A warning where a vector is longer or shorter than those the plug learned from; empty where it is not.

    Args:
        vector: A user vector, (D,).
        atlas: The training population.
    """
    norms = np.linalg.norm(atlas.vectors / atlas.scale, axis=1)
    low, high = np.percentile(norms, TRAINED)
    norm = float(np.linalg.norm(vector / atlas.scale))
    if low <= norm <= high:
        return ""
    how = "more" if norm > high else "less"
    return (
        f"This vector stands out {how} than those of 99% of the people the plug learned from "
        f"(length {norm:.1f}, theirs {low:.1f} to {high:.1f}): what is written from it may break."
    )
