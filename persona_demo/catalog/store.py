"""Model folders on disk: where they lie, whether they are whole, how a new one takes its place.

A stored model is one folder: safetensors weights, tokenizer and a small record that says where they
came from, how large each file is and the fingerprint of the weights. A folder is built under another
name, under a lock, and renamed when it is whole, so a killed run leaves nothing that could be taken
for a model. Knows nothing of networks, nor of which models the project uses.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout

from persona_demo.errors import UserError

Variant = Literal["hub", "registry", "local"]
Report = Callable[[str, float | None], None]
"""Takes a message for the person who waits, and how much is done (0 to 1) or None where unknown."""

RECORD = "persona_demo.json"
POLL_SECONDS = 0.5
"""How often the progress of a download is looked at."""
_SCHEMA = 1
_FULL = (errno.ENOSPC, errno.EDQUOT)


class SourceError(UserError):
    """One source of a model failed, for a reason that another source may not share."""

    def __init__(self, reason: str, advice: str) -> None:
        """Say what was wrong and what to do, as the two halves of one sentence."""
        super().__init__(f"{reason[0].upper()}{reason[1:]}: {advice}")
        self.reason = reason
        self.advice = advice


@dataclass(frozen=True)
class StoredModel:
    """A whole model folder.

    Attributes:
        name: Hub id, the same for every source of the weights; a local folder's name where unknown.
        variant: Where the weights came from.
        folder: Holds safetensors weights, configuration and tokenizer.
        gguf: The GGUF file the folder was converted from, or the copy of it that took its place.
        fingerprint: SHA-256 of the source weights, as hexadecimal digits.
        revision: Hub commit, or package and version; None for a local folder of unknown origin.
        copy_sha256: SHA-256 of ``gguf`` itself where it is a copy, which the fingerprint is not of.
    """

    name: str
    variant: Variant
    folder: Path
    gguf: Path | None
    fingerprint: str
    revision: str | None
    copy_sha256: str | None = None


def silent(message: str, fraction: float | None) -> None:
    """Report progress to nobody."""


def cache_folder() -> Path:
    """Where models are kept: ``PERSONA_DEMO_CACHE``, else ``persona-demo`` in the user's cache folder.

    Raises:
        UserError: If no home folder is known.
    """
    own, shared = os.environ.get("PERSONA_DEMO_CACHE"), os.environ.get("XDG_CACHE_HOME", "")
    try:
        if own:
            return Path(own).expanduser().absolute()
        # The XDG specification says to ignore a relative path.
        base = Path(shared) if Path(shared).is_absolute() else Path.home() / ".cache"
    except RuntimeError as error:
        raise UserError("No home folder is known: set PERSONA_DEMO_CACHE to a folder for models.") from error
    return base / "persona-demo"


def model_folder(cache: Path, name: str, variant: Variant) -> Path:
    """Where a variant of a model lies in a cache folder."""
    return cache / "models" / name.replace("/", "--") / variant


def sha256_file(path: Path) -> str:
    """SHA-256 of a file, as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fingerprint(weights: Iterable[Path]) -> str:
    """SHA-256 of the weights: a single file's own, or that of the sorted digests of several."""
    digests = sorted(sha256_file(path) for path in weights)
    return digests[0] if len(digests) == 1 else hashlib.sha256("\n".join(digests).encode()).hexdigest()


def safetensors(folder: Path) -> list[Path]:
    """The safetensors files of a model folder and the folders in it."""
    return sorted(folder.rglob("*.safetensors"))


def folder_size(folder: Path) -> int:
    """Bytes in a folder's files, some of which may be vanishing just now."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            total += path.stat().st_size if path.is_file() else 0
    return total


def write_record(
    folder: Path, *, name: str, variant: Variant, revision: str, gguf: str | None, copied_from: Path | None = None
) -> None:
    """Write the record that makes a folder a stored model.

    Args:
        folder: Holds everything else already.
        name: Hub id.
        variant: Where the weights came from.
        revision: Hub commit, or package and version.
        gguf: File name of the GGUF file, where there is one.
        copied_from: The file whose copy ``gguf`` is: its fingerprint counts, and it may go afterwards.
    """
    spared = {folder / RECORD, copied_from}
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path not in spared)
    source = copied_from or (folder / gguf if gguf else None)
    record = {
        "schema": _SCHEMA,
        "name": name,
        "variant": variant,
        "revision": revision,
        "gguf": gguf,
        "fingerprint": fingerprint([source] if source else safetensors(folder)),
        "copy_sha256": sha256_file(folder / gguf) if gguf and copied_from else None,
        "files": {path.relative_to(folder).as_posix(): path.stat().st_size for path in files},
    }
    draft = folder / f"{RECORD}.partial"
    draft.write_text(json.dumps(record, indent=1), encoding="utf-8")
    os.replace(draft, folder / RECORD)


def read_stored(folder: Path) -> StoredModel | None:
    """The stored model in a folder, or None where there is none or a file is missing or cut short."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        whole = all((folder / path).stat().st_size == size for path, size in record["files"].items())
        if not whole or record["schema"] != _SCHEMA:
            return None
        return StoredModel(
            name=str(record["name"]),
            variant=record["variant"],
            folder=folder,
            gguf=folder / record["gguf"] if record["gguf"] else None,
            fingerprint=str(record["fingerprint"]),
            revision=record["revision"],
            copy_sha256=record.get("copy_sha256"),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


@contextmanager
def staged(target: Path, *, resume: bool = False) -> Iterator[Path]:
    """A sibling folder that takes the place of ``target`` when the block ends well.

    Hold the model's lock meanwhile: whatever lies there under the sibling's name was left by a
    killed run, and is swept away unless ``resume`` keeps it to go on with.
    """
    staging = target.with_name(f"{target.name}.partial")
    if staging.exists() and not resume:
        shutil.rmtree(staging)
    staging.mkdir(parents=True, exist_ok=True)
    try:
        yield staging
    except BaseException as error:
        # What broke off can be gone on with; what was refused cannot.
        if not resume or type(error) is UserError:
            shutil.rmtree(staging, ignore_errors=True)
        raise
    if target.exists():  # found damaged, or it would not be built again
        shutil.rmtree(target)
    staging.rename(target)


@contextmanager
def locked(cache: Path, name: str, report: Report) -> Iterator[None]:
    """Keep other processes from fetching the same model; the system frees the lock of a killed one."""
    folder = cache / "models"
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / f"{name.replace('/', '--')}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        report(f"Another process is fetching {name}: waiting for it", None)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def disk_errors(cache: Path) -> Iterator[None]:
    """Turn what the file system refuses into one sentence.

    Raises:
        UserError: If the disk is full or the cache folder cannot be written.
    """
    try:
        yield
    except OSError as error:
        if is_disk_full(error):
            raise UserError(
                f"The disk of the cache folder {cache} is full: free about 700 MB, "
                "or set PERSONA_DEMO_CACHE to a folder on another disk."
            ) from error
        if error.errno is None:
            raise
        raise UserError(
            f"The cache folder {cache} cannot be used ({error.strerror}): mend it or delete it, "
            "or set PERSONA_DEMO_CACHE to another folder."
        ) from error


def is_disk_full(error: OSError) -> bool:
    """Whether the error says that no room is left."""
    return error.errno in _FULL
