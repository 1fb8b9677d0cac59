"""Plugs on disk: safetensors, JSON and a model card, written so that a kill leaves the old one whole."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from persona_demo.errors import UserError
from persona_demo.files import whole
from persona_demo.plug.config import PlugConfig
from persona_demo.plug.model import PersonaPlug

WEIGHTS = "plug.safetensors"
CONFIG = "config.json"
CARD = "README.md"


def save_plug(plug: PersonaPlug, folder: Path, *, card: str) -> None:
    """Write a plug.

    Weights are kept in float16: half the size, and far finer than what training settles.

    Args:
        plug: The plug.
        folder: Where to; made when missing.
        card: Text of its model card.
    """
    tensors = {name: t.detach().to("cpu", torch.float16).contiguous() for name, t in plug.state_dict().items()}
    with whole(folder / WEIGHTS) as draft:
        save_file(tensors, draft)
    for name, text in ((CONFIG, plug.config.to_json()), (CARD, card)):
        with whole(folder / name) as draft:
            draft.write_text(text, encoding="utf-8")


def load_plug(folder: Path) -> PersonaPlug:
    """Read a plug.

    Returns:
        The plug in float32, in evaluation mode, its parameters frozen.

    Raises:
        UserError: If the folder holds no plug, or its files do not fit together.
    """
    if not (folder / CONFIG).is_file() or not (folder / WEIGHTS).is_file():
        raise UserError(f"{folder} holds no plug ({CONFIG} and {WEIGHTS}): name a plug's folder or train one.")
    plug = PersonaPlug(PlugConfig.from_json((folder / CONFIG).read_text(encoding="utf-8")))
    try:
        tensors = load_file(folder / WEIGHTS)
        plug.load_state_dict({name: t.float() for name, t in tensors.items()})
    except (SafetensorError, RuntimeError, OSError) as error:
        raise UserError(f"{folder / WEIGHTS} does not fit its {CONFIG}: restore the plug's folder.") from error
    return plug.eval().requires_grad_(False)
