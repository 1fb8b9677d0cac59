"""The cold-start dial: the same person at 0, 1, 2, 4, ... items, in text and in likelihood.

An arm that sees only the latest n items is an arm like any other, so it is written and scored by what
writes and scores all arms. Retrieval needs the one right item; a persona needs enough of them: this is
where the two part.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from persona_demo.answers import ArmText
from persona_demo.arms import Arm, ArmInputs, Conditioning, arm_named
from persona_demo.errors import UserError
from persona_demo.explain.scoring import Likelihoods, text_tokens
from persona_demo.history import HistoryItem
from persona_demo.lm.base import FrozenLM
from persona_demo.lm.decode import DecodeOptions
from persona_demo.runtime import Runtime


def counts_for(items: int) -> tuple[int, ...]:
    """History lengths to look at: 0, 1, 2, 4, ... and all of them."""
    doubled = [0, *(2**power for power in range(16))]
    return (*(count for count in doubled if count < items), items)


def latest(arm: Arm, count: int) -> Arm:
    """The arm, seeing only the latest items of the person, and of who stands in their place; named ``persona@4``.

    Of nobody a placebo says what the arm itself does.

    Args:
        arm: Any arm.
        count: How many items.
    """

    def build(inputs: ArmInputs) -> Conditioning:
        seen, other = _last(inputs.items, count), inputs.other
        if other is not None:
            other = replace(other, items=_last(other.items, count))
        own = arm if count else arm_named(arm.name.partition(":")[0])
        return own.build(replace(inputs, items=seen, other=other))

    return replace(arm, name=f"{arm.name}@{count}", build=build, placebos=())


def _last(items: tuple[HistoryItem, ...], count: int) -> tuple[HistoryItem, ...]:
    return items[max(len(items) - count, 0) :]


@dataclass(frozen=True)
class ColdStart:
    """A text's likelihood by history length; a state on the way, or the end of it.

    Attributes:
        arms: Names of the arms.
        counts: History lengths.
        tokens: Length of the text.
        nll: For each arm, negative log-likelihood of the text by history length, nats a token; shorter
            than ``counts`` while not all are measured. At strength 1.
    """

    arms: tuple[str, ...]
    counts: tuple[int, ...]
    tokens: int
    nll: tuple[tuple[float, ...], ...]

    @property
    def share(self) -> float:
        """Share of lengths that were measured, 0 to 1."""
        return min(map(len, self.nll), default=0) / len(self.counts)

    def crossing(self, one: str, other: str) -> int | None:
        """The least history length from which on one arm stays below another; None where it never does."""
        mine, theirs = (self.nll[self.arms.index(name)] for name in (one, other))
        below = [a < b for a, b in zip(mine, theirs, strict=True)]
        if not below or not below[-1]:
            return None
        last = max((i for i, is_below in enumerate(below) if not is_below), default=-1)
        return self.counts[last + 1]


def likelihood_by_items(lm: FrozenLM, inputs: ArmInputs, arms: Sequence[Arm], text: str) -> Iterator[ColdStart]:
    """Score a text under histories of growing length. Closing the generator stops the work.

    Args:
        lm: The frozen LM.
        inputs: Person and input.
        arms: Which arms.
        text: What follows the input, as an arm or the person wrote it.

    Yields:
        The state after each length, the first one before any.

    Raises:
        UserError: If there is no history, or the text is empty or too long.
    """
    likelihoods = Likelihoods(lm, inputs, text_tokens(inputs, text))
    counts, length = _counts(inputs), len(likelihoods.tokens)
    state = ColdStart(tuple(arm.name for arm in arms), counts, length, ((),) * len(arms))
    yield state
    for count in counts:
        found = likelihoods.of([latest(arm, count).build(inputs) for arm in arms])
        nll = tuple((*row, -value / length) for row, value in zip(state.nll, found, strict=True))
        state = replace(state, nll=nll)
        yield state


def texts_by_items(
    runtime: Runtime,
    inputs: ArmInputs,
    arm: Arm,
    *,
    strength: float = 1.0,
    options: DecodeOptions | None = None,
    allow_listed_words: bool = False,
) -> Iterator[tuple[ArmText, ...]]:
    """Let one arm write under histories of growing length, all together, token by token.

    An arm that reads nothing of a person writes once.

    Args:
        runtime: Models and plug.
        inputs: Person and input.
        arm: Which arm.
        strength: Of an arm that has a base.
        options: How to write.
        allow_listed_words: Also words of the filter's lists.

    Yields:
        The state of every length after each step, in the order of :func:`counts_for`; of an arm that
        reads nothing of a person, its one text.

    Raises:
        UserError: If there is no history, or the arm cannot write.
    """
    arms = [latest(arm, count) for count in _counts(inputs)] if arm.compared_with is not None else [arm]
    yield from runtime.compare(inputs, arms, strength=strength, options=options, allow_listed_words=allow_listed_words)


def _counts(inputs: ArmInputs) -> tuple[int, ...]:
    if not inputs.items or inputs.stored is not None:
        many = inputs.task.wording.many
        raise UserError(f"There is no history to shorten: add {many}, or choose a person who has texts.")
    return counts_for(len(inputs.items))
