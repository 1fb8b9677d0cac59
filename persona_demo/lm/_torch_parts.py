"""What the scorer, the beam search and the averaging of states read of the torch engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from persona_demo.lm.base import LMInfo, Row


class TorchParts(Protocol):
    """A loaded model and how rows become its input embeddings."""

    model: Any

    @property
    def info(self) -> LMInfo:
        """What it is."""
        ...

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        ...

    @property
    def trims_logits(self) -> bool:
        """Whether it can be asked for the logits of some places alone."""
        ...

    def embed_tensor(self, tokens: Sequence[int]) -> Tensor:
        """Input embeddings (N, H) of N tokens."""
        ...

    def embed_row(self, row: Row) -> Tensor:
        """Input embeddings (L, H) of a row's segments, not of its opening."""
        ...
