"""Surface figures of a text: how it is written, whatever it is about.

A sentence encoder was trained to ignore style; these figures put style beside it. They are counts
of case, punctuation, layout and function words, and hashed character trigrams. No model is needed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import HashingVectorizer

FUNCTION_WORDS = tuple(
    """a about after again all also always am an and any anyway are as at back be because been before but by
    can could did do does done down even ever every for from get go going gonna got had has have he her here
    him his how however i if im in into is it its just know like little lol lot many maybe me more most much
    my never no not now of off oh ok on one only or other our out over perhaps quite rather really said she
    should since so some something still such than thanks that the their them then there these they thing
    things think this those though through to today tomorrow tonight too u until up upon ur us very want was
    we well were what when where which while who why will with without would yeah yes yesterday yet you your""".split()
)
"""Words whose rates tell writers apart whatever they write about."""

PUNCTUATION = ".,!?;:'\"()-&*/~#@$%=+_"
_TRIGRAM_BUCKETS = 256
_PATTERNS = {
    "ellipsis": r"\.{2,}|…",
    "dash": r"\s-+\s|--|[–—]",
    "exclamations": r"!{2,}",
    "emoticon": r"[:;=]['-]?[)(DPpOo/|\\]|<3|\^_\^|[\U0001F300-\U0001FAFF☀-➿]",
    "shouted": r"\b[A-Z]{3,}\b",
    "stretched": r"([a-z])\1{2,}",
    "small i": r"(?<![\w'])i(?![\w.])",
    "contraction": r"\b\w+'(?:s|t|re|ve|ll|d|m)\b",
    "bare contraction": r"\b(?:dont|cant|wont|didnt|im|ive|thats|isnt|doesnt)\b",
    "digits": r"\d+",
    "line break": r"\n",
    "double space": r"(?<=\S) {2,}(?=\S)",
    "small start": r"(?:^|[.!?]\s+)[a-z]",
    "capital start": r"(?:^|[.!?]\s+)[A-Z]",
    "capitalised": r"(?<=[a-z,] )[A-Z][a-z]+",
    "bracketed": r"\[[a-z]+\]",
    "quoted": r"[\"“][^\"”]{2,}[\"”]",
}
_COMPILED = {name: re.compile(p, re.IGNORECASE if name == "bare contraction" else 0) for name, p in _PATTERNS.items()}
_FUNCTION_INDEX = {word: i for i, word in enumerate(FUNCTION_WORDS)}
_SHAPE_NAMES = ("words", "word length", "sentence length", "variety", "upper case", "long words")

_hasher = HashingVectorizer(
    analyzer="char", ngram_range=(3, 3), lowercase=False, n_features=_TRIGRAM_BUCKETS, norm="l2"
)

SURFACE_NAMES: tuple[str, ...] = (
    *_SHAPE_NAMES,
    *(f"rate of {name}" for name in _PATTERNS),
    *(f"rate of {mark}" for mark in PUNCTUATION),
    *(f"rate of '{word}'" for word in FUNCTION_WORDS),
    *(f"trigram bucket {i}" for i in range(_TRIGRAM_BUCKETS)),
)
"""What each figure is, in order."""


def _readable(text: str) -> NDArray[np.float32]:
    words = re.findall(r"[\w']+", text)
    count = max(len(words), 1)
    sentences = max(len(re.findall(r"[.!?]+(?:\s|$)|\n+", text)), 1)
    letters = max(sum(c.isalpha() for c in text), 1)
    shape = [
        np.log1p(len(words)),
        sum(map(len, words)) / count,
        np.log1p(count / sentences),
        len({w.lower() for w in words}) / count,
        sum(c.isupper() for c in text) / letters,
        sum(len(w) > 6 for w in words) / count,
    ]
    patterns = [len(p.findall(text)) / count for p in _COMPILED.values()]
    marks = [text.count(mark) / count for mark in PUNCTUATION]
    function = np.zeros(len(FUNCTION_WORDS))
    for word in words:
        place = _FUNCTION_INDEX.get(word.lower())
        if place is not None:
            function[place] += 1.0 / count
    # The root keeps one striking item (forty exclamation marks) from drowning the rest.
    rates = np.sqrt(np.concatenate([patterns, marks, function]))
    return np.concatenate([shape, rates]).astype(np.float32)


def surface_figures(texts: Sequence[str]) -> NDArray[np.float32]:
    """Compute the surface figures of texts.

    Args:
        texts: N texts.

    Returns:
        An array of shape (N, len(SURFACE_NAMES)); rates are square roots of counts a word.
    """
    if not texts:
        return np.zeros((0, len(SURFACE_NAMES)), dtype=np.float32)
    readable = np.stack([_readable(text) for text in texts])
    trigrams = _hasher.transform(texts).toarray().astype(np.float32)
    return np.concatenate([readable, trigrams], axis=1)
