"""Slow and plain ways to the figures that the product reaches fast."""

from __future__ import annotations

import numpy as np

from persona_demo.lm.base import FloatArray, FrozenLM, Row, Tokens


def guided_score(lm: FrozenLM, row: Row, base: Row, target: Tokens, *, strength: float) -> FloatArray:
    """Log-probabilities (T,) of target tokens under guidance, fed token by token."""
    scores = []
    with lm.session() as session:
        logits = {i: values for i, values in enumerate(session.add([row, base]))}
        for place, token in enumerate(target):
            blend = logits[1] + np.float32(strength) * (logits[0] - logits[1])
            blend = blend.astype(np.float64)
            top = blend.max()
            scores.append(blend[token] - top - np.log(np.exp(blend - top).sum()))
            if place + 1 < len(target):
                logits = dict(session.step({0: token, 1: token}))
    return np.asarray(scores, dtype=np.float32)
