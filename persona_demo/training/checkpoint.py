"""Checkpoints: a plug in the middle of its training, with the optimiser's memory, in one safetensors file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from persona_demo.errors import UserError
from persona_demo.files import whole
from persona_demo.plug.model import PersonaPlug

CHECKPOINT = "checkpoint.safetensors"
BEST = "best.safetensors"
_MOMENTS = ("exp_avg", "exp_avg_sq")


def write_checkpoint(
    folder: Path, plug: PersonaPlug, optimiser: torch.optim.Optimizer, record: Mapping[str, str]
) -> None:
    """Write a checkpoint, whole or not at all.

    Args:
        folder: Where to.
        plug: The plug.
        optimiser: Its Adam.
        record: What else is worth knowing.
    """
    tensors = {f"plug.{n}": t for n, t in plug.state_dict().items()}
    for name, parameter in plug.named_parameters():
        state = optimiser.state[parameter] if parameter in optimiser.state else {}
        if not state:
            continue
        for key in _MOMENTS:
            tensors[f"{key}.{name}"] = state[key]
        tensors[f"step.{name}"] = torch.as_tensor(state["step"], dtype=torch.float32)
    with whole(folder / CHECKPOINT) as draft:
        save_file({n: t.contiguous() for n, t in tensors.items()}, draft, metadata=dict(record))


def read_checkpoint(folder: Path, plug: PersonaPlug, optimiser: torch.optim.Optimizer) -> Mapping[str, str] | None:
    """Put plug and optimiser where the folder's checkpoint was.

    Args:
        folder: Where from.
        plug: The plug, of the same form.
        optimiser: A fresh Adam of its parameters.

    Returns:
        The record, or None where there is no checkpoint.

    Raises:
        UserError: If the checkpoint is damaged or of another plug.
    """
    path = folder / CHECKPOINT
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as opened:
            record: Mapping[str, str] = opened.metadata()
        tensors = load_file(path)
        plug.load_state_dict({n.removeprefix("plug."): t for n, t in tensors.items() if n.startswith("plug.")})
    except SafetensorError as error:
        raise UserError(f"{path} is damaged: remove it and train anew.") from error
    except RuntimeError as error:
        raise UserError(f"{path} is of a plug of another form: choose another --out folder.") from error
    for name, parameter in plug.named_parameters():
        if f"exp_avg.{name}" in tensors:
            optimiser.state[parameter] = {
                "step": tensors[f"step.{name}"],
                **{key: tensors[f"{key}.{name}"].to(parameter.device) for key in _MOMENTS},
            }
    return record


def write_best(folder: Path, plug: PersonaPlug) -> None:
    """Write the state of a plug that was the best so far."""
    with whole(folder / BEST) as draft:
        save_file({n: t.contiguous() for n, t in plug.state_dict().items()}, draft)


def read_best(folder: Path, plug: PersonaPlug) -> None:
    """Give a plug the state in which it was best.

    Raises:
        UserError: If the file is missing or damaged.
    """
    try:
        plug.load_state_dict(load_file(folder / BEST))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise UserError(f"{folder / BEST} cannot be read ({type(error).__name__}): train with --keep last.") from error
