"""Plugs on disk: safetensors, JSON and a model card, written so that a kill leaves the old one whole."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from persona_demo.errors import UserError
from persona_demo.files import whole
from persona_demo.plug.config import PlugConfig
from persona_demo.plug.model import PersonaPlug
from persona_demo.plug.query import FOLDER, QueryEncoder

WEIGHTS = "plug.safetensors"
CONFIG = "config.json"
CARD = "README.md"
ENCODER = "query_encoder."
"""Names of a trained input encoder's parameters start so."""


def save_plug(plug: PersonaPlug, folder: Path, *, card: str) -> None:
    """Write a plug.

    Weights are kept in float16: half the size, and far finer than what training settles. A trained
    input encoder goes into a folder of its own.

    Args:
        plug: The plug.
        folder: Where to; made when missing.
        card: Text of its model card.

    Raises:
        UserError: If nothing can be written there.
    """
    tensors = {
        name: t.detach().to("cpu", torch.float16).contiguous()
        for name, t in plug.state_dict().items()
        if not name.startswith(ENCODER)
    }
    if plug.query_encoder is not None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            plug.query_encoder.save(folder / FOLDER)
        except OSError as error:
            raise UserError(f"{folder / FOLDER} cannot be written: choose another place.") from error
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
    config = read_config(folder)
    if (folder / WEIGHTS).stat().st_size < _least_bytes(config):
        raise UserError(f"{folder / WEIGHTS} does not fit its {CONFIG}: restore the plug's folder.")
    own: QueryEncoder | None = None
    if config.query_encoder == "trained":
        own = QueryEncoder.load(folder / FOLDER, prefix=config.query_prefix, max_tokens=config.encoder_tokens)
    plug = PersonaPlug(config, query_encoder=own)
    try:
        tensors = {name: t.float() for name, t in load_file(folder / WEIGHTS).items()}
        kept = {name: t for name, t in plug.state_dict().items() if name.startswith(ENCODER)}
        plug.load_state_dict(tensors | kept)
    except (SafetensorError, RuntimeError, OSError) as error:
        raise UserError(f"{folder / WEIGHTS} does not fit its {CONFIG}: restore the plug's folder.") from error
    return plug.eval().requires_grad_(False)


def read_config(folder: Path) -> PlugConfig:
    """The form of the plug in a folder.

    Raises:
        UserError: If there is no plug, or the file of its form cannot be read.
    """
    if not (folder / CONFIG).is_file() or not (folder / WEIGHTS).is_file():
        raise UserError(f"{folder} holds no plug ({CONFIG} and {WEIGHTS}): name a plug's folder or train one.")
    try:
        text = (folder / CONFIG).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{folder / CONFIG} cannot be read: restore the plug's folder.") from error
    return PlugConfig.from_json(text)


def plug_fingerprint(folder: Path) -> str:
    """SHA-256 of a plug's weights.

    Raises:
        UserError: If they cannot be read.
    """
    try:
        return hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()
    except OSError as error:
        raise UserError(f"{folder / WEIGHTS} cannot be read: restore the plug's folder.") from error


def _least_bytes(config: PlugConfig) -> int:
    """What the largest tensors of a form take in float16; a stranger's form is not built on trust."""
    persona = config.persona_tokens * config.hidden_size
    projector = (config.reduced_width + persona) * config.projector_width
    soft = config.soft_vectors * config.hidden_size * len(config.tasks)
    return 2 * (projector + soft + config.item_width * config.components)
