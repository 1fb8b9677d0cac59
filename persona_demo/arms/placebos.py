"""Placebos: the same arm, with something else where the person stood.

A placebo is made of any arm and one of four substitutes, by rewriting what the arm may look at and
nothing else. If an arm does as well with a substitute, what it does is not about the person.

    other    another person: their items, or their stored vector where only that is at hand
    mean     the mean user vector of the training population, kept with the plug
    random   Gaussian noise of the same norm as the person's user vector, spread over its figures as
             people are, so that it is neither fainter nor louder, nor all in figures nobody varies in
    zero     a user vector of zeros: what the projector says when it is told nothing

The last three stand for vectors only; text that an arm retrieves stays the person's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from persona_demo.arms.base import Arm, ArmInputs, Conditioning, FloatArray, Other, Placebo
from persona_demo.arms.soft import read_person
from persona_demo.errors import UserError
from persona_demo.history import HistoryItem, UserHistory

NEAREST = 5
"""Another person is drawn among this many who are nearest in number of items."""

_TITLES: Mapping[Placebo, str] = {
    "other": "Someone else's {}",
    "mean": "The average person's {}",
    "random": "Noise for a {}",
    "zero": "Nothing for a {}",
}
_EXPLANATIONS: Mapping[Placebo, str] = {
    "other": "another person, same method",
    "mean": "the average of everybody the plug learned from, same method",
    "random": "noise as loud as the person, same method",
    "zero": "zeros in place of the person, same method",
}


def _can_stand_in(other: Other, *, text: bool) -> bool:
    """Whether enough is kept of somebody else for an arm that reads texts, or for one that reads vectors alone."""
    return bool(other.items) or (not text and other.user_vector is not None)


def _reads_texts(arm: Arm) -> bool:
    return arm.kind in ("text", "both")


def _as_other(inputs: ArmInputs, *, name: str, text: bool) -> ArmInputs:
    """What an arm may look at when somebody else stands in the person's place."""
    other = inputs.other
    if other is None or not _can_stand_in(other, text=False):
        raise UserError(f"{name} needs another person: build the map with 'atlas build' first.")
    if not _can_stand_in(other, text=text):
        raise UserError(f"{name} needs another person's texts, and of {other.name} only a vector is kept here.")
    # Like for like: a person of whom a vector is stored stands beside another's stored vector.
    by_vector = other.user_vector is not None and (inputs.stored is not None or not other.items)
    return replace(inputs, items=other.items, stored=other.user_vector if by_vector else None)


def _mean(inputs: ArmInputs) -> FloatArray:
    return inputs.plug.mean_person(inputs.task.name).numpy()


def _random(inputs: ArmInputs) -> FloatArray:
    spread = inputs.plug.spread.numpy()
    norm = float(np.linalg.norm(read_person(inputs).user_vector))
    noise = spread * np.random.default_rng((inputs.seed, 11)).normal(size=len(spread))
    return np.asarray(noise * (norm / float(np.linalg.norm(noise))), dtype=np.float32)


def _zero(inputs: ArmInputs) -> FloatArray:
    return np.zeros(inputs.plug.config.user_width, np.float32)


_VECTORS: Mapping[Placebo, Callable[[ArmInputs], FloatArray]] = {"mean": _mean, "random": _random, "zero": _zero}


def placebo_of(arm: Arm, placebo: Placebo) -> Arm:
    """The arm with a substitute in the person's place.

    Args:
        arm: An arm that is no placebo itself.
        placebo: The substitute.

    Returns:
        An arm whose ``build`` raises a UserError where the substitute is not at hand.

    Raises:
        UserError: If the substitute means nothing for this arm.
    """
    name = f"{arm.name}:{placebo}"
    if placebo not in arm.placebos:
        able = " and ".join(f"{arm.name}:{able}" for able in arm.placebos)
        raise UserError(
            f"There is no arm {name!r}: {arm.name} has {able}."
            if able
            else f"There is no arm {name!r}: {arm.name} reads nothing of a person, so it has no placebo."
        )

    def build(inputs: ArmInputs) -> Conditioning:
        if placebo == "other":
            theirs = _as_other(inputs, name=name, text=_reads_texts(arm))
            return replace(arm.build(theirs), stand_in="" if inputs.other is None else inputs.other.name)
        return arm.build(replace(inputs, stored=_VECTORS[placebo](inputs)))

    return replace(
        arm,
        name=name,
        title=_TITLES[placebo].format(arm.title[0].lower() + arm.title[1:]),
        explanation=f"The placebo: {_EXPLANATIONS[placebo]}. If it does as well, the effect is not personal.",
        build=build,
        placebos=(),
    )


def stranger_for(arm: Arm, inputs: ArmInputs) -> Arm | None:
    """The arm with somebody else in the person's place; None where nobody who can stand there is at hand.

    Args:
        arm: An arm that is no placebo itself.
        inputs: Person and input.
    """
    other = inputs.other
    if other is None or "other" not in arm.placebos:
        return None
    return placebo_of(arm, "other") if _can_stand_in(other, text=_reads_texts(arm)) else None


def nearest_people(people: Sequence[UserHistory], items: Sequence[HistoryItem]) -> list[UserHistory]:
    """People who may stand in another's place, at most :data:`NEAREST`, nearest in number of items first.

    Args:
        people: Whom to choose from; those with a text in common, or with none, are left out.
        items: Active items of the person they stand beside.
    """
    own = {item.text for item in items}
    able = [p for p in people if p.active and not own & {item.text for item in p.active}]
    return sorted(able, key=lambda p: abs(len(p.active) - len(items)))[:NEAREST]


def apart_from(items: Sequence[HistoryItem], asked: str | None) -> tuple[HistoryItem, ...]:
    """Items that answer something else than what is asked.

    Somebody else's words on the very film that the person is to write about would tell more of the
    film than the person's own history may.

    Args:
        items: Of somebody else.
        asked: The input at hand; None where what is written answers nothing.
    """
    if asked is None:
        return tuple(items)
    return tuple(item for item in items if item.input is None or item.input.strip() != asked.strip())


def draw_other(people: Sequence[UserHistory], items: Sequence[HistoryItem], *, seed: int) -> Other | None:
    """Draw another person whose texts are at hand.

    Args:
        people: Whom to draw from.
        items: Active items of the person they stand beside.
        seed: Of the draw.

    Returns:
        One of the nearest people, or None where there is nobody.
    """
    near = nearest_people(people, items)
    if not near:
        return None
    drawn = near[int(np.random.default_rng((seed, 13)).integers(len(near)))]
    return Other(name=drawn.name, items=drawn.active)
