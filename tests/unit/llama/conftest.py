"""Fixtures of the tests of llama.cpp: a tiny model, an engine on it, and what native calls read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from persona_demo.lm._llama_ffi import NativeContext, Position
from persona_demo.lm.llama_engine import LlamaLM
from tests.llama import load
from tests.tiny_gguf import TinyModel, build_tiny_gguf


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> TinyModel:
    """One model for all tests."""
    return build_tiny_gguf(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def lm(tiny: TinyModel) -> LlamaLM:
    """An engine that holds nothing yet."""
    return load(tiny.gguf)


@pytest.fixture
def rng() -> np.random.Generator:
    """Seeded randomness."""
    return np.random.default_rng(0)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Lengths of the batches that native calls read."""
    lengths: list[int] = []
    decode = NativeContext.decode

    def counted(self: NativeContext, positions: Sequence[Position]) -> bool:
        lengths.append(len(positions))
        return decode(self, positions)

    monkeypatch.setattr(NativeContext, "decode", counted)
    return lengths
