"""Choosing the engine that runs a frozen LM."""

from __future__ import annotations

import torch

from persona_demo.catalog.models import LMFiles
from persona_demo.errors import UserError
from persona_demo.lm.base import EngineChoice, FrozenLM
from persona_demo.lm.codec import HFCodec


def load_lm(files: LMFiles, engine: EngineChoice) -> FrozenLM:
    """Load a frozen LM on an engine.

    ``auto`` takes llama.cpp where there is no GPU, a GGUF file, and the library; else torch.

    Raises:
        UserError: If the engine was asked for by name and cannot run this model.
    """
    from persona_demo.lm import llama_engine

    if engine == "llama" and files.gguf is None:
        raise UserError(f"{files.name} has no GGUF file here: use --engine torch.")
    fits = files.gguf is not None and not torch.cuda.is_available() and llama_engine.is_available()
    if files.gguf is not None and (engine == "llama" or (engine == "auto" and fits)):
        codec = HFCodec.load(files.folder)
        return llama_engine.LlamaLM(files.gguf, codec=codec, name=files.name, fingerprint=files.fingerprint)
    from persona_demo.lm.torch_engine import TorchLM

    return TorchLM.load(files.folder, name=files.name, fingerprint=files.fingerprint)
