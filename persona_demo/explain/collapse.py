"""Whether a text has collapsed: the point at which more of a person gives less of a text.

Guidance far from 0 and 1 breaks the model: it loops on a word, stutters a character, strings marks
together, or leaves the language. Each sign has a threshold, set on 160 texts of 64 tokens that the
first plug wrote greedily (ten sample people, two openings, strengths -2 to 6) so that none of the 60
texts at strengths 0, 1 and 2 and none of 30 texts that the sample people wrote themselves is flagged.
Flagged by these rules:

    strength    -2   -1    0    1    2    3    4    6
    of 20        2    1    0    0    0    1    7    8

Texts of fewer than a dozen words, subject lines and titles, have thresholds of their own: people do say a
word three times in a line, and a subject line may be half digits. They were set on 31,567 lines of 4 to
11 words that people wrote (subjects of commits, titles of papers, headlines, lines of critics), of which
three are flagged for repetition, "Goes on and on and on and on." among them, and none for its marks.

A line without one letter is a version or a score while it is short; from ten characters on it is a text that
broke, whatever it was meant to be. That threshold was set by hand, not on those lines, and so was the one for
lines of single letters: the corpora keep no line breaks.

The control's surprise tells only texts written at temperature 0: people are as surprising as that, and
so is what is sampled.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Sign = Literal["loop", "one word", "stutter", "marks", "endless word", "no word", "crumbs", "surprise"]

LONG = 12
"""Words from which on a text is no short one."""
LONG_CHARACTERS = 100
"""Characters from which on a text of few words is no short one, when its marks are counted."""
LEAST_WORDS = 4
"""Words below which repetition says nothing: there are papers and people called Walla Walla."""
LEAST_CHARACTERS = 20
"""Characters below which marks say nothing: a version or a score is no text that broke."""
LEAST_WORDLESS = 10
"""Characters, blanks aside, from which on there must be a letter; a version has fewer."""
LEAST_DISTINCT = 0.40
"""Different words, as a share of all; own texts of the sample people have 0.69 and more."""
MOST_OF_ONE_WORD = 0.30
"""Share of the most frequent word; at strengths 0 to 2 it is at most 0.24."""
MOST_OF_ONE_WORD_SHORT = 0.50
"""The same of a short text."""
MOST_TIMES_SHORT = 3
"""Times a word may stand in a short text whatever its share, and in one row."""
LONGEST_RUN = 10
"""Times one character may follow itself, blanks aside; 4 in the sample people's own texts."""
LEAST_LETTERS = 0.75
"""Letters and blanks, as a share of all characters; own texts have 0.83 and more."""
LEAST_LETTERS_SHORT = 0.30
"""The same of a short text, in which a version or a path weighs more."""
CRUMB = 2
"""Characters up to which a line is a crumb: a letter, a mark, a number of a list without what is listed."""
LEAST_LINES = 6
"""Lines below which crumbs say nothing; from there on half of them must be more than that."""
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
    "no word": "there is no word in it",
    "crumbs": "it falls into lines of single letters and marks",
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
        """What happened, for readers; empty for a text that stands."""
        return f"{self._happened}." if self.signs else ""

    def warning(self, strength: float | None) -> str:
        """What happened and what helps, for readers; empty for a text that stands.

        Args:
            strength: The strength it was written at; from 0 to 1 nothing is exaggerated, so that no other
                strength would help. None where none applies: to the untuned model, a control, or retrieval.
        """
        if not self.signs:
            return ""
        if strength is None:
            return f"This text has broken down ({self._seen}). The model does this by itself, without any persona."
        if not 0 <= strength <= 1:
            return f"{self._happened}: choose a strength nearer to 1."
        return (
            f"{self._happened}. The strength is not the cause, at {strength:g} nothing is exaggerated: "
            "the model does this by itself, most of all at temperature 0."
        )

    @property
    def _happened(self) -> str:
        return f"The text has collapsed ({self._seen})"

    @property
    def _seen(self) -> str:
        return " and ".join(_WORDS[sign] for sign in self.signs)


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
    long = len(words) >= LONG
    most = max(counted.values(), default=0)
    bearable = MOST_OF_ONE_WORD_SHORT * len(words)
    crowded = most / len(words) >= MOST_OF_ONE_WORD if long else most > max(MOST_TIMES_SHORT, bearable)
    in_a_row = max((len(list(same)) for _, same in itertools.groupby(words)), default=0)
    least = LEAST_LETTERS if long or len(text) >= LONG_CHARACTERS else LEAST_LETTERS_SHORT
    plain = sum(c.isalpha() or c.isspace() for c in text)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    crumbs = sum(len(line) <= CRUMB for line in lines)
    found: dict[Sign, bool] = {
        "loop": enough and (len(counted) / len(words) < LEAST_DISTINCT or (not long and in_a_row > MOST_TIMES_SHORT)),
        "one word": enough and crowded,
        "stutter": re.search(rf"(\S)\1{{{LONGEST_RUN},}}", text) is not None,
        "marks": len(text) >= LEAST_CHARACTERS and plain / len(text) < least,
        "endless word": any(len(word) > LONGEST_WORD for word in words),
        "no word": len("".join(text.split())) >= LEAST_WORDLESS and not any(map(str.isalpha, text)),
        "crumbs": len(lines) >= LEAST_LINES and 2 * crumbs >= len(lines),
        "surprise": surprise is not None and surprise > MOST_SURPRISE,
    }
    return Collapse(tuple(sign for sign, there in found.items() if there))
