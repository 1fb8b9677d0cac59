"""The arms: every way to personalise that the project knows, by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast, get_args

from persona_demo.arms.base import Arm, ArmInputs, ArmName, Conditioning, Kind, Other, Placebo
from persona_demo.arms.combined import PERSONA_BM25, TASK_BM25
from persona_demo.arms.placebos import apart_from, draw_other, nearest_people, placebo_of, stranger_for
from persona_demo.arms.soft import PERSONA, TASK
from persona_demo.arms.text import BM25, DENSE, PLAIN, RECENT
from persona_demo.errors import UserError

KNOWN: dict[str, Arm] = {arm.name: arm for arm in (PLAIN, TASK, PERSONA, BM25, DENSE, RECENT, TASK_BM25, PERSONA_BM25)}
"""Every arm by itself. With a suffix (``:other``, ``:mean``, ``:random``, ``:zero``) it is a placebo of it."""

__all__ = [
    "ARMS",
    "EVERY",
    "KNOWN",
    "Arm",
    "ArmInputs",
    "ArmName",
    "Conditioning",
    "Kind",
    "Other",
    "Placebo",
    "apart_from",
    "arm_named",
    "arms_named",
    "draw_other",
    "nearest_people",
    "stranger_for",
]


def arm_named(name: str) -> Arm:
    """Find an arm, or a placebo of one, by its name.

    Raises:
        UserError: If there is none of that name.
    """
    plain, colon, suffix = name.partition(":")
    if plain not in KNOWN or (colon and suffix not in get_args(Placebo)):
        suffixes = ", ".join(f":{placebo}" for placebo in get_args(Placebo))
        raise UserError(
            f"There is no arm {name[:60]!r}: choose from {', '.join(KNOWN)}, and add {suffixes} for a placebo."
        )
    return placebo_of(KNOWN[plain], cast(Placebo, suffix)) if suffix else KNOWN[plain]


def arms_named(names: Sequence[str]) -> tuple[Arm, ...]:
    """Find arms by their names, in order, each once.

    Raises:
        UserError: If a name is unknown or none was given.
    """
    if not names:
        raise UserError(f"No arm was named: choose from {', '.join(KNOWN)}.")
    return tuple(arm_named(name) for name in dict.fromkeys(names))


ARMS: dict[str, Arm] = {
    arm.name: arm for arm in arms_named(["plain", "task", "persona", "bm25", "dense", "recent", "persona:other"])
}
"""The arms a comparison shows unless others are named."""

EVERY: tuple[Arm, ...] = arms_named(
    [name for arm in KNOWN.values() for name in (arm.name, *(f"{arm.name}:{placebo}" for placebo in arm.placebos))]
)
"""Every arm there is, each before its placebos."""
