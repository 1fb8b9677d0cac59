"""Beam search on the torch engine: likelier texts than greedy ones, the same in any company."""

from __future__ import annotations

import numpy as np
import pytest

from persona_demo.errors import UserError
from persona_demo.evaluation.predictions import predict, search
from persona_demo.lm.base import Row
from persona_demo.lm.decode import DecodeOptions, Voice, decode
from persona_demo.lm.torch_engine import TorchLM
from persona_demo.tasks import WritingPair, task_named
from tests import tiny


def rows_for(lm: TorchLM) -> list[Row]:
    """Rows with soft vectors and openings of different lengths."""
    encode, rng = lm.codec.encode, np.random.default_rng(0)
    openings = ("", "The f", "The ferry")
    return [Row((encode("My blog. "), rng.normal(size=(2, 32)).astype(np.float32)), encode(o)) for o in openings]


@pytest.mark.parametrize("family", ["causal", "encoder-decoder"])
def test_a_wider_search_finds_likelier_texts_and_order_does_not_matter(family: str) -> None:
    lm = tiny.causal_lm() if family == "causal" else tiny.seq2seq_lm()
    rows = rows_for(lm)
    greedy, wide = (lm.write(rows, beams=beams, max_new_tokens=8) for beams in (1, 4))
    of = [[float(s.sum()) for s in lm.score(rows, texts)] for texts in (greedy, wide)]
    assert all(w >= g - 1e-4 for g, w in zip(*of, strict=True))
    assert lm.write(rows[::-1], beams=4, max_new_tokens=8)[::-1] == wide
    assert [lm.write([row], beams=4, max_new_tokens=8)[0] for row in rows] == wide


def test_one_beam_is_the_greedy_decoder() -> None:
    lm = tiny.causal_lm()
    rows = rows_for(lm)
    written = lm.write(rows, beams=1, max_new_tokens=6)
    options = DecodeOptions(max_new_tokens=6, min_new_tokens=1, no_repeat=0, stop="\0\0")
    for states in decode(lm, [Voice(row) for row in rows], options):
        last = states
    assert [state.tokens for state in last] == written


def test_texts_end_before_special_tokens_and_are_as_long_as_asked() -> None:
    lm = tiny.seq2seq_lm()
    texts = lm.write(rows_for(lm), beams=2, max_new_tokens=5, min_new_tokens=5)
    assert all(len(text) <= 5 and not set(text) & set(lm.info.eos) for text in texts)


def test_a_plug_of_the_papers_form_has_its_texts_measured_by_beam_search() -> None:
    lm, task = tiny.seq2seq_lm(), task_named("paper-title")
    rows = rows_for(lm)
    voices = [Voice(rows[0]), Voice(rows[2], base=rows[0], strength=0.0), Voice(rows[0])]
    pairs = [WritingPair("An abstract", " A title")] * 3
    found = predict(lm, task, voices, pairs, report=lambda share: None, beams=4)
    searched = lm.write([rows[0]], beams=4, max_new_tokens=task.max_target_tokens, min_new_tokens=2)[0]
    assert found == [lm.codec.decode(searched).split("\n")[0].strip()] * 3
    with pytest.raises(UserError, match="strength"):
        predict(lm, task, [Voice(rows[2], base=rows[0], strength=2.0)], pairs[:1], report=lambda share: None, beams=4)
    greedy = predict(lm, task, voices, pairs, report=lambda share: None)
    assert len(greedy) == 3


def test_an_engine_without_beam_search_is_refused() -> None:
    class Closed:
        """An LM that decodes token by token alone."""

    with pytest.raises(UserError, match="torch"):
        search(Closed(), task_named("headline"), [], beams=4)  # type: ignore[arg-type]
