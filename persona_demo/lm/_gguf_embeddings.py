"""Rows of a GGUF file's token embedding matrix, exactly as the engine dequantises them.

Knows where a GGUF file keeps one tensor and nothing else of the format. The ``gguf`` package's own
reader turns every string of the tokenizer into Python objects, which takes seconds; stepping over
them takes a fraction of one. What the bytes of a quantised row mean is left to that package.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, GGUFValueType, dequantize

from persona_demo.errors import UserError
from persona_demo.lm.base import FloatArray

TENSOR = b"token_embd.weight"
ALIGNMENT_KEY = b"general.alignment"
DEFAULT_ALIGNMENT = 32
_NORM_ROWS = 4096
_SIZES = {
    GGUFValueType.UINT8: 1,
    GGUFValueType.INT8: 1,
    GGUFValueType.BOOL: 1,
    GGUFValueType.UINT16: 2,
    GGUFValueType.INT16: 2,
    GGUFValueType.UINT32: 4,
    GGUFValueType.INT32: 4,
    GGUFValueType.FLOAT32: 4,
    GGUFValueType.UINT64: 8,
    GGUFValueType.INT64: 8,
    GGUFValueType.FLOAT64: 8,
}


class _Header:
    """A cursor over the bytes of a GGUF header."""

    def __init__(self, data: mmap.mmap) -> None:
        self.data = data
        self.at = 0

    def number(self, kind: str) -> int:
        (value,) = struct.unpack_from("<" + kind, self.data, self.at)
        self.at += struct.calcsize("<" + kind)
        return int(value)

    def string(self) -> bytes:
        length = self.number("Q")
        self.at += length
        return self.data[self.at - length : self.at]

    def skip(self, kind: GGUFValueType) -> None:
        """Step over a value."""
        if kind is GGUFValueType.STRING:
            (length,) = struct.unpack_from("<Q", self.data, self.at)
            self.at += 8 + length
        elif kind is GGUFValueType.ARRAY:
            inner, count = GGUFValueType(self.number("I")), self.number("Q")
            if inner in _SIZES:
                self.at += _SIZES[inner] * count
            else:
                for _ in range(count):
                    self.skip(inner)
        else:
            self.at += _SIZES[kind]


class EmbeddingTable:
    """The token embedding matrix of a GGUF file, read where it lies on disk."""

    def __init__(self, gguf: Path) -> None:
        """Find the matrix in the file.

        Raises:
            UserError: If the file is no GGUF file or holds no token embeddings.
        """
        try:
            with gguf.open("rb") as file:
                data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            shape, self._kind, offset = _find(data)
        except (OSError, ValueError, struct.error) as error:
            raise UserError(f"{gguf} is no complete GGUF model: fetch it again.") from error
        block, size = GGML_QUANT_SIZES[self._kind]
        columns, rows = shape
        width = columns // block * size
        self._rows = np.frombuffer(data, np.uint8, rows * width, offset).reshape(rows, width)

    def rows(self, tokens: Sequence[int]) -> FloatArray:
        """Embeddings of token ids, shape (len(tokens), H)."""
        return self._dequantized(self._rows[np.asarray(tokens, np.intp)])

    def mean_norm(self) -> float:
        """Mean L2 norm of all rows."""
        total = 0.0
        for start in range(0, len(self._rows), _NORM_ROWS):
            block = self._dequantized(self._rows[start : start + _NORM_ROWS])
            total += float(np.linalg.norm(block, axis=1).sum())
        return total / len(self._rows)

    def _dequantized(self, rows: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> FloatArray:
        # The package reads plain floats as arrays of their own type, quantised blocks as bytes.
        plain = {GGMLQuantizationType.F32: np.float32, GGMLQuantizationType.F16: np.float16}
        stored = rows.view(plain[self._kind]) if self._kind in plain else rows
        return np.asarray(dequantize(stored, self._kind), np.float32)


def _find(data: mmap.mmap) -> tuple[tuple[int, int], GGMLQuantizationType, int]:
    """Shape (columns, rows), type and byte offset of the token embedding matrix.

    Raises:
        ValueError: If the file is no GGUF file, or holds none.
        struct.error: If it ends within its header.
    """
    header = _Header(data)
    if data[:4] != b"GGUF":
        raise ValueError("no GGUF file")
    header.at = 8
    tensors, fields = header.number("Q"), header.number("Q")
    alignment = DEFAULT_ALIGNMENT
    for _ in range(fields):
        key, kind = header.string(), GGUFValueType(header.number("I"))
        if key == ALIGNMENT_KEY:
            alignment = header.number("I")
        else:
            header.skip(kind)
    found = None
    for _ in range(tensors):
        name = header.string()
        shape = [header.number("Q") for _ in range(header.number("I"))]
        kind_number, offset = header.number("I"), header.number("Q")
        if name == TENSOR:
            found = (shape[0], shape[1]), GGMLQuantizationType(kind_number), offset
    if found is None:
        raise ValueError("no token embeddings")
    shape_found, kind_found, offset = found
    start = (header.at + alignment - 1) // alignment * alignment
    return shape_found, kind_found, start + offset
