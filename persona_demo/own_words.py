"""Own words: what of a person's very words goes into the soft prompt, as input embeddings.

A user vector carries manner and subjects; wording does not fit into it (the paper names this as its
first limit). Two kinds of own words stand beside it, each as the frozen LM's input embeddings:

    keywords   words the person uses again and again and few others do, whatever the input
    excerpts   how the items nearest to the input begin

Excerpts are retrieval, done inside the soft prompt: a few tokens of a few items, picked by the frozen
sentence encoder for each input. A person of whom only a vector is stored has neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from persona_demo.history import HistoryItem
from persona_demo.items import FloatArray, ItemEncoder, block_parts
from persona_demo.keywords import Keywords
from persona_demo.lm.base import TextCodec, Tokens
from persona_demo.plug.config import PlugConfig
from persona_demo.tasks import Task


class Reader(Protocol):
    """What reads own words, a plug: how much room it has for them, and how common words are among people."""

    @property
    def config(self) -> PlugConfig:
        """The plug's form."""

    @property
    def keywords(self) -> Keywords | None:
        """How common words are; None where the plug reads no keywords."""


@dataclass(frozen=True)
class OwnTokens:
    """Own words as tokens.

    Attributes:
        keywords: Of keywords, the most telling first.
        excerpts: Of the beginning of each item that is nearest to the input, nearest first.
        picked: Ids of these items.
    """

    keywords: Tokens = ()
    excerpts: tuple[Tokens, ...] = ()
    picked: tuple[str, ...] = ()

    def texts(self, codec: TextCodec) -> tuple[str, ...]:
        """What they say: all keywords, then each excerpt."""
        return tuple(codec.decode(tokens).strip() for tokens in (self.keywords, *self.excerpts) if tokens)


@dataclass(frozen=True)
class OwnWords:
    """Own words as the plug reads them.

    Attributes:
        keywords: Input embeddings of keywords, (k, H).
        excerpts: Input embeddings of each excerpt, (l, H) each, nearest item first.
    """

    keywords: FloatArray
    excerpts: tuple[FloatArray, ...] = ()

    @classmethod
    def of(cls, tokens: OwnTokens, encoder: ItemEncoder) -> OwnWords:
        """The embeddings of tokens."""
        return cls(encoder.embed(tokens.keywords), tuple(map(encoder.embed, tokens.excerpts)))

    @classmethod
    def none(cls, width: int) -> OwnWords:
        """No words, for embeddings of a width."""
        return cls(np.zeros((0, width), np.float32))


def own_tokens(
    plug: Reader,
    task: Task,
    items: Sequence[HistoryItem],
    vectors: Tensor,
    query: Tensor | None,
    codec: TextCodec,
) -> OwnTokens:
    """Pick own words of a history.

    Args:
        plug: How common words are, and how many tokens there is room for.
        task: Says how an item begins.
        items: N history items.
        vectors: Their standardised vectors, (N, D).
        query: Standardised vector of the input, (D,), from the frozen encoders. Without an input the
            items nearest to their mean are picked.
        codec: The frozen LM's tokenizer.
    """
    config, keywords = plug.config, plug.keywords
    telling: Tokens = ()
    if keywords is not None:
        telling = keywords.tokens([item.text for item in items], codec, most=config.keyword_tokens)
    picked = nearest(plug, vectors, query)[: config.excerpt_items] if config.excerpt_items else ()
    excerpts = (codec.encode(f" {task.excerpt(items[i])}")[: config.excerpt_tokens] for i in picked)
    return OwnTokens(telling, tuple(excerpts), tuple(items[i].id for i in picked))


def own_words(
    plug: Reader,
    task: Task,
    items: Sequence[HistoryItem],
    vectors: Tensor,
    query: Tensor | None,
    encoder: ItemEncoder,
) -> OwnWords:
    """Own words of a history as the plug reads them; see :func:`own_tokens`."""
    return OwnWords.of(own_tokens(plug, task, items, vectors, query, encoder.codec), encoder)


def nearest(plug: Reader, vectors: Tensor, query: Tensor | None) -> list[int]:
    """Indices of items, the nearest to an input first, by the cosine of their sentence vectors.

    Args:
        plug: Says where sentence vectors lie; without them whole item vectors are compared.
        vectors: Standardised item vectors, (N, D).
        query: That of the input, (D,); the mean of the items where left out.
    """
    if not len(vectors):
        return []
    part = block_parts(plug.config).get("sentence", slice(None))
    asked = vectors.mean(0) if query is None else query
    near = torch.cosine_similarity(vectors[:, part], asked[None, part], dim=1)
    # Of items that are equally near the later one says more of how somebody writes now.
    order = np.lexsort((-np.arange(len(vectors)), -near.numpy().round(6)))
    return [int(i) for i in order]
