"""The persona at several strengths, so that the best one can be chosen on tune and reported on dev."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from persona_demo.errors import UserError
from persona_demo.evaluation.bootstrap import Estimate
from persona_demo.evaluation.contenders import PERSONA, PLACEBO
from persona_demo.evaluation.run import EvaluateOptions, Subjects, evaluate
from persona_demo.runtime import Runtime
from persona_demo.tasks import Task


@dataclass(frozen=True)
class AtStrength:
    """The persona's figures at one strength.

    Attributes:
        strength: The strength.
        nll: Negative log-likelihood, nats a token.
        lift: Gain over the trained control.
        placebo_gap: Gain over somebody else's persona at the same strength.
        attribution: Share of texts that are attributed to the right one of ten people, where asked for.
    """

    strength: float
    nll: Estimate
    lift: Estimate
    placebo_gap: Estimate
    attribution: Estimate | None


def at_strengths(
    runtime: Runtime,
    task: Task,
    subjects: Subjects,
    options: EvaluateOptions,
    strengths: Sequence[float],
    *,
    report: Callable[[str, float | None], None],
) -> tuple[AtStrength, ...]:
    """Measure the persona at several strengths, on the same people and texts.

    Args:
        runtime: Models and plug.
        task: The task.
        subjects: The people.
        options: How many people and texts, and whether texts are attributed.
        strengths: Which strengths.
        report: Told how far it is.

    Raises:
        UserError: If a strength is out of range or there are too few people.
    """
    each = [
        replace(
            options,
            arms=(PERSONA, PLACEBO),
            strength=strength,
            metrics=False,
            cold_start=False,
            reference=False,
        )
        for strength in strengths
    ]
    found = []
    for one in each:
        made = evaluate(
            runtime,
            task,
            subjects,
            one,
            report=lambda text, share, s=one.strength: report(f"strength {s:g}: {text}", share),  # type: ignore[misc]
        )
        persona = made.arms[0]
        assert made.placebo_gap is not None
        found.append(AtStrength(one.strength, persona.nll, persona.lift, made.placebo_gap, persona.attribution))
    return tuple(found)


def strengths_named(text: str | None) -> tuple[float, ...]:
    """Strengths that somebody typed, by commas; none where nothing was.

    Raises:
        UserError: If one is no number.
    """
    try:
        return tuple(float(part) for part in text.split(",")) if text else ()
    except ValueError:
        raise UserError(f"--strengths is {text!r}: give numbers by commas, such as 0.5,1,2.") from None
