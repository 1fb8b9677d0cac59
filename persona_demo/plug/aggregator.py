"""The input-aware aggregator: all item vectors of a person, weighted for the current input.

Paper: w_i = softmax_i(x . h_i), equation 3, over ALL items. Plain cosines give nearly uniform
weights, so queries and keys are projected and their temperature is learned; the paper's form and the
mean remain as switches.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from persona_demo.plug.config import PlugConfig


class Aggregator(nn.Module):
    """Weights over history items for an input."""

    def __init__(self, config: PlugConfig) -> None:
        """Build the projections the configuration asks for."""
        super().__init__()
        self.kind = config.aggregator
        if self.kind == "projected":
            self.query = nn.Linear(config.item_width, config.query_width, bias=False)
            self.key = nn.Linear(config.item_width, config.query_width, bias=False)
            self.log_temperature = nn.Parameter(torch.tensor(math.log(config.query_width) / 2))

    def forward(self, query: Tensor, items: Tensor, present: Tensor) -> Tensor:
        """Weigh items.

        Args:
            query: Standardised vectors of the inputs, shape (B, D).
            items: Standardised item vectors, shape (B, N, D).
            present: True where an item is, False where there is padding, shape (B, N).

        Returns:
            Weights of shape (B, N), zero at padding, summing to 1 where a person has any item and to
            0 where there is none.
        """
        if self.kind == "mean":
            logits = torch.zeros_like(present, dtype=items.dtype)
        elif self.kind == "cosine":
            logits = torch.einsum(
                "bd,bnd->bn", nn.functional.normalize(query, dim=-1), nn.functional.normalize(items, dim=-1)
            )
        else:
            products = torch.einsum("bq,bnq->bn", self.query(query), self.key(items))
            logits = products * torch.exp(-self.log_temperature) / math.sqrt(items.shape[-1])
        return masked_softmax(logits, present)


def masked_softmax(logits: Tensor, present: Tensor) -> Tensor:
    """Softmax over the items that are there; all zeros, not NaN, for an empty history.

    Args:
        logits: Shape (B, N).
        present: Shape (B, N).

    Returns:
        Shape (B, N).
    """
    lowest = torch.finfo(logits.dtype).min
    weights = torch.softmax(logits.masked_fill(~present, lowest), dim=-1) if logits.shape[1] else logits
    return weights * present
