"""What each person of an evaluation came to, nobody named: what figures and their intervals are made of.

Kept beside the figures, so that evaluations of other people can be counted together and resampled as one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from persona_demo.errors import UserError
from persona_demo.evaluation.bootstrap import Estimate, bootstrap

Values = NDArray[np.float64]
DIGITS = 6
"""After the point, where people's figures are written down."""


@dataclass(frozen=True, kw_only=True)
class PeopleScores:
    """Figures of U people, all in one order.

    Attributes:
        nll: By contender, each person's mean negative log-likelihood, nats a token, (U,).
        groups: Each person's group; people of one group share items and are resampled together.
        targets: How many targets each has.
        seed: Of the bootstrap.
    """

    nll: Mapping[str, Values]
    groups: tuple[str, ...]
    targets: tuple[int, ...]
    seed: int

    def mean(self, name: str) -> Estimate:
        """Mean negative log-likelihood under a contender."""
        return self._estimate(self.nll[name])

    def gain(self, name: str, over: str) -> Estimate:
        """By how much people's words are likelier under one contender than under another."""
        return self._estimate(self.nll[over] - self.nll[name])

    def share_helped(self, name: str, over: str) -> float:
        """Share of people whose words are likelier under one contender than under another."""
        return float((self.nll[name] < self.nll[over]).mean())

    def _estimate(self, values: Values) -> Estimate:
        return bootstrap(values, seed=self.seed, groups=self.groups)

    def told(self) -> dict[str, Any]:
        """As it is written down: groups are numbers, and people have no names."""
        names = list(dict.fromkeys(self.groups))
        return {
            "groups": [names.index(group) for group in self.groups],
            "targets": list(self.targets),
            "nll": {name: [round(float(v), DIGITS) for v in values] for name, values in self.nll.items()},
        }

    @classmethod
    def joined(cls, parts: Sequence[Mapping[str, Any]], *, seed: int) -> PeopleScores:
        """People of several evaluations, who have no group in common.

        Args:
            parts: What :meth:`told` gave of each.
            seed: Of the bootstrap.

        Raises:
            UserError: If they are of different contenders, or a list is shorter than another.
            KeyError: If one lacks something.
        """
        names = list(parts[0]["nll"])
        if any(set(part["nll"]) != set(names) for part in parts):
            raise UserError("The files measured different things: run 'evaluate' with the same flags for each fold.")
        for part in parts:
            if len({len(values) for values in (part["groups"], part["targets"], *part["nll"].values())}) != 1:
                raise UserError("A file holds figures of more people under one arm than under another: make it anew.")
        return cls(
            nll={name: np.concatenate([np.asarray(part["nll"][name], np.float64) for part in parts]) for name in names},
            groups=tuple(f"{number}.{group}" for number, part in enumerate(parts) for group in part["groups"]),
            targets=tuple(int(count) for part in parts for count in part["targets"]),
            seed=seed,
        )
