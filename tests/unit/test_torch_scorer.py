"""Scores of the torch engine: what is read once for many rows changes none of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from persona_demo.explain.scoring import log_softmax
from persona_demo.lm._torch_scorer import SHARED_START
from persona_demo.lm.base import Row, Tokens
from persona_demo.lm.torch_engine import Device, TorchLM
from tests import tiny


def mixture(seed: int = 0) -> tuple[list[Row], list[Tokens]]:
    """Rows that begin alike, alone, with soft vectors first, and one prompt before several answers."""
    rng = np.random.default_rng(seed)

    def words(count: int) -> Tokens:
        return tuple(rng.integers(2, 280, count).tolist())

    def soft() -> np.ndarray:
        return rng.normal(size=(3, tiny.HIDDEN)).astype(np.float32)

    start, prompt, short = words(SHARED_START + 9), words(SHARED_START), words(4)
    rows = [Row((start, soft()), words(2)) for _ in range(11)]
    rows += [Row((start,))] + [Row((prompt,))] * 5 + [Row((start, soft()), words(2))] * 9
    rows += [Row((short, soft()), words(3)), Row((short,), words(1)), Row((soft(), start)), Row((words(40),))]
    targets = [words(int(rng.integers(1, 9))) for _ in rows]
    order = rng.permutation(len(rows)).tolist()
    return [rows[i] for i in order], [targets[i] for i in order]


@pytest.mark.parametrize("family", ["causal", "encoder-decoder"])
def test_scores_together_are_scores_alone(family: str) -> None:
    lm = tiny.causal_lm() if family == "causal" else tiny.seq2seq_lm()
    rows, targets = mixture()
    together = lm.score(rows, targets)
    for row, target, scores in zip(rows, targets, together, strict=True):
        # Single precision: log-probabilities here reach -70, and padding changes the order of sums.
        np.testing.assert_allclose(scores, lm.score([row], [target])[0], rtol=2e-5, atol=2e-5)


def test_logits_are_those_that_are_scored() -> None:
    lm = tiny.causal_lm()
    rows, targets = mixture(1)
    for found, target, scores in zip(lm.logits(rows, targets), targets, lm.score(rows, targets), strict=True):
        assert found.shape == (len(target), lm.info.vocab_size)
        np.testing.assert_allclose(log_softmax(found)[np.arange(len(target)), list(target)], scores, atol=2e-5)
    assert lm.logits([], []) == []


def test_a_common_start_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    lm = tiny.causal_lm()
    rng = np.random.default_rng(2)
    start = tuple(rng.integers(2, 280, 60).tolist())
    rows = [Row((start, rng.normal(size=(2, tiny.HIDDEN)).astype(np.float32)), (5,)) for _ in range(6)]
    read = []
    inner = lm.model.base_model.forward

    def counted(*words: object, inputs_embeds: torch.Tensor, **named: object) -> object:
        read.append(inputs_embeds.shape[0] * inputs_embeds.shape[1])
        return inner(*words, inputs_embeds=inputs_embeds, **named)

    monkeypatch.setattr(lm.model.base_model, "forward", counted)
    lm.score(rows, [(7, 8)] * 6)
    assert sum(read) == 60 + 6 * (2 + 1 + 1)


def test_a_model_that_cannot_leave_logits_out_scores_the_same() -> None:
    lm, plain = tiny.causal_lm(), tiny.causal_lm()
    plain.__dict__["trims_logits"] = False
    assert isinstance(lm, TorchLM) and lm.trims_logits
    rows, targets = mixture(3)
    for trimmed, whole in zip(lm.score(rows, targets), plain.score(rows, targets), strict=True):
        np.testing.assert_allclose(trimmed, whole, atol=1e-5)


@pytest.mark.parametrize("family", ["causal", "encoder-decoder"])
def test_logits_of_half_precision_are_told_apart_and_weights_stay_as_they_are(family: str) -> None:
    whole = tiny.causal_lm() if family == "causal" else tiny.seq2seq_lm()
    model = whole.model.to(torch.bfloat16)
    before = {name: values.clone() for name, values in model.state_dict().items()}
    lm = TorchLM(model, whole.codec, name="half", fingerprint="0" * 64, device=Device("cpu", "bfloat16", "test"))
    rows, targets = mixture()
    found = np.concatenate(lm.logits(rows, targets))
    rounded = torch.from_numpy(found).to(torch.bfloat16).float().numpy()
    assert (found != rounded).mean() > 0.9
    assert np.allclose(found, rounded, rtol=0.01, atol=0.01)
    assert {name: values.dtype for name, values in model.state_dict().items()} == dict.fromkeys(before, torch.bfloat16)
    assert all(torch.equal(values, before[name]) for name, values in model.state_dict().items())
