"""Evaluations of folds as one: every person counts once, under a plug that never saw them.

Folds have no person in common, so a pooled figure is their mean, weighted by people, and its interval
follows from the intervals of the folds (as if each were normal). That plugs differ by chance from fold
to fold is part of the figure, as it is part of what anybody who trains one gets.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import Any

from persona_demo.errors import UserError

Record = dict[str, Any]

NORMAL = 1.959964
"""Standard errors from the mean to the end of a 95% interval."""
_SUMS = ("users", "targets", "groups")
_IN_GROUPS = ("attribution", "own_words")
"""Figures whose unit is the group of ten and not the person."""
_NO_MEANS = ("F1",)
"""Figures of a task that are no means over texts."""


def pool(records: Sequence[Record]) -> Record:
    """Pool evaluations of one kind, each of other people.

    Args:
        records: What ``evaluate --out`` wrote, a fold each.

    Raises:
        UserError: If there are fewer than two, or they measured different things.
    """
    if len(records) < 2:
        raise UserError("There is one file to pool: name one of each fold.")
    try:
        made = [record["made"] for record in records]
        bare = [{name: value for name, value in record.items() if name != "made"} for record in records]
        pooled = _pooled(bare, users=[r["users"] for r in bare], groups=_groups(bare))
        pooled["folds"] = len(records)
        pooled["made"] = _origin(made)
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(f"A file lacks {error}: name what 'evaluate --out' wrote.") from error
    return pooled


def _groups(records: Sequence[Record]) -> list[float]:
    found = [record.get("attribution") for record in records]
    return [0.0 if setting is None else float(setting["groups"]) for setting in found]


def _pooled(parts: Sequence[Record], *, users: Sequence[float], groups: Sequence[float]) -> Record:
    """One level of a record: what has an interval, numbers, and what lies deeper."""
    if any(list(part) != list(parts[0]) for part in parts):
        raise UserError("The files measured different things: run 'evaluate' with the same flags for each fold.")
    out: Record = {}
    for name, first in parts[0].items():
        values = [part[name] for part in parts]
        if name.endswith("_ci") or name in _NO_MEANS:
            continue
        if None in values:
            out[name] = None
        elif f"{name}_ci" in parts[0]:
            weights = groups if name in _IN_GROUPS else users
            out |= _interval(name, values, [part[f"{name}_ci"] for part in parts], weights)
        elif name in _SUMS:
            out[name] = sum(values)
        elif isinstance(first, dict):
            out[name] = _pooled(values, users=users, groups=groups)
        elif isinstance(first, list):
            rows = zip(*values, strict=False)
            if any(len(value) != len(first) for value in values):
                raise UserError(f"The files differ in their {name}: run 'evaluate' with the same flags for each fold.")
            out[name] = [_pooled(row, users=users, groups=groups) for row in rows]
        elif isinstance(first, float):
            power = 2 if name == "RMSE" else 1
            out[name] = _mean([value**power for value in values], users) ** (1 / power)
        elif any(value != first for value in values):
            raise UserError(f"The files differ in their {name}: run 'evaluate' with the same flags for each fold.")
        else:
            out[name] = first
    return out


def _interval(name: str, means: Sequence[float], ends: Sequence[Sequence[float]], weights: Sequence[float]) -> Record:
    mean = _mean(means, weights)
    errors = [(high - low) / (2 * NORMAL) for low, high in ends]
    share = [weight / sum(weights) for weight in weights]
    half = NORMAL * math.sqrt(sum((s * e) ** 2 for s, e in zip(share, errors, strict=True)))
    return {name: mean, f"{name}_ci": [mean - half, mean + half]}


def _mean(values: Sequence[float], weights: Sequence[float]) -> float:
    return sum(v * w for v, w in zip(values, weights, strict=True)) / sum(weights)


def _origin(made: Sequence[Record]) -> Record:
    """Where the figures come from: models of all folds, their plugs and data under one digest."""
    models = dict(made[0]["models"])
    for name in ("lm", "encoder"):
        if any(other["models"][name] != models[name] for other in made):
            raise UserError("The files are of different models: train and evaluate all folds with the same.")
    plugs = [other["models"]["plug"]["sha256"] for other in made]
    models["plug"] = {"name": f"{len(made)} plugs, one a fold", "sha256": _digest(plugs)}
    data = [other["data"] for other in made]
    return {
        "commit": made[0]["commit"],
        "models": models,
        "device": made[0]["device"],
        "data": {"name": ", ".join(d["name"] for d in data), "sha256": _digest([d["sha256"] for d in data])},
        "commands": [other["command"] for other in made],
    }


def _digest(parts: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
