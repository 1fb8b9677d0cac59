"""The variants of a sweep: one change from the base at a time, each the answer to a question.

The base is what ``train`` does unless told otherwise. Names are what ``sweep --only`` takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from persona_demo.errors import UserError
from persona_demo.training.options import TrainOptions
from persona_demo.training.presets import PRESETS

BASE = "base"


@dataclass(frozen=True)
class Variant:
    """One change.

    Attributes:
        name: As on the command line.
        question: What it answers; variants of one question stand together.
        form: Fields of the plug's form that differ from the base.
        options: Training options that differ from it.
        longer: Factor on the number of steps.
    """

    name: str
    question: str
    form: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    longer: int = 1

    @property
    def change(self) -> str:
        """The change in words, as flags of ``train``."""
        flags = [_flag(name, value) for name, value in {**self.form, **self.options}.items()]
        return " ".join([*flags, *([f"--steps x{self.longer}"] if self.longer > 1 else [])])


def _flag(name: str, value: Any) -> str:
    flag = name.replace("_", "-")
    if isinstance(value, bool):
        return f"--{flag}" if value else f"--no-{flag}"
    return f"--{flag} {','.join(value) if isinstance(value, tuple) else value}"


def _paper() -> Variant:
    """The paper's form and losses at the base's length, batch and rates."""
    preset = PRESETS["paper"]
    length = ("steps", "batch_size", "warm_steps", "check_every", "save_every", "most_items", "most_targets")
    options = {name: value for name, value in preset.options.items() if name not in length}
    # The sentence encoder is the base's own, which is made for short texts and has no retrieval prefix.
    other = ("encoder_tokens", "query_prefix", "beams")
    form = {name: value for name, value in preset.form.items() if name not in other}
    return Variant("paper-form", "the paper's choices, all at once", form | {"projector_width": 512}, options)


RATE, SOFT_RATE = TrainOptions.learning_rate, TrainOptions.soft_learning_rate

VARIANTS: tuple[Variant, ...] = (
    Variant(BASE, "the base"),
    Variant("control-base", "what a person departs from", {"base": "control"}),
    Variant("persona-1", "how many persona vectors", {"persona_tokens": 1}),
    Variant("persona-4", "how many persona vectors", {"persona_tokens": 4}),
    Variant("persona-16", "how many persona vectors", {"persona_tokens": 16}),
    Variant("instruction-1", "how many instruction vectors", {"instruction_tokens": 1}),
    Variant("instruction-16", "how many instruction vectors", {"instruction_tokens": 16}),
    Variant("no-words", "own words", {"excerpt_items": 0}),
    Variant("keywords", "own words", {"excerpt_items": 0, "keyword_tokens": 24}),
    Variant("keywords-too", "own words", {"keyword_tokens": 8}),
    Variant("excerpts-2x12", "own words", {"excerpt_items": 2, "excerpt_tokens": 12}),
    Variant("excerpts-4x12", "own words", {"excerpt_tokens": 12}),
    Variant("excerpts-8x3", "own words", {"excerpt_items": 8, "excerpt_tokens": 3}),
    Variant("excerpts-8x6", "own words", {"excerpt_items": 8}),
    Variant("place-before", "place of soft vectors", {"place": "before"}),
    Variant("cosine", "how items are weighted", {"aggregator": "cosine"}),
    Variant("mean", "how items are weighted", {"aggregator": "mean"}),
    Variant("no-labels", "labels in item texts", {"labels": False}),
    Variant("trained-encoder", "input encoder", {"query_encoder": "trained"}),
    Variant("trained-encoder-cosine", "input encoder", {"query_encoder": "trained", "aggregator": "cosine"}),
    Variant("raw", "centring and scaling", {"scaling": "raw"}),
    Variant("centred", "centring and scaling", {"scaling": "centred"}),
    Variant("project-items", "what is projected", {"projects": "items", "shrink": False}),
    Variant("no-shrink", "shrinking short histories", {"shrink": False}),
    Variant("components-0", "length of user vectors", {"components": 0}),
    Variant("components-32", "length of user vectors", {"components": 32}),
    Variant("components-128", "length of user vectors", {"components": 128}),
    Variant("ridge-1", "how directions of user vectors are sought", {"ridge": 1.0}),
    Variant("ridge-5", "how directions of user vectors are sought", {"ridge": 5.0}),
    Variant("ridge-20", "how directions of user vectors are sought", {"ridge": 20.0}),
    Variant("sentence", "blocks of item vectors", {"blocks": ("sentence",)}),
    Variant("surface", "blocks of item vectors", {"blocks": ("surface",)}),
    Variant("words", "blocks of item vectors", {"blocks": ("words",)}),
    Variant("states", "blocks of item vectors", {"blocks": ("states",)}),
    Variant("states-middle", "blocks of item vectors", {"blocks": ("states",), "states_layer": "middle"}),
    Variant("no-score", "blocks of item vectors", {"blocks": ("sentence", "surface", "words")}),
    Variant("sentence-surface", "blocks of item vectors", {"blocks": ("sentence", "surface")}),
    Variant("sentence-states", "blocks of item vectors", {"blocks": ("sentence", "states")}),
    Variant("surface-words", "blocks of item vectors", {"blocks": ("surface", "words")}),
    Variant("surface-states", "blocks of item vectors", {"blocks": ("surface", "states")}),
    Variant("all-blocks", "blocks of item vectors", {"blocks": ("sentence", "surface", "words", "states")}),
    Variant("whole-histories", "cutting histories in training", options={"subsampling": "none"}),
    Variant("paper-subsampling", "cutting histories in training", options={"subsampling": "paper"}),
    Variant("contrast-0.5", "contrastive term", options={"contrast": 0.5}),
    Variant("contrast-1", "contrastive term", options={"contrast": 1.0}),
    Variant("contrast-2", "contrastive term", options={"contrast": 2.0}),
    Variant("no-dropout", "dropout of user vectors", options={"dropout": 0.0}),
    Variant("dropout-0.3", "dropout of user vectors", options={"dropout": 0.3}),
    Variant("rate-third", "learning rates", options={"learning_rate": RATE / 3}),
    Variant("rate-three", "learning rates", options={"learning_rate": RATE * 3}),
    Variant("soft-rate-third", "learning rates", options={"soft_learning_rate": SOFT_RATE / 3}),
    Variant("soft-rate-three", "learning rates", options={"soft_learning_rate": SOFT_RATE * 3}),
    Variant("soft-rate-ten", "learning rates", options={"soft_learning_rate": SOFT_RATE * 10}),
    Variant(
        "both-rates-three", "learning rates", options={"learning_rate": RATE * 3, "soft_learning_rate": SOFT_RATE * 3}
    ),
    Variant("scale-half", "size of soft vectors", {"soft_scale": 0.5}),
    Variant("scale-two", "size of soft vectors", {"soft_scale": 2.0}),
    Variant("projector-128", "width of the projector", {"projector_width": 128}),
    Variant("projector-1024", "width of the projector", {"projector_width": 1024}),
    Variant("longer-2", "longer training", longer=2),
    Variant("longer-4", "longer training", longer=4),
    _paper(),
)
"""The base first."""


def chosen(only: str | None) -> tuple[Variant, ...]:
    """The base and the variants of some names, in the order of :data:`VARIANTS`.

    Args:
        only: Names by commas; all of them when left out.

    Raises:
        UserError: If there is none of a name.
    """
    if only is None:
        return VARIANTS
    names = {name.strip() for name in only.split(",") if name.strip()}
    known = [variant.name for variant in VARIANTS]
    if odd := sorted(names - set(known)):
        raise UserError(f"There is no variant {odd[0]!r}: choose from {', '.join(known)}.")
    return tuple(variant for variant in VARIANTS if variant.name in names | {BASE})
