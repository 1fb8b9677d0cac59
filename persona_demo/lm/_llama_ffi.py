"""The few calls of ik_llama.cpp that the fast engine makes, behind two small classes.

Knows how a model and a context of :mod:`persona_demo.lm._llama_library` are made and freed, how a
batch is laid out in memory, where logits lie. What a sequence means, what is worth keeping in the
key-value cache and who asks, it does not know (:mod:`persona_demo.lm._llama_lane` does).
"""

from __future__ import annotations

import ctypes
import functools
import os
import threading
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from persona_demo.errors import UserError
from persona_demo.lm._llama_library import library
from persona_demo.lm.base import FloatArray

Key = int | bytes
"""What one position holds: a token id, or the bytes of a float32 soft vector."""

Saved = NDArray[np.uint8]
"""A sequence's keys and values as the library writes them."""

_MOST_COMPACTIONS = 1000
_INT32 = ctypes.c_int32


class NativeModel:
    """Weights of a GGUF file, loaded once and shared by all contexts.

    Attributes:
        chunk: Most positions one decode may read.
        vocab_size: Number of logits V.
        hidden_size: Width H of its input embeddings.
        context_length: Most positions it was trained to read.
        decoding: Held during each decode, since contexts of one model may belong to several threads.
    """

    def __init__(self, gguf: Path, *, repack: bool, chunk: int) -> None:
        """Load a GGUF file.

        Args:
            gguf: The file.
            repack: Lay the weights out anew in memory, as the library's fastest multiplications want
                them. Takes a tenth of a second and memory of its own, not shared with the file's.
            chunk: Most positions one decode may read.

        Raises:
            UserError: If the library is missing, or the file is or cannot be read.
        """
        self.binding = library()
        if not gguf.is_file():
            raise UserError(f"There is no model file {gguf}: fetch the model first.")
        parameters = self.binding.llama_model_default_params()
        parameters.n_gpu_layers = 0
        parameters.repack_tensors = repack
        self.chunk = chunk
        self.pointer = self.binding.llama_model_load_from_file(os.fsencode(gguf), parameters)
        if not self.pointer:
            raise UserError(f"{gguf} is no GGUF model that llama.cpp can read: fetch it again.")
        # Not at exit: the process frees its memory anyway, and a thread may still be decoding.
        weakref.finalize(self, self.binding.llama_free_model, self.pointer).atexit = False
        native = self.binding._lib
        self.vocab_size = int(self.binding.llama_vocab_n_tokens(self.binding.llama_model_get_vocab(self.pointer)))
        self.hidden_size = int(self.binding.llama_model_n_embd(self.pointer))
        self.context_length = int(native.llama_n_ctx_train(self.pointer))
        self.decoding = threading.Lock()

    @functools.cached_property
    def special(self) -> tuple[int, ...]:
        """Token ids that are no text: control tokens and ends of generation."""
        native = self.binding._lib
        return tuple(
            token
            for token in range(self.vocab_size)
            if native.llama_token_is_control(self.pointer, token)
            or self.binding.llama_token_is_eog(self.pointer, token)
        )


@dataclass(slots=True)
class Position:
    """One position to read.

    Attributes:
        key: What stands there.
        place: Its index in its sequences, from 0.
        sequences: Ids of all sequences that have it in common.
        wanted: Whether the logits after it are asked for.
    """

    key: Key
    place: int
    sequences: list[int]
    wanted: bool = False


