"""Tables of results files, in Markdown: arms, tasks, plugs, speed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from persona_demo.evaluation.bootstrap import bootstrap
from persona_demo.evaluation.results import Record, read_record

_LABELS = {
    "task": "`task` (control)",
    "plain": "`plain` (untuned model)",
    "persona:other": "`persona:other` (placebo)",
}
_SPEED = (
    (
        "generation",
        "six arms, the persona guided, against `generate()` arm by arm",
        "{six_arms_tokens_per_second:.0f} against {six_arms_generate_tokens_per_second:.0f} tokens/s: "
        "{six_arms_ratio:.1f} times",
    ),
    (
        "generation",
        "one arm (persona) against `generate()`",
        "{one_arm_tokens_per_second:.0f} against {one_arm_generate_tokens_per_second:.0f} tokens/s: "
        "{one_arm_ratio:.1f} times",
    ),
    (
        "edit",
        "first new token after an edit of one of 200 items, soft-vector arms and all arms (medians)",
        "{soft_arms_first_token_ms:.0f} and {all_arms_first_token_ms:.0f} ms",
    ),
    (
        "edit",
        "the same edit to the new vector, and to the new place on the map",
        "{new_vector_ms:.0f} and {new_point_ms:.0f} ms",
    ),
    (
        "map",
        "map of 3,000 people in a browser: everybody painted; the rest drawn, from the arrival of Plotly; a point seen "
        "to move after an edit of one of 200 items",
        "{painted_ms:.0f} ms; {drawn_ms:.0f} ms; {moved_ms:.0f} ms",
    ),
    (
        "placement",
        "people placed on the frozen map, from where a refit puts them; two points at random (medians, in its spread)",
        "{error:.2f}; {chance:.2f}",
    ),
    (
        "attribution",
        "each of 50 items taken away in turn, from a text of {text_tokens:.0f} tokens",
        "{seconds:.1f} s, the first after {first_items_seconds:.1f} s",
    ),
    (
        "training",
        "training on blog posts against the straightforward loop; against the same loop in our precision",
        "{examples_per_second:.1f} against {straightforward_examples_per_second:.1f} examples/s: {ratio:.1f} times; "
        "{ratio_in_the_same_precision:.1f} times",
    ),
    (
        "training",
        "the same on inputs as long as an abstract: first and later visits; first visits in our precision",
        "{long_ratio:.1f} and {long_ratio_of_later_visits:.1f} times; {long_ratio_in_the_same_precision:.1f} times",
    ),
)


def arms_table(record: Record) -> str:
    """Arms of one evaluation, and below them what else it found and how to repeat it."""
    arms = record["arms"]
    metrics = list(dict.fromkeys(name for arm in arms for name in arm.get("metric", {})))
    attributed = any(arm.get("attribution") is not None for arm in arms)
    head = ["arm", "negative log-likelihood", "lift over the control", "people helped", *metrics]
    head += ["attributed"] * attributed + ["prompt tokens", "ms"]
    rows = []
    for arm in arms:
        control = arm["arm"] == "task"
        row = [
            _LABELS.get(arm["arm"], f"`{arm['arm']}`"),
            f"{arm['nll']:.3f}",
            "0" if control else _estimate(arm, "lift"),
            "" if control else f"{arm['share_helped']:.0%}",
            *(f"{arm['metric'][name]:.3f}" if name in arm.get("metric", {}) else "" for name in metrics),
        ]
        row += [_shares(arm, "attribution")] * attributed
        rows.append([*row, f"{arm['prompt_tokens']:.0f}", f"{arm['ms']:.0f}"])
    return "\n".join([_markdown(head, rows), "", *_said(record), *_made(record)])


def _said(record: Record) -> list[str]:
    """Sentences on an evaluation, a line each, so that a new figure changes one line."""
    people = f"people of the split `{record['split']}`"
    if "folds" in record:
        people = f"people, each held out in one of {record['folds']} folds"
    counts = f"{record['users']:,} {people}, {record['targets']:,} texts"
    said = [f"{counts}, nats a token, 95% intervals by bootstrap over people."]
    if "placebo_gap" in record:
        said.append(f"**Placebo gap: {_estimate(record, 'placebo_gap')}.**")
    if "reference" in record:
        given = record["reference"]
        said.append(
            f"{given['items']} of the person's own items in the prompt of the untuned model are worth "
            f"{_estimate(given, 'gap')} more than another person's{_part(record)}."
        )
    for pair in record.get("comparisons", []):
        if pair["arm"] == "persona" and ":" not in pair["over"] and pair["over"] != "task":
            said.append(f"`persona` over `{pair['over']}`: {_estimate(pair, 'gain')}.")
    if record.get("cold_start"):
        points = ", ".join(f"{p['items']}: {_estimate(p, 'lift')}" for p in record["cold_start"])
        said.append(f"Lift by number of the person's latest items: {points}.")
    for one in record.get("strengths", []):
        shares = _shares(one, "attribution")
        said.append(
            f"At strength {one['strength']:g}: lift {_estimate(one, 'lift')}, placebo gap "
            f"{_estimate(one, 'placebo_gap')}{f', attributed {shares}' if shares else ''}."
        )
    if (setting := record.get("attribution")) is not None:
        said.append(
            f"Attributed: the share of texts a fixed classifier gives to the right one of ten people of "
            f"{setting['people']} ({setting['groups']} groups; chance is 10%); of their own words it is "
            f"{_shares(setting, 'own_words')}."
        )
    return said


def _part(record: Record) -> str:
    part = _share_of_reference(record)
    return f", and the placebo gap is {part} of it" if part else ""


def _share_of_reference(record: Record) -> str:
    """The placebo gap beside what own items are worth; empty where those are not shown to be worth anything."""
    if "placebo_gap" not in record or "reference" not in record or record["reference"]["gap_ci"][0] <= 0:
        return ""
    return f"{record['placebo_gap'] / record['reference']['gap']:.0%}"


def _made(record: Record) -> list[str]:
    """How to repeat it."""
    made = record.get("made")
    if made is None:
        return []
    # Figures pooled of folds were measured at the commits of the folds.
    commits = ", ".join(f"`{commit[:7]}`" for commit in made.get("commits", [made["commit"]]))
    facts = f"Engine {record['engine']}, commit {commits}, plug `{made['models']['plug']['sha256'][:12]}`"
    data = f", data `{made['data']['name']}` `{made['data']['sha256'][:12]}`" if "data" in made else ""
    return ["", "```bash", *made.get("commands", []), made["command"], "```", "", f"{facts}{data}."]


def tasks_table(results: Path, split: str) -> str:
    """A line for each task: what its plug is worth, beside its placebo, its ceiling and its rival.

    Args:
        results: Folder of results files; TASK.SPLIT-attribution.json stands beside TASK.SPLIT.json.
        split: Which people.
    """
    head = [
        "task",
        "people",
        "lift over the control",
        "placebo gap",
        "of what 8 own items give",
        "over `task+bm25`",
        "metric, control → persona",
        "attributed",
    ]
    rows = []
    for path in sorted(results.glob(f"*.{split}.json")):
        record = read_record(path)
        beside = path.with_name(f"{record['task']}.{split}-attribution.json")
        told = record if not beside.is_file() else read_record(beside)
        whose: Record = next((arm for arm in told["arms"] if arm["arm"] == "persona"), {})
        pairs = {(pair["arm"], pair["over"]): pair for pair in record.get("comparisons", [])}
        rival = pairs.get(("persona", "task+bm25"))
        arms = {arm["arm"]: arm for arm in record["arms"]}
        persona, task = arms["persona"], arms["task"]
        rows.append(
            [
                f"`{record['task']}`",
                f"{record['users']:,}",
                _estimate(persona, "lift"),
                _estimate(record, "placebo_gap") if "placebo_gap" in record else "",
                _share_of_reference(record),
                "" if rival is None else _estimate(rival, "gain"),
                ", ".join(f"{n} {task['metric'][n]:.3f} → {v:.3f}" for n, v in persona.get("metric", {}).items()),
                _shares(whose, "attribution") + _pooled(told),
            ]
        )
    return _markdown(head, rows)


def plugs_table(records: Mapping[str, Record]) -> str:
    """A line for each of several evaluations, by the names of their files.

    Below the table each is compared, person by person, with the one before it of the same task and people.
    """
    head = ["figures", "people", "texts", "nll of the control", "nll of the persona", "lift", "placebo gap"]
    rows, said, latest = [], [], dict[str, str]()
    for name, record in records.items():
        arms = {arm["arm"]: arm for arm in record["arms"]}
        persona, task = arms["persona"], arms["task"]
        counts = [f"{record['users']:,}", f"{record['targets']:,}", f"{task['nll']:.3f}", f"{persona['nll']:.3f}"]
        rows.append([f"`{name}`", *counts, _estimate(persona, "lift"), _estimate(record, "placebo_gap")])
        base = latest.get(record["task"])
        if base is not None and (gains := _paired(record, records[base])) is not None:
            said.append(f"`{name}` over `{base}`, person by person: {gains}.")
        latest[record["task"]] = name
    return "\n".join([_markdown(head, rows), *["", *said] * bool(said)])


def _paired(record: Record, base: Record) -> str | None:
    """What one plug has over another with the same people and texts; None where they are of others."""
    if "people" not in record or _whom(record) != _whom(base):
        return None
    nll, of_base = (
        {name: np.asarray(values) for name, values in each["people"]["nll"].items()} for each in (record, base)
    )
    seed, groups = record["seed"], tuple(map(str, record["people"]["groups"]))
    own, others = (of_base[name] - nll[name] for name in ("persona", "persona:other"))
    lower, wider = (bootstrap(values, seed=seed, groups=groups) for values in (own, own - others))
    return (
        f"nll of the persona lower by {lower.mean:.3f} [{lower.low:.3f}, {lower.high:.3f}], "
        f"placebo gap larger by {wider.mean:.3f} [{wider.low:.3f}, {wider.high:.3f}]"
    )


def _whom(record: Record) -> list[object]:
    """Of whom figures are, and of which of their texts."""
    people, data = record.get("people", {}), record.get("made", {}).get("data", {})
    asked = [record[key] for key in ("split", "seed", "users", "targets")]
    return [*asked, people.get("groups"), people.get("targets"), data.get("sha256")]


def speed_table(results: Path) -> str:
    """The benchmarks there are files of."""
    rows = []
    for name, what, form in _SPEED:
        path = results / f"bench.{name}.json"
        if path.is_file():
            figures = read_record(path)
            rows.append([what.format(**figures), form.format(**figures), f"`python -m benchmarks {name}`"])
    return _markdown(["what", "figure", "command"], rows)


def _estimate(record: Record, name: str) -> str:
    low, high = record[f"{name}_ci"]
    return f"{record[name]:.3f} [{low:.3f}, {high:.3f}]"


def _pooled(record: Record) -> str:
    """Whose texts were attributed, where it is not those of the split alone."""
    pool: str = record.get("attribution", {}).get("people", record["split"])
    return "" if pool == record["split"] else f", {pool.partition(',')[0]}"


def _shares(record: Record, name: str) -> str:
    if record.get(name) is None:
        return ""
    low, high = record[f"{name}_ci"]
    return f"{record[name]:.0%} [{low:.0%}, {high:.0%}]"


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |".replace("|  |", "| |") for line in lines)
