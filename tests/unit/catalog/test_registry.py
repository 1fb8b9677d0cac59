"""Wheels of the package registry: pip itself, without a network, and the conversion of a tiny GGUF file."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import gguf
import numpy as np
import pytest

from persona_demo.catalog.models import DEFAULT_ENCODER, DEFAULT_LM
from persona_demo.catalog.registry import WHEELS, Wheel, convert_gguf, download_wheel
from persona_demo.catalog.store import silent
from persona_demo.errors import UserError


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder that is all the package registry pip knows."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def test_pip_gets_the_wheel_alone(index: Path, tmp_path: Path) -> None:
    wheel = Wheel("tiny-lm", "1.0", "", 600, "tiny_lm")
    with zipfile.ZipFile(index / "tiny_lm-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr(
            "tiny_lm-1.0.dist-info/METADATA",
            "Metadata-Version: 2.1\nName: tiny-lm\nVersion: 1.0\nRequires-Dist: not-to-be-had\n",
        )
        archive.writestr("tiny_lm-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
    seen: list[float | None] = []
    folder = tmp_path / "got"
    folder.mkdir()
    file = download_wheel(wheel, folder, lambda _, fraction: seen.append(fraction))
    assert file.name == "tiny_lm-1.0-py3-none-any.whl" and list(folder.glob("*.whl")) == [file]
    assert all(fraction is not None and 0 <= fraction <= 1 for fraction in seen)


def test_what_pip_cannot_get_is_one_sentence(index: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not give tiny-lm==1"):
        download_wheel(Wheel("tiny-lm", "1.0", "", 1, "tiny_lm"), tmp_path, silent)


def test_too_little_room_is_told_before_pip_starts(index: Path, tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"(?i)no space left"):
        download_wheel(Wheel("tiny-lm", "1.0", "", 10**18, "tiny_lm"), tmp_path, silent)


def test_the_wheels_are_those_of_the_default_models() -> None:
    assert set(WHEELS) == {DEFAULT_LM, DEFAULT_ENCODER}


def write_gguf(path: Path) -> None:
    """Write a Llama of one layer and width 8 that knows the small letters, `th` and `the`."""
    tokens = ["<|im_start|>", "<|im_end|>", *"abcdefghijklmnopqrstuvwxyz", "th", "the"]
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(1)
    writer.add_context_length(32)
    writer.add_embedding_length(8)
    writer.add_feed_forward_length(16)
    writer.add_head_count(2)
    writer.add_head_count_kv(1)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10_000.0)
    writer.add_rope_dimension_count(4)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types([3, 3] + [1] * (len(tokens) - 2))
    writer.add_token_merges(["t h", "th e"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    shapes = {
        "token_embd": (len(tokens), 8),
        "output_norm": (8,),
        "blk.0.attn_norm": (8,),
        "blk.0.attn_q": (8, 8),
        "blk.0.attn_k": (4, 8),
        "blk.0.attn_v": (4, 8),
        "blk.0.attn_output": (8, 8),
        "blk.0.ffn_norm": (8,),
        "blk.0.ffn_gate": (16, 8),
        "blk.0.ffn_up": (16, 8),
        "blk.0.ffn_down": (8, 16),
    }
    rng = np.random.default_rng(0)
    for name, shape in shapes.items():
        writer.add_tensor(f"{name}.weight", rng.normal(size=shape).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def test_a_gguf_file_becomes_a_folder_transformers_loads(tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    file = tmp_path / "tiny.gguf"
    write_gguf(file)
    convert_gguf(file)
    tensors = {tensor.name: tensor.data for tensor in gguf.GGUFReader(file).tensors}
    model = AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32)
    found = model.state_dict()["model.embed_tokens.weight"].numpy()
    np.testing.assert_allclose(found, tensors["token_embd.weight"], rtol=2**-8)  # bf16 keeps 8 bits
    assert AutoTokenizer.from_pretrained(tmp_path)("the")["input_ids"] == [29]
    assert (tmp_path / "model.safetensors").stat().st_mode == file.stat().st_mode
