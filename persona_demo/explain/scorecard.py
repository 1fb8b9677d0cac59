"""The personal scorecard: a person's own last items, held out, and how likely each arm makes them.

What is held out is never in the history it is predicted from: of each held-out item only earlier items
are read, without near duplicates of it, as in the evaluation of whole populations
(:mod:`persona_demo.corpus`). One person's items are few, so intervals are wide, and where they are too
few the card says so instead of drawing one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student_t

from persona_demo.arms import Arm, ArmInputs, Conditioning, Other, apart_from, arm_named, nearest_people
from persona_demo.corpus import Person, Target, draw_targets
from persona_demo.errors import UserError
from persona_demo.evaluation.bootstrap import Estimate
from persona_demo.explain.dial import likelihood_at
from persona_demo.explain.scoring import row_of
from persona_demo.history import UserHistory
from persona_demo.lm.base import FrozenLM, Tokens
from persona_demo.runtime import Runtime
from persona_demo.tasks import Task, Wording

MOST = 10
"""Items held out at most, the latest ones."""
LEAST = 5
"""Held-out items below which nothing is concluded: one odd item would decide."""
LEVEL = 0.95

STRANGERS = 3
"""Other people in the person's place, averaged; the evaluation of populations takes five."""

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Score:
    """One arm on one person's held-out items, nats a token; intervals are over items.

    Attributes:
        arm: Its name.
        nll: Negative log-likelihood.
        gain: By how much it is below that of the arm it is compared with; None where there is none.
        placebo: Negative log-likelihood with other people in the person's place.
        gap: By how much the arm is below its placebo; None where nobody else is at hand.
        verdict: What follows, in a plain sentence.
    """

    arm: str
    nll: Estimate
    gain: Estimate | None
    placebo: Estimate | None
    gap: Estimate | None
    verdict: str


@dataclass(frozen=True)
class Scorecard:
    """All arms on one person's held-out items; a state on the way, or the end of it.

    Attributes:
        person: Whose.
        held_out: Ids of the held-out items, oldest first.
        strength: Of arms that have one.
        scores: Those that are done, in the order of the arms.
        share: Share of arms that are done, 0 to 1.
        strangers: Names of those who were tried in the person's place.
    """

    person: str
    held_out: tuple[str, ...]
    strength: float
    scores: tuple[Score, ...]
    share: float
    strangers: tuple[str, ...] = ()


