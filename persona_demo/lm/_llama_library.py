"""The library of ``ik-llama-cpp-python`` 0.1.5, loaded once.

The binding declares only part of the library, so the calls on single sequences are declared here.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
from typing import Any

from persona_demo.errors import UserError

_POINTER, _INT32, _SIZE = ctypes.c_void_p, ctypes.c_int32, ctypes.c_size_t
_UNDECLARED: dict[str, tuple[list[Any], Any]] = {
    "llama_kv_cache_seq_cp": ([_POINTER, _INT32, _INT32, _INT32, _INT32], None),
    "llama_kv_cache_seq_rm": ([_POINTER, _INT32, _INT32, _INT32], ctypes.c_bool),
    "llama_kv_cache_defrag": ([_POINTER], None),
    "llama_kv_cache_update": ([_POINTER], _INT32),
    "llama_get_kv_cache_used_cells": ([_POINTER], _INT32),
    "llama_n_ctx_train": ([_POINTER], _INT32),
    "llama_token_is_control": ([_POINTER, _INT32], ctypes.c_bool),
    "llama_state_seq_get_size": ([_POINTER, _INT32, _INT32], _SIZE),
    "llama_state_seq_get_data": ([_POINTER, _POINTER, _SIZE, _INT32, _INT32], _SIZE),
    "llama_state_seq_set_data": ([_POINTER, _POINTER, _SIZE, _INT32, _INT32], _SIZE),
}


class _View(ctypes.Structure):
    """The library's report on its cache (``struct llama_kv_cache_view``)."""

    _fields_ = (
        ("n_cells", _INT32),
        ("n_seq_max", _INT32),
        ("token_count", _INT32),
        ("used_cells", _INT32),
        ("max_contiguous", _INT32),
        ("max_contiguous_idx", _INT32),
        ("cells", _POINTER),
        ("cells_sequences", _POINTER),
    )


_UNDECLARED |= {
    "llama_kv_cache_view_init": ([_POINTER, _INT32], _View),
    "llama_kv_cache_view_update": ([_POINTER, ctypes.POINTER(_View)], None),
    "llama_kv_cache_view_free": ([ctypes.POINTER(_View)], None),
}


def _say_nothing(_level: int, _text: bytes, _data: object) -> None:
    """Take the place of the library's own log, which would fill standard error."""


# The library keeps the pointer, so the callback must live as long as the process.
_LOG = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)(_say_nothing)


@functools.cache
def library() -> Any:
    """Load the binding, once.

    Raises:
        UserError: If the package is missing or its library does not load on this machine.
    """
    try:
        binding = importlib.import_module("ik_llama_cpp._ctypes_api")
        for name, (arguments, result) in _UNDECLARED.items():
            function = getattr(binding._lib, name)
            function.argtypes, function.restype = arguments, result
        log_set = binding._lib.llama_log_set
    except (ImportError, OSError, AttributeError) as error:
        raise UserError(
            "The fast engine needs ik-llama-cpp-python 0.1.5, which is missing or does not load here: "
            "install it with `pip install ik-llama-cpp-python==0.1.5`, or use `--engine torch`."
        ) from error
    log_set.argtypes, log_set.restype = [_POINTER, _POINTER], None
    log_set(ctypes.cast(_LOG, _POINTER), None)
    binding.llama_backend_init()
    return binding


def is_available() -> bool:
    """Whether the fast engine can run on this machine."""
    try:
        library()
    except UserError:
        return False
    return True
