"""The protocol: how likely people's own words are under each arm, on people never trained on.

A person's figure is the mean over their targets of the mean negative log-likelihood a token; a
figure of the table is the mean of people's figures, with a bootstrap interval over people. ``lift``
is what an arm gains over the trained control. ``placebo_gap`` is what the persona gains over the
same plug reading somebody else's history: the part of the lift that is about the person.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from persona_demo.arms import ArmInputs, Conditioning, arm_named
from persona_demo.corpus import Person, Target, draw_targets
from persona_demo.errors import UserError
from persona_demo.evaluation.bootstrap import Estimate, bootstrap
from persona_demo.history import HistoryItem
from persona_demo.lm.base import FloatArray, FrozenLM, Row, Tokens
from persona_demo.runtime import Runtime
from persona_demo.tasks import Task

Report = Callable[[str, float | None], None]

PLACEBO_DRAWS = 5
CLOSEST = 20
"""A placebo person is drawn among this many who are nearest in number of items."""
CHUNK = 32
COLD_START = (0, 1, 2, 4, 8, 16)
DEFAULT_ARMS = ("task", "persona", "persona:other")


@dataclass(frozen=True)
class ArmFigures:
    """What is reported of one arm.

    Attributes:
        arm: Its name, with a placebo's suffix where it is one.
        nll: Mean negative log-likelihood, nats a token.
        lift: Gain over the trained control.
        share_helped: Share of people whose words are likelier than under the control.
        prompt_tokens: Mean text tokens read.
        ms: Mean milliseconds a target, building and scoring.
        bytes_per_user: Mean bytes kept of a person.
    """

    arm: str
    nll: Estimate
    lift: Estimate
    share_helped: float
    prompt_tokens: float
    ms: float
    bytes_per_user: float


@dataclass(frozen=True)
class ColdStart:
    """The persona's lift with a history of so many items (None: all)."""

    items: int | None
    lift: Estimate


@dataclass(frozen=True)
class Evaluation:
    """Figures of a split.

    Attributes:
        users: How many people.
        targets: How many targets.
        arms: Figures by arm.
        placebo_gap: nll(persona:other) - nll(persona), where both were asked for.
        cold_start: Lift by history length, where asked for.
    """

    users: int
    targets: int
    arms: tuple[ArmFigures, ...]
    placebo_gap: Estimate | None
    cold_start: tuple[ColdStart, ...]


@dataclass(frozen=True)
class _Scored:
    """One arm over all targets: nll, costs, in the order of the targets."""

    nll: NDArray[np.float64]
    prompt_tokens: float
    ms: float
    bytes_per_user: float


def guided_score(lm: FrozenLM, row: Row, base: Row, target: Tokens, *, strength: float) -> FloatArray:
    """Log-probabilities (T,) of target tokens under guidance, fed token by token."""
    scores = []
    with lm.session() as session:
        logits = {i: values for i, values in enumerate(session.add([row, base]))}
        for place, token in enumerate(target):
            blend = logits[1] + np.float32(strength) * (logits[0] - logits[1])
            blend = blend.astype(np.float64)
            top = blend.max()
            scores.append(blend[token] - top - np.log(np.exp(blend - top).sum()))
            if place + 1 < len(target):
                logits = dict(session.step({0: token, 1: token}))
    return np.asarray(scores, dtype=np.float32)


