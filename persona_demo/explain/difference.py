"""What one text has that another has not, word by word. Knows texts and nothing else."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Piece:
    """A stretch of a text.

    Attributes:
        text: Its words, with the blanks before them.
        differs: Whether the other text has something else there, or nothing.
    """

    text: str
    differs: bool


def differences(text: str, other: str) -> tuple[Piece, ...]:
    """A text in stretches that another text has as well, and stretches that it has not.

    Joined together, the stretches are the text. Marks belong to the word they stand at.

    Args:
        text: The text.
        other: The text it is compared with.
    """
    # Blanks at the very end are a piece of their own, so that nothing is lost.
    words, others = re.findall(r"\s*\S+|\s+", text), other.split()
    # Without autojunk: in a long text every common word would count as different.
    matcher = difflib.SequenceMatcher(a=[word.strip() for word in words], b=others, autojunk=False)
    return tuple(
        Piece("".join(words[start:end]), differs=tag != "equal")
        for tag, start, end, _, _ in matcher.get_opcodes()
        if end > start
    )
