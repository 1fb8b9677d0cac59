"""What a batch costs: the rows a frozen LM is asked for, and the losses made of its answers."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from persona_demo.lm.differentiable import AnswerRow
from persona_demo.training.data import Batch


@dataclass(frozen=True)
class Losses:
    """What a batch costs, nats a token.

    Attributes:
        persona: Of each example under its person, (B,); None where only the control is read.
        control: Under the control, (B,); None where only the plug is read.
        contrast: Of the examples that are also read under another person, (R,): the negative log of
            how sure one can be by the text alone that it is its author's and not the other's.
    """

    persona: Tensor | None
    control: Tensor | None
    contrast: Tensor | None = None


def answer_rows(batch: Batch, soft: Tensor, *, before: bool) -> list[AnswerRow]:
    """Rows of a batch under soft vectors.

    Args:
        batch: B examples.
        soft: (B, S, H), or (S, H) for all alike.
        before: Soft vectors before the context, as in the paper, or after it.

    Returns:
        One row an example.
    """
    rows = []
    for i, (prefix, opening, target) in enumerate(zip(batch.prefixes, batch.openings, batch.targets, strict=True)):
        own = soft if soft.dim() == 2 else soft[i]
        if before:
            rows.append(AnswerRow(prefix=(), soft=own, context=prefix, suffix=opening, target=target))
        else:
            rows.append(AnswerRow(prefix=prefix, soft=own, suffix=opening, target=target))
    return rows
