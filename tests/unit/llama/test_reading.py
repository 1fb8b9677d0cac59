"""Rows of every make are read as torch reads them, in batches no longer than this machine reads right."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest
import torch
from gguf import GGMLQuantizationType

from persona_demo.errors import UserError
from persona_demo.lm import _llama_library, _llama_trial
from persona_demo.lm._llama_ffi import NativeContext
from persona_demo.lm.base import FloatArray, FrozenLM, Row
from persona_demo.lm.llama_engine import LlamaLM, is_available
from tests.llama import check, load, needs_llama, reference, shapes, words
from tests.tiny_gguf import HIDDEN, VOCAB, TinyModel, build_tiny_gguf

pytestmark = needs_llama


def test_it_is_a_frozen_lm(lm: LlamaLM, tiny: TinyModel) -> None:
    engine: FrozenLM = lm
    weight = tiny.embeddings.numpy()
    info = engine.info
    assert (info.engine, info.family, info.hidden_size, info.vocab_size) == ("llama", "causal", HIDDEN, VOCAB)
    assert info.eos == (1, 2)
    assert info.context_length == 512
    assert info.embedding_norm == pytest.approx(float(np.linalg.norm(weight, axis=1).mean()), rel=1e-5)
    np.testing.assert_array_equal(engine.embed((5, 9, 5)), weight[[5, 9, 5]])


@pytest.mark.parametrize("name", list(shapes(np.random.default_rng(0))))
def test_logits_are_those_of_torch(tiny: TinyModel, lm: LlamaLM, rng: np.random.Generator, name: str) -> None:
    check(tiny, lm, [shapes(rng)[name]])


def test_rows_of_every_make_go_together(tiny: TinyModel, lm: LlamaLM, rng: np.random.Generator) -> None:
    check(tiny, lm, list(shapes(rng).values()))


def test_tokens_and_their_embeddings_are_the_same(lm: LlamaLM, rng: np.random.Generator) -> None:
    text = words(rng, 20)
    with lm.session() as session:
        as_tokens, as_vectors = session.add([Row((text,)), Row((lm.embed(text),))])
    np.testing.assert_allclose(as_tokens, as_vectors, atol=1e-5)


@pytest.mark.parametrize("kind", [GGMLQuantizationType.Q4_1, GGMLQuantizationType.Q8_0])
def test_long_texts_on_quantised_weights(tmp_path: Path, rng: np.random.Generator, kind: GGMLQuantizationType) -> None:
    """The library miscomputes long batches on some quantised weights; we must never send one."""
    model = build_tiny_gguf(tmp_path, kind=kind)
    text = words(rng, 200)
    with load(model.gguf).session() as session:
        logits = session.add([Row((text,))])[0]
    assert np.corrcoef(logits, reference(model, Row((text,)))[-1])[0, 1] > 0.999


@pytest.mark.parametrize("kind", [GGMLQuantizationType.F32, GGMLQuantizationType.Q8_0, GGMLQuantizationType.Q4_1])
def test_batches_are_as_long_as_can_be_and_right(
    tmp_path: Path, rng: np.random.Generator, read: list[int], kind: GGMLQuantizationType
) -> None:
    model = build_tiny_gguf(tmp_path, kind=kind)
    text = words(rng, 300)
    lm = load(model.gguf)
    read.clear()
    scores = lm.score([Row((text[:1],))], [text[1:]])[0]
    assert set(read[:-1]) == {lm.chunk} and sum(read) == len(text) - 1
    if kind is not GGMLQuantizationType.Q4_1:  # whose long batches are wrong on some processors
        assert lm.chunk == _llama_trial.LONG > 32
    logits = torch.from_numpy(reference(model, Row((text[:-1],))))
    expected = torch.log_softmax(logits.double(), -1).numpy()[range(299), list(text[1:])]
    assert np.corrcoef(scores, expected)[0, 1] > 0.999


def test_a_way_of_reading_that_is_wrong_here_is_not_taken(
    tiny: TinyModel, monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator, read: list[int]
) -> None:
    """As where a processor's multiplication of long batches is at fault."""
    honest = NativeContext.logits

    def faulty(self: NativeContext, index: int) -> FloatArray:
        return honest(self, index)[::-1] if read[-1] >= 32 else honest(self, index)

    monkeypatch.setattr(NativeContext, "logits", faulty)
    lm = load(tiny.gguf)
    read.clear()
    check(tiny, lm, [Row((words(rng, 100),)), Row((words(rng, 10),))])
    assert max(read) == lm.chunk == _llama_trial.SHORT


def test_a_way_of_reading_that_gives_no_numbers_is_not_taken(
    tiny: TinyModel, monkeypatch: pytest.MonkeyPatch, read: list[int]
) -> None:
    honest = NativeContext.logits

    def faulty(self: NativeContext, index: int) -> FloatArray:
        return honest(self, index) * np.float32(np.nan if read[-1] >= 32 else 1)

    monkeypatch.setattr(NativeContext, "logits", faulty)
    assert load(tiny.gguf).chunk == _llama_trial.SHORT


def test_fresh_engines_agree_to_the_bit(tiny: TinyModel, rng: np.random.Generator) -> None:
    rows = list(shapes(rng).values())
    results = []
    for _ in range(2):
        with load(tiny.gguf).session() as session:
            results.append((session.add(rows), session.step(dict.fromkeys(range(len(rows)), 5))))
    np.testing.assert_array_equal(results[0][0], results[1][0])
    for i, logits in results[0][1].items():
        np.testing.assert_array_equal(results[1][1][i], logits)


def test_bad_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="fetch the model"):
        load(tmp_path / "absent.gguf")
    (tmp_path / "junk.gguf").write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(UserError, match="fetch it again"):
        load(tmp_path / "junk.gguf")


def test_a_missing_library_is_named(tiny: TinyModel, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> object:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    _llama_library.library.cache_clear()
    try:
        assert not is_available()
        with pytest.raises(UserError, match=r"install .*--engine torch"):
            load(tiny.gguf)
    finally:
        monkeypatch.undo()
        _llama_library.library.cache_clear()
        assert is_available()
