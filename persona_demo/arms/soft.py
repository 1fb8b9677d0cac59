"""Arms that work by soft vectors: the control and the plug."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from persona_demo.arms.base import Arm, ArmInputs, Conditioning, FloatArray, control, persona_of


@dataclass(frozen=True)
class Reading:
    """What the plug makes of a person for an input.

    Attributes:
        user_vector: The aggregate, (U,); zero for an empty history.
        words: Input embeddings of the person's keywords, (k, H); none of a stored vector.
        weights: Weight of each history item, (N,), where items were read.
        bytes_kept: What must be kept of the person.
    """

    user_vector: FloatArray
    words: FloatArray
    weights: FloatArray | None
    bytes_kept: int


@torch.no_grad()
def read_person(inputs: ArmInputs) -> Reading:
    """Aggregate the person's history for the input, or take the stored vector where it stands in."""
    if inputs.stored is not None:
        return Reading(inputs.stored, inputs.encoder.embed(()), None, int(inputs.stored.nbytes))
    plug = inputs.plug
    if not inputs.items:
        return Reading(np.zeros(plug.config.user_width, np.float32), inputs.encoder.embed(()), None, 0)
    words = inputs.encoder.keyword_embeddings(
        [item.text for item in inputs.items], plug.keywords, most=plug.config.keyword_tokens
    )
    items = plug.standardise(torch.from_numpy(inputs.encoder.encode(inputs.texts())))[None]
    made = plug.aggregate(items, torch.ones(1, items.shape[1], dtype=torch.bool), inputs.query())
    size = (items.numel() + words.size) * 4
    return Reading(made.user_vectors[0].numpy(), words, np.asarray(made.weights[0].numpy()), size)


def persona(inputs: ArmInputs) -> Conditioning:
    """The plug, reading the person's whole history for this input.

    An empty history has no persona: the control stands in for it.
    """
    base = control(inputs)
    if inputs.stored is None and not inputs.items:
        return base
    read = read_person(inputs)
    soft = persona_of(inputs, read.user_vector, read.words)
    return Conditioning(soft=soft, base=base, weights=read.weights, bytes_per_user=read.bytes_kept)


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
