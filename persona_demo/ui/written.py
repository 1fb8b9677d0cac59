"""What was written last, and how: kept for a visitor so that it can be measured, exported and compared.

Travels between two events as plain JSON, like the session. Knows nothing of models or of Gradio.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from persona_demo.answers import ArmText
from persona_demo.lm.decode import DecodeOptions
from persona_demo.showcase import Showcase
from persona_demo.ui.state import Session, key_of


@dataclass(frozen=True)
class Outcome:
    """One press of Write.

    Attributes:
        prompt: The input.
        strength: Of arms that have one.
        options: How was written.
        texts: What each arm wrote, as far as it came.
        key: Of whom they were written for, and for which input (:func:`key_of`).
        person: Name of whom they were written for.
        allow_listed_words: Whether words of the filter's lists might be written.
    """

    prompt: str = ""
    strength: float = 1.0
    options: DecodeOptions = field(default_factory=DecodeOptions)
    texts: tuple[ArmText, ...] = ()
    key: str = ""
    person: str = ""
    allow_listed_words: bool = False

    @classmethod
    def of_showcase(cls, case: Showcase | None, session: Session) -> Outcome:
        """What the page shows before anybody pressed Write; ``session`` is the person it is about."""
        if case is None:
            return cls()
        key, name = key_of(session, case.opening), session.history.name
        return cls(case.opening, case.strength, DecodeOptions(), case.texts, key, name)

    def is_of(self, session: Session, opening: str) -> bool:
        """Whether there are texts, written for these items and this input."""
        return bool(self.texts) and self.key == key_of(session, opening)

    def text_of(self, arm: str) -> str:
        """What an arm wrote; empty where it wrote nothing."""
        return next((text.written.text for text in self.texts if text.arm == arm), "")

    def as_record(self) -> dict[str, Any]:
        """The outcome as plain JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Outcome:
        """An outcome from its record."""
        return cls(
            prompt=record["prompt"],
            strength=record["strength"],
            options=DecodeOptions(**record["options"]),
            texts=tuple(ArmText.from_record(text) for text in record["texts"]),
            key=record["key"],
            person=record["person"],
            allow_listed_words=record["allow_listed_words"],
        )