def hold_out(history: UserHistory, task: Task) -> list[Target]:
    """Hold out a person's last third, at most :data:`MOST` items, or a few more where that is too few.

    Args:
        history: The person; muted items are neither predicted nor read.
        task: Splits an item into input and target.

    Returns:
        Held-out items the task can split, oldest first, each with the earlier items that may be read.

    Raises:
        UserError: If there is none.
    """
    items = history.active
    count = min(max(len(items) // 3, min(LEAST, len(items) // 2)), MOST)
    person = Person(id=history.name, split="test", items=items, dated=True)
    everything = draw_targets(
        [person], task, per_person=len(items), rng=np.random.default_rng(0), last_third=False, min_history=1
    )
    held = [target for target in everything if _place(target) >= len(items) - count]
    if not held:
        raise UserError(
            f"Nothing of {history.name} can be held out: it takes two {task.wording.many} or more, with the last ones "
            "long enough."
        )
    return held


def _place(target: Target) -> int:
    return target.item or 0


def scorecard(
    runtime: Runtime,
    history: UserHistory,
    task: Task,
    arms: Sequence[Arm],
    *,
    others: Sequence[UserHistory] = (),
    strength: float = 1.0,
    seed: int = 0,
) -> Iterator[Scorecard]:
    """Score arms on a person's own held-out items. Closing the generator stops the work.

    Args:
        runtime: Models, plug and map.
        history: The person.
        task: The task.
        arms: Which arms.
        others: People who may stand in the person's place; without them, people of the map, whose
            vectors serve arms that need no texts.
        strength: Of arms that have a base.
        seed: Of placebo draws.

    Yields:
        The state after each arm, the first one before any.

    Raises:
        UserError: If nothing can be held out.
    """
    held = hold_out(history, task)
    card = _Card(runtime, history, task, held, others, strength, seed)
    ids = tuple(history.active[_place(t)].id for t in held)
    state = Scorecard(history.name, ids, strength, (), 0.0, strangers=card.strangers)
    yield state
    for done, arm in enumerate(arms, start=1):
        state = replace(state, scores=(*state.scores, card.score(arm)), share=done / len(arms))
        yield state


class _Card:
    """Held-out items of one person, and the likelihood of each under whatever is asked."""

    def __init__(
        self,
        runtime: Runtime,
        history: UserHistory,
        task: Task,
        held: Sequence[Target],
        others: Sequence[UserHistory],
        strength: float,
        seed: int,
    ) -> None:
        self._lm, self._strength = runtime.lm, strength
        self._person, self._of = history.name, task.wording
        self._inputs = []
        self._asked = [history.active[_place(target)].input for target in held]
        self._known: dict[str, Values] = {}
        for target in held:
            read = history.with_items(tuple(history.active[i] for i in target.history))
            self._inputs.append(runtime.arm_inputs(read, task, target.pair.input, seed=seed))
        self._tokens = [task.target_tokens(target.pair.target, runtime.lm.codec) for target in held]
        self._others = [Other(p.name, items=p.active) for p in nearest_people(others, history.active)][:STRANGERS]
        if not self._others and runtime.atlas is not None:
            rng = np.random.default_rng(seed)
            rows = [runtime.atlas.somebody_else(len(history.active), rng=rng) for _ in range(STRANGERS)]
            self._others = [Other(runtime.atlas.ids[r], user_vector=runtime.atlas.vectors[r]) for r in rows]

    @property
    def strangers(self) -> tuple[str, ...]:
        """Names of those who are tried in the person's place."""
        return tuple(other.name for other in self._others)

    def score(self, arm: Arm) -> Score:
        """An arm, what it is compared with, and its placebo."""
        own = self._own(arm)
        gain = gap = placebo = None
        if arm.compared_with is not None:
            gain = estimate(self._own(arm_named(arm.compared_with)) - own)
        if (theirs := self._placebo(arm)) is not None:
            placebo, gap = estimate(theirs), estimate(theirs - own)
        said = verdict(self._person, arm, items=len(own), gain=gain, gap=gap, of=self._of)
        return Score(arm.name, estimate(own), gain, placebo, gap, said)

    def _own(self, arm: Arm) -> Values:
        if arm.name not in self._known:
            self._known[arm.name] = self._nll([(i, arm.build(inputs)) for i, inputs in enumerate(self._inputs)])
        return self._known[arm.name]

    def _placebo(self, arm: Arm) -> Values | None:
        """Mean over other people of the arm's nll with them in the person's place, (items,)."""
        able = [o for o in self._others if o.items or arm.kind == "soft"]
        if "other" not in arm.placebos or not able:
            return None
        stranger = arm_named(f"{arm.name}:other")
        nlls = []
        for other in able:
            # As many items as the person has: a longer history would be another kind of help.
            built = [self._beside(stranger, i, other) for i in range(len(self._inputs))]
            nlls.append(self._nll(list(enumerate(built))))
        return np.asarray(np.mean(nlls, axis=0))

    def _beside(self, stranger: Arm, place: int, other: Other) -> Conditioning:
        inputs = self._inputs[place]
        items = apart_from(other.items, self._asked[place])[-len(inputs.items) :]
        return stranger.build(replace(inputs, other=replace(other, items=items)))

    def _nll(self, made: Sequence[tuple[int, Conditioning]]) -> Values:
        """Mean nll a token of each held-out item, (items,)."""
        tokens = [self._tokens[i] for i, _ in made]
        if self._strength == 1:
            rows = [row_of(self._inputs[i], c) for i, c in made]
            return np.array([-float(s.mean(dtype=np.float64)) for s in self._lm.score(rows, tokens)])
        inputs = [self._inputs[i] for i, _ in made]
        triples = zip(inputs, (c for _, c in made), tokens, strict=True)
        return np.array([_guided_nll(self._lm, *triple, strength=self._strength) for triple in triples])


def estimate(values: Values) -> Estimate:
    """Mean over items with its 95% interval after Student.

    So few values are resampled into intervals that hold the truth only five times in six.

    Args:
        values: One value an item, (N,).
    """
    mean = float(values.mean())
    if len(values) < 2:
        return Estimate(mean, mean, mean)
    half = float(student_t.ppf((1 + LEVEL) / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))
    return Estimate(mean, mean - half, mean + half)


def _guided_nll(
    lm: FrozenLM, inputs: ArmInputs, conditioning: Conditioning, tokens: Tokens, *, strength: float
) -> float:
    row = row_of(inputs, conditioning)
    if conditioning.base is None:
        return -float(lm.score([row], [tokens])[0].mean(dtype=np.float64))
    mine, base = lm.logits([row, row_of(inputs, conditioning.base)], [tokens, tokens])
    return -float(likelihood_at(mine, base, tokens, strengths=[strength])[0]) / len(tokens)


def verdict(person: str, arm: Arm, *, items: int, gain: Estimate | None, gap: Estimate | None, of: Wording) -> str:
    """What the figures of an arm say, in a plain sentence.

    Args:
        person: Name of the person.
        arm: The arm.
        items: Number of held-out items.
        gain: Over the arm it is compared with.
        gap: Over its placebo.
        of: What items are called.
    """
    if arm.compared_with is None:
        return f"It knows nothing of {person}: it is what others are compared with."
    if items < LEAST:
        return f"Too little to tell: only {of.count(items)} of {person} could be held out, and it takes {LEAST}."
    if gap is None:
        return "Not shown to be personal: nobody else is at hand to stand in as placebo."
    if gap.low > 0 and gain is not None and gain.low > 0:
        return (
            f"It helps, and more with {person}'s history than with other people's "
            f"(by {gap.mean:.3f} nats a token): part of it is personal."
        )
    if gap.low > 0:
        return (
            f"{person}'s history does better in it than other people's (by {gap.mean:.3f} nats a token), "
            f"but it is not shown to be better than “{arm_named(arm.compared_with).title}”, "
            "the same without the person's part."
        )
    if gap.high < 0:
        return f"It is worse with {person}'s own history than with other people's: nothing in it is personal here."
    return (
        f"It does not beat its placebo on these {of.count(items)}: other people's histories do about as well "
        f"(difference {gap.mean:+.3f} nats a token, 95% interval {gap.low:+.3f} to {gap.high:+.3f})."
    )
