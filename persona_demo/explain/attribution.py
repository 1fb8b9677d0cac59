"""Which history items a text owes something to: what the aggregator says, beside what is measured.

The weight of an item says how much of it was mixed into the person. Its leave-one-out effect says what
it does: the text's log-likelihood with all items less that without this one, in nats. The two are set
side by side because they need not agree; how far they do is computed and said in a sentence. Between the
two stands its shift: how far the person's vector turns when the item is taken away, whatever the text.
Some plugs also copy the first words of a few items; that way into the text goes by no weight, so it is
told of each item, and how far weights and effects agree is said of the other items too.

Everything is measured at strength 1. Effects of single items need not add up to that of all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import spearmanr

from persona_demo.arms import Arm, ArmInputs, Conditioning, arm_named, stranger_for
from persona_demo.errors import UserError
from persona_demo.explain.scoring import Likelihoods, text_tokens
from persona_demo.lm.base import FrozenLM
from persona_demo.tasks import Wording

BATCH = 7
"""Items measured between two states: often enough to watch and to stop; with all items once more they fill a batch."""
LEAST_ITEMS = 3
"""With fewer items there is no order to compare."""


@dataclass(frozen=True)
class ItemEffect:
    """One history item.

    Attributes:
        item: Its id.
        weight: The aggregator's weight, or None under an arm that weighs nothing.
        effect: Log-likelihood of the text with all items less that without this one, in nats, or None
            while it was not measured. Above 0, the item makes the text likelier.
        shift: Cosine distance between the user vectors with all items and without this one, 0 to 2; None
            while it was not measured, under an arm that makes no vector, and for the only item.
        copied: Whether its first words are copied into the soft vectors as well, which its weight does not tell of.
    """

    item: str
    weight: float | None
    effect: float | None = None
    shift: float | None = None
    copied: bool = False


@dataclass(frozen=True)
class Agreement:
    """How far weights and measured effects agree, sign left aside: a weight says how much, not which way.

    Attributes:
        rank_correlation: Spearman's, of weights and sizes of effects, -1 to 1; None where one of
            the two is the same for all items, or there are too few.
        same_top: Whether the item of the largest weight is that of the largest effect.
        sentence: Both, for readers.
    """

    rank_correlation: float | None
    same_top: bool
    sentence: str


@dataclass(frozen=True)
class Attribution:
    """What a text owes to each item; a state on the way, or the end of it.

    Attributes:
        arm: Name of the arm it is measured under.
        base: Name of the arm that has all of it but the person.
        tokens: Length T of the text.
        total: Log-likelihood of the text with all items, nats.
        without_person: The same under the base, nats.
        stranger: The same with somebody else in the person's place, nats; None where nobody is at hand.
        stand_in: Name of that person.
        items: The items, in history order.
        agreement: Once all are measured, for arms that weigh items.
        noise: By how much the log-likelihood with all items came out otherwise when it was computed once more beside
            each batch, at most, nats; no less than the last digit of such a number.
    """

    arm: str
    base: str
    tokens: int
    total: float
    without_person: float
    items: tuple[ItemEffect, ...]
    agreement: Agreement | None = None
    noise: float = 0.0
    stranger: float | None = None
    stand_in: str = ""

    def is_noise(self, effect: float) -> bool:
        """Whether an effect is no larger than numerical noise."""
        return abs(effect) <= self.noise

    @property
    def whole(self) -> float:
        """Effect of the whole person: nats by which the text is likelier than under the base."""
        return self.total - self.without_person

    @property
    def share(self) -> float:
        """Share of items that were measured, 0 to 1."""
        return sum(item.effect is not None for item in self.items) / len(self.items)

    def _placebo(self) -> str:
        if self.stranger is None:
            return ""
        change = self.stranger - self.without_person
        return f"those of {self.stand_in} in their place by {change:+.2f}; "

    def sentence(self, of: Wording) -> str:
        """The whole person's effect beside the largest of a single item, for readers.

        Args:
            of: What items are called.
        """
        effects = [item.effect for item in self.items if item.effect is not None]
        largest = max(effects, key=abs, default=0.0)
        return (
            f"{of.count(len(self.items))} together change the log-likelihood of this text by {self.whole:+.2f} nats "
            f"({self.whole / self.tokens:+.3f} a token) against “{arm_named(self.base).title}”; {self._placebo()}"
            f"the largest single {of.one} by {largest:+.2f}. "
            f"Differences up to ±{_plain(self.noise)} nats are numerical noise."
        )


def _plain(number: float) -> str:
    """A small number by its first digit, without an exponent."""
    return np.format_float_positional(number, precision=1, unique=False, fractional=False, trim="-")


def agreement(weights: Sequence[float], effects: Sequence[float], *, of: Wording) -> Agreement:
    """Compare weights with measured effects.

    Args:
        weights: Of each item.
        effects: Of each item, nats; their sizes count.
        of: What items are called.
    """
    sizes = np.abs(np.asarray(effects, dtype=np.float64))
    same_top = int(np.argmax(weights)) == int(np.argmax(sizes))
    if len(sizes) < LEAST_ITEMS:
        return Agreement(None, same_top, f"Fewer than {LEAST_ITEMS} {of.many}: there is no order to compare.")
    if np.ptp(weights) == 0 or np.ptp(sizes) == 0:
        what = "weights" if np.ptp(weights) == 0 else "measured effects"
        return Agreement(None, same_top, f"The {what} are the same for all {of.many}: there is no order to compare.")
    found = float(spearmanr(weights, sizes).statistic)
    words = (
        "go closely together"
        if found >= 0.7
        else "go roughly together"
        if found >= 0.4
        else "go weakly together"
        if found >= 0.2
        else "have little to do with each other"
        if found > -0.2
        else "run against each other"
    )
    top = "is also" if same_top else "is not"
    return Agreement(
        found,
        same_top,
        f"Weights and measured effects {words} (rank correlation {found:.2f}); "
        f"the {of.one} with the largest weight {top} the one whose removal changes the text most.",
    )


def _agreement(state: Attribution, of: Wording) -> Agreement:
    """Of all items, and in a second sentence of those whose only way into the text is their weight."""
    items = state.items
    unsure = sum(state.is_noise(item.effect or 0.0) for item in items)
    if 2 * unsure > len(items):
        return Agreement(
            None,
            False,
            f"{unsure} of the {len(items)} effects are no larger than numerical noise, so how far the weights agree "
            "with them cannot be told.",
        )

    def among(some: Sequence[ItemEffect]) -> Agreement:
        return agreement([item.weight or 0.0 for item in some], [item.effect or 0.0 for item in some], of=of)

    every, copied = among(items), sum(item.copied for item in items)
    if not copied:
        return every
    rest = [item for item in items if not item.copied]
    found = among(rest).rank_correlation if rest else None
    others = f"the other {of.count(len(rest))}" if rest else "others"
    among_rest = (
        f"there is no order to compare among {others}"
        if found is None
        else (f"among {others} the rank correlation is {found:.2f}")
    )
    said = f"The first words of {of.count(copied)} are copied as well, which no weight tells of; {among_rest}."
    return replace(every, sentence=f"{every.sentence} {said}")


def leave_one_out(lm: FrozenLM, inputs: ArmInputs, arm: Arm, text: str) -> Iterator[Attribution]:
    """Measure what a text owes to each history item.

    Items without the one that is left out are read by the arm as any history is: weights, retrieval
    and shrinkage are computed anew. Closing the generator stops the work.

    Args:
        lm: The frozen LM.
        inputs: Person and input.
        arm: An arm that reads a person.
        text: What follows the input, as an arm wrote it.

    Yields:
        The state after each batch of items, the first one before any; the last has the agreement.

    Raises:
        UserError: If there is nothing to leave out, the arm reads no person, or the text is empty.
    """
    if arm.compared_with is None:
        raise UserError(f"“{arm.title}” reads nothing of a person: choose an arm that does.")
    if not inputs.items or inputs.stored is not None:
        many = inputs.task.wording.many
        raise UserError(f"There are no {many} to leave out: add some to the history, or choose a person who has texts.")
    tokens = text_tokens(inputs, text)
    whole, base = arm.build(inputs), arm_named(arm.compared_with).build(inputs)
    likelihoods = Likelihoods(lm, inputs, tokens)
    placebo = stranger_for(arm, inputs)
    other = None if placebo is None else placebo.build(inputs)
    total, without_person, *strange = likelihoods.of([made for made in (whole, base, other) if made is not None])
    weights = [None] * len(inputs.items) if whole.weights is None else [float(w) for w in whole.weights]
    items = [
        ItemEffect(item.id, weight, copied=item.id in whole.copied_from)
        for item, weight in zip(inputs.items, weights, strict=True)
    ]
    # No difference of two such numbers is known better than to their last digit.
    digit = float(np.spacing(np.float32(abs(total))))
    state = Attribution(
        arm.name, arm.compared_with, len(tokens), total, without_person, tuple(items), noise=digit,
        stranger=next(iter(strange), None), stand_in="" if other is None else other.stand_in,
    )  # fmt: skip
    yield state
    for start in range(0, len(items), BATCH):
        places = range(start, min(start + BATCH, len(items)))
        shorter = [arm.build(replace(inputs, items=inputs.items[:i] + inputs.items[i + 1 :])) for i in places]
        found, noise = likelihoods.beside(shorter, whole)
        for i, made, without in zip(places, shorter, found, strict=True):
            items[i] = replace(items[i], effect=total - without, shift=_shift(whole, made))
        state = replace(state, items=tuple(items), noise=max(state.noise, noise))
        if state.share == 1 and whole.weights is not None:
            state = replace(state, agreement=_agreement(state, inputs.task.wording))
        yield state


def _shift(whole: Conditioning, without: Conditioning) -> float | None:
    """Cosine distance between two user vectors; None where one of them is not there or has no direction."""
    one, other = whole.user_vector, without.user_vector
    if one is None or other is None:
        return None
    one, other = one.astype(np.float64), other.astype(np.float64)
    norms = float(np.linalg.norm(one) * np.linalg.norm(other))
    # Rounding must not make a distance of equal directions negative.
    return None if norms == 0 else float(np.clip(1 - one @ other / norms, 0, 2))
