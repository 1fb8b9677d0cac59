"""The likelihood that gradients flow through is the one the engine computes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from persona_demo.lm.base import Row
from persona_demo.lm.codec import HFCodec
from persona_demo.lm.differentiable import AnswerRow, DifferentiableLM
from persona_demo.lm.torch_engine import TorchLM
from tests import tiny


def rows_for(lm: TorchLM, soft: Sequence[torch.Tensor], prefixes: Sequence[str]) -> list[AnswerRow]:
    """Rows with targets of different lengths."""
    encode = lm.codec.encode
    return [
        AnswerRow(encode(prefix), vectors, encode("The last"), encode(" train left without me"[: 9 + 4 * i]))
        for i, (vectors, prefix) in enumerate(zip(soft, prefixes, strict=True))
    ]


@pytest.mark.parametrize("family", ["causal", "encoder-decoder"])
@pytest.mark.parametrize("prefixes", [("My blog. ",) * 3, ("", "My blog. ", "My very own blog, again. ")])
def test_the_prefix_trick_gives_the_likelihood_of_the_whole_row(family: str, prefixes: tuple[str, ...]) -> None:
    lm = tiny.causal_lm() if family == "causal" else tiny.seq2seq_lm()
    soft = [torch.randn(2, 32, generator=torch.Generator().manual_seed(i), requires_grad=True) for i in range(3)]
    rows = rows_for(lm, soft, prefixes)
    nll = DifferentiableLM(lm).nll(rows)
    scores = lm.score([Row((r.prefix, r.soft.detach().numpy()), r.suffix) for r in rows], [r.target for r in rows])
    np.testing.assert_allclose(nll.detach(), [-s.mean() for s in scores], rtol=1e-4)


def test_the_fused_head_gives_the_gradient_of_the_plain_one() -> None:
    lm = tiny.causal_lm()
    gradients = []
    for fused in (True, False):
        soft = [torch.randn(2, 32, generator=torch.Generator().manual_seed(i), requires_grad=True) for i in range(2)]
        seen = DifferentiableLM(lm)
        assert seen._plain_head
        seen._plain_head = fused
        seen.nll(rows_for(lm, soft, ("My blog. ", "Mine. "))).sum().backward()  # type: ignore[no-untyped-call]
        gradients.append([s.grad for s in soft])
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("family", ["causal", "encoder-decoder"])
def test_a_context_after_the_soft_vectors_is_read_as_by_the_engine(family: str) -> None:
    lm = tiny.causal_lm() if family == "causal" else tiny.seq2seq_lm()
    encode, rng = lm.codec.encode, np.random.default_rng(0)
    soft = [rng.normal(size=(2, 32)).astype(np.float32) for _ in range(2)]
    targets = [encode(" train left"), encode(" was late again")]
    contexts = [encode("My blog. "), encode("My very own blog. ")]
    rows = [
        AnswerRow(prefix=(), soft=torch.from_numpy(s), suffix=encode("The"), target=t, context=c)
        for s, t, c in zip(soft, targets, contexts, strict=True)
    ]
    scores = lm.score([Row((s, c), encode("The")) for s, c in zip(soft, contexts, strict=True)], targets)
    np.testing.assert_allclose(DifferentiableLM(lm).nll(rows), [-s.mean() for s in scores], rtol=1e-4)


def test_an_encoder_reads_the_end_mark_its_model_was_trained_with() -> None:
    from tokenizers.processors import TemplateProcessing

    words = tiny.tokenizer()
    words._tokenizer.post_processor = TemplateProcessing(single="$A <end>", special_tokens=[("<end>", 1)])
    plain = tiny.seq2seq_lm()
    ended = TorchLM(plain.model, HFCodec(words), name="tiny", fingerprint="tiny", device=tiny.CPU)
    assert (plain.input_end, ended.input_end) == ((), (1,))
    text, target = plain.codec.encode("My blog."), plain.codec.encode(" it rained")
    by_hand = plain.score([Row(((*text, 1),))], [target])[0]
    np.testing.assert_allclose(ended.score([Row((text,))], [target])[0], by_hand, rtol=1e-4)
    row = AnswerRow(prefix=text, soft=torch.zeros(0, 32), suffix=(), target=target)
    assert float(DifferentiableLM(ended).nll([row])[0]) == pytest.approx(-by_hand.mean(), rel=1e-4)
    causal = TorchLM(tiny.causal_lm().model, HFCodec(words), name="tiny", fingerprint="tiny", device=tiny.CPU)
    assert causal.input_end == ()
