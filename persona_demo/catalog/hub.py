"""Models from the Hugging Face hub: whether it answers, and a whole download of one model.

Only safetensors, JSON, text and tokenizer files are taken; a model whose weights are pickles is
refused before anything is downloaded. Knows nothing of the cache's layout or of locks.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from fnmatch import fnmatch
from pathlib import Path
from threading import Thread

from persona_demo.catalog.local import refuse_pickles
from persona_demo.catalog.store import (
    POLL_SECONDS,
    Report,
    SourceError,
    folder_size,
    is_disk_full,
    sha256_file,
)

Choose = Callable[[Mapping[str, int]], Collection[str]]
"""Takes the sizes of a repository's files, in bytes by path, and gives the paths to download."""

PROBE_SECONDS = 4.0
_TAKE = ["*.safetensors", "*.json", "*.txt", "*.model", "*.jinja", "*.md", "LICENSE*"]
_LEAVE = ["onnx/*", "openvino/*", "original/*"]


def hub_forbidden() -> bool:
    """Whether an environment variable says not to ask the hub."""
    return any(
        os.environ.get(name, "").strip().lower() in ("1", "true", "yes", "on")
        for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
    )


def hub_answers(name: str, *, endpoint: str | None = None) -> bool:
    """Ask the hub about a model, for a few seconds at most; any answer of the hub's own will do.

    Args:
        name: Hub id.
        endpoint: Address of the hub, where it is not the usual one.
    """
    from huggingface_hub import get_session
    from huggingface_hub.constants import ENDPOINT

    url = f"{endpoint or ENDPOINT}/api/models/{name}"
    answers: list[bool] = []

    def ask() -> None:
        with suppress(Exception):  # whatever goes wrong, there was no answer
            response = get_session().get(url, timeout=PROBE_SECONDS)
            # A gateway or a log-in page of the network answers too, but not in JSON.
            kind = str(response.headers.get("content-type", ""))
            answers.append(kind.startswith("application/json") and response.status_code < 500)

    # Looking up an address has no time limit of its own, hence the thread.
    thread = Thread(target=ask, daemon=True)
    thread.start()
    thread.join(PROBE_SECONDS)
    return answers == [True]


def download_snapshot(
    name: str, folder: Path, report: Report, *, endpoint: str | None = None, choose: Choose | None = None
) -> str:
    """Get the newest commit of a model; what a killed download left in the folder is gone on with.

    Args:
        name: Hub id.
        folder: Holds exactly the model's files afterwards.
        report: Told how far the download is.
        endpoint: Address of the hub, where it is not the usual one.
        choose: Picks what is downloaded; whatever a model needs, when left out.

    Returns:
        The commit that was got.

    Raises:
        SourceError: If the model is unknown, gated or damaged, or the hub stops answering.
        UserError: If its weights are pickles, or what is to be picked is not there.
        OSError: If the disk is full.
    """
    from huggingface_hub import HfApi

    api = HfApi(endpoint=endpoint)
    with _hub_errors(name):
        info = api.model_info(name, files_metadata=True, timeout=PROBE_SECONDS * 4)
    commit, siblings = info.sha, info.siblings or []
    refuse_pickles((file.rfilename for file in siblings), name)
    sizes = {file.rfilename: file.size or 0 for file in siblings}
    chosen = None if choose is None else sorted(choose(sizes))
    taken = {path for path in sizes if _wanted(path)} if chosen is None else set(chosen)
    files = {folder / file.rfilename: file for file in siblings if file.rfilename in taken}
    total = sum(file.size or 0 for file in files.values())
    message = f"Downloading {name} from the Hugging Face hub ({total / 1e6:.0f} MB)"

    def download() -> None:
        with _hub_errors(name):
            take, leave = (_TAKE, _LEAVE) if chosen is None else (chosen, None)
            api.snapshot_download(name, revision=commit, local_dir=folder, allow_patterns=take, ignore_patterns=leave)

    _watch(download, lambda: report(message, min(1.0, folder_size(folder) / max(total, 1))))
    for path, file in files.items():
        # The client hands back an unfinished folder, with a warning, where the network fails midway.
        if not path.is_file() or path.stat().st_size != file.size:
            raise SourceError(f"the download of {name} stopped midway", "try again, and it goes on from there.")
        if file.lfs and sha256_file(path) != file.lfs["sha256"]:
            path.unlink()
            raise SourceError(f"the download of {name} is damaged ({path.name})", "try again.")
    _keep_only(set(files), folder)
    return str(commit)


def _wanted(path: str) -> bool:
    take, leave = (any(fnmatch(path, pattern) for pattern in patterns) for patterns in (_TAKE, _LEAVE))
    return take and not leave


@contextmanager
def _hub_errors(name: str) -> Iterator[None]:
    from huggingface_hub import errors

    try:
        yield
    except errors.GatedRepoError as error:
        advice = "accept its terms on its page of the hub, log in with `hf auth login`, and try again."
        raise SourceError(f"the model {name} is gated", advice) from error
    except (errors.RepositoryNotFoundError, errors.HFValidationError) as error:
        raise SourceError(
            f"the Hugging Face hub has no model {name} that you may read",
            "check how it is spelled, or, if it is private, log in with `hf auth login`.",
        ) from error
    except Exception as error:
        # The client raises its HTTP library's own errors, and which library that is varies by version.
        if isinstance(error, OSError) and is_disk_full(error):
            raise
        raise SourceError(
            f"the Hugging Face hub stopped answering while {name} was downloaded",
            "try again, and the download goes on where it stopped.",
        ) from error


def _watch(work: Callable[[], None], tick: Callable[[], None]) -> None:
    """Do the work in a thread, ticking in this one, and raise here what it raises there."""
    failures: list[Exception] = []

    def guarded() -> None:
        try:
            work()
        except Exception as error:
            failures.append(error)

    thread = Thread(target=guarded, daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            tick()
            thread.join(POLL_SECONDS)
    except Exception:
        thread.join()  # the caller gives its lock back next: nothing may still be writing then
        raise
    if failures:
        raise failures[0]


def _keep_only(files: set[Path], folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):  # what is inside a folder comes before it
        if path.is_dir():
            with suppress(OSError):
                path.rmdir()
        elif path not in files:
            path.unlink()
