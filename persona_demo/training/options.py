"""How a plug is trained: every switch of a run, with the paper's choice named beside ours.

Knows numbers and names alone, so that the command line can show them without loading a library.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from persona_demo.errors import UserError

Subsampling = Literal["any", "paper", "none"]
Trains = Literal["both", "persona", "control"]
Keeps = Literal["best", "last"]

_LEAST: Mapping[str, float] = {
    "steps": 1,
    "batch_size": 1,
    "warm_steps": 0,
    "check_every": 0,
    "save_every": 1,
    "most_items": 2,
    "most_targets": 1,
    "seed": 0,
    "learning_rate": 0,
    "soft_learning_rate": 0,
    "encoder_learning_rate": 0,
    "weight_decay": 0,
    "contrast": 0,
    "clip": 0,
}
_SHARES = ("decay_share", "rise_share", "dropout", "contrast_share", "beta2")


@dataclass(frozen=True)
class TrainOptions:
    """How long and how fast to train.

    Attributes:
        steps: Optimiser steps.
        batch_size: Examples a step, of as many different people; 64 in the paper.
        warm_steps: Steps at the start in which a plug with a base of its own is the control; the paper
            has no control.
        learning_rate: Of aggregator and projector; 1e-4 in the paper.
        soft_learning_rate: Of soft vectors, in units of their starting size a coordinate.
        encoder_learning_rate: Of a trained input encoder; 1e-4 in the paper.
        weight_decay: Of all but soft vectors; 1e-4 in the paper.
        beta2: Adam's memory of squares; 0.999 in the paper's code.
        decay_share: Share of the steps, at the end, over which rates fall to zero; in the paper's code
            all that follow the rise.
        rise_share: Share of the steps over which rates rise; 0.05 in the paper's code. 0 stands for 60
            steps from the warm start (aggregator and projector) and 20 (soft vectors).
        dropout: Share of user-vector coordinates hidden in training; none in the paper.
        clip: Gradient norm above which gradients are scaled down.
        subsampling: Half of the histories cut to a random part of any size (ours); ten of eleven
            without one and up to half of their items, where they have more than two (the paper's code);
            or none.
        contrast: Weight of the contrastive term, which makes a person's text likelier under their own
            vectors than under those of another person of the batch; 0 in the paper.
        contrast_share: Share of a batch that the term reads a second time.
        most_items: Latest items of a person that are read; 512 in the paper.
        most_targets: Of these, drawn ones that a person's examples are of. With few of them inputs are seen
            several times, which costs little where they are long: an input is read once and kept.
        word_filter: Whether items with listed words are left out of training; the paper has no such filter.
        seed: Of batches and dropout.
        check_every: Steps between two looks at the placebo gap; 0 never looks.
        keep: Which state the finished plug has, the control's with it: that of the look at which tune people's
            words were likeliest, or the last; the last in the paper.
        save_every: Steps between two checkpoints.
    """

    steps: int = field(default=1_000, metadata={"help": "optimiser steps"})
    batch_size: int = field(default=16, metadata={"help": "examples a step"})
    warm_steps: int = field(default=150, metadata={"help": "steps at the start in which the plug is the control"})
    learning_rate: float = field(default=3e-4, metadata={"help": "of aggregator and projector"})
    soft_learning_rate: float = field(default=1e-2, metadata={"help": "of soft vectors"})
    encoder_learning_rate: float = field(default=2e-5, metadata={"help": "of a trained input encoder"})
    weight_decay: float = field(default=0.02, metadata={"help": "of all but soft vectors"})
    beta2: float = field(default=0.98, metadata={"help": "Adam's memory of squares"})
    decay_share: float = field(default=0.35, metadata={"help": "share of the steps in which rates fall"})
    rise_share: float = field(default=0.0, metadata={"help": "share of the steps in which rates rise; 0: 60 steps"})
    dropout: float = field(default=0.1, metadata={"help": "share of user-vector figures hidden in training"})
    clip: float = field(default=1.0, metadata={"help": "gradient norm above which gradients are scaled down"})
    subsampling: Subsampling = field(default="any", metadata={"help": "how histories are cut in training"})
    contrast: float = field(default=0.0, metadata={"help": "weight of the contrastive term"})
    contrast_share: float = field(default=0.5, metadata={"help": "share of a batch the contrastive term reads"})
    most_items: int = field(default=32, metadata={"help": "latest items of a person that are read"})
    most_targets: int = field(default=32, metadata={"help": "items of a person that examples are of"})
    word_filter: bool = field(default=True, metadata={"help": "leave items with profane or sexual words out"})
    seed: int = field(default=0, metadata={"help": "of everything drawn"})
    check_every: int = field(default=100, metadata={"help": "steps between two looks at the placebo gap; 0: none"})
    keep: Keeps = field(default="best", metadata={"help": "the state at the best look, or the last one"})
    save_every: int = field(default=50, metadata={"help": "steps between two checkpoints"})

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            UserError: If a value is out of range.
        """
        for name, least in _LEAST.items():
            if not getattr(self, name) >= least:
                raise UserError(f"The training option {name} is {getattr(self, name)}: use {least:g} or more.")
        for name in _SHARES:
            if not 0 <= getattr(self, name) <= 1:
                raise UserError(f"The training option {name} is {getattr(self, name)}: choose from 0 to 1.")
        for name in ("dropout", "beta2"):
            if getattr(self, name) == 1:
                raise UserError(f"The training option {name} is 1: choose below it.")
        if self.warm_steps >= self.steps:
            raise UserError(
                f"The training options ask for {self.steps} steps, {self.warm_steps} of them warm: use more steps."
            )
        choices: tuple[tuple[str, Any], ...] = (("subsampling", Subsampling), ("keep", Keeps))
        for name, among in choices:
            if getattr(self, name) not in get_args(among):
                known = ", ".join(get_args(among))
                raise UserError(f"The training option {name} is {getattr(self, name)!r}: choose from {known}.")
