"""How likely a text is under an arm: what every measurement here rests on.

A text is looked at as what follows the input. Knows arms and the LM's interface; draws no conclusions.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from persona_demo.arms import ArmInputs, Conditioning
from persona_demo.errors import UserError
from persona_demo.lm.base import FloatArray, FrozenLM, Row, Tokens

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


def guided_logits(
    lm: FrozenLM, inputs: ArmInputs, conditioning: Conditioning, tokens: Tokens, *, strength: float
) -> FloatArray:
    """Logits that predict each token of a text as the decoder would blend them, shape (T, V).

    Args:
        lm: The frozen LM.
        inputs: The input.
        conditioning: What is read beside it.
        tokens: The text.
        strength: Of a conditioning that has a base; without one it does nothing.
    """
    if conditioning.base is None or strength == 1:
        return lm.logits([row_of(inputs, conditioning)], [tokens])[0]
    if strength == 0:
        return lm.logits([row_of(inputs, conditioning.base)], [tokens])[0]
    rows = [row_of(inputs, conditioning), row_of(inputs, conditioning.base)]
    row, base = lm.logits(rows, [tokens, tokens])
    return base + np.float32(strength) * (row - base)


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
        keys = [(c.retrieved, b"" if c.soft is None else c.soft.tobytes()) for c in conditionings]
        missing = {k: c for k, c in zip(keys, conditionings, strict=True) if k not in self._known}
        rows = [row_of(self._inputs, c) for c in missing.values()]
        scores = self._lm.score(rows, [self.tokens] * len(rows)) if rows else []
        found = {key: float(score.sum(dtype=np.float64)) for key, score in zip(missing, scores, strict=True)}
        self._known.update(found)
        return [self._known[key] for key in keys]
