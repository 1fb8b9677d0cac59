"""Who is evaluated, on what, and who may stand in their place: everything that is drawn before any model runs."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import replace

import numpy as np

from persona_demo.arms import apart_from
from persona_demo.corpus import Person, Target, draw_targets
from persona_demo.errors import UserError
from persona_demo.evaluation.people import PeopleScores, Values
from persona_demo.history import HistoryItem
from persona_demo.tasks import Task

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

    def items(self, stranger: int, *, beside: int, asked: Sequence[str] = ()) -> Items:
        """Items of somebody, without those they share with the person they stand beside.

        Args:
            stranger: Index of who stands in the person's place.
            beside: Index of the person.
            asked: Inputs at hand; what the stranger wrote on them is left out.
        """
        items = tuple(item for item in self._people[stranger].items if item.text not in self._marks[beside])
        for one in asked:
            items = apart_from(items, one)
        return items

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
            people: Everybody of the split; placebo people are drawn from all of them. Several who come
                with a question each and are one and the same (LaMP's time split) are one user.
            users: At most so many are evaluated.
            targets_per_user: At most so many targets each.
            seed: Of the draws and of the bootstrap.

        Raises:
            UserError: If nothing can be drawn.
        """
        self.task, self.seed = task, seed
        self.everybody = list(people)
        self._users = [str(i) if p.given is None else p.group for i, p in enumerate(people)]
        asked: dict[str, list[int]] = {}
        for i, user in enumerate(self._users):
            asked.setdefault(user, []).append(i)
        rng = np.random.default_rng(seed)
        drawn_users = set(rng.permutation(len(asked))[:users].tolist())
        several = [mine for n, mine in enumerate(asked.values()) if n in drawn_users]
        chosen = sorted(
            i
            for mine in several
            for i in (mine if len(mine) == 1 else rng.permutation(mine)[:targets_per_user].tolist())
        )
        drawn = draw_targets(
            [people[i] for i in chosen],
            task,
            per_person=targets_per_user,
            rng=rng,
            last_third=True,
            # Who comes with a question is answered, also where there is nothing of theirs to read.
            min_history=min((1 if people[i].given is None else 0 for i in chosen), default=1),
        )
        self.targets = [replace(t, person=chosen[t.person]) for t in drawn]
        if not self.targets:
            raise UserError("Nobody in this split has enough items for a target: choose another corpus or split.")
        self._strangers = Strangers(self.everybody, task)
        self._owners = np.array([self._users[t.person] for t in self.targets])
        self._groups = {self._users[t.person]: self.everybody[t.person].group for t in self.targets}

    def history(self, target: Target) -> Items:
        """The items that may be seen for a target."""
        items = self.everybody[target.person].items
        return tuple(items[i] for i in target.history)

    def others(self, place: int) -> list[Items]:
        """Histories of placebo people for a target: the five nearest in number of items, in seeded order.

        They share no text with the person, and what they wrote on the target's input is left out; of
        people equally near, the seed draws. Where too few share no text, others stand in without the
        items they share.

        Raises:
            UserError: If there is nobody.
        """
        target = self.targets[place]
        rng = np.random.default_rng((self.seed, 7, place))
        near = self._strangers.nearest(target.person, items=len(target.history), rng=rng)
        if not near:
            raise UserError("Nobody in this split can stand in another's place: leave out the arms that end in :other.")
        known = len(target.history)
        if not known:
            return [() for _ in near]
        asked = target.pair.input if target.item is None else self.everybody[target.person].items[target.item].input
        kept = () if asked is None else (asked,)
        return [self._strangers.items(i, beside=target.person, asked=kept)[-known:] for i in near]

    def question(self, place: int) -> str:
        """Name of a target: the question somebody came with, or the person and the item."""
        target = self.targets[place]
        person = self.everybody[target.person]
        return person.id if target.item is None else f"{person.id}/{person.items[target.item].id}"

    def people(self, nll: Mapping[str, Values]) -> PeopleScores:
        """Figures of each person.

        Args:
            nll: By contender, the mean negative log-likelihood a token of each target, (targets,).
        """
        own = [self._owners == user for user in self._groups]
        return PeopleScores(
            nll={name: np.array([values[mine].mean() for mine in own]) for name, values in nll.items()},
            groups=tuple(self._groups.values()),
            targets=tuple(int(mine.sum()) for mine in own),
            seed=self.seed,
        )


def _marks(person: Person, task: Task) -> frozenset[str]:
    """What another must not have, to stand in a person's place: items, and the target of a question."""
    given = () if person.given is None else (task.written(person.given),)
    return frozenset((*(item.text for item in person.items), *given))
