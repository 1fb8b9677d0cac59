"""Soft vectors: trained ones, and those made of a person's own words."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from persona_demo.plug.config import PlugConfig

TURN_RANK = 64
"""Rank of the trained map of the embeddings of own words."""


def unit_of(config: PlugConfig) -> float:
    """Size of a coordinate of a soft vector that is as long as input embeddings are on average."""
    return float(config.soft_scale * config.embedding_norm / config.hidden_size**0.5)


class SoftVectors(nn.Module):
    """Trained vectors in the LM's embedding space, kept in units in which Adam steps well."""

    def __init__(self, count: int, config: PlugConfig, *, generator: torch.Generator) -> None:
        """Start at random directions of the embeddings' mean norm."""
        super().__init__()
        self.scale = unit_of(config)
        self.units = nn.Parameter(torch.randn(count, config.hidden_size, generator=generator))

    def forward(self) -> Tensor:
        """The vectors, shape (count, H)."""
        vectors: Tensor = self.units * self.scale
        return vectors


class WordVectors(nn.Module):
    """Soft vectors from the embeddings of a person's own words.

    On a base of its own a plug gives words places to themselves, at first filled by the embeddings
    as they are. On the control they are added to what stands there already, at first nothing of them:
    the frozen LM takes embeddings on top of trained vectors for noise until a map of them is learned.
    """

    def __init__(self, config: PlugConfig, *, count: int) -> None:
        """Start at the embeddings themselves, or at what they are added to.

        Args:
            config: The form of the plug.
            count: How many vectors.
        """
        super().__init__()
        self.scale = unit_of(config)
        own = config.base == "own"
        if own:
            self.place = nn.Parameter(torch.zeros(count, config.hidden_size))
        self.own = own
        self.gain = nn.Parameter(torch.full((1,), float(own)))
        rank = min(TURN_RANK, config.hidden_size)
        self.down = nn.Linear(config.hidden_size, rank, bias=False)
        self.up = nn.Linear(rank, config.hidden_size, bias=False)
        nn.init.zeros_(self.up.weight)

    def forward(self, pieces: Sequence[Tensor], blank: Tensor, *, each: int) -> Tensor:
        """The vectors, (count, H).

        Args:
            pieces: Input embeddings (l, H) of pieces of text; of each the first ``each`` are read.
            blank: What stands where there are too few, and on the control under each, (count, H).
            each: Room of a piece.
        """
        made = blank.clone()
        for start, piece in zip(range(0, len(blank), each), pieces, strict=False):
            units = piece[:each] / self.scale
            here = slice(start, start + len(units))
            turned = self.gain * units + self.up(self.down(units))
            under = self.place[here] * self.scale if self.own else blank[here]
            made[here] = under + turned * self.scale
        return made
