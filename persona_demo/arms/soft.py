"""Arms that work by soft vectors: the control, the plug, and the plug under another person's vector."""

from __future__ import annotations

import numpy as np
import torch

from persona_demo.arms.base import Arm, ArmInputs, Conditioning, control, persona_of
from persona_demo.errors import UserError


def persona(inputs: ArmInputs) -> Conditioning:
    """The plug, reading the person's whole history for this input.

    An empty history has no persona: the control stands in for it.
    """
    base = control(inputs)
    if inputs.stored is not None:
        return Conditioning(soft=persona_of(inputs, inputs.stored), base=base, bytes_per_user=int(inputs.stored.nbytes))
    if not inputs.items:
        return base
    plug = inputs.plug
    with torch.no_grad():
        items = plug.standardise(torch.from_numpy(inputs.encoder.encode(inputs.texts())))[None]
        query = plug.standardise(torch.from_numpy(inputs.encoder.encode([inputs.task.query(inputs.input_text)])))
        made = plug.aggregate(items, torch.ones(1, items.shape[1], dtype=torch.bool), query)
    return Conditioning(
        soft=persona_of(inputs, made.user_vectors[0].numpy()),
        base=base,
        weights=np.asarray(made.weights[0].numpy()),
        bytes_per_user=items.numel() * 4,
    )


def persona_other(inputs: ArmInputs) -> Conditioning:
    """The placebo: the same plug with somebody else's stored vector.

    Raises:
        UserError: If nobody else is at hand.
    """
    if inputs.other is None:
        raise UserError("persona:other needs another person: build the map with 'atlas build' first.")
    vector = inputs.other.user_vector
    return Conditioning(soft=persona_of(inputs, vector), base=control(inputs), bytes_per_user=int(vector.nbytes))


TASK = Arm(
    name="task",
    title="Trained, no person",
    explanation="The control: trained for blog posts on the same examples for as long, told nothing about anybody.",
    kind="soft",
    build=control,
)
PERSONA = Arm(
    name="persona",
    title="Persona",
    explanation="The whole history, pressed into a few vectors that are placed beside the opening words.",
    kind="soft",
    build=persona,
)
PERSONA_OTHER = Arm(
    name="persona:other",
    title="Someone else's persona",
    explanation="The placebo: another person's vector, same method. If it does as well, the effect is not personal.",
    kind="soft",
    build=persona_other,
)
