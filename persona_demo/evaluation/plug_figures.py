"""What was measured of one plug on people of the split dev, read from ``assets/results``.

Only figures of the very weights that are there count: a file about another plug of the same task is
left aside, and so is one that is missing or cannot be read. Nothing here needs a model.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from persona_demo.arms import KNOWN
from persona_demo.errors import UserError
from persona_demo.evaluation.bootstrap import Estimate
from persona_demo.evaluation.contenders import CONTROL
from persona_demo.evaluation.results import RESULTS, read_record
from persona_demo.plug import storage
from persona_demo.shipped import PLUGS, shipped_plugs

SPLIT = "dev"
"""People whom nothing was trained on; those of the split test are kept for the end."""


OF_SHIPPED = ("dev", "dev-attribution", "dev-llama")
"""TASK.NAME.json of these names is about the plug that ships for the task; of other names, about any plug."""


@dataclass(frozen=True)
class Gain:
    """By how much people's own words are likelier under an arm than under its base, nats a token.

    Attributes:
        arm: Name of the arm.
        over: Name of the arm it is compared with.
        gain: The mean over people.
        helped: Share of people whose words are likelier, 0 to 1; None where it was not noted.
    """

    arm: str
    over: str
    gain: Estimate
    helped: float | None = None


@dataclass(frozen=True)
class PlugFigures:
    """Figures of a plug.

    Attributes:
        split: Which people.
        users: How many.
        targets: How many of their texts.
        strength: Of arms that have one.
        gains: Arms over their own bases, in the order of the registry.
        placebo_gap: The persona over a stranger's in its place; None where it was not measured.
    """

    split: str
    users: int
    targets: int
    strength: float
    gains: tuple[Gain, ...]
    placebo_gap: Estimate | None


def shown(estimate: Estimate) -> bool:
    """Whether a gain is shown: its whole interval lies above zero."""
    return estimate.low > 0


def read_plug_figures(task: str, plug_fingerprint: str, *, results: Path = RESULTS) -> PlugFigures | None:
    """Figures of a task's plug; None where there are none of it.

    Args:
        task: Name of the task.
        plug_fingerprint: SHA-256 of the plug's weights.
        results: Folder of results files.
    """
    try:
        record = json.loads((results / f"{task}.{SPLIT}.json").read_text(encoding="utf-8"))
        if weights_of(record) != plug_fingerprint:
            return None
        return PlugFigures(
            split=record["split"],
            users=int(record["users"]),
            targets=int(record["targets"]),
            strength=float(record["strength"]),
            gains=_gains(record),
            placebo_gap=_estimate(record, "placebo_gap") if "placebo_gap" in record else None,
        )
    except (OSError, ValueError, KeyError, TypeError):
        # The page does without; the check of the README's tables says what is wrong with the file.
        return None


def _gains(record: Mapping[str, Any]) -> tuple[Gain, ...]:
    """A file's lifts are over the control; what has another base counts where the pair itself was measured."""
    arms = {arm["arm"]: arm for arm in record["arms"]}
    pairs = {(pair["arm"], pair["over"]): pair for pair in record.get("comparisons", [])}
    found = []
    for arm in KNOWN.values():
        base = arm.compared_with
        if base == CONTROL and arm.name in arms:
            found.append(Gain(arm.name, base, _estimate(arms[arm.name], "lift"), arms[arm.name]["share_helped"]))
        elif base is not None and (arm.name, base) in pairs:
            found.append(Gain(arm.name, base, _estimate(pairs[arm.name, base], "gain")))
    return tuple(found)


def _estimate(record: Mapping[str, Any], name: str) -> Estimate:
    low, high = record[f"{name}_ci"]
    return Estimate(float(record[name]), float(low), float(high))


def check_weights(*, results: Path = RESULTS, plugs: Path = PLUGS) -> None:
    """Make sure that figures of shipped plugs are of the weights that ship.

    Looked at are the files of :data:`OF_SHIPPED`; figures pooled of folds are of the plugs of the folds, under
    whatever name.

    Args:
        results: Folder of results files.
        plugs: Where plugs lie, a folder each.

    Raises:
        UserError: If some are of others, or a file is damaged.
    """
    for task, plug in shipped_plugs(plugs).items():
        shipped = storage.plug_fingerprint(plug)
        for path in (results / f"{task}.{name}.json" for name in OF_SHIPPED):
            if not path.is_file() or "folds" in (record := read_record(path)):
                continue
            try:
                own = weights_of(record) == shipped
            except (KeyError, TypeError) as error:
                raise UserError(f"{path.name} does not say which plug it is of: make it anew.") from error
            if not own:
                raise UserError(f"{path.name} is of other weights than the plug that ships for {task}: make it anew.")


def weights_of(record: Mapping[str, Any]) -> str | None:
    """SHA-256 of the plug whose figures a record holds; None where it does not say."""
    made = record.get("made")
    return None if made is None else str(made["models"]["plug"]["sha256"])
