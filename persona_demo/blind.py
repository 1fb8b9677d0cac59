"""Blind guesses: texts are dealt without names, one of them is chosen, and chance is given its due.

Whoever cannot tell the texts apart is right in one round of two, or of three, because the order is drawn anew for
each round. How often that alone gets as many right is known exactly. Knows nothing of models or of texts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from scipy.stats import binomtest, poisson_binom

from persona_demo.errors import UserError

SCHEMA = 1
LETTERS = "ABCDEFGH"
UNLIKELY = 0.05
"""What chance does more seldom than this is not put down to it."""


@dataclass(frozen=True)
class Round:
    """Texts in the order in which they are shown.

    Attributes:
        seed: Of the order.
        order: Names of the arms that wrote them.
        truth: The arm that knew the person.
        choice: Place of the text that was chosen, from 0; None as long as none is.
    """

    seed: int
    order: tuple[str, ...]
    truth: str
    choice: int | None = None

    @classmethod
    def deal(cls, arms: Sequence[str], *, truth: str, seed: int) -> Round:
        """Put arms into an order that nobody knows.

        Args:
            arms: Their names, at least two and at most eight.
            truth: The one that knew the person.
            seed: Of the order.

        Raises:
            ValueError: If the true one is not among them, or one is there twice.
        """
        if truth not in arms or not 2 <= len(set(arms)) == len(arms) <= len(LETTERS):
            raise ValueError("a round needs two to eight different arms, one of which is the true one")
        places = np.random.default_rng(seed).permutation(len(arms))
        return cls(seed, tuple(arms[place] for place in places), truth)

    @property
    def letters(self) -> tuple[str, ...]:
        """What the texts are called."""
        return tuple(LETTERS[: len(self.order)])

    @property
    def right(self) -> bool:
        """Whether the true one was chosen."""
        return self.choice is not None and self.order[self.choice] == self.truth

    @property
    def chance(self) -> float:
        """How likely a guess is right."""
        return 1 / len(self.order)

    def vote(self, choice: int | None) -> Round:
        """Choose a text.

        Raises:
            UserError: If none was chosen, there is no such text, or the round is over.
        """
        if self.choice is not None:
            raise UserError("This round is over: deal new texts.")
        if choice is None or choice not in range(len(self.order)):
            raise UserError("No text is chosen: choose one of them, then vote.")
        return replace(self, choice=choice)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Round:
        """A round from its record, as :func:`dataclasses.asdict` makes it."""
        return cls(record["seed"], tuple(record["order"]), record["truth"], record["choice"])


@dataclass(frozen=True)
class Tally:
    """Rounds that are over.

    Attributes:
        rounds: They, in the order in which they were played.
    """

    rounds: tuple[Round, ...] = ()

    def add(self, played: Round) -> Tally:
        """The tally with one round more.

        Raises:
            ValueError: If nothing was chosen in it.
        """
        if played.choice is None:
            raise ValueError("a round that is not over counts for nothing")
        return Tally((*self.rounds, played))

    @property
    def right(self) -> int:
        """Rounds that were guessed right."""
        return sum(played.right for played in self.rounds)

    @property
    def expected(self) -> float:
        """Rounds that chance alone gets right, on average."""
        return sum(played.chance for played in self.rounds)

    @property
    def p_value(self) -> float:
        """Probability that chance alone gets at least as many right; 1 before the first round."""
        if not self.right:
            return 1.0
        return float(poisson_binom([played.chance for played in self.rounds]).sf(self.right - 1))

    @property
    def interval(self) -> tuple[float, float]:
        """Exact 95% interval of the share that is guessed right in the long run; 0 to 1 before the first round."""
        if not self.rounds:
            return 0.0, 1.0
        found = binomtest(self.right, len(self.rounds)).proportion_ci(0.95, method="exact")
        return float(found.low), float(found.high)

    @property
    def sentence(self) -> str:
        """What follows from it, for readers."""
        if not self.rounds:
            return "No guess yet."
        low, high = (f"{100 * bound:.0f}%" for bound in self.interval)
        verdict = (
            "that is more than luck explains well"
            if self.p_value < UNLIKELY
            else "that is no evidence that anybody can tell"
        )
        return (
            f"{self.right} of {len(self.rounds)} right. Chance alone gets {self.expected:.1f} on average, and "
            f"{self.right} or more with probability {self.p_value:.2g}: {verdict}. In the long run, guesses "
            f"like these are right in {low} to {high} of the rounds (95% interval)."
        )

    def as_record(self) -> list[dict[str, Any]]:
        """The tally as plain JSON."""
        return [asdict(played) for played in self.rounds]

    @classmethod
    def from_record(cls, record: Sequence[Mapping[str, Any]]) -> Tally:
        """A tally from its record."""
        return cls(tuple(Round.from_record(played) for played in record))

    def to_json(self) -> str:
        """The tally as a file: what was chosen in each round, and no text of anybody."""
        rounds = [
            {"texts": len(p.order), "chosen": p.order[p.choice or 0], "right": p.right, "seed": p.seed}
            for p in self.rounds
        ]
        document = {
            "kind": "persona-demo guesses",
            "schema": SCHEMA,
            "right": self.right,
            "rounds": len(rounds),
            "expected_by_chance": round(self.expected, 4),
            "p_value": round(self.p_value, 6),
            "each": rounds,
        }
        return json.dumps(document, indent=1) + "\n"
