"""How likely a text is under an arm: what every measurement here rests on.

A text is looked at as what follows the input. Knows arms and the LM's interface; draws no conclusions.

Beyond strengths 0 to 1 the decoder writes no implausible token (:func:`~persona_demo.lm.guidance.barred`).
The likelihood of a text that is given leaves this limit out: under it one token that the persona would not
write makes a whole text impossible, and a curve or a difference of two would say nothing of the others.
What might be written instead keeps to the limit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from persona_demo.arms import ArmInputs, Conditioning
from persona_demo.errors import UserError
from persona_demo.lm.base import FloatArray, FrozenLM, Row, Tokens
from persona_demo.lm.guidance import IMPLAUSIBLE, barred, blended

MAX_TOKENS = 512
"""Longest text that is measured; as many as an arm may write."""


def row_of(inputs: ArmInputs, conditioning: Conditioning) -> Row:
    """What the LM reads of an input under a conditioning."""
    return conditioning.row(inputs.task, inputs.input_text, inputs.codec, place=inputs.plug.config.place)


def text_tokens(inputs: ArmInputs, text: str) -> Tokens:
    """Token ids of a text that follows an input.

    Raises:
        UserError: If the text is empty or too long.
    """
    tokens = inputs.codec.encode(text) if text.strip() else ()
    if not tokens:
        raise UserError("There is no text to measure: let an arm write one, or type one.")
    if len(tokens) > MAX_TOKENS:
        raise UserError(f"The text has {len(tokens):,} tokens: shorten it to at most {MAX_TOKENS}.")
    return tokens


@dataclass(frozen=True, eq=False)
class Blend:
    """What predicts each token of a text at a strength.

    Attributes:
        logits: As they are measured by, without the decoder's limit, (T, V).
        barred: Tokens that the limit keeps from being written, (T, V); None where there is no limit.
    """

    logits: FloatArray
    barred: NDArray[np.bool_] | None = None

    def written_by(self, place: int) -> FloatArray:
        """Logits at a place as the decoder writes by them, (V,)."""
        row: FloatArray = self.logits[place]
        return row if self.barred is None else np.where(self.barred[place], row - IMPLAUSIBLE, row)

    def bars(self, place: int, token: int) -> bool:
        """Whether a token could not be written at a place."""
        return self.barred is not None and bool(self.barred[place, token])


def guided_logits(
    lm: FrozenLM, inputs: ArmInputs, conditioning: Conditioning, tokens: Tokens, *, strength: float
) -> Blend:
    """Logits that predict each token of a text at a strength, and what the decoder would not write.

    Args:
        lm: The frozen LM.
        inputs: The input.
        conditioning: What is read beside it.
        tokens: The text.
        strength: Of a conditioning that has a base; without one it does nothing.
    """
    if conditioning.base is None or strength == 1:
        return Blend(lm.logits([row_of(inputs, conditioning)], [tokens])[0])
    if strength == 0:
        return Blend(lm.logits([row_of(inputs, conditioning.base)], [tokens])[0])
    rows = [row_of(inputs, conditioning), row_of(inputs, conditioning.base)]
    row, base = lm.logits(rows, [tokens, tokens])
    limited = not 0 <= strength <= 1
    return Blend(blended(row, base, strength), barred(row, base, strength) if limited else None)


def log_softmax(logits: FloatArray) -> FloatArray:
    """Log-probabilities over the last axis, of the same shape."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)), dtype=np.float32)


class Likelihoods:
    """Log-likelihoods of one text under any conditionings of one input; equal ones are computed once."""

    def __init__(self, lm: FrozenLM, inputs: ArmInputs, tokens: Tokens) -> None:
        """Begin with none.

        Args:
            lm: The frozen LM.
            inputs: The input; whoever the person is, conditionings say.
            tokens: The text.
        """
        self._lm, self._inputs, self.tokens = lm, inputs, tokens
        self._known: dict[tuple[tuple[str, ...], bytes], float] = {}

    def of(self, conditionings: Sequence[Conditioning]) -> list[float]:
        """Log-likelihood of the text under each, in nats."""
        keys = [self._key(c) for c in conditionings]
        missing = {k: c for k, c in zip(keys, conditionings, strict=True) if k not in self._known}
        found = self._scores([row_of(self._inputs, c) for c in missing.values()])
        self._known.update(zip(missing, found, strict=True))
        return [self._known[key] for key in keys]

    def beside(self, conditionings: Sequence[Conditioning], known: Conditioning) -> tuple[list[float], float]:
        """Log-likelihood under each, and how far that of a known one is off when it is computed again beside them.

        Numbers are rounded, and rounded otherwise in other company: no difference below that says anything.

        Args:
            conditionings: What is measured.
            known: What was measured before; its first log-likelihood stays.
        """
        first = self.of([known])[0]
        rows, keys = [row_of(self._inputs, known)], [self._key(known)]
        for each in conditionings:
            if (key := self._key(each)) not in self._known and key not in keys:
                rows.append(row_of(self._inputs, each))
                keys.append(key)
        if len(rows) > 1:
            again, *found = self._scores(rows)
            self._known.update(zip(keys[1:], found, strict=True))
            return self.of(conditionings), abs(again - first)
        return self.of(conditionings), 0.0

    @staticmethod
    def _key(conditioning: Conditioning) -> tuple[tuple[str, ...], bytes]:
        return conditioning.retrieved, b"" if conditioning.soft is None else conditioning.soft.tobytes()

    def _scores(self, rows: Sequence[Row]) -> list[float]:
        scores = self._lm.score(rows, [self.tokens] * len(rows)) if rows else []
        return [float(score.sum(dtype=np.float64)) for score in scores]
