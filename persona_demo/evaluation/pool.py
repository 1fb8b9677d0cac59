"""Evaluations of folds as one: every person counts once, under a plug that never saw them.

Folds have no person in common, so figures and intervals are made as those of one evaluation are, of all
people together; groups of ten likewise. That plugs differ by chance from fold to fold is part of the
figure, as it is part of what anybody who trains one gets. The task's own figures are means over texts, and
so are costs: they are weighted by texts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from persona_demo.errors import UserError
from persona_demo.evaluation.attribution import Attribution, attribution_of
from persona_demo.evaluation.contenders import CONTROL, OTHER, PERSONA, PLACEBO, REFERENCE, shortened
from persona_demo.evaluation.people import PeopleScores
from persona_demo.evaluation.record import interval

Record = dict[str, Any]

_SAME = ("task", "split", "seed", "engine", "strength")
_COSTS = ("prompt_tokens", "ms", "bytes_per_user")
_NO_MEANS = ("f1",)
"""Figures of a task that are no means over texts."""


def pool(records: Sequence[Record]) -> Record:
    """Pool evaluations of one kind, each of other people.

    Args:
        records: What ``evaluate --out`` wrote, a fold each.

    Raises:
        UserError: If there are fewer than two, they measured different things, or one says nothing of
            single people (as files of before did).
    """
    if len(records) < 2:
        raise UserError("There is one file to pool: name one of each fold.")
    try:
        return _pooled(records)
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(f"A file lacks {error}: name what 'evaluate --out' wrote, or make it anew.") from error


def _pooled(records: Sequence[Record]) -> Record:
    first = records[0]
    if any(set(record) != set(first) for record in records):
        raise UserError("The files measured different things: run 'evaluate' with the same flags for each fold.")
    out: Record = {name: _same(name, [record[name] for record in records]) for name in _SAME}
    people = PeopleScores.joined([record["people"] for record in records], seed=out["seed"])
    told = people.told()
    whose = _attribution(records, seed=out["seed"])
    if whose is not None:
        told["attribution"] = {name: list(found) for name, found in whose.shares.items()}
    names = _same("arms", [[arm["arm"] for arm in record["arms"]] for record in records])
    arms = list(zip(*(record["arms"] for record in records), strict=True))
    texts = [record["targets"] for record in records]
    out |= {
        "users": len(people.targets),
        "targets": sum(people.targets),
        "plug": f"{len(records)} plugs, one a fold",
        "arms": [_arm(name, of, people, whose, texts) for name, of in zip(names, arms, strict=True)],
    }
    if "placebo_gap" in first:
        out |= interval("placebo_gap", people.gain(PERSONA, PLACEBO))
    if "comparisons" in first:
        pairs = _same("comparisons", [[(c["arm"], c["over"]) for c in record["comparisons"]] for record in records])
        out["comparisons"] = [{"arm": a, "over": b, **interval("gain", people.gain(a, b))} for a, b in pairs]
    if "cold_start" in first:
        lengths = _same("cold_start", [[point["items"] for point in record["cold_start"]] for record in records])
        shorter = {items: PERSONA if items == "all" else shortened(items).name for items in lengths}
        out["cold_start"] = [
            {"items": items, **interval("lift", people.gain(name, CONTROL))} for items, name in shorter.items()
        ]
    if "reference" in first:
        out["reference"] = {
            "items": _same("reference", [record["reference"]["items"] for record in records]),
            **interval("nll", people.mean(REFERENCE)),
            **interval("other_nll", people.mean(REFERENCE + OTHER)),
            **interval("gap", people.gain(REFERENCE, REFERENCE + OTHER)),
        }
    if "attribution" in first:
        out["attribution"] = _setting(records, whose)
    return out | {"folds": len(records), "people": told, "made": _origin([record["made"] for record in records])}


def _same(name: str, values: Sequence[Any]) -> Any:
    if any(value != values[0] for value in values):
        raise UserError(f"The files differ in their {name}: run 'evaluate' with the same flags for each fold.")
    return values[0]


def _arm(
    name: str, parts: Sequence[Record], people: PeopleScores, whose: Attribution | None, texts: Sequence[int]
) -> Record:
    if any(set(part) - {"attribution_ci"} != set(parts[0]) - {"attribution_ci"} for part in parts):
        raise UserError("The files measured different things: run 'evaluate' with the same flags for each fold.")
    made: Record = {
        "arm": name,
        **interval("nll", people.mean(name)),
        **interval("lift", people.gain(name, CONTROL)),
        "share_helped": people.share_helped(name, CONTROL),
    }
    if "metric" in parts[0]:
        names = _same("metric", [list(part["metric"]) for part in parts])
        made["metric"] = {
            figure: _mean([part["metric"][figure] for part in parts], texts, power=2 if figure == "RMSE" else 1)
            for figure in names
            if figure not in _NO_MEANS
        }
    if "attribution" in parts[0]:
        made |= {"attribution": None} if whose is None else interval("attribution", whose.arms[name])
    return made | {cost: _mean([part[cost] for part in parts], texts) for cost in _COSTS}


def _mean(values: Sequence[float], weights: Sequence[float], *, power: int = 1) -> float:
    total = sum(value**power * weight for value, weight in zip(values, weights, strict=True))
    return float((total / sum(weights)) ** (1 / power))


def _attribution(records: Sequence[Record], *, seed: int) -> Attribution | None:
    """Attribution over the groups of ten of those folds that have any."""
    found = [record["people"]["attribution"] for record in records if record.get("attribution") is not None]
    if not found:
        return None
    return attribution_of({name: [share for part in found for share in part[name]] for name in found[0]}, seed=seed)


def _setting(records: Sequence[Record], whose: Attribution | None) -> Record | None:
    """Whose texts were attributed: one sentence of the folds' own, and in how many of them it could be done."""
    if whose is None:
        return None
    settings = [record["attribution"] for record in records if record["attribution"] is not None]
    people = " or, in other folds, ".join(dict.fromkeys(setting["people"] for setting in settings))
    if len(settings) < len(records):
        people += f", in {len(settings)} of {len(records)} folds"
    return {
        "people": people,
        "groups": sum(setting["groups"] for setting in settings),
        "placebo_draws": _same("placebo_draws", [setting["placebo_draws"] for setting in settings]),
        **interval("own_words", whose.own_words),
    }


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
        "commits": list(dict.fromkeys(other["commit"] for other in made)),
        "models": models,
        "leakage": ", ".join(dict.fromkeys(other["leakage"] for other in made)),
        "device": ", ".join(dict.fromkeys(other["device"] for other in made)),
        "data": {"name": ", ".join(d["name"] for d in data), "sha256": _digest([d["sha256"] for d in data])},
        "commands": [other["command"] for other in made],
    }


def _digest(parts: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
