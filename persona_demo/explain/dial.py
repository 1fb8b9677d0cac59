"""The strength dial: how likely a text is at every strength, from one reading of it.

Guidance adds s times what the persona changes to what the control says, token by token:

    logits = task + s (persona - task)

so both conditionings are read once and every strength is arithmetic on what they said, normalised at
each token. 0 is exactly the control, 1 the persona. The curve leaves out the limit that the decoder keeps
beyond the two (:mod:`persona_demo.explain.scoring` says why); how many tokens of the text it would not have
written is told beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from persona_demo.arms import Arm, ArmInputs
from persona_demo.errors import UserError
from persona_demo.explain.scoring import row_of, text_tokens
from persona_demo.lm.base import FloatArray, FrozenLM, Tokens
from persona_demo.lm.guidance import barred
from persona_demo.ranges import STRENGTH

STRENGTHS = tuple(float(s) for s in np.arange(STRENGTH.low, STRENGTH.high + 0.01, 0.25))
FLAT = 0.01
"""Nats a token below which a curve is called flat."""


@dataclass(frozen=True)
class DialPoint:
    """One strength.

    Attributes:
        strength: The strength.
        log_likelihood: Of the whole text, nats, without the decoder's limit.
        barred: Tokens of the text that the limit keeps from being written at this strength.
    """

    strength: float
    log_likelihood: float
    barred: int = 0


@dataclass(frozen=True)
class Dial:
    """A text at every strength.

    Attributes:
        arm: The arm that is dialled.
        tokens: Length T of the text.
        points: By strength, in the order that was asked for.
    """

    arm: str
    tokens: int
    points: tuple[DialPoint, ...]

    @property
    def best(self) -> DialPoint:
        """The strength at which the text is likeliest; of equal ones the nearest to 0."""
        return max(self.points, key=lambda p: (p.log_likelihood, -abs(p.strength)))

    def at(self, strength: float) -> float:
        """Log-likelihood of the whole text at a strength, nats.

        Raises:
            KeyError: If it was not measured at this one.
        """
        return {p.strength: p.log_likelihood for p in self.points}[strength]

    @property
    def sentence(self) -> str:
        """Where the text is likeliest, for readers."""
        values = [p.log_likelihood / self.tokens for p in self.points]
        if max(values) - min(values) < FLAT:
            return f"The strength hardly matters to this text: it changes by less than {FLAT:g} nats a token."
        best = self.best.strength
        side = (
            "turned against the person"
            if best < 0
            else "at 0, with no person"
            if best == 0
            else "with the person, fainter than trained"
            if best < 1
            else "with the person as trained"
            if best == 1
            else "with more of the person than trained"
        )
        return f"This text is likeliest at strength {best:g}: {side} ({max(values):.2f} nats a token)."


def persona_likelihood(
    lm: FrozenLM, inputs: ArmInputs, arm: Arm, text: str, *, strengths: Sequence[float] = STRENGTHS
) -> Dial:
    """Log-likelihood of a text at every strength.

    Args:
        lm: The frozen LM.
        inputs: Person and input.
        arm: An arm that has a strength.
        text: What follows the input, as an arm wrote it.
        strengths: Which strengths.

    Raises:
        UserError: If the arm has no strength here, or the text is empty or too long.
    """
    tokens, made = text_tokens(inputs, text), arm.build(inputs)
    if made.base is None:
        raise UserError(f"“{arm.title}” has no strength here: choose the persona, and a person with a history.")
    row, base = lm.logits([row_of(inputs, made), row_of(inputs, made.base)], [tokens, tokens])
    totals = likelihood_at(row, base, tokens, strengths=strengths)
    bars = [barred_at(row, base, tokens, strength=s) for s in strengths]
    points = tuple(DialPoint(float(s), float(t), n) for s, t, n in zip(strengths, totals, bars, strict=True))
    return Dial(arm=arm.name, tokens=len(tokens), points=points)


def likelihood_at(
    row: FloatArray, base: FloatArray, tokens: Tokens, *, strengths: Sequence[float]
) -> NDArray[np.float64]:
    """Log-likelihood of tokens at every strength without the decoder's limit, shape (S,).

    Args:
        row: Logits of the arm that predict each token, (T, V).
        base: Those of its base, (T, V).
        tokens: The T tokens.
        strengths: The S strengths.
    """
    factors = np.asarray(strengths, dtype=np.float32)[:, None]
    totals = np.zeros(len(factors))
    # Token by token: all strengths at once over a whole text would take gigabytes.
    for mine, theirs, token in zip(row, base, tokens, strict=True):
        blended = theirs + factors * (mine - theirs)  # (S, V)
        top = blended.max(axis=1)
        sums = np.exp(blended - top[:, None]).sum(axis=1, dtype=np.float64)
        totals += blended[:, token] - top - np.log(sums)
    return totals


def barred_at(row: FloatArray, base: FloatArray, tokens: Tokens, *, strength: float) -> int:
    """How many of T tokens the decoder would not write at a strength; logits have shape (T, V)."""
    return int(barred(row, base, strength)[np.arange(len(tokens)), list(tokens)].sum())
