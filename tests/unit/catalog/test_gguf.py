"""The 8-bit copy of a GGUF file: what it keeps, how little it changes, and when there is none."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
from gguf import GGMLQuantizationType

from persona_demo.catalog.gguf import eight_bit_name, write_eight_bit
from persona_demo.catalog.store import silent
from persona_demo.lm.base import Row
from persona_demo.lm.llama_engine import LlamaLM
from tests.llama import NoCodec, needs_llama
from tests.tiny_gguf import VOCAB, TinyModel, build_tiny_gguf


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> TinyModel:
    """A model in blocks of 4 bits and an offset."""
    return build_tiny_gguf(tmp_path_factory.mktemp("tiny"), kind=GGMLQuantizationType.Q4_1)


def test_the_copy_is_named_for_its_blocks() -> None:
    assert eight_bit_name(Path("a/Tiny-1.7B.Q4_1.gguf")) == Path("a/Tiny-1.7B.Q8_0.gguf")
    assert eight_bit_name(Path("a/tiny.gguf")) == Path("a/tiny.Q8_0.gguf")


def test_weights_change_by_a_254th_of_their_largest_neighbour(tiny: TinyModel) -> None:
    seen: list[float | None] = []
    copy = write_eight_bit(tiny.gguf, lambda _, fraction: seen.append(fraction))
    assert copy is not None and list(copy.parent.glob("*.partial")) == []
    assert seen[0] == 0 and seen == sorted(seen, key=lambda fraction: fraction or 0)
    old, new = gguf.GGUFReader(tiny.gguf), gguf.GGUFReader(copy)
    assert {field for field in old.fields if not field.startswith("GGUF.")} <= set(new.fields)
    for name, field in old.fields.items():
        if not name.startswith("GGUF."):
            assert new.fields[name].contents() == field.contents()
    for before, after in zip(old.tensors, new.tensors, strict=True):
        assert (before.name, list(before.shape)) == (after.name, list(after.shape))
        one, other = (gguf.dequantize(t.data, t.tensor_type) for t in (before, after))
        if before.tensor_type is GGMLQuantizationType.F32:
            np.testing.assert_array_equal(one, other)
        else:
            assert after.tensor_type is GGMLQuantizationType.Q8_0
            blocks, error = one.reshape(-1, 32), np.abs(one - other).reshape(-1, 32)
            # The scale is kept in half precision.
            assert (error <= np.abs(blocks).max(1, keepdims=True) * (1 / 254 + 2**-11)).all()


@needs_llama
def test_the_engine_says_the_same_with_the_copy(tiny: TinyModel) -> None:
    copy = write_eight_bit(tiny.gguf, silent)
    assert copy is not None
    text = tuple(int(i) for i in np.random.default_rng(0).integers(3, VOCAB, 200))
    with torch.no_grad():
        expected = torch.log_softmax(tiny.twin(torch.tensor([text])).logits[0].double(), -1).numpy()
    lm = LlamaLM(copy, codec=NoCodec(), name="tiny", fingerprint="0" * 64, threads=1)
    scores = lm.score([Row((text[:1],))], [text[1:]])[0]
    assert np.corrcoef(scores, expected[range(199), list(text[1:])])[0, 1] > 0.999


def test_there_is_no_copy_where_it_would_gain_nothing(tmp_path: Path) -> None:
    model = build_tiny_gguf(tmp_path, kind=GGMLQuantizationType.Q8_0)
    assert write_eight_bit(model.gguf, silent) is None
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.gguf"]


@pytest.mark.parametrize("content", [b"", b"GGUF, or so it says", b"GGUF" + bytes(100)])
def test_there_is_no_copy_of_what_is_no_gguf_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "junk.gguf").write_bytes(content)
    assert write_eight_bit(tmp_path / "junk.gguf", silent) is None


def test_a_copy_broken_off_leaves_nothing(tiny: TinyModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "tiny.gguf"
    file.write_bytes(tiny.gguf.read_bytes())

    def full(self: gguf.GGUFWriter) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(gguf.GGUFWriter, "write_tensors_to_file", full)
    with pytest.raises(OSError, match="No space"):
        write_eight_bit(file, silent)
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.gguf"]
