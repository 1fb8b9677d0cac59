"""The llama.cpp engine: a GGUF model on a processor, many rows at reading speed.

It turns rows into positions, has them read (:mod:`persona_demo.lm._llama_bank` chooses where,
:mod:`persona_demo.lm._llama_lane` knows what need not be read again) and keeps to the interface of
:class:`~persona_demo.lm.base.FrozenLM`. Which person or arm a row stands for, it does not know.

What a session read is kept when it ends, so that the next one reads only what is new. The same rows
after the same calls give the same logits to the last bit; rows read in other company, or beside
something kept, may differ in the low bits, as in every engine that computes in batches.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from persona_demo.errors import UserError
from persona_demo.lm._gguf_embeddings import EmbeddingTable
from persona_demo.lm._llama_bank import LaneBank
from persona_demo.lm._llama_ffi import Key
from persona_demo.lm._llama_lane import Lane, LaneFullError
from persona_demo.lm._llama_library import is_available
from persona_demo.lm._llama_reader import LogitReader
from persona_demo.lm._llama_scorer import Scorer
from persona_demo.lm._llama_trial import load_trusted
from persona_demo.lm.base import FloatArray, LMInfo, Row, TextCodec, Tokens

__all__ = ["LlamaLM", "LlamaSession", "is_available"]

DEFAULT_CONTEXT = 4096
MAX_THREADS = 8


class LlamaLM:
    """A frozen GGUF model behind :class:`~persona_demo.lm.base.FrozenLM`.

    Sessions of one engine take turns: a session holds it from entry to exit, and the next one waits.
    Scoring may go on beside a session and leaves what sessions keep alone.
    """

    def __init__(
        self,
        gguf: Path,
        *,
        codec: TextCodec,
        name: str,
        fingerprint: str,
        threads: int | None = None,
        context: int = DEFAULT_CONTEXT,
    ) -> None:
        """Load a GGUF file.

        Args:
            gguf: The model file.
            codec: Its tokenizer.
            name: Hub id.
            fingerprint: SHA-256 of the file.
            threads: Processor threads; all that are available, up to 8, when left out.
            context: Positions the main lane holds over all its rows, and most of any one row.

        Raises:
            UserError: If the llama.cpp library or the file is missing or does not load.
        """
        self._gguf, self._codec, self._name, self._fingerprint = gguf, codec, name, fingerprint
        self._threads = threads or _default_threads()
        self._model = load_trusted(gguf, threads=self._threads)
        self._context_length = min(self._model.context_length, context)
        self._bank = LaneBank(self._model, cells=context, threads=self._threads)
        self._scorer = Scorer(self._model, threads=self._threads)
        self._reader = LogitReader(self._model, threads=self._threads)
        self._turn = threading.Lock()

    @cached_property
    def info(self) -> LMInfo:
        """Facts about the model."""
        return LMInfo(
            name=self._name,
            fingerprint=self._fingerprint,
            engine="llama",
            family="causal",
            hidden_size=self._model.hidden_size,
            vocab_size=self._model.vocab_size,
            embedding_norm=self._embeddings.mean_norm(),
            context_length=self._context_length,
            eos=self._model.special,
            device=f"processor, {self._threads} thread{'s' if self._threads > 1 else ''}, llama.cpp on the GGUF file",
        )

    @property
    def chunk(self) -> int:
        """Most positions read at once, which is what is right and fast on this processor."""
        return self._model.chunk

    @property
    def codec(self) -> TextCodec:
        """Its tokenizer."""
        return self._codec

    @cached_property
    def _embeddings(self) -> EmbeddingTable:
        return EmbeddingTable(self._gguf)

    def embed(self, tokens: Sequence[int]) -> FloatArray:
        """Input embeddings of token ids, shape (len(tokens), H)."""
        return self._embeddings.rows(tokens)

    def session(self) -> LlamaSession:
        """Start an empty session; it waits for its turn when it is entered."""
        return LlamaSession(self, self._bank, self._turn)

    def keys(self, row: Row, *, then: Tokens = ()) -> list[Key]:
        """A row, and tokens written after it, as positions.

        Raises:
            UserError: If they are more than the model reads.
            ValueError: If the row is empty.
        """
        keys: list[Key] = []
        for segment in (*row.segments, row.opening, then):
            if isinstance(segment, tuple):
                keys += segment
            else:
                keys += [vector.tobytes() for vector in np.asarray(segment, np.float32)]
        if len(keys) == len(then):
            raise ValueError("a row must hold at least one position")
        self.check_length(len(keys))
        return keys

    def check_length(self, length: int) -> None:
        """Refuse rows of more positions than the model reads.

        Raises:
            UserError: If there are more.
        """
        if length > self._context_length:
            raise UserError(
                f"A text is {length:,} tokens long and the model reads at most "
                f"{self._context_length:,}: shorten the history or the prompt."
            )

    def score(self, rows: Sequence[Row], targets: Sequence[Tokens]) -> list[FloatArray]:
        """Log-probability in nats of each target token after its row, one (T,) array a row.

        Raises:
            UserError: If a row with its target is longer than the model's context.
            ValueError: If a row is empty.
        """
        prompts = [self.keys(row, then=t[:-1]) for row, t in zip(rows, targets, strict=True)]
        return self._scorer.score(prompts, targets)

    def logits(self, rows: Sequence[Row], targets: Sequence[Tokens]) -> list[FloatArray]:
        """Logits that predict each target token after its row, one (T, V) array a row.

        Raises:
            UserError: If a row with its target is longer than the model's context.
            ValueError: If a row is empty.
        """
        prompts = [self.keys(row, then=t[:-1]) for row, t in zip(rows, targets, strict=True)]
        return [self._reader.read(p, last=len(t)) for p, t in zip(prompts, targets, strict=True)]


class LlamaSession:
    """Rows being continued together on the llama.cpp engine. Use as a context manager."""

    def __init__(self, lm: LlamaLM, bank: LaneBank, turn: threading.Lock) -> None:
        """Start empty.

        Args:
            lm: The engine, for what its rows look like and how long they may be.
            bank: Its lanes.
            turn: Held from entry to exit.
        """
        self._lm, self._bank, self._turn = lm, bank, turn
        self._rows: list[tuple[Lane, int]] = []
        self._open: set[int] = set()
        self._entered = False

    def __enter__(self) -> LlamaSession:
        """Wait for the engine and hold it."""
        self._turn.acquire()
        self._entered = True
        return self

    def __exit__(self, *exc: object) -> None:
        """Let the next session have the engine."""
        if self._entered:
            self._entered = False
            try:
                self._bank.close()
            finally:
                self._turn.release()

    @property
    def rows(self) -> int:
        """How many rows were added so far."""
        return len(self._rows)

    def add(self, rows: Sequence[Row]) -> FloatArray:
        """Read further rows and return the logits of their next tokens, shape (len(rows), V).

        Raises:
            UserError: If a row is longer than the model's context, or the rows do not fit together.
            RuntimeError: If the session was not entered.
        """
        self._check_entered()
        opened = self._bank.open([self._lm.keys(row) for row in rows])
        self._open.update(range(len(self._rows), len(self._rows) + len(rows)))
        self._rows += [(new.lane, new.sequence) for new in opened]
        return np.stack([new.logits for new in opened])

    def step(self, tokens: Mapping[int, int]) -> Mapping[int, FloatArray]:
        """Feed one token to each named row; return each one's next logits, shape (V,).

        A row left out of a step is closed and cannot be stepped again.

        Raises:
            UserError: If a row outgrows the model's context, or the rows no longer fit together.
            KeyError: If a row is closed or was never added.
            RuntimeError: If the session was not entered.
        """
        self._check_entered()
        if unknown := sorted(set(tokens) - self._open):
            raise KeyError(f"rows {unknown} are not open")
        for lane, rows in self._by_lane(self._open - set(tokens)).items():
            lane.close([self._rows[row][1] for row in rows])
        self._open = set(tokens)
        logits: dict[int, FloatArray] = {}
        for lane, rows in self._by_lane(tokens).items():
            logits.update(self._step_lane(lane, {row: tokens[row] for row in rows}))
        return logits

    def _by_lane(self, rows: Iterable[int]) -> dict[Lane, list[int]]:
        lanes: dict[Lane, list[int]] = {}
        for row in rows:
            lanes.setdefault(self._rows[row][0], []).append(row)
        return lanes

    def _step_lane(self, lane: Lane, tokens: Mapping[int, int]) -> dict[int, FloatArray]:
        """Feed tokens to rows of one lane; rows that outgrow it move to the main one."""
        sequences = {row: self._rows[row][1] for row in tokens}
        for sequence in sequences.values():
            self._lm.check_length(lane.length(sequence) + 1)
        try:
            logits = lane.step({sequences[row]: token for row, token in tokens.items()})
        except LaneFullError:
            contents = [[*lane.content(sequences[row]), token] for row, token in tokens.items()]
            lane.close(sequences.values())
            moved = dict(zip(tokens, self._bank.open_in_main(contents), strict=True))
            for row, new in moved.items():
                self._rows[row] = new.lane, new.sequence
            return {row: new.logits for row, new in moved.items()}
        return {row: logits[sequence] for row, sequence in sequences.items()}

    def _check_entered(self) -> None:
        if not self._entered:
            raise RuntimeError("use a session within `with`")


def _default_threads() -> int:
    """Processors this process may use, up to where a small model stops gaining."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(available, MAX_THREADS)
