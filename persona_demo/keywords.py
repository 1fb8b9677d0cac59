"""Keywords: the words a person uses again and again and few others do.

The names, places and pet phrases of a person; :mod:`persona_demo.own_words` says how the plug reads them.

How common a word is among people is measured on the training population and kept as shares in hashed
buckets, so that no word of anybody is kept.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import murmurhash3_32

from persona_demo.lm.base import TextCodec, Tokens

FloatArray = NDArray[np.float32]

BUCKETS = 2**16
RAREST = 1e-3
"""Share of people of whom a word nobody of the population used is thought to be known."""
SHORT_HISTORY = 3
"""Histories of up to so many items may give words they use once."""

_WORD = re.compile(r"[^\W\d_](?:['’]?[^\W\d_])+|[.!?]{2,}|…|[:;=]['-]?[()DPpO/](?!\w)")


def words_of(text: str) -> frozenset[str]:
    """Words of a text, as they are written, with emoticons and strings of marks."""
    return frozenset(_WORD.findall(text))


def _bucket(word: str) -> int:
    return int(murmurhash3_32(word, positive=True)) % BUCKETS


class Keywords:
    """How common words are among people, and by it what a person's keywords are."""

    def __init__(self, shares: FloatArray) -> None:
        """Take measured shares.

        Args:
            shares: Share of people who use a word of each bucket, (BUCKETS,).
        """
        self.shares = shares

    @classmethod
    def measure(cls, people: Iterable[Sequence[str]]) -> Keywords:
        """Measure how common words are.

        Args:
            people: Texts of each person.
        """
        counts, size = np.zeros(BUCKETS, np.float64), 0
        for texts in people:
            used = {_bucket(word) for text in texts for word in words_of(text)}
            counts[list(used)] += 1
            size += 1
        return cls((counts / max(size, 1)).astype(np.float32))

    def rarity(self, word: str) -> float:
        """How much it says of somebody that they use a word, in nats, 0 or more."""
        return -math.log(min(max(float(self.shares[_bucket(word)]), RAREST), 1.0))

    def of(self, texts: Sequence[str]) -> list[str]:
        """Keywords of a person, the most telling first: items that use a word, times its rarity.

        Args:
            texts: What the person wrote, an item a text; the order does not matter.
        """
        used = Counter(word for text in texts for word in words_of(text))
        least = 1 if len(texts) <= SHORT_HISTORY else 2
        weights = {word: count * self.rarity(word) for word, count in used.items() if count >= least}
        return sorted(weights, key=lambda word: (-weights[word], word))

    def tokens(self, texts: Sequence[str], codec: TextCodec, *, most: int) -> Tokens:
        """Tokens of a person's keywords, whole words only, in order.

        Args:
            texts: What the person wrote.
            codec: The frozen LM's tokenizer.
            most: At most so many tokens.
        """
        chosen: Tokens = ()
        for word in self.of(texts)[:most]:
            tokens = codec.encode(f" {word}")
            if len(chosen) + len(tokens) <= most:
                chosen += tokens
        return chosen
