"""Rows and engines for tests of llama.cpp on a tiny model, and torch to compare them with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from persona_demo.lm.base import FloatArray, Row, Tokens
from persona_demo.lm.llama_engine import LlamaLM, is_available
from tests.tiny_gguf import HIDDEN, VOCAB, TinyModel

needs_llama = pytest.mark.skipif(not is_available(), reason="needs ik-llama-cpp-python")

# The cache keeps keys and values in float16; other content differs by 0.1 and more.
TOLERANCE = 3e-3


class NoCodec:
    """Stands where a tokenizer would: these tests speak in token ids."""

    start: Tokens = ()

    def encode(self, text: str) -> Tokens:
        """Read words as integers."""
        return tuple(int(word) for word in text.split())

    def decode(self, tokens: Sequence[int]) -> str:
        """Write integers as words."""
        return " ".join(str(token) for token in tokens)


def load(path: Path, *, context: int = 1024) -> LlamaLM:
    """An engine that holds nothing yet."""
    return LlamaLM(path, codec=NoCodec(), name="tiny", fingerprint="0" * 64, threads=1, context=context)


def words(rng: np.random.Generator, count: int) -> Tokens:
    """Random token ids that are no special tokens."""
    return tuple(int(i) for i in rng.integers(3, VOCAB, count))


def vectors(rng: np.random.Generator, count: int) -> FloatArray:
    """Random soft vectors as long as embeddings are."""
    return rng.normal(size=(count, HIDDEN)).astype(np.float32)


def reference(tiny: TinyModel, row: Row, written: Tokens = ()) -> FloatArray:
    """Logits after every position of a row and what was written after it, by torch."""
    parts = [
        tiny.embeddings[list(s)] if isinstance(s, tuple) else torch.from_numpy(s)
        for s in (*row.segments, row.opening, written)
    ]
    with torch.no_grad():
        return np.asarray(tiny.twin(inputs_embeds=torch.cat(parts)[None]).logits[0].numpy())


def assert_next(tiny: TinyModel, row: Row, logits: FloatArray, written: Tokens = ()) -> None:
    """Compare logits after a row with torch's."""
    np.testing.assert_allclose(logits, reference(tiny, row, written)[-1], atol=TOLERANCE)


def check(tiny: TinyModel, lm: LlamaLM, rows: Sequence[Row], steps: int = 3) -> None:
    """Open rows in a session, write a few tokens and compare every logit with torch's."""
    with lm.session() as session:
        for row, logits in zip(rows, session.add(rows), strict=True):
            assert_next(tiny, row, logits)
        for step in range(1, steps + 1):
            fed = {i: 3 + (7 * i + step) % (VOCAB - 3) for i in range(len(rows))}
            for i, logits in session.step(fed).items():
                written = tuple(3 + (7 * i + s) % (VOCAB - 3) for s in range(1, step + 1))
                assert_next(tiny, rows[i], logits, written)


def shapes(rng: np.random.Generator) -> dict[str, Row]:
    """Rows of every make."""
    return {
        "tokens": Row((words(rng, 40),)),
        "long": Row((words(rng, 300),), words(rng, 2)),
        "opening only": Row((), words(rng, 4)),
        "vectors": Row((vectors(rng, 5),)),
        "vectors first": Row((vectors(rng, 40), words(rng, 10)), words(rng, 3)),
        "mixed": Row((words(rng, 12), vectors(rng, 4), words(rng, 33), vectors(rng, 2)), words(rng, 3)),
        "one token": Row(((7,),)),
        "one vector": Row((vectors(rng, 1),)),
        "29 vectors": Row((vectors(rng, 29),)),
        "65 vectors": Row((vectors(rng, 65),)),
    }


def arms(rng: np.random.Generator, prompt: Tokens, *, soft: int = 9, count: int = 6) -> list[Row]:
    """Rows that share a prompt and differ in their soft vectors."""
    opening = words(rng, 4)
    return [Row((prompt, vectors(rng, soft)), opening) for _ in range(count)]


def assert_scores(tiny: TinyModel, lm: LlamaLM, rows: Sequence[Row], targets: Sequence[Tokens]) -> None:
    """Compare log-probabilities with torch's."""
    for row, target, scores in zip(rows, targets, lm.score(rows, targets), strict=True):
        assert scores.shape == (len(target),)
        if target:
            logits = torch.from_numpy(reference(tiny, row, target[:-1])[-len(target) :])
            expected = torch.log_softmax(logits.double(), -1).numpy()[range(len(target)), list(target)]
            np.testing.assert_allclose(scores, expected, atol=TOLERANCE)
