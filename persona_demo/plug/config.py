"""What a plug is made of: every switch of its form, with the paper's choice named beside ours."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any, Literal

from persona_demo.errors import UserError
from persona_demo.items import Block
from persona_demo.tasks import TaskName

AggregatorKind = Literal["projected", "cosine", "mean"]
Place = Literal["after", "before"]

SCHEMA = 1


@dataclass(frozen=True)
class PlugConfig:
    """The form of a plug and the frozen models it was made for.

    Attributes:
        lm_name: Hub id of the frozen LM.
        lm_fingerprint: SHA-256 of the weights it was trained with.
        encoder_name: Hub id of the sentence encoder.
        encoder_fingerprint: SHA-256 of its weights.
        tasks: Tasks it serves, one instruction vector each.
        hidden_size: Width H of the LM's input embeddings.
        embedding_norm: Mean L2 norm of those embeddings; soft vectors start at this norm (the paper
            has the constant 539.97 of one model in its place).
        item_width: Length D of an item vector.
        blocks: Blocks of the item vector, in order. The paper has ``sentence`` alone.
        persona_tokens: Persona vectors P beside the one instruction vector; 1 in the paper.
        place: Soft vectors after the context, so that its keys and values are shared by all people
            (ours), or before it (the paper).
        aggregator: Learned query and key projections with a learned temperature (ours), the plain
            cosine of the paper (equation 3), or the mean.
        query_width: Length of projected queries and keys.
        projector_width: Hidden width of the projector.
        shrink: Whether aggregates of few items are drawn towards the average person.
    """

    lm_name: str
    lm_fingerprint: str
    encoder_name: str
    encoder_fingerprint: str
    tasks: tuple[TaskName, ...]
    hidden_size: int
    embedding_norm: float
    item_width: int
    blocks: tuple[Block, ...] = ("sentence", "surface", "words")
    persona_tokens: int = field(default=8, metadata={"help": "persona vectors beside the instruction vector"})
    place: Place = field(default="after", metadata={"help": "soft vectors after the context or before it"})
    aggregator: AggregatorKind = field(default="projected", metadata={"help": "how items are weighted"})
    query_width: int = 64
    projector_width: int = field(default=512, metadata={"help": "hidden width of the projector"})
    shrink: bool = True

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            UserError: If a width or count is not positive.
        """
        for name in ("hidden_size", "item_width", "persona_tokens", "query_width", "projector_width"):
            if getattr(self, name) < 1:
                raise UserError(f"The plug's {name} is {getattr(self, name)}: it must be 1 or more.")

    @property
    def soft_vectors(self) -> int:
        """Number of soft vectors an input is given: instruction and persona."""
        return 1 + self.persona_tokens

    def to_json(self) -> str:
        """The configuration as a JSON document."""
        return json.dumps({"schema": SCHEMA, **dataclasses.asdict(self)}, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> PlugConfig:
        """Read a configuration.

        Raises:
            UserError: If the text is not a plug configuration of this schema.
        """
        try:
            values: dict[str, Any] = json.loads(text)
            if values.pop("schema") != SCHEMA:
                raise UserError(f"This plug has another schema than {SCHEMA}: train it anew or update the project.")
            fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
            return cls(**fields)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise UserError(
                "config.json of the plug is not a plug configuration: restore the plug's folder."
            ) from error
