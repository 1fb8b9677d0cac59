"""What the rest of the project may ask of a frozen language model, whichever engine runs it.

Two engines stand behind this interface: :mod:`persona_demo.lm.torch_engine` (any causal or
encoder-decoder model, any device, the reference) and :mod:`persona_demo.lm.llama_engine` (GGUF on a
processor). They deal in token ids and in soft vectors; what a person or an arm is, they do not know.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

EngineName = Literal["torch", "llama"]
EngineChoice = Literal["auto", "torch", "llama"]
Family = Literal["causal", "encoder-decoder"]
StatesLayer = Literal["last", "middle"]
"""Hidden states that the head reads, or those half way up."""

FloatArray = NDArray[np.float32]
Tokens = tuple[int, ...]
Segment = Tokens | FloatArray
"""A stretch of input: token ids, or soft vectors of shape (S, H)."""


@dataclass(frozen=True)
class Row:
    """One sequence the LM reads before it writes.

    Attributes:
        segments: Stretches of the input in reading order, tokens and soft vectors mixed. An
            encoder-decoder model reads them in its encoder.
        opening: Token ids the answer already starts with. A causal model reads them right after
            the segments, an encoder-decoder model at the start of its decoder.
    """

    segments: tuple[Segment, ...]
    opening: Tokens = ()

    @property
    def text_tokens(self) -> int:
        """Number of text tokens, soft vectors not counted."""
        return sum(len(s) for s in self.segments if isinstance(s, tuple)) + len(self.opening)

    @property
    def soft_vectors(self) -> int:
        """Number of soft vectors."""
        return sum(len(s) for s in self.segments if not isinstance(s, tuple))

    @property
    def content(self) -> tuple[Tokens | bytes, ...]:
        """What is read, to be compared: rows are the same to the LM if their contents are equal."""
        return (*(s if isinstance(s, tuple) else s.tobytes() for s in self.segments), self.opening)


@dataclass(frozen=True)
class LMInfo:
    """What is known of a loaded frozen LM.

    Attributes:
        name: Hub id, the same for every source of the weights.
        fingerprint: SHA-256 of the weight file the LM was loaded from or converted from.
        engine: Which engine runs it.
        family: Causal or encoder-decoder.
        hidden_size: Width H of its input embeddings.
        vocab_size: Number of logits.
        embedding_norm: Mean L2 norm of its input embeddings.
        context_length: Most positions it can read.
        eos: Token ids that end an answer.
        device: Where it runs, in words, with the reason.
    """

    name: str
    fingerprint: str
    engine: EngineName
    family: Family
    hidden_size: int
    vocab_size: int
    embedding_norm: float
    context_length: int
    eos: tuple[int, ...]
    device: str


class TextCodec(Protocol):
    """Text to token ids and back; the same object serves both engines."""

    def encode(self, text: str) -> Tokens:
        """Token ids of plain text, without special tokens."""
        ...

    def decode(self, tokens: Sequence[int]) -> str:
        """Text of token ids, special tokens left out, spaces kept as they are."""
        ...

    @property
    def start(self) -> Tokens:
        """Special tokens the model expects before any text; often none."""
        ...

    @property
    def end(self) -> Tokens:
        """Special tokens the model expects after a whole text; often none."""
        ...


class LMSession(Protocol):
    """Rows being continued together, token by token. Use as a context manager."""

    @property
    def rows(self) -> int:
        """How many rows were added so far."""
        ...

    def add(self, rows: Sequence[Row]) -> FloatArray:
        """Read further rows and return the logits of their next tokens, shape (len(rows), V).

        Rows are numbered from 0 in the order they were added, over all calls.
        """
        ...

    def step(self, tokens: Mapping[int, int]) -> Mapping[int, FloatArray]:
        """Feed one token to each named row; return each one's next logits, shape (V,).

        A row left out of a step is closed and cannot be stepped again.
        """
        ...

    def __enter__(self) -> LMSession: ...

    def __exit__(self, *exc: object) -> None: ...


class FrozenLM(Protocol):
    """A language model whose parameters nobody changes."""

    @property
    def info(self) -> LMInfo:
        """Facts about the model."""
        ...

    @property
    def codec(self) -> TextCodec:
        """Its tokenizer."""
        ...

    def embed(self, tokens: Sequence[int]) -> FloatArray:
        """Input embeddings of token ids, shape (len(tokens), H)."""
        ...

    def session(self) -> LMSession:
        """Start an empty session."""
        ...

    def score(self, rows: Sequence[Row], targets: Sequence[Tokens]) -> list[FloatArray]:
        """Log-probability in nats of each target token after its row, one (T,) array a row."""
        ...

    def logits(self, rows: Sequence[Row], targets: Sequence[Tokens]) -> list[FloatArray]:
        """Logits that predict each target token after its row, one (T, V) array a row.

        Meant for a few rows: an array holds four bytes a token of the text and of the vocabulary.
        """
        ...