class Protocol:
    """One evaluation: a runtime, a task, people and the targets drawn for them."""

    def __init__(
        self,
        runtime: Runtime,
        task: Task,
        people: Sequence[Person],
        *,
        users: int,
        targets_per_user: int,
        seed: int,
        strength: float,
        report: Report,
    ) -> None:
        """Draw people and targets.

        Args:
            runtime: Models and plug.
            task: The task.
            people: Everybody of the split; placebo people are drawn from all of them.
            users: At most so many are evaluated.
            targets_per_user: At most so many targets each.
            seed: Of the draws and of the bootstrap.
            strength: Of arms that have a base.
            report: Told how far it is.

        Raises:
            UserError: If nothing can be drawn.
        """
        self.runtime, self.task, self.seed = runtime, task, seed
        self.strength, self.report = strength, report
        self.everybody = list(people)
        rng = np.random.default_rng(seed)
        chosen = sorted(rng.permutation(len(people))[:users].tolist())
        drawn = draw_targets([people[i] for i in chosen], task, per_person=targets_per_user, rng=rng, last_third=True)
        self.targets = [replace(t, person=chosen[t.person]) for t in drawn]
        if not self.targets:
            raise UserError("Nobody in this split has enough items for a target: choose another corpus or split.")
        codec = runtime.lm.codec
        self._tokens = [task.target_tokens(t.pair.target, codec) for t in self.targets]
        self._marks = [frozenset(i.text for i in p.items) for p in self.everybody]
        self._groups = [self.everybody[i].group for i in dict.fromkeys(t.person for t in self.targets)]

    def history(self, target: Target, *, most: int | None = None) -> tuple[HistoryItem, ...]:
        """The items that may be seen for a target; the latest ``most`` of them."""
        items = self.everybody[target.person].items
        seen = target.history if most is None else target.history[len(target.history) - most :]
        return tuple(items[i] for i in seen)

    def others(self, place: int) -> list[tuple[HistoryItem, ...]]:
        """Histories of placebo people for a target, five seeded draws without replacement.

        They share no text with the person and are nearest in number of items. Where too few share
        none (everybody rates the same films), others stand in without the items they share.
        """
        target = self.targets[place]
        rng = np.random.default_rng((self.seed, 7, place))
        size, own = len(target.history), self._marks[target.person]
        group = self.everybody[target.person].group
        able = [i for i, marks in enumerate(self._marks) if i != target.person and not marks & own]
        if len(able) < PLACEBO_DRAWS:
            able = [i for i, marks in enumerate(self._marks) if self.everybody[i].group != group and marks - own]
        near = sorted(able, key=lambda i: (abs(len(self.everybody[i].items) - size), i))[:CLOSEST]
        drawn = rng.permutation(near)[:PLACEBO_DRAWS].tolist()
        return [tuple(item for item in self.everybody[i].items if item.text not in own)[-size:] for i in drawn]

    def _inputs(self, place: int, items: tuple[HistoryItem, ...]) -> ArmInputs:
        runtime = self.runtime
        return ArmInputs(
            task=self.task,
            input_text=self.targets[place].pair.input,
            items=items,
            plug=runtime.plug,
            encoder=runtime.encoder,
            codec=runtime.lm.codec,
            seed=self.seed + place,
        )

    def score(self, arm: str, *, most: int | None = None) -> _Scored:
        """Score an arm over all targets.

        Args:
            arm: Its name; with ``:other`` it reads the histories of placebo people, five each.
            most: Only the latest so many items.

        Raises:
            UserError: If there is no such arm.
        """
        others = arm_named(arm).name.endswith(":other")
        build = arm_named(arm.removesuffix(":other")).build
        nll, tokens, size = [], [], []
        started = time.perf_counter()
        for start in range(0, len(self.targets), CHUNK):
            rows: list[tuple[int, Conditioning]] = []
            for place in range(start, min(start + CHUNK, len(self.targets))):
                own = self.history(self.targets[place], most=most)
                histories = self.others(place) if others else [own]
                rows += [(place, build(self._inputs(place, items))) for items in histories]
            values = self._score_rows(rows)
            for place in dict.fromkeys(p for p, _ in rows):
                nll.append(np.mean([v for (p, _), v in zip(rows, values, strict=True) if p == place]))
            tokens += [self._row(place, made).text_tokens for place, made in rows]
            size += [made.bytes_per_user for _, made in rows]
            self.report(f"scoring {arm}", min(start + CHUNK, len(self.targets)) / len(self.targets))
        elapsed = 1000 * (time.perf_counter() - started) / len(self.targets)
        return _Scored(np.asarray(nll), float(np.mean(tokens)), elapsed, float(np.mean(size)))

    def _row(self, place: int, made: Conditioning) -> Row:
        return made.row(
            self.task,
            self.targets[place].pair.input,
            self.runtime.lm.codec,
            place=self.runtime.plug.config.place,
        )

    def _score_rows(self, rows: Sequence[tuple[int, Conditioning]]) -> list[float]:
        """Mean nll a token of each row's target, guided where strength asks for it."""
        lm = self.runtime.lm
        if self.strength == 1:
            scores = lm.score([self._row(p, made) for p, made in rows], [self._tokens[p] for p, _ in rows])
            return [-float(s.mean()) for s in scores]
        values = []
        for place, made in rows:
            row, target = self._row(place, made), self._tokens[place]
            if made.base is None:
                scored = lm.score([row], [target])[0]
            else:
                scored = guided_score(lm, row, self._row(place, made.base), target, strength=self.strength)
            values.append(-float(scored.mean()))
        return values

    def by_person(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean over each person's targets, (U,)."""
        people = np.array([t.person for t in self.targets])
        return np.array([values[people == p].mean() for p in dict.fromkeys(people.tolist())])

    def _estimate(self, values: NDArray[np.float64]) -> Estimate:
        return bootstrap(values, seed=self.seed, groups=self._groups)

    def run(self, arms: Sequence[str], *, cold_start: bool) -> Evaluation:
        """Score arms and make the figures.

        Args:
            arms: Names; the control is scored in any case, since lift needs it.
            cold_start: Also score the persona on histories of growing length.
        """
        scored: dict[str, _Scored] = {arm: self.score(arm) for arm in dict.fromkeys(("task", *arms))}
        people: Mapping[str, NDArray[np.float64]] = {a: self.by_person(s.nll) for a, s in scored.items()}
        control = people["task"]
        figures = tuple(
            ArmFigures(
                arm=arm,
                nll=self._estimate(people[arm]),
                lift=self._estimate(control - people[arm]),
                share_helped=float((people[arm] < control).mean()),
                prompt_tokens=scored[arm].prompt_tokens,
                ms=scored[arm].ms,
                bytes_per_user=scored[arm].bytes_per_user,
            )
            for arm in arms
        )
        gap = None
        if "persona" in people and "persona:other" in people:
            gap = self._estimate(people["persona:other"] - people["persona"])
        curve = []
        for most in (*COLD_START, None) if cold_start else ():
            short = self.by_person(self.score("persona", most=most).nll)
            curve.append(ColdStart(items=most, lift=self._estimate(control - short)))
        return Evaluation(
            users=len(control),
            targets=len(self.targets),
            arms=figures,
            placebo_gap=gap,
            cold_start=tuple(curve),
        )
