"""Figures of an evaluation, as plain records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from persona_demo.evaluation.bootstrap import Estimate
from persona_demo.evaluation.people import PeopleScores

OWN_WORDS = "own_words"


@dataclass(frozen=True)
class ArmFigures:
    """What is reported of one arm.

    Attributes:
        arm: Its name, with a placebo's suffix where it is one.
        nll: Mean negative log-likelihood, nats a token.
        lift: Gain over the trained control.
        share_helped: Share of people whose words are likelier than under the control.
        prompt_tokens: Mean text tokens read.
        ms: Mean milliseconds to build the arm for an input, with item vectors at hand, and to score one text.
        bytes_per_user: Mean bytes kept of a person.
        metric: The task's own figures, where asked for, under LaMP's names.
        answers: What it answered, by question, where asked for; of a placebo the first draw.
        attribution: Share of its texts that are attributed to the right one of ten people, where asked for.
    """

    arm: str
    nll: Estimate
    lift: Estimate
    share_helped: float
    prompt_tokens: float
    ms: float
    bytes_per_user: float
    metric: Mapping[str, float] | None = None
    answers: Mapping[str, str] | None = None
    attribution: Estimate | None = None


@dataclass(frozen=True)
class ColdStart:
    """The persona's lift with a history of so many items (None: all)."""

    items: int | None
    lift: Estimate


@dataclass(frozen=True)
class Comparison:
    """By how much people's words are likelier under one arm than under another, nats a token."""

    arm: str
    over: str
    gain: Estimate


@dataclass(frozen=True)
class Reference:
    """What the person's own items in the prompt give the untuned model that another's do not.

    Attributes:
        items: How many items stand in the prompt.
        own: Negative log-likelihood with the person's own.
        other: With another person's.
        gap: By how much own is below other.
    """

    items: int
    own: Estimate
    other: Estimate
    gap: Estimate


@dataclass(frozen=True)
class AttributionSetting:
    """How attribution was measured.

    Attributes:
        people: Whose texts: a split, or splits pooled where one has too few people.
        groups: Groups of ten.
        own_words: The same share for what the people wrote themselves: what no arm can be expected to exceed.
        shares: The share of each group, by arm, and for what the people wrote themselves under
            :data:`OWN_WORDS`; what the intervals are over.
    """

    people: str
    groups: int
    own_words: Estimate
    shares: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True)
class Evaluation:
    """Figures of a split.

    Attributes:
        users: How many people.
        targets: How many targets.
        arms: Figures by arm.
        people: What they are means of.
        placebo_gap: nll(persona:other) - nll(persona), where both were asked for.
        comparisons: Arms beside their bases, placebos and rivals.
        cold_start: Lift by history length, where asked for.
        reference: What text in the prompt gives the untuned model, where asked for.
        attribution: How attribution was measured; None where it was not asked for or cannot be.
    """

    users: int
    targets: int
    arms: tuple[ArmFigures, ...]
    people: PeopleScores
    placebo_gap: Estimate | None
    comparisons: tuple[Comparison, ...] = ()
    cold_start: tuple[ColdStart, ...] = ()
    reference: Reference | None = None
    attribution: AttributionSetting | None = None
