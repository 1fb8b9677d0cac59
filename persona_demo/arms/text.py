"""Arms that work by text: none at all, or items of the history retrieved into the prompt.

They use the untuned LM. What is looked for, where, and in which form and order the items found stand
in the prompt, the task says; among equals the later item comes first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import bm25s
import numpy as np
from rank_bm25 import BM25Okapi

from persona_demo.arms.base import Arm, ArmInputs, Conditioning
from persona_demo.history import HistoryItem

RETRIEVED_ITEMS = 4
RETRIEVED_TOKENS = 256


def plain(inputs: ArmInputs) -> Conditioning:
    """The untuned LM with the input alone."""
    return Conditioning()


def _retrieved(inputs: ArmInputs, ranked: Sequence[int]) -> Conditioning:
    # What was typed without what it answers cannot stand as an example.
    able = [item for i in ranked if inputs.task.serves(item := inputs.items[i])]
    size = sum(len("".join([i.text, i.input or "", i.label or ""]).encode("utf-8")) for i in inputs.items)
    shots = inputs.task.shots(able[:RETRIEVED_ITEMS], inputs.input_text, codec=inputs.codec, tokens=RETRIEVED_TOKENS)
    return Conditioning(retrieved=shots, bytes_per_user=size)


def _searched(item: HistoryItem) -> str:
    return item.text


def rank_bm25(items: Sequence[HistoryItem], query: str, *, text: Callable[[HistoryItem], str] = _searched) -> list[int]:
    """Indices of items by BM25 score for a query over lower-cased words, best first.

    Args:
        items: What to rank.
        query: What to look for.
        text: Where to look; the item's text, when left out.
    """
    stop: list[str] = []
    corpus = bm25s.tokenize([text(item) for item in items], stopwords=stop, show_progress=False)
    wanted = bm25s.tokenize([query], stopwords=stop, show_progress=False, return_ids=False)[0]
    if not corpus.vocab:
        return list(range(len(items)))[::-1]
    index = bm25s.BM25()
    index.index(corpus, show_progress=False)
    known = [word for word in wanted if word in corpus.vocab]
    scores = index.get_scores(known) if known else np.zeros(len(items))
    return sorted(range(len(items)), key=lambda i: (-float(scores[i]), -i))


def rank_okapi(items: Sequence[HistoryItem], query: str, *, text: Callable[[HistoryItem], str]) -> list[int]:
    """Indices of items by Okapi BM25 score as LaMP counts it, over whatever stands between white space.

    Args:
        items: What to rank.
        query: What to look for.
        text: Where to look.
    """
    documents = [text(item).split() for item in items]
    if not any(documents):
        return list(range(len(items)))[::-1]
    scores = BM25Okapi(documents).get_scores(query.split())
    return sorted(range(len(items)), key=lambda i: (-float(scores[i]), -i))


def bm25(inputs: ArmInputs) -> Conditioning:
    """Items that share rare words with the input."""
    task = inputs.task
    rank = rank_okapi if task.ranking == "okapi" else rank_bm25
    wanted = task.search(inputs.input_text)
    return _retrieved(inputs, rank(inputs.items, wanted, text=task.search_text) if inputs.items else [])


def dense(inputs: ArmInputs) -> Conditioning:
    """Items whose sentence vectors are nearest to the input's."""
    if not inputs.items:
        return Conditioning()
    task = inputs.task
    wanted = task.search(inputs.input_text)
    vectors = inputs.encoder.encode_sentences([*map(task.search_text, inputs.items), wanted])
    similarity = vectors[:-1] @ vectors[-1]
    return _retrieved(inputs, sorted(range(len(inputs.items)), key=lambda i: (-float(similarity[i]), -i)))


def recent(inputs: ArmInputs) -> Conditioning:
    """The latest items."""
    return _retrieved(inputs, list(range(len(inputs.items)))[::-1])


PLAIN = Arm(
    name="plain",
    title="Model alone",
    explanation="The language model as it comes, with the input and nothing else.",
    kind="none",
    build=plain,
)
BM25 = Arm(
    name="bm25",
    title="Texts with the same words",
    explanation="Four of the person's texts that share rare words with the input (BM25) are put into the prompt.",
    kind="text",
    build=bm25,
    placebos=("other",),
    compared_with="plain",
)
DENSE = Arm(
    name="dense",
    title="Texts alike in meaning",
    explanation="Four of the person's texts that are nearest in meaning to the input are put into the prompt.",
    kind="text",
    build=dense,
    placebos=("other",),
    compared_with="plain",
)
RECENT = Arm(
    name="recent",
    title="Latest texts",
    explanation="The person's four latest texts are put into the prompt.",
    kind="text",
    build=recent,
    placebos=("other",),
    compared_with="plain",
)
