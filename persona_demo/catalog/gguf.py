"""GGUF files laid out for the fast engine: the same weights, in blocks it reads long texts with.

llama.cpp multiplies 8-bit blocks (``Q8_0``) faster than 4-bit ones with an offset (``Q4_1``), and on
some processors it gets long batches right with the former only. The copy holds the weights that the
4-bit blocks stand for, each rounded to one part in 254 of the largest of its 32 neighbours, which is
less than the engine rounds what it multiplies them with. It counts as the same weights: whoever fetched
them keeps the fingerprint of the file it was made from.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from persona_demo.catalog.store import Report

if TYPE_CHECKING:
    from gguf import GGMLQuantizationType, GGUFReader, GGUFWriter

WRITTEN_ANEW = "GGUF.", "general.architecture", "general.file_type"
"""Fields of a header that the writer makes itself; the first is a beginning of names."""
KEPT = "F32", "F16", "BF16", "Q8_0"
"""Kinds of tensors that are taken over as they are."""


def eight_bit_name(gguf: Path) -> Path:
    """Where the 8-bit copy of a GGUF file lies: beside it, with the kind of its blocks in its name."""
    stem = gguf.stem.rpartition(".")[0] or gguf.stem
    return gguf.with_name(f"{stem}.Q8_0.gguf")


def write_eight_bit(gguf: Path, report: Report) -> Path | None:
    """Write an 8-bit copy of a GGUF file beside it.

    Args:
        gguf: Weights in any blocks of 32 or fewer.
        report: Told how far it is; the whole takes about 5 s for 135 million weights.

    Returns:
        The copy, or None where it would gain nothing, or where the file cannot be read.

    Raises:
        OSError: If the copy cannot be written.
    """
    # Imported here because listing models must not take the time.
    from gguf import GGUFReader, GGUFWriter, LlamaFileType

    try:
        reader = GGUFReader(gguf)
        architecture = str(reader.fields["general.architecture"].contents())
    except (ValueError, KeyError, IndexError):
        return None
    if all(tensor.tensor_type.name in KEPT for tensor in reader.tensors):
        return None
    target = eight_bit_name(gguf)
    draft = target.with_name(f"{target.name}.partial")
    writer = GGUFWriter(draft, architecture)
    _copy_header(reader, writer)
    writer.add_file_type(LlamaFileType.MOSTLY_Q8_0)
    try:
        for done, tensor in enumerate(reader.tensors):
            report("Laying out the weights for the fast engine, once (about 5 s)", done / len(reader.tensors))
            _copy_tensor(tensor.name, tensor.data, tensor.tensor_type, writer)
    except NotImplementedError:
        return None
    try:
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        with draft.open("rb") as written:
            os.fsync(written.fileno())
        os.replace(draft, target)
    finally:
        draft.unlink(missing_ok=True)
    return target


def _copy_header(reader: GGUFReader, writer: GGUFWriter) -> None:
    """Take over all fields that are not about how the weights are stored."""
    from gguf import GGUFValueType

    for field in reader.fields.values():
        if not field.name.startswith(WRITTEN_ANEW):
            kind = field.types[0]
            inner = field.types[-1] if kind is GGUFValueType.ARRAY else None
            writer.add_key_value(field.name, field.contents(), kind, sub_type=inner)


def _copy_tensor(name: str, data: NDArray[Any], kind: GGMLQuantizationType, writer: GGUFWriter) -> None:
    """Take over a tensor, its blocks as 8-bit ones.

    Raises:
        NotImplementedError: If nobody here knows its kind of blocks.
    """
    from gguf import GGMLQuantizationType, dequantize, quantize

    if kind.name in KEPT:
        writer.add_tensor(name, data, raw_dtype=kind)
    else:
        wanted = GGMLQuantizationType.Q8_0
        writer.add_tensor(name, quantize(dequantize(data, kind), wanted), raw_dtype=wanted)
