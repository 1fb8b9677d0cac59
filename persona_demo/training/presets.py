"""Presets: every switch of a training run set at once, each still to be changed by a flag of its own.

``classroom`` needs no hub and no accelerator. ``paper`` is the published method as its code runs it:
one instruction vector and one persona vector before the input, a plain cosine without temperature
between a trained input encoder and frozen item vectors, projection before the sum, AdamW at 1e-4 with
a short rise and a linear fall, histories cut as in the published data, beam 4 when texts are measured.
What is ours in it: the control that is trained beside it and is not its base, soft vectors sized by the model's own
embeddings (the published constant fits one model), a projector that starts from the average person, an
instruction vector that is trained as such and not through a projector of its own, at our rate, inputs cut by
characters and not at 256 tokens, and the word filter, which leaves profane texts out of training. Steps are
those of two epochs of LaMP-5; for another task give ``--steps`` 11 x 2 x examples / 64 (one epoch for LaMP-3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

PresetName = Literal["classroom", "paper"]


@dataclass(frozen=True)
class Preset:
    """One way to set every switch.

    Attributes:
        lm: Hub id of the frozen LM; None for the one the project ships a plug for.
        encoder: Hub id of the sentence encoder; None for the same reason.
        form: Fields of :class:`~persona_demo.plug.config.PlugConfig` that are not its defaults.
        options: Fields of :class:`~persona_demo.training.options.TrainOptions` that are not its defaults.
    """

    lm: str | None = None
    encoder: str | None = None
    form: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)


PRESETS: Mapping[PresetName, Preset] = {
    "classroom": Preset(),
    "paper": Preset(
        lm="google/flan-t5-base",
        encoder="BAAI/bge-base-en-v1.5",
        form={
            "blocks": ("sentence",),
            "labels": True,
            "scaling": "raw",
            "encoder_tokens": 512,
            "query_encoder": "trained",
            "query_prefix": "Represent this sentence for searching relevant passages: ",
            "base": "own",
            "instruction_tokens": 1,
            "persona_tokens": 1,
            "keyword_tokens": 0,
            "excerpt_items": 0,
            "components": 0,
            "place": "before",
            "aggregator": "cosine",
            "projects": "items",
            "projector_width": 0,
            "shrink": False,
            "beams": 4,
        },
        options={
            # Two passes over LaMP-5's 14,682 examples, each written eleven times, 64 at a time.
            "steps": 5_000,
            "batch_size": 64,
            "warm_steps": 0,
            "learning_rate": 1e-4,
            "encoder_learning_rate": 1e-4,
            "weight_decay": 1e-4,
            "beta2": 0.999,
            "decay_share": 0.95,
            "rise_share": 0.05,
            "dropout": 0.0,
            "subsampling": "paper",
            "most_items": 512,
            "most_targets": 512,
            "word_filter": False,
            "keep": "last",
            "check_every": 500,
            "save_every": 500,
        },
    ),
}
