"""Tiny models saved as folders, as the command line reads them."""

from __future__ import annotations

from pathlib import Path

from persona_demo.lm.torch_engine import TorchLM
from tests import tiny


def lm_folder(folder: Path, lm: TorchLM) -> Path:
    """A tiny LM with its tokenizer."""
    lm.model.save_pretrained(folder)
    tiny.tokenizer().save_pretrained(folder)
    return folder


def encoder_folder(folder: Path) -> Path:
    """A tiny sentence encoder."""
    tiny.sentence_encoder(folder)
    return folder / "encoder"
