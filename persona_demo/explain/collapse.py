"""Whether a text has collapsed: the point at which more of a person gives less of a text.

Guidance far from 0 and 1 breaks the model: it loops on a word, stutters a character, strings marks
together, or leaves the language. Each sign has a threshold, set on 160 texts of 64 tokens that the
first plug wrote greedily (ten sample people, two openings, strengths -2 to 6) so that none of the 60
texts at strengths 0, 1 and 2 and none of 30 texts that the sample people wrote themselves is flagged.
Flagged by these rules:

    strength    -2   -1    0    1    2    3    4    6
    of 20        2    1    0    0    0    1    7    8

The control's surprise tells only texts written at temperature 0: people are as surprising as that, and
so is what is sampled.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Sign = Literal["loop", "one word", "stutter", "marks", "endless word", "surprise"]

LEAST_WORDS = 12
"""Words below which repetition says nothing."""
LEAST_CHARACTERS = 30
"""Characters below which marks say nothing."""
LEAST_DISTINCT = 0.40
"""Different words, as a share of all; own texts of the sample people have 0.69 and more."""
MOST_OF_ONE_WORD = 0.30
"""Share of the most frequent word; at strengths 0 to 2 it is at most 0.24."""
LONGEST_RUN = 10
"""Times one character may follow itself, blanks aside; 4 in the sample people's own texts."""
LEAST_LETTERS = 0.75
"""Letters and blanks, as a share of all characters; own texts have 0.83 and more."""
LONGEST_WORD = 24
"""Letters of a word; 15 in own texts."""
MOST_SURPRISE = 3.6
"""Nats a token under the control, for texts written at temperature 0; 2.3 at most at strengths 0 to 2."""

_WORDS: Mapping[Sign, str] = {
    "loop": "it repeats the same words",
    "one word": "one word stands everywhere",
    "stutter": "one character is repeated on end",
    "marks": "marks and digits crowd out the words",
    "endless word": "a word does not end",
    "surprise": "it has left what the model knows as text",
}


@dataclass(frozen=True)
class Collapse:
    """What speaks for a collapse of a text.

    Attributes:
        signs: The signs; empty for a text that stands.
    """

    signs: tuple[Sign, ...]

    def __bool__(self) -> bool:
        """Whether there is any sign."""
        return bool(self.signs)

    @property
    def sentence(self) -> str:
        """The warning for readers; empty for a text that stands."""
        if not self.signs:
            return ""
        why = " and ".join(_WORDS[sign] for sign in self.signs)
        return f"The text has collapsed ({why}): choose a strength nearer to 1."


def signs_of_collapse(text: str, *, surprise: float | None = None) -> Collapse:
    """Look for signs that a text has collapsed.

    Args:
        text: What an arm wrote.
        surprise: Its mean negative log-likelihood under the control, nats a token; only for a text
            written at temperature 0.
    """
    words = re.findall(r"\w+", text.lower())
    counted = Counter(words)
    enough = len(words) >= LEAST_WORDS
    plain = sum(c.isalpha() or c.isspace() for c in text)
    found: dict[Sign, bool] = {
        "loop": enough and len(counted) / len(words) < LEAST_DISTINCT,
        "one word": enough and max(counted.values()) / len(words) >= MOST_OF_ONE_WORD,
        "stutter": re.search(rf"(\S)\1{{{LONGEST_RUN},}}", text) is not None,
        "marks": len(text) >= LEAST_CHARACTERS and plain / len(text) < LEAST_LETTERS,
        "endless word": any(len(word) > LONGEST_WORD for word in words),
        "surprise": surprise is not None and surprise > MOST_SURPRISE,
    }
    return Collapse(tuple(sign for sign, there in found.items() if there))
