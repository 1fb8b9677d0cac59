"""Where figures come from: command, commit, models and data, without dates and without this machine's paths."""

from __future__ import annotations

import hashlib
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from persona_demo.lm.base import LMInfo
from persona_demo.plug.storage import load_plug, plug_fingerprint

ROOT = Path(__file__).resolve().parents[2]
DATA_FILES = ("*.jsonl.gz", "*.jsonl", "*.json")
_LEFT_OUT = ("--out",)

Record = dict[str, Any]


def provenance(
    words: Sequence[str], *, program: str, plug: Path, lm: LMInfo | None = None, data: Path | None = None
) -> Record:
    """Everything needed to make the same figures again.

    Args:
        words: Words of the command line.
        program: What was called with them.
        plug: The plug's folder.
        lm: The language model that ran; the plug's own, when left out.
        data: Corpus folder, where figures are of people.

    Raises:
        UserError: If the plug cannot be read.
    """
    config = load_plug(plug).config
    lm_name, lm_digest = (config.lm_name, config.lm_fingerprint) if lm is None else (lm.name, lm.fingerprint)
    record: Record = {
        "command": command_line(words, program=program),
        "commit": commit(),
        "models": {
            "lm": {"name": lm_name, "sha256": lm_digest},
            "encoder": {"name": config.encoder_name, "sha256": config.encoder_fingerprint},
            "plug": {"name": plug.name, "sha256": plug_fingerprint(plug)},
        },
    }
    if lm is not None:
        record["device"] = lm.device
    return record if data is None else record | {"data": {"name": data.name, "sha256": data_digest(data)}}


def command_line(words: Sequence[str], *, program: str) -> str:
    """The command as anybody may type it: folders by name, or as they lie in the project."""
    kept, waiting = [], [word for given in words for word in _halves(given)]
    while waiting:
        word = waiting.pop(0)
        if word in _LEFT_OUT:
            waiting.pop(0)
        elif word == "--data" and waiting:
            kept += [word, f"CORPUS/{Path(waiting.pop(0)).resolve().name}"]
        else:
            kept.append(_portable(word))
    return f"{program} {shlex.join(kept)}"


def _halves(word: str) -> list[str]:
    return word.split("=", 1) if word.startswith("--") and "=" in word else [word]


def _portable(word: str) -> str:
    path = Path(word)
    if not path.is_absolute():
        return word
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else path.name


def commit() -> str:
    """The project's commit, with a plus sign where tracked files differ from it; ``unknown`` outside of git."""
    found = _git("rev-parse", "HEAD")
    if not found:
        return "unknown"
    changed = _git("status", "--porcelain", "--untracked-files=no")
    return f"{found}+" if changed else found


def _git(*words: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def data_digest(folder: Path) -> str:
    """One SHA-256 over the names and contents of a folder's data files."""
    paths = sorted({path for form in DATA_FILES for path in folder.rglob(form) if path.is_file()})
    whole = hashlib.sha256()
    for path in paths:
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        whole.update(f"{path.relative_to(folder).as_posix()}\0{content}\n".encode())
    return whole.hexdigest()
