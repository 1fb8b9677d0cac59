"""One idea carries the project: a way to personalise is an arm, and an arm makes a Conditioning.

Whatever an arm does to the frozen LM is said by the text it puts before the input and the soft
vectors it places beside it. Everything that compares arms (columns, scores, placebos, costs) is
written once, over that type.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from persona_demo.history import HistoryItem
from persona_demo.items import ItemEncoder
from persona_demo.lm.base import Row, TextCodec
from persona_demo.own_words import OwnWords
from persona_demo.plug.config import Place
from persona_demo.plug.model import PersonaPlug
from persona_demo.tasks import Task

FloatArray = NDArray[np.float32]
ArmName = Literal["plain", "task", "persona", "bm25", "dense", "recent", "task+bm25", "persona+bm25"]
"""Arms by themselves; a placebo's name is one of these and its suffix (``bm25:other``)."""
Kind = Literal["none", "soft", "text", "both"]
Placebo = Literal["other", "mean", "random", "zero"]
"""What stands where the person stood: another person, the population's mean, noise of the same norm, nothing."""


@dataclass(frozen=True)
class Conditioning:
    """What an arm does to the frozen LM for one input.

    Attributes:
        retrieved: Texts of history items put before the input, as the task renders them.
        copied: Words of the history whose embeddings are among the soft vectors.
        copied_from: Ids of items whose beginnings are among these words.
        soft: Soft vectors placed beside the input, (S, H), or None.
        base: What strength leads away from; None where strength has no meaning.
        weights: Weight of each history item, where the arm weighs them, (N,).
        bytes_per_user: What must be kept of a person for this arm.
        user_vector: The person as the soft vectors were made from them, (U,), where items were read.
        stand_in: Name of who stands in the person's place; empty where nobody does.
    """

    retrieved: tuple[str, ...] = ()
    copied: tuple[str, ...] = ()
    copied_from: tuple[str, ...] = ()
    soft: FloatArray | None = None
    base: Conditioning | None = None
    weights: FloatArray | None = None
    bytes_per_user: int = 0
    user_vector: FloatArray | None = None
    stand_in: str = ""

    def row(self, task: Task, input_text: str, codec: TextCodec, *, place: Place) -> Row:
        """What the LM reads under this conditioning.

        Args:
            task: Builds the prompt.
            input_text: The task's raw input.
            codec: The LM's tokenizer.
            place: Soft vectors after the context or before it.
        """
        prompt = task.prompt(input_text, retrieved=self.retrieved)
        context, opening = codec.start + codec.encode(prompt.context), codec.encode(prompt.opening)
        if self.soft is None:
            return Row(segments=(context,), opening=opening)
        return Row(segments=(context, self.soft) if place == "after" else (self.soft, context), opening=opening)


@dataclass(frozen=True)
class Other:
    """Somebody else, who serves as placebo.

    Attributes:
        name: An id for readers.
        user_vector: Their stored user vector, (D,), where there is one.
        items: What they wrote, oldest first, where that is at hand.
    """

    name: str
    user_vector: FloatArray | None = None
    items: tuple[HistoryItem, ...] = ()


@dataclass(frozen=True)
class ArmInputs:
    """What an arm may look at.

    Attributes:
        task: The task.
        input_text: Its raw input.
        items: The person's active history items, oldest first.
        plug: The trained plug.
        encoder: Raw item vectors.
        codec: The LM's tokenizer.
        other: Placebo person, where one is at hand.
        stored: The person's stored user vector, for people whose texts are not shipped; it stands
            in for the items and does not depend on the input.
        seed: Of whatever an arm draws.
    """

    task: Task
    input_text: str
    items: tuple[HistoryItem, ...]
    plug: PersonaPlug
    encoder: ItemEncoder
    codec: TextCodec
    other: Other | None = None
    stored: FloatArray | None = None
    seed: int = 0

    def texts(self) -> list[str]:
        """What the item encoder reads of the items."""
        return [self.task.item_text(item, labels=self.plug.config.labels) for item in self.items]

    def raw_query(self) -> torch.Tensor:
        """Raw vector of the input from the frozen encoders, (1, D)."""
        return torch.from_numpy(self.encoder.encode([self.task.query(self.input_text)]))

    def query(self) -> torch.Tensor:
        """Standardised vector of the input, (1, D), as the plug reads it."""
        return self.plug.query(self.raw_query(), [self.task.query(self.input_text)])


@dataclass(frozen=True)
class Arm:
    """A way to personalise.

    Attributes:
        name: As on the command line, with a placebo's suffix where it is one.
        title: For readers.
        explanation: One sentence for readers who have never heard of soft prompts.
        kind: Whether it works by text, by soft vectors, by both, or not at all.
        build: Makes the conditioning.
        placebos: What may stand in the person's place.
        compared_with: The arm that has all of it but the person; its gain is counted from there.
    """

    name: str
    title: str
    explanation: str
    kind: Kind
    build: Callable[[ArmInputs], Conditioning]
    placebos: tuple[Placebo, ...] = ()
    compared_with: ArmName | None = None


def control(inputs: ArmInputs) -> Conditioning:
    """The trained control: as many soft vectors as the plug, and no person."""
    with torch.no_grad():
        return Conditioning(soft=inputs.plug.control_vectors(inputs.task.name).numpy())


def persona_of(inputs: ArmInputs, user_vector: FloatArray, words: OwnWords) -> FloatArray:
    """Soft vectors (W + I + P, H) of one user vector (U,) and the person's own words."""
    with torch.no_grad():
        user = torch.from_numpy(user_vector)[None]
        return inputs.plug.soft_vectors(user, inputs.task.name, words=[words])[0].numpy()
