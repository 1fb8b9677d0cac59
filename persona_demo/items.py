"""Item vectors: what the plug knows of one history item.

An item vector is made of blocks, each frozen: the sentence encoder's vector (what the item is
about), surface figures (how it is written), the mean of the frozen LM's own input embeddings over
the item's tokens (which words it uses), the score it gives, and the mean of the LM's hidden states
there (what it makes of it). The plug centres and scales them on its training population; this module returns them raw.
Vectors are cached in memory by content, so an edited history costs one item.
"""

from __future__ import annotations

import copy
import hashlib
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, Protocol, get_args, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from persona_demo.errors import UserError
from persona_demo.lm.base import FrozenLM, StatesLayer, TextCodec, Tokens
from persona_demo.plug.config import Block, PlugConfig
from persona_demo.scores import SCORES, score_figures
from persona_demo.surface import SURFACE_NAMES, surface_figures

DType = Literal["float32", "bfloat16"]
FloatArray = NDArray[np.float32]

CACHE_ITEMS = 20_000
CHUNK = 64
"""Texts encoded between two progress reports."""
WORD_TOKENS = 512
"""Tokens of an item whose embeddings are averaged."""
STATES_TOKENS = 128
"""Tokens of an item whose hidden states are averaged; these cost a pass through the LM."""


def block_parts(config: PlugConfig) -> dict[Block, slice]:
    """Where each block lies in the item vectors of a plug."""
    widths: dict[Block, int] = {
        "surface": len(SURFACE_NAMES),
        "words": config.hidden_size,
        "score": len(SCORES),
        "states": config.hidden_size,
    }
    # The sentence encoder's width is what the other blocks leave.
    known = sum(widths.get(block, 0) for block in config.blocks)
    parts, start = {}, 0
    for block in config.blocks:
        parts[block] = slice(start, start := start + widths.get(block, config.item_width - known))
    return parts


class SentenceEncoder(Protocol):
    """A frozen encoder of texts."""

    @property
    def width(self) -> int:
        """Length of its vectors."""
        ...

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Unit vectors of texts, shape (N, width)."""
        ...


@runtime_checkable
class StatesReader(Protocol):
    """A frozen LM that gives its hidden states out."""

    def mean_states(self, texts: Sequence[Tokens], *, layer: StatesLayer) -> FloatArray:
        """Mean hidden states over each text's tokens, shape (N, H)."""
        ...


