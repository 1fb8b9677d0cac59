"""What a runtime answers: a text and what it cost, and what the plug makes of a person.

Each can be told to a program as plain JSON. Those forms are public: the command line prints them and
the endpoints return them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from persona_demo.history import HistoryItem
from persona_demo.lm.base import FloatArray
from persona_demo.lm.decode import Written


@dataclass(frozen=True)
class ArmText:
    """What one arm wrote, and what it cost.

    Attributes:
        arm: The arm's name.
        written: Text, tokens and times.
        prompt_tokens: Text tokens read, soft vectors not counted.
        soft_vectors: Soft vectors read.
        bytes_per_user: What must be kept of a person for this arm.
        retrieved: Texts that were put into the prompt.
        copied: Words of the history whose embeddings were among the soft vectors.
        stand_in: Name of who stood in the person's place; empty where nobody did.
    """

    arm: str
    written: Written
    prompt_tokens: int
    soft_vectors: int
    bytes_per_user: int
    retrieved: tuple[str, ...]
    copied: tuple[str, ...] = ()
    stand_in: str = ""

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> ArmText:
        """A text from its fields as plain JSON, which are trusted."""
        written = Written(**{**record["written"], "tokens": tuple(record["written"]["tokens"])})
        read = {name: tuple(record.get(name, ())) for name in ("retrieved", "copied")}
        return cls(**{**record, "written": written, **read})

    def told(self) -> dict[str, Any]:
        """The text as a program is told it; times in milliseconds."""
        return {
            "arm": self.arm,
            "text": self.written.text,
            "tokens": len(self.written.tokens),
            "prompt_tokens": self.prompt_tokens,
            "soft_vectors": self.soft_vectors,
            "first_token_ms": round(self.written.first_token_ms or 0.0, 1),
            "total_ms": round(self.written.total_ms, 1),
            "bytes_per_user": self.bytes_per_user,
        }


@dataclass(frozen=True)
class Embedding:
    """What the plug makes of a person.

    Attributes:
        persona: Persona vectors, (P, H).
        words: Keyword and excerpt vectors, (W, H), W being 0 in a plug without them.
        weights: Weight of each active history item, (N,), summing to 1.
        user_vector: Aggregate under uniform weights, (U,).
    """

    persona: FloatArray
    words: FloatArray
    weights: FloatArray
    user_vector: FloatArray

    def told(self, items: Sequence[HistoryItem]) -> dict[str, Any]:
        """The embedding as a program is told it.

        Args:
            items: The N active items.
        """
        weights = zip(items, self.weights.tolist(), strict=True)
        return {
            "persona": self.persona.tolist(),
            "words": self.words.tolist(),
            "weights": [{"item": item.id, "weight": weight} for item, weight in weights],
            "user_vector": self.user_vector.tolist(),
        }