class NativeContext:
    """One key-value cache and the buffers to compute with it."""

    def __init__(self, model: NativeModel, *, cells: int, sequences: int, threads: int) -> None:
        """Allocate it.

        Args:
            model: Weights to run.
            cells: Positions the cache holds, over all sequences.
            sequences: Number of sequence ids, from 0.
            threads: Processor threads.

        Raises:
            UserError: If memory does not suffice.
        """
        self._model, self._binding = model, model.binding
        self._row = ctypes.c_float * model.vocab_size
        parameters = self._binding.llama_context_default_params()
        self._spare = sequences
        parameters.n_ctx, parameters.n_seq_max = cells, sequences + 1
        parameters.n_batch = parameters.n_ubatch = model.chunk
        parameters.n_threads = parameters.n_threads_batch = threads
        # Its flash attention aborts the process where a block of the cache is wholly masked.
        parameters.flash_attn = False
        # A graph kept from one call to the next gains nothing here and must survive every compact().
        parameters.graph_reuse = False
        self._pointer = self._binding.llama_init_from_model(model.pointer, parameters)
        if not self._pointer:
            raise UserError("There is not enough memory for the model's cache: close other programs.")
        weakref.finalize(self, self._binding.llama_free, self._pointer).atexit = False

    @property
    def used_cells(self) -> int:
        """Cells that at least one sequence holds."""
        return int(self._binding._lib.llama_get_kv_cache_used_cells(self._pointer))

    def copy(self, source: int, target: int, *, end: int) -> None:
        """Let sequence ``target`` share the first ``end`` positions of ``source``."""
        self._binding._lib.llama_kv_cache_seq_cp(self._pointer, source, target, 0, end)

    def trim(self, sequence: int, *, start: int) -> None:
        """Forget a sequence from position ``start`` on."""
        self._binding._lib.llama_kv_cache_seq_rm(self._pointer, sequence, start, -1)

    def saved(self, sequence: int) -> Saved:
        """Keys and values of a sequence, to be :meth:`restored <restore>` in another context of the model."""
        native = self._binding._lib
        state = np.empty(native.llama_state_seq_get_size(self._pointer, sequence, 0), np.uint8)
        native.llama_state_seq_get_data(self._pointer, state.ctypes.data, state.size, sequence, 0)
        return state

    def restore(self, sequence: int, state: Saved) -> bool:
        """Give an empty sequence what another held, to the last bit.

        Returns:
            False if the cache has no free stretch of that length; the sequence is empty then.
        """
        native = self._binding._lib
        return bool(native.llama_state_seq_set_data(self._pointer, state.ctypes.data, state.size, sequence, 0))

    def compact(self) -> None:
        """Move what is left after a :meth:`trim` together; to be called before the next :meth:`decode`.

        The library takes the cache to end at the last stretch of 32 cells whose last cell is in use,
        and looks one stretch further. Past a gap it would silently leave out what it should attend to.

        Raises:
            RuntimeError: If the library does not manage.
        """
        native = self._binding._lib
        view = native.llama_kv_cache_view_init(self._pointer, 1)
        try:
            # One call makes a limited number of moves.
            for _ in range(_MOST_COMPACTIONS):
                native.llama_kv_cache_view_update(self._pointer, ctypes.byref(view))
                if view.max_contiguous == view.n_cells - self.used_cells:
                    return
                native.llama_kv_cache_defrag(self._pointer)
                native.llama_kv_cache_update(self._pointer)
        finally:
            native.llama_kv_cache_view_free(ctypes.byref(view))
        raise RuntimeError("llama.cpp could not compact its cache")

    def decode(self, positions: Sequence[Position]) -> bool:
        """Read positions in one call; they must be all tokens or all soft vectors.

        Returns:
            False if the cache has no free stretch of that length; nothing was read then.

        Raises:
            ValueError: If a token id is none of the model's, or a vector has another width.
            RuntimeError: If the library fails.
        """
        # The library crashes on a batch of one soft vector, so a second one keeps it company.
        alone = len(positions) == 1 and isinstance(positions[0].key, bytes)
        company = [Position(positions[0].key, 0, [self._spare])] if alone else []
        batch = self._batch([*positions, *company])
        with self._model.decoding:
            status = self._binding.llama_decode(self._pointer, batch)
        if alone:
            self.trim(self._spare, start=0)
        if status not in (0, 1):
            raise RuntimeError(f"llama_decode failed with status {status}")
        return bool(status == 0)

    def logits(self, index: int) -> FloatArray:
        """View, shape (V,), of the logits after position ``index`` of the last decode, until the next."""
        pointer = self._binding.llama_get_logits_ith(self._pointer, index)
        row: FloatArray = np.ctypeslib.as_array(self._row.from_address(ctypes.addressof(pointer.contents)))
        return row

    def _batch(self, positions: Sequence[Position]) -> Any:
        """The C structure of a batch; it keeps the arrays that it points to."""
        count = len(positions)
        lists: list[Any] = [(_INT32 * len(p.sequences))(*p.sequences) for p in positions]
        key = "embd" if isinstance(positions[0].key, bytes) else "token"
        batch = self._binding.llama_batch(n_tokens=count)
        setattr(batch, key, self._vectors(positions) if key == "embd" else self._tokens(positions))
        batch.pos = (_INT32 * count)(*[p.place for p in positions])
        batch.n_seq_id = (_INT32 * count)(*map(len, lists))
        batch.seq_id = (ctypes.POINTER(_INT32) * count)(*lists)
        batch.logits = (ctypes.c_int8 * count)(*[p.wanted for p in positions])
        return batch

    def _tokens(self, positions: Sequence[Position]) -> Any:
        """Token ids as a C array of n numbers."""
        tokens = [p.key for p in positions if isinstance(p.key, int)]
        # The library looks up the embedding without checking, which would read foreign memory.
        if len(tokens) < len(positions) or not 0 <= min(tokens) <= max(tokens) < self._model.vocab_size:
            raise ValueError(f"token ids must lie in 0..{self._model.vocab_size - 1}")
        return (_INT32 * len(tokens))(*tokens)

    def _vectors(self, positions: Sequence[Position]) -> Any:
        """Soft vectors as a C array of n x H numbers."""
        data = b"".join(p.key for p in positions if isinstance(p.key, bytes))
        size = len(positions) * self._model.hidden_size
        if len(data) != size * ctypes.sizeof(ctypes.c_float):
            raise ValueError(f"soft vectors must have width {self._model.hidden_size}")
        return (ctypes.c_float * size).from_buffer_copy(data)
