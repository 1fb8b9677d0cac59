"""The tables of a sweep: what each variant bought, beside the base, with intervals over people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from persona_demo.evaluation.bootstrap import bootstrap
from persona_demo.evaluation.sample import PLACEBO_DRAWS
from persona_demo.training.measure import OTHERS
from persona_demo.training.variants import BASE


def tabulate(settings: Mapping[str, Any], records: Sequence[Mapping[str, Any]], *, seed: int) -> dict[str, Any]:
    """Figures of finished variants, with 95% intervals over people; differences are paired, person by person.

    Args:
        settings: Of the sweep.
        records: Of variants, the base among them.
        seed: Of the bootstrap.
    """
    base = next((r for r in records if r["name"] == BASE and "people" in r), None)
    rows = []
    for record in records:
        row = {name: record[name] for name in ("name", "question", "change")}
        if "people" not in record:
            rows.append({**row, "skipped": record["skipped"]})
            continue
        groups = [str(group) for group in record["people"]["groups"]]

        def estimate(name: str, values: NDArray[np.float64], groups: list[str] = groups) -> dict[str, Any]:
            found = bootstrap(values, seed=seed, groups=groups)
            return {name: found.mean, f"{name}_ci": [found.low, found.high]}

        own, gap, lift = _figures(record)
        row |= {name: record[name] for name in ("steps", "seconds_per_step", "trained_parameters")}
        row |= estimate("nll", own) | estimate("placebo_gap", gap) | estimate("lift", lift)
        if base is not None and record is not base and len(base["people"]["persona"]) == len(own):
            base_own, base_gap, _ = _figures(base)
            row |= estimate("gap_over_base", gap - base_gap) | estimate("nll_below_base", base_own - own)
        rows.append(row)
    measured = [r for r in records if "people" in r]
    return {
        **{name: settings[name] for name in ("task", "data", "split")},
        "users": len(measured[0]["people"]["persona"]) if measured else 0,
        "targets": measured[0]["targets"] if measured else 0,
        "options": settings["options"],
        "form": settings["form"],
        "variants": rows,
    }


def table(made: Mapping[str, Any]) -> str:
    """The figures of a sweep as Markdown."""
    budget = made["options"]
    lines = [
        f"What each switch bought for `{made['task']}`: {made['users']} people of the split `{made['split']}`, "
        f"{made['targets']} texts, nats a token; {budget['steps']:,} steps of {budget['batch_size']} examples, "
        f"{budget['warm_steps']:,} of them warm, seed {budget['seed']}. Differences to the base are paired by person; "
        f"intervals are 95%. Histories are cut as in training (latest {budget['most_items']} items), and the placebo "
        f"is the mean of {OTHERS} people; `evaluate` reads whole histories and {PLACEBO_DRAWS} people.",
        "",
        "| variant | change | placebo gap | lift | gap over the base | nll below the base |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in made["variants"]:
        change = f"`{row['change']}`" if row["change"] else ""
        if "skipped" in row:
            lines.append(f"| {row['name']} | {change} | {row['skipped']} | | | |")
            continue
        cells = [_cell(row, name) for name in ("placebo_gap", "lift", "gap_over_base", "nll_below_base")]
        lines.append(f"| {row['name']} | {change} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(row: Mapping[str, Any], name: str) -> str:
    if name not in row:
        return ""
    low, high = row[f"{name}_ci"]
    return f"{row[name]:+.4f} [{low:+.4f}, {high:+.4f}]"


def _figures(record: Mapping[str, Any]) -> tuple[NDArray[np.float64], ...]:
    """Own nll, placebo gap and lift of each person, (U,)."""
    own, other, control = (np.asarray(record["people"][name]) for name in ("persona", "other", "control"))
    return own, other - own, control - own
