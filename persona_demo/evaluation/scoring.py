"""How likely given texts are, for many voices at once.

A voice (:class:`~persona_demo.lm.decode.Voice`) is a row, the row strength leads away from, and the
strength; what it would write, it can also be asked for a given text. Equal questions are asked once.
Beyond strengths 0 to 1 the decoder's limit is left out: under it one implausible token would make a whole
text impossible.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from persona_demo.lm.base import FloatArray, FrozenLM, Row, Tokens
from persona_demo.lm.decode import Voice
from persona_demo.lm.guidance import blended

GUIDED_BATCH = 8
"""Guided texts looked at together; each holds logits over the whole vocabulary, twice."""


def row_key(row: Row) -> Hashable:
    """What two rows have in common when they are the same to the LM."""
    return tuple(s if isinstance(s, tuple) else s.tobytes() for s in row.segments), row.opening


def voice_key(voice: Voice) -> Hashable:
    """What two voices have in common when they say the same."""
    rows = read_by(voice)
    return tuple(map(row_key, rows)), voice.strength if len(rows) == 2 else None


def read_by(voice: Voice) -> tuple[Row, ...]:
    """The rows a voice depends on: its own, its base at strength 0, or both in this order."""
    if voice.base is None or voice.strength == 1:
        return (voice.row,)
    return (voice.base,) if voice.strength == 0 else (voice.row, voice.base)


def log_probabilities(lm: FrozenLM, voices: Sequence[Voice], texts: Sequence[Tokens]) -> list[FloatArray]:
    """Log-probability in nats of each token of a text under its voice.

    Args:
        lm: The frozen LM.
        voices: N voices.
        texts: N texts, of T_n tokens each.

    Returns:
        One (T_n,) array a voice.
    """
    keys = [(voice_key(v), text) for v, text in zip(voices, texts, strict=True)]
    asked = {key: (read_by(v), v.strength, text) for key, v, text in zip(keys, voices, texts, strict=True)}
    plain = {key: (rows[0], text) for key, (rows, _, text) in asked.items() if len(rows) == 1}
    found: dict[Hashable, FloatArray] = {}
    if plain:
        scores = lm.score([row for row, _ in plain.values()], [text for _, text in plain.values()])
        found.update(zip(plain, scores, strict=True))
    guided = {key: question for key, question in asked.items() if key not in plain}
    names = list(guided)
    for start in range(0, len(names), GUIDED_BATCH):
        found.update(_guided(lm, {name: guided[name] for name in names[start : start + GUIDED_BATCH]}))
    return [found[key] for key in keys]


def _guided(
    lm: FrozenLM, asked: dict[tuple[Hashable, Tokens], tuple[tuple[Row, ...], float, Tokens]]
) -> dict[Hashable, FloatArray]:
    """Guided log-probabilities; the rows several voices lead away from are read once."""
    needed = {(row_key(row), text): row for rows, _, text in asked.values() for row in rows}
    logits = dict(zip(needed, lm.logits(list(needed.values()), [text for _, text in needed]), strict=True))
    found: dict[Hashable, FloatArray] = {}
    for key, (rows, strength, text) in asked.items():
        row, base = (logits[row_key(r), text] for r in rows)
        blend = blended(row, base, strength)  # (T, V)
        blend -= blend.max(axis=1, keepdims=True)
        picked = blend[np.arange(len(text)), list(text)].astype(np.float64)
        np.exp(blend, out=blend)
        found[key] = (picked - np.log(blend.sum(axis=1, dtype=np.float64))).astype(np.float32)
    return found
