"""Arms that work by text: none at all, or items of the history retrieved into the prompt.

They use the untuned LM. Retrieved items stand in ascending order of rank, so that the best one is
nearest to the input.
"""

from __future__ import annotations

from collections.abc import Sequence

import bm25s
import numpy as np

from persona_demo.arms.base import Arm, ArmInputs, Conditioning, fit_budget
from persona_demo.history import HistoryItem

RETRIEVED_ITEMS = 4
RETRIEVED_TOKENS = 256


def plain(inputs: ArmInputs) -> Conditioning:
    """The untuned LM with the input alone."""
    return Conditioning()


def _retrieved(inputs: ArmInputs, ranked: Sequence[int]) -> Conditioning:
    best_last = [inputs.items[i] for i in list(ranked)[:RETRIEVED_ITEMS]][::-1]
    texts = [item.text for item in best_last]
    size = sum(len(item.text.encode("utf-8")) for item in inputs.items)
    return Conditioning(retrieved=fit_budget(texts, inputs.codec, tokens=RETRIEVED_TOKENS), bytes_per_user=size)


def rank_bm25(items: Sequence[HistoryItem], query: str) -> list[int]:
    """Indices of items by BM25 score for a query, best first; ties keep the later item first."""
    stop: list[str] = []
    corpus = bm25s.tokenize([item.text for item in items], stopwords=stop, show_progress=False)
    wanted = bm25s.tokenize([query], stopwords=stop, show_progress=False, return_ids=False)[0]
    if not corpus.vocab:
        return list(range(len(items)))[::-1]
    index = bm25s.BM25()
    index.index(corpus, show_progress=False)
    known = [word for word in wanted if word in corpus.vocab]
    scores = index.get_scores(known) if known else np.zeros(len(items))
    return sorted(range(len(items)), key=lambda i: (-float(scores[i]), -i))


def bm25(inputs: ArmInputs) -> Conditioning:
    """Items that share rare words with the input."""
    return _retrieved(inputs, rank_bm25(inputs.items, inputs.input_text) if inputs.items else [])


def dense(inputs: ArmInputs) -> Conditioning:
    """Items whose sentence vectors are nearest to the input's."""
    if not inputs.items:
        return Conditioning()
    vectors = inputs.encoder.encode_sentences([*(item.text for item in inputs.items), inputs.input_text])
    similarity = vectors[:-1] @ vectors[-1]
    return _retrieved(inputs, sorted(range(len(inputs.items)), key=lambda i: (-float(similarity[i]), -i)))


def recent(inputs: ArmInputs) -> Conditioning:
    """The latest items."""
    return _retrieved(inputs, list(range(len(inputs.items)))[::-1])


PLAIN = Arm(
    name="plain",
    title="Model alone",
    explanation="The language model as it comes, with the opening words and nothing else.",
    kind="none",
    build=plain,
)
BM25 = Arm(
    name="bm25",
    title="Posts with the same words",
    explanation="Four of the person's posts that share rare words with the opening (BM25) are put into the prompt.",
    kind="text",
    build=bm25,
    placebos=("other",),
    compared_with="plain",
)
DENSE = Arm(
    name="dense",
    title="Posts alike in meaning",
    explanation="Four of the person's posts that are nearest in meaning to the opening are put into the prompt.",
    kind="text",
    build=dense,
    placebos=("other",),
    compared_with="plain",
)
RECENT = Arm(
    name="recent",
    title="Latest posts",
    explanation="The person's four latest posts are put into the prompt.",
    kind="text",
    build=recent,
    placebos=("other",),
    compared_with="plain",
)
