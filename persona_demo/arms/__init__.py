"""The arms: every way to personalise that the project knows, by name."""

from __future__ import annotations

from collections.abc import Sequence

from persona_demo.arms.base import Arm, ArmInputs, ArmName, Conditioning, Kind, Other
from persona_demo.arms.soft import PERSONA, PERSONA_OTHER, TASK
from persona_demo.arms.text import BM25, DENSE, PLAIN, RECENT
from persona_demo.errors import UserError

ARMS: dict[str, Arm] = {arm.name: arm for arm in (PLAIN, TASK, PERSONA, BM25, DENSE, RECENT, PERSONA_OTHER)}

__all__ = ["ARMS", "Arm", "ArmInputs", "ArmName", "Conditioning", "Kind", "Other", "arms_named"]


def arms_named(names: Sequence[str]) -> tuple[Arm, ...]:
    """Find arms by their names, in order.

    Raises:
        UserError: If a name is unknown or none was given.
    """
    unknown = [name for name in names if name not in ARMS]
    if unknown or not names:
        wrong = f"There is no arm {unknown[0]!r}" if unknown else "No arm was named"
        raise UserError(f"{wrong}: choose from {', '.join(ARMS)}.")
    return tuple(ARMS[name] for name in dict.fromkeys(names))
