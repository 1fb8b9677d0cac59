"""The optimiser of a run: which parameters learn how fast, and how their rates rise and fall."""

from __future__ import annotations

import torch

from persona_demo.plug.model import PersonaPlug
from persona_demo.plug.storage import ENCODER
from persona_demo.training.options import TrainOptions

SOFT = (
    "own",
    "control",
    "keyword_vectors.place",
    "keyword_vectors.gain",
    "excerpt_vectors.place",
    "excerpt_vectors.gain",
)
"""Names of parameters that are soft vectors, or added to them."""
RISE, SOFT_RISE = 60, 20
"""Steps over which rates rise, unless a share of all steps is asked for."""


def optimiser_of(plug: PersonaPlug, options: TrainOptions) -> torch.optim.AdamW:
    """AdamW with a group each for soft vectors, an input encoder where there is one, and the rest."""
    named = list(plug.named_parameters())
    soft = [p for n, p in named if n.startswith(SOFT)]
    encoder = [p for n, p in named if n.startswith(ENCODER)]
    rest = [p for n, p in named if not n.startswith((*SOFT, ENCODER))]
    groups = [
        {"params": rest, "lr": options.learning_rate, "weight_decay": options.weight_decay},
        {"params": soft, "lr": options.soft_learning_rate, "weight_decay": 0.0},
        {"params": encoder, "lr": options.encoder_learning_rate, "weight_decay": options.weight_decay},
    ]
    return torch.optim.AdamW([g for g in groups if g["params"]], betas=(0.9, options.beta2))


def rate(options: TrainOptions, step: int, *, since: int, rise: int) -> float:
    """Share of the full learning rate at a step: a rise, a plateau, a fall to zero.

    Args:
        options: How long the run is, and over which share of it rates fall.
        step: Steps done.
        since: Step at which these parameters begin to be trained.
        rise: Steps the rise takes. Adam's first steps are as large as its later ones and mostly
            noise, which many parameters add up.
    """
    start = options.steps * (1 - options.decay_share)
    rise_share = min(1.0, max(step + 1 - since, 0) / rise)
    fall = (options.steps - step) / max(options.steps - start, 1)
    return rise_share * min(1.0, max(fall, 0.0))


def set_rates(optimiser: torch.optim.Optimizer, options: TrainOptions, step: int) -> None:
    """Give every group of :func:`optimiser_of` its rate at a step."""
    rise = max(round(options.rise_share * options.steps), 1) if options.rise_share else None
    rest = rate(options, step, since=options.warm_steps, rise=rise or RISE)
    soft = rate(options, step, since=0, rise=rise or SOFT_RISE)
    shares = ((options.learning_rate, rest), (options.soft_learning_rate, soft))
    for group, (full, share) in zip(
        optimiser.param_groups, (*shares, (options.encoder_learning_rate, rest)), strict=False
    ):
        group["lr"] = full * share