class SentenceTransformerEncoder:
    """A frozen sentence-transformers model, by folder."""

    def __init__(self, folder: Path, *, device: str = "cpu", max_tokens: int = 64, dtype: DType = "float32") -> None:
        """Load the encoder.

        Args:
            folder: A sentence-transformers folder.
            device: Torch device.
            max_tokens: Longer texts are cut; style and subject show well before this.
            dtype: ``bfloat16`` is faster for a whole population, where the processor has units for it.

        Raises:
            UserError: If the folder holds no such model.
        """
        from sentence_transformers import SentenceTransformer

        try:
            self._model = SentenceTransformer(str(folder), device=device, local_files_only=True)
        except (OSError, ValueError, KeyError) as error:
            raise UserError(f"{folder} holds no readable sentence encoder: fetch it again.") from error
        self._longest = self._model.max_seq_length or max_tokens
        self._tokens = min(max_tokens, self._longest)
        self._model.requires_grad_(False)
        if dtype == "bfloat16":
            self._model.bfloat16()
        # Plugs that share the model ask at the same time, and its tokenizer keeps how long a text may be.
        self._lock = threading.Lock()

    def cut_at(self, max_tokens: int) -> SentenceTransformerEncoder:
        """The same model, reading so many tokens of a text."""
        made = copy.copy(self)
        made._tokens = min(max_tokens, self._longest)
        return made

    @property
    def width(self) -> int:
        """Length of its vectors."""
        return int(self._model.get_embedding_dimension() or 0)

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Unit vectors of texts, shape (N, width)."""
        with self._lock:
            self._model.max_seq_length = self._tokens
            vectors = self._model.encode(
                list(texts), normalize_embeddings=True, show_progress_bar=False, convert_to_tensor=True
            )
        return vectors.float().cpu().numpy()


class ItemEncoder:
    """Texts to raw item vectors, block by block, with a cache in memory."""

    def __init__(
        self,
        blocks: Sequence[Block],
        *,
        sentence: SentenceEncoder,
        lm: FrozenLM,
        states_layer: StatesLayer = "last",
    ) -> None:
        """Put the blocks together.

        Args:
            blocks: Which blocks, in order.
            sentence: The frozen sentence encoder.
            lm: The frozen LM whose input embeddings the ``words`` block averages, and whose hidden
                states the ``states`` block does.
            states_layer: Which hidden states.

        Raises:
            UserError: If there is no such block, or the engine gives no hidden states and they are asked for.
        """
        if odd := [block for block in blocks if block not in get_args(Block)]:
            raise UserError(f"There is no block {odd[0]!r} of item vectors: choose from {', '.join(get_args(Block))}.")
        if "states" in blocks and not isinstance(lm, StatesReader):
            raise UserError("This plug reads the model's hidden states, which llama.cpp does not give: use torch.")
        self.blocks = tuple(blocks)
        self.states_layer: StatesLayer = states_layer
        self._sentence = sentence
        self._lm = lm
        self._cache: OrderedDict[bytes, FloatArray] = OrderedDict()
        # So that from what is kept nobody can be asked whether a text was among it.
        self._salt = secrets.token_bytes(16)
        # An edit and a running comparison ask at the same time.
        self._lock = threading.Lock()

        self._widths: dict[Block, int] = {
            "sentence": sentence.width,
            "surface": len(SURFACE_NAMES),
            "words": lm.info.hidden_size,
            "score": len(SCORES),
            "states": lm.info.hidden_size,
        }

    def with_blocks(self, blocks: Sequence[Block], *, states_layer: StatesLayer = "last") -> ItemEncoder:
        """Another choice of blocks of the same frozen models."""
        return ItemEncoder(blocks, sentence=self._sentence, lm=self._lm, states_layer=states_layer)

    def for_plug(self, config: PlugConfig, *, beside: PlugConfig) -> ItemEncoder:
        """What a plug reads items by, of the same frozen models.

        Args:
            config: The form of the plug.
            beside: That of the plug whose encoder this is; where both read alike, it is this one.

        Raises:
            UserError: If the plug reads hidden states and the engine gives none.
        """
        if (config.blocks, config.states_layer, config.encoder_tokens) == (
            beside.blocks, beside.states_layer, beside.encoder_tokens,
        ):  # fmt: skip
            return self
        sentence = self._sentence
        if isinstance(sentence, SentenceTransformerEncoder):
            sentence = sentence.cut_at(config.encoder_tokens)
        return ItemEncoder(config.blocks, sentence=sentence, lm=self._lm, states_layer=config.states_layer)

    @property
    def width(self) -> int:
        """Length D of an item vector."""
        return sum(self._widths[block] for block in self.blocks)

    def encode(self, texts: Sequence[str], *, report: Callable[[float], None] | None = None) -> FloatArray:
        """Encode texts.

        Args:
            texts: N texts.
            report: Called with the share done, for long lists.

        Returns:
            Raw item vectors of shape (N, D).
        """
        with self._lock:
            return self._encode_cached(texts, report)

    def forget(self) -> None:
        """Keep no vector."""
        with self._lock:
            self._cache.clear()

    def _encode_cached(self, texts: Sequence[str], report: Callable[[float], None] | None) -> FloatArray:
        keys = [hashlib.blake2b(text.encode("utf-8"), key=self._salt, digest_size=16).digest() for text in texts]
        found = {key: self._cache[key] for key in keys if key in self._cache}
        # Texts of like length go together, so that little padding is encoded.
        missing = sorted(
            {k: t for k, t in zip(keys, texts, strict=True) if k not in found}.items(),
            key=lambda kt: len(kt[1]),
        )
        for start in range(0, len(missing), CHUNK):
            chunk = missing[start : start + CHUNK]
            found.update(zip([k for k, _ in chunk], self._encode([t for _, t in chunk]), strict=True))
            if report is not None:
                report(min(start + CHUNK, len(missing)) / len(missing))
        for key in keys:
            self._cache[key] = found[key]
            self._cache.move_to_end(key)
        while len(self._cache) > CACHE_ITEMS:
            self._cache.popitem(last=False)
        return np.stack([found[key] for key in keys]) if keys else np.zeros((0, self.width), np.float32)

    @property
    def codec(self) -> TextCodec:
        """The frozen LM's tokenizer."""
        return self._lm.codec

    def embed(self, tokens: Sequence[int]) -> FloatArray:
        """The frozen LM's input embeddings of tokens, shape (len(tokens), H)."""
        if not tokens:
            return np.zeros((0, self._lm.info.hidden_size), np.float32)
        return self._lm.embed(tokens)

    def encode_sentences(self, texts: Sequence[str]) -> FloatArray:
        """Unit sentence vectors of texts, shape (N, width of the sentence encoder)."""
        if "sentence" not in self.blocks:
            return self._sentence.encode(texts)
        start = sum(self._widths[block] for block in self.blocks[: self.blocks.index("sentence")])
        return self.encode(texts)[:, start : start + self._sentence.width]

    def _encode(self, texts: Sequence[str]) -> FloatArray:
        parts: dict[Block, Callable[[Sequence[str]], FloatArray]] = {
            "sentence": self._sentence.encode,
            "surface": surface_figures,
            "words": self._mean_embeddings,
            "score": score_figures,
            "states": self._mean_states,
        }
        return np.concatenate([parts[block](texts) for block in self.blocks], axis=1)

    def _mean_embeddings(self, texts: Sequence[str]) -> FloatArray:
        means = []
        for text in texts:
            tokens = self._lm.codec.encode(text)[:WORD_TOKENS]
            means.append(self._lm.embed(tokens).mean(axis=0) if tokens else np.zeros(self._lm.info.hidden_size))
        return np.asarray(means, dtype=np.float32)

    def _mean_states(self, texts: Sequence[str]) -> FloatArray:
        assert isinstance(self._lm, StatesReader)
        tokens = [self._lm.codec.encode(text)[:STATES_TOKENS] for text in texts]
        return self._lm.mean_states(tokens, layer=self.states_layer)
