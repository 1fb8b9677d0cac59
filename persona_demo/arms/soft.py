"""Arms that work by soft vectors: the control and the plug."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from persona_demo.arms.base import Arm, ArmInputs, Conditioning, FloatArray, control, persona_of
from persona_demo.own_words import OwnTokens, OwnWords, own_tokens

TOKEN_BYTES = 4


@dataclass(frozen=True)
class Reading:
    """What the plug makes of a person for an input.

    Attributes:
        user_vector: The aggregate, (U,); zero for an empty history.
        words: The person's own words; none of a stored vector.
        tokens: The same as tokens.
        weights: Weight of each history item, (N,), where items were read.
        bytes_kept: What must be kept of the person.
    """

    user_vector: FloatArray
    words: OwnWords
    tokens: OwnTokens
    weights: FloatArray | None
    bytes_kept: int


@torch.no_grad()
def read_person(inputs: ArmInputs) -> Reading:
    """Aggregate the person's history for the input, or take the stored vector where it stands in."""
    plug, config = inputs.plug, inputs.plug.config
    nothing = OwnWords.none(config.hidden_size)
    if inputs.stored is not None:
        return Reading(inputs.stored, nothing, OwnTokens(), None, int(inputs.stored.nbytes))
    if not inputs.items:
        return Reading(np.zeros(config.user_width, np.float32), nothing, OwnTokens(), None, 0)
    items = plug.standardise(torch.from_numpy(inputs.encoder.encode(inputs.texts())))
    asked = plug.standardise(inputs.raw_query())[0]
    words = own_tokens(plug, inputs.task, inputs.items, items, asked, inputs.codec)
    made = plug.aggregate(items[None], torch.ones(1, len(items), dtype=torch.bool), inputs.query())
    # Which items are nearest depends on the input, so how each of them begins is kept.
    tokens = len(words.keywords) + (len(items) * config.excerpt_tokens if config.excerpt_items else 0)
    size = items.numel() * items.element_size() + tokens * TOKEN_BYTES
    return Reading(
        made.user_vectors[0].numpy(),
        OwnWords.of(words, inputs.encoder),
        words,
        np.asarray(made.weights[0].numpy()),
        size,
    )


def persona(inputs: ArmInputs) -> Conditioning:
    """The plug, reading the person's whole history for this input.

    An empty history has no persona: the control stands in for it.
    """
    base = control(inputs)
    if inputs.stored is None and not inputs.items:
        return base
    read = read_person(inputs)
    soft = persona_of(inputs, read.user_vector, read.words)
    return Conditioning(
        copied=read.tokens.texts(inputs.codec),
        copied_from=read.tokens.picked,
        soft=soft,
        base=base,
        weights=read.weights,
        bytes_per_user=read.bytes_kept,
        user_vector=read.user_vector if inputs.stored is None else None,
    )


TASK = Arm(
    name="task",
    title="Trained, no person",
    explanation="The control: trained on the same examples for as long, told nothing about anybody.",
    kind="soft",
    build=control,
)
PERSONA = Arm(
    name="persona",
    title="Persona",
    explanation="The whole history, pressed into a few vectors that are placed beside the input.",
    kind="soft",
    build=persona,
    placebos=("other", "mean", "random", "zero"),
    compared_with="task",
)
