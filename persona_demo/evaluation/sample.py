"""Who is evaluated, on what, and who may stand in their place: everything that is drawn before any model runs."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from persona_demo.corpus import Person, Target, draw_targets
from persona_demo.errors import UserError
from persona_demo.evaluation.bootstrap import Estimate, bootstrap
from persona_demo.history import HistoryItem
from persona_demo.tasks import Task

Values = NDArray[np.float64]
Items = tuple[HistoryItem, ...]

PLACEBO_DRAWS = 5
"""Placebo people of a target: those nearest in number of items, equals drawn by the seed."""


class Strangers:
    """Who may stand in whose place."""

    def __init__(self, people: Sequence[Person], task: Task) -> None:
        """Look at people.

        Args:
            people: Everybody, the person in question among them.
            task: Says what a target is.
        """
        self._people = people
        self._marks = [_marks(person, task) for person in people]
        self._able: dict[int, list[int]] = {}

    def nearest(self, person: int, *, items: int, rng: np.random.Generator, without: Container[int] = ()) -> list[int]:
        """Those who may stand in a person's place and are nearest in number of items, at most :data:`PLACEBO_DRAWS`.

        Args:
            person: Index of the person.
            items: How many items the person has.
            rng: Source of the draw among people equally near, and of their order.
            without: Indices of people who may not.
        """
        able = [i for i in self._able_for(person) if i not in without]
        drawn = rng.permutation(np.asarray(able, dtype=np.intp)).tolist()
        nearest = sorted(drawn, key=lambda i: abs(len(self._people[i].items) - items))[:PLACEBO_DRAWS]
        return [int(i) for i in rng.permutation(nearest)] if nearest else []

    def items(self, stranger: int, *, beside: int) -> Items:
        """Items of somebody, without those they share with the person they stand beside."""
        return tuple(item for item in self._people[stranger].items if item.text not in self._marks[beside])

    def _able_for(self, person: int) -> list[int]:
        if person not in self._able:
            own, group = self._marks[person], self._people[person].group
            able = [i for i, marks in enumerate(self._marks) if i != person and not marks & own]
            if len(able) < PLACEBO_DRAWS:
                able = [i for i, marks in enumerate(self._marks) if self._people[i].group != group and marks - own]
            self._able[person] = able
        return self._able[person]


class Sample:
    """People of a split and the targets drawn for them."""

    def __init__(self, task: Task, people: Sequence[Person], *, users: int, targets_per_user: int, seed: int) -> None:
        """Draw people and targets.

        Args:
            task: The task.
            people: Everybody of the split; placebo people are drawn from all of them.
            users: At most so many are evaluated.
            targets_per_user: At most so many targets each.
            seed: Of the draws and of the bootstrap.

        Raises:
            UserError: If nothing can be drawn.
        """
        self.task, self.seed = task, seed
        self.everybody = list(people)
        rng = np.random.default_rng(seed)
        chosen = sorted(rng.permutation(len(people))[:users].tolist())
        drawn = draw_targets([people[i] for i in chosen], task, per_person=targets_per_user, rng=rng, last_third=True)
        self.targets = [replace(t, person=chosen[t.person]) for t in drawn]
        if not self.targets:
            raise UserError("Nobody in this split has enough items for a target: choose another corpus or split.")
        self._strangers = Strangers(self.everybody, task)
        self._groups = [self.everybody[i].group for i in dict.fromkeys(t.person for t in self.targets)]

    def history(self, target: Target) -> Items:
        """The items that may be seen for a target."""
        items = self.everybody[target.person].items
        return tuple(items[i] for i in target.history)

    def others(self, place: int) -> list[Items]:
        """Histories of placebo people for a target: the five nearest in number of items, in seeded order.

        They share no text with the person; of people equally near, the seed draws. Where too few share
        none (everybody rates the same films), others stand in without the items they share.

        Raises:
            UserError: If there is nobody.
        """
        target = self.targets[place]
        rng = np.random.default_rng((self.seed, 7, place))
        near = self._strangers.nearest(target.person, items=len(target.history), rng=rng)
        if not near:
            raise UserError("Nobody in this split can stand in another's place: leave out the arms that end in :other.")
        return [self._strangers.items(i, beside=target.person)[-len(target.history) :] for i in near]

    def question(self, place: int) -> str:
        """Name of a target: the question somebody came with, or the person and the item."""
        target = self.targets[place]
        person = self.everybody[target.person]
        return person.id if target.item is None else f"{person.id}/{person.items[target.item].id}"

    def by_person(self, values: Values) -> Values:
        """Mean over each person's targets, (U,)."""
        people = np.array([t.person for t in self.targets])
        return np.array([values[people == p].mean() for p in dict.fromkeys(people.tolist())])

    def estimate(self, values: Values) -> Estimate:
        """Mean of people's values (U,) with its interval; people who share items are resampled together."""
        return bootstrap(values, seed=self.seed, groups=self._groups)


def _marks(person: Person, task: Task) -> frozenset[str]:
    """What another must not have, to stand in a person's place: items, and the target of a question."""
    given = () if person.given is None else (task.written(person.given),)
    return frozenset((*(item.text for item in person.items), *given))
