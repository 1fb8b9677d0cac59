"""An evaluation as the JSON document the command line prints, and as a table for readers."""

from __future__ import annotations

from collections.abc import Sequence

from persona_demo.evaluation.attribution import DRAWS
from persona_demo.evaluation.bootstrap import Estimate
from persona_demo.evaluation.figures import ArmFigures, Evaluation
from persona_demo.evaluation.results import Record
from persona_demo.evaluation.run import EvaluateOptions
from persona_demo.evaluation.strengths import AtStrength


def record_of(
    made: Evaluation, options: EvaluateOptions, *, task: str, split: str, plug: str, engine: str, compare: bool
) -> Record:
    """The JSON document of an evaluation; keys of what was not asked for are absent.

    Args:
        made: The figures.
        options: What was measured.
        task: Name of the task.
        split: Name of the split.
        plug: Name of the plug.
        engine: What ran the language model.
        compare: Whether arms stand beside their bases, placebos and rivals.
    """
    record: Record = {
        "task": task,
        "split": split,
        "users": made.users,
        "targets": made.targets,
        "seed": options.seed,
        "plug": plug,
        "engine": engine,
        "strength": options.strength,
        "arms": [_arm(arm, options) for arm in made.arms],
    }
    if made.placebo_gap is not None:
        record |= interval("placebo_gap", made.placebo_gap)
    if compare:
        record["comparisons"] = [{"arm": c.arm, "over": c.over, **interval("gain", c.gain)} for c in made.comparisons]
    if options.cold_start:
        record["cold_start"] = [
            {"items": "all" if c.items is None else c.items, **interval("lift", c.lift)} for c in made.cold_start
        ]
    if (reference := made.reference) is not None:
        record["reference"] = {
            "items": reference.items,
            **interval("nll", reference.own),
            **interval("other_nll", reference.other),
            **interval("gap", reference.gap),
        }
    if options.attribution:
        setting = made.attribution
        record["attribution"] = (
            None
            if setting is None
            else {
                "people": setting.people,
                "groups": setting.groups,
                "placebo_draws": DRAWS,
                **interval("own_words", setting.own_words),
            }
        )
    return record


def people_of(made: Evaluation) -> Record:
    """What the figures are means of, person by person and group of ten by group: numbers alone, nobody named.

    Args:
        made: The figures.
    """
    told = made.people.told()
    if made.attribution is not None:
        told["attribution"] = {name: list(found) for name, found in made.attribution.shares.items()}
    return told


def _arm(arm: ArmFigures, options: EvaluateOptions) -> Record:
    record = {
        "arm": arm.arm,
        **interval("nll", arm.nll),
        **interval("lift", arm.lift),
        "share_helped": arm.share_helped,
    }
    if arm.metric is not None:
        record["metric"] = dict(arm.metric)
    if options.attribution:
        found = arm.attribution
        record |= {"attribution": None} if found is None else interval("attribution", found)
    return record | {"prompt_tokens": arm.prompt_tokens, "ms": arm.ms, "bytes_per_user": arm.bytes_per_user}


def interval(name: str, estimate: Estimate) -> Record:
    """A figure with its interval, as it stands in documents."""
    return {name: estimate.mean, f"{name}_ci": [estimate.low, estimate.high]}


def strength_of(made: AtStrength) -> Record:
    """The persona's figures at one strength, as they stand in the document."""
    record = {
        "strength": made.strength,
        **interval("nll", made.nll),
        **interval("lift", made.lift),
        **interval("placebo_gap", made.placebo_gap),
    }
    return record if made.attribution is None else record | interval("attribution", made.attribution)


def table_of(record: Record, made: Evaluation, dialled: Sequence[AtStrength] = ()) -> str:
    """The figures as lines of text.

    Args:
        record: The document.
        made: The figures it was made of; comparisons are shown whether or not they are in the document.
        dialled: The persona at several strengths.
    """
    lines = [f"{record['users']} people, {record['targets']} targets, nats a token, engine {record['engine']}"]
    for arm in made.arms:
        line = f"{arm.arm:>16}  nll {arm.nll.mean:.4f}  lift {_signed(arm.lift)}  helps {arm.share_helped:.0%}"
        for name, value in (arm.metric or {}).items():
            line += f"  {name} {value:.4f}"
        if arm.attribution is not None:
            line += f"  attributed {_share(arm.attribution)}"
        lines.append(f"{line}  {arm.prompt_tokens:.0f} tokens  {arm.ms:.0f} ms")
    lines += [f"{c.arm:>16} over {c.over}: {_signed(c.gain)}" for c in made.comparisons]
    if made.placebo_gap is not None:
        lines.append(f"placebo gap {_signed(made.placebo_gap)}")
    if made.reference is not None:
        own = f"{made.reference.items} own items in the prompt over another's, untuned model"
        lines.append(f"{own}: {_signed(made.reference.gap)}{_part(made)}")
    for point in made.cold_start:
        lines.append(f"{'all' if point.items is None else point.items:>16} items  lift {_signed(point.lift)}")
    if (setting := made.attribution) is not None:
        lines.append(
            f"attribution among ten people of {setting.people}, {setting.groups} groups; chance 10%, "
            f"their own words {_share(setting.own_words)}"
        )
    for one in dialled:
        line = f"{one.strength:>16g} strength  lift {_signed(one.lift)}  placebo gap {_signed(one.placebo_gap)}"
        lines.append(line if one.attribution is None else f"{line}  attributed {_share(one.attribution)}")
    return "\n".join(lines)


def _part(made: Evaluation) -> str:
    if made.placebo_gap is None or made.reference is None or made.reference.gap.low <= 0:
        return ""
    return f"; the placebo gap is {made.placebo_gap.mean / made.reference.gap.mean:.0%} of it"


def _signed(estimate: Estimate) -> str:
    return f"{estimate.mean:+.4f} [{estimate.low:+.4f}, {estimate.high:+.4f}]"


def _share(estimate: Estimate) -> str:
    return f"{estimate.mean:.0%} [{estimate.low:.0%}, {estimate.high:.0%}]"
