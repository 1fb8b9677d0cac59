"""Log-probabilities of given texts, beside sessions and in their stead."""

from __future__ import annotations

import threading

import numpy as np
import torch

from persona_demo.lm.base import FloatArray, Row
from persona_demo.lm.llama_engine import LlamaLM
from tests.llama import arms, assert_next, assert_scores, needs_llama, shapes, words
from tests.tiny_gguf import TinyModel

pytestmark = needs_llama


def test_scores_are_those_of_torch(tiny: TinyModel, lm: LlamaLM, rng: np.random.Generator) -> None:
    rows = [*arms(rng, words(rng, 30)), *shapes(rng).values()]
    assert_scores(tiny, lm, rows, [words(rng, 12) for _ in rows])
    assert_scores(tiny, lm, rows, [words(rng, 1 + i % 3) for i, _ in enumerate(rows)])


def test_scores_of_one_row_with_several_targets(
    tiny: TinyModel, lm: LlamaLM, rng: np.random.Generator, read: list[int]
) -> None:
    row, target = Row((words(rng, 10),)), words(rng, 6)
    assert_scores(tiny, lm, [row] * 4, [target, target[:3], (*target[:5], 9), ()])
    # The row, five tokens of the longest target; the last token of each is never read.
    assert sum(read) == 10 + 5


def test_scores_are_what_steps_say(lm: LlamaLM, rng: np.random.Generator) -> None:
    row, target = arms(rng, words(rng, 20), count=1)[0], words(rng, 5)
    with lm.session() as session:
        logits = [session.add([row])[0]]
        logits += [session.step({0: token})[0] for token in target[:-1]]
    expected = torch.log_softmax(torch.from_numpy(np.stack(logits)).double(), -1).numpy()
    np.testing.assert_allclose(lm.score([row], [target])[0], expected[range(5), list(target)], atol=1e-4)


def test_scoring_leaves_a_session_alone(tiny: TinyModel, lm: LlamaLM, rng: np.random.Generator) -> None:
    rows = arms(rng, words(rng, 20), count=2)
    with lm.session() as session:
        session.add(rows)
        assert_scores(tiny, lm, rows, [words(rng, 5), words(rng, 40)])
        assert_next(tiny, rows[0], session.step({0: 5, 1: 6})[0], (5,))


def test_scoring_may_go_on_beside_a_session(tiny: TinyModel, lm: LlamaLM, rng: np.random.Generator) -> None:
    rows = arms(rng, words(rng, 20), count=3)
    targets = [words(rng, 20) for _ in rows]
    alone = lm.score(rows, targets)
    scored: list[list[FloatArray]] = []
    thread = threading.Thread(target=lambda: scored.extend(lm.score(rows, targets) for _ in range(5)))
    with lm.session() as session:
        session.add(rows)
        thread.start()
        for _ in range(20):
            logits = session.step({0: 5, 1: 6, 2: 7})
        thread.join()
    assert_next(tiny, rows[2], logits[2], (7,) * 20)
    for again in scored:
        for one, other in zip(again, alone, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-5)
