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

BLOCKS: tuple[Block, ...] = ("sentence", "surface", "words")
"""Blocks of an item vector, in order."""

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
        keyword_tokens: Keyword vectors K before them, from the person's own words; none in the paper.
        components: Length of user vectors: so many directions in which people of the population
            differ most, for what varies within one person (linear discriminants). 0 leaves the
            aggregate as it is, as in the paper.
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
    blocks: tuple[Block, ...] = BLOCKS
    persona_tokens: int = field(default=8, metadata={"help": "persona vectors beside the instruction vector"})
    keyword_tokens: int = field(default=24, metadata={"help": "keyword vectors before the persona vectors"})
    components: int = field(default=64, metadata={"help": "length of user vectors; 0: that of item vectors"})
    place: Place = field(default="after", metadata={"help": "soft vectors after the context or before it"})
    aggregator: AggregatorKind = field(default="projected", metadata={"help": "how items are weighted"})
    query_width: int = 64
    projector_width: int = field(default=512, metadata={"help": "hidden width of the projector"})
    shrink: bool = True

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            UserError: If a width or count is not positive, or there are more components than figures.
        """
        for name in ("hidden_size", "item_width", "persona_tokens", "query_width", "projector_width"):
            if getattr(self, name) < 1:
                raise UserError(f"The plug's {name} is {getattr(self, name)}: it must be 1 or more.")
        for name, most in (("keyword_tokens", self.hidden_size), ("components", self.item_width)):
            if not 0 <= getattr(self, name) <= most:
                raise UserError(f"The plug's {name} is {getattr(self, name)}: choose from 0 to {most}.")

    @property
    def soft_vectors(self) -> int:
        """Number of soft vectors an input is given: keywords, instruction and persona."""
        return self.keyword_tokens + 1 + self.persona_tokens

    @property
    def user_width(self) -> int:
        """Length of user vectors."""
        return self.components or self.item_width

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
