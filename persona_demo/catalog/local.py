"""Model folders of the user's own, and what makes any model folder fit to be read.

Weights are read from safetensors files alone, and no code that comes with a model is run. A folder of
the user's is never written to: what is worth remembering of it lies in the cache folder.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from contextlib import suppress
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

from persona_demo.catalog.store import StoredModel, fingerprint, read_stored, safetensors
from persona_demo.errors import UserError


def open_local(folder: Path, cache: Path) -> StoredModel:
    """A model folder of the user's own, which is only read.

    A copy of a stored folder keeps its name, its GGUF file and hence its fingerprint.

    Args:
        folder: Safetensors weights, configuration and tokenizer.
        cache: Cache folder; remembers fingerprints, because large weights take long to hash.

    Raises:
        UserError: If the folder holds no model, or one that only loads by running code.
    """
    folder = folder.absolute()
    if not os.path.isdir(folder):  # unlike Path.is_dir, calm about names no file system can hold
        raise UserError(f"There is no folder {folder}: give the path of a model folder, or a hub id.")
    if not any((folder / name).is_file() for name in ("config.json", "modules.json")):
        raise UserError(f"{folder} holds no config.json: give the folder a model was saved to.")
    refuse_pickles((path.relative_to(folder).as_posix() for path in folder.rglob("*")), str(folder))
    refuse_code(folder, str(folder))
    copied = read_stored(folder)
    gguf = copied.gguf if copied else None
    try:
        value = _remembered_fingerprint([gguf] if gguf else safetensors(folder), cache)
        if copied and value == copied.copy_sha256:
            value = copied.fingerprint
    except OSError as error:
        raise UserError(f"{folder} cannot be read ({error.strerror}): mend its permissions.") from error
    return StoredModel(
        name=copied.name if copied else folder.name,
        variant="local",
        folder=folder,
        gguf=gguf,
        fingerprint=value,
        revision=copied.revision if copied else None,
    )


def refuse_pickles(files: Iterable[str], name: str) -> None:
    """Check that no weights would have to come from a pickle, which can run any code when it is read.

    Args:
        files: Paths inside the model, with forward slashes.
        name: What to call the model in the error.

    Raises:
        UserError: If weights are not in safetensors files.
    """
    paths = [PurePosixPath(file) for file in files]
    safe = {path.parent for path in paths if path.suffix == ".safetensors"}
    pickled = {path.parent for path in paths if fnmatch(path.name, "pytorch_model*.bin")}
    if not safe or pickled - safe:
        raise UserError(
            f"{name} has weights that are not in safetensors files (pickles such as *.bin and *.pt are "
            "never read): choose a model with *.safetensors, or save it again with save_pretrained."
        )


def refuse_code(folder: Path, name: str) -> None:
    """Check that a sentence encoder is made of sentence-transformers' own modules alone.

    Raises:
        UserError: If one of its modules is code of its own, or its list of modules cannot be read.
    """
    listing = folder / "modules.json"
    if not listing.is_file():
        return
    try:
        kinds = [str(module["type"]) for module in json.loads(listing.read_text(encoding="utf-8"))]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"modules.json of {name} cannot be read: fetch the model again.") from error
    for kind in kinds:
        if not kind.startswith("sentence_transformers."):
            raise UserError(f"{name} needs code of its own ({kind}), which is never run: choose another encoder.")


def _remembered_fingerprint(weights: list[Path], cache: Path) -> str:
    # The key changes with every file's place, size and time, so what is remembered is never stale.
    stats = [(str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns) for path in weights]
    memory = cache / "fingerprints" / hashlib.sha256(json.dumps(stats).encode()).hexdigest()
    with suppress(OSError):
        if len(known := memory.read_text(encoding="ascii")) == hashlib.sha256().digest_size * 2:
            return known
    value = fingerprint(weights)
    with suppress(OSError):  # a cache that cannot be written costs time, not the model
        memory.parent.mkdir(parents=True, exist_ok=True)
        memory.write_text(value, encoding="ascii")
    return value
