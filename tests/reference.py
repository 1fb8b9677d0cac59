"""Slow and plain ways to the figures that the product reaches fast."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from persona_demo.lm.base import FloatArray, FrozenLM, Row, Tokens


def guided_score(lm: FrozenLM, row: Row, base: Row, target: Tokens, *, strength: float) -> FloatArray:
    """Log-probabilities (T,) of target tokens under guidance, fed token by token, without the decoder's limit."""
    scores = []
    for token, (mine, theirs) in zip(target, _fed(lm, row, base, target), strict=True):
        blend = (theirs + np.float32(strength) * (mine - theirs)).astype(np.float64)
        top = blend.max()
        scores.append(blend[token] - top - np.log(np.exp(blend - top).sum()))
    return np.asarray(scores, dtype=np.float32)


def guided_choices(lm: FrozenLM, row: Row, base: Row, target: Tokens, *, strength: float) -> list[FloatArray]:
    """Probabilities (V,) of what the decoder could write in place of each target token; 0 for what it could not."""
    choices = []
    for mine, theirs in _fed(lm, row, base, target):
        blend = (theirs + np.float32(strength) * (mine - theirs)).astype(np.float64)
        chances = np.exp(blend - blend.max())
        beyond = strength - 1 if strength > 1 else -strength
        if beyond > 0:
            nearer = (mine if strength > 1 else theirs).astype(np.float64)
            share = np.exp(nearer - nearer.max())
            chances = np.where(share < 0.01 * min(beyond, 1), 0, chances)
        choices.append(np.asarray(chances / chances.sum(), dtype=np.float32))
    return choices


def _fed(lm: FrozenLM, row: Row, base: Row, target: Tokens) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Logits of a row and of its base before each target token."""
    with lm.session() as session:
        logits = dict(enumerate(session.add([row, base])))
        for place, token in enumerate(target):
            yield logits[0], logits[1]
            if place + 1 < len(target):
                logits = dict(session.step({0: token, 1: token}))
