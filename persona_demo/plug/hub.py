"""Plugs from the Hugging Face hub and to it: a plug is its weights, its form and its card, and nothing else.

Of a repository only the files of a plug are downloaded, after their names and sizes were looked at;
of a folder only they are uploaded, after it was read as a plug. Downloads are kept in the cache folder,
and what is there is used without asking anybody.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Protocol

from persona_demo.catalog.hub import Choose, download_snapshot, hub_answers, hub_forbidden
from persona_demo.catalog.store import (
    Report,
    SourceError,
    cache_folder,
    disk_errors,
    locked,
    read_stored,
    silent,
    staged,
    write_record,
)
from persona_demo.errors import UserError
from persona_demo.leakage import FINGERPRINT
from persona_demo.plug.model import PersonaPlug
from persona_demo.plug.query import FOLDER
from persona_demo.plug.storage import CARD, CONFIG, WEIGHTS, load_plug

MEGABYTE = 1024**2
_LIMITS: Mapping[str, int] = {
    WEIGHTS: 512 * MEGABYTE,
    CONFIG: MEGABYTE,
    CARD: MEGABYTE,
    FINGERPRINT: 64 * MEGABYTE,
    f"{FOLDER}/*.safetensors": 4096 * MEGABYTE,
    f"{FOLDER}/*.json": 32 * MEGABYTE,
    f"{FOLDER}/*.txt": 32 * MEGABYTE,
}
"""Files of a plug, and how many bytes each may have."""
_REPO = re.compile(r"\w[\w.-]*/\w[\w.-]*")


class HubApi(Protocol):
    """As much of ``huggingface_hub.HfApi`` as a push needs."""

    def create_repo(self, repo_id: str, *, private: bool | None, exist_ok: bool) -> Any:
        """Make a repository where there is none."""
        ...

    def upload_folder(
        self,
        *,
        repo_id: str,
        folder_path: Path,
        allow_patterns: list[str],
        delete_patterns: list[str],
        commit_message: str,
    ) -> Any:
        """Put files of a folder into a repository, in one commit."""
        ...


class Download(Protocol):
    """Fills a folder from a repository of the hub and returns the commit."""

    def __call__(self, name: str, folder: Path, report: Report, *, choose: Choose | None = None) -> str:
        """Download."""
        ...


def _api() -> HubApi:
    from huggingface_hub import HfApi

    return HfApi()


@dataclass(frozen=True)
class Hub:
    """The hub, as far as plugs reach into it; a test brings its own.

    Attributes:
        answers: Whether it answers when asked about a hub id.
        download: Gets a repository.
        api: Makes the client that pushes.
    """

    answers: Callable[[str], bool] = hub_answers
    download: Download = download_snapshot
    api: Callable[[], HubApi] = _api


HUB = Hub()


def from_pretrained(
    name: str | Path, *, cache: Path | None = None, report: Report = silent, hub: Hub = HUB
) -> PersonaPlug:
    """A plug by the path of its folder or by its hub id.

    Args:
        name: Folder, or hub id such as ``somebody/plug``.
        cache: Cache folder; that of :func:`~persona_demo.catalog.store.cache_folder` where None.
        report: Told what is being waited for.
        hub: How to reach the hub.

    Returns:
        The plug in float32, in evaluation mode, its parameters frozen.

    Raises:
        UserError: If there is no such plug, or it cannot be had; says what to do.
    """
    return load_plug(find_plug(name, cache=cache, report=report, hub=hub))


def find_plug(name: str | Path, *, cache: Path | None = None, report: Report = silent, hub: Hub = HUB) -> Path:
    """The folder of a plug, fetched from the hub where it is a hub id that is not here yet.

    Args:
        name: Folder or hub id.
        cache: This and the other options are those of :func:`from_pretrained`.
        report: See there.
        hub: See there.

    Raises:
        UserError: If the hub has no such plug or cannot be asked.
    """
    text = os.fspath(name)
    if os.path.isdir(text) or not _REPO.fullmatch(text):
        return Path(text).expanduser()
    return fetch_plug(text, cache=cache, report=report, hub=hub)


def fetch_plug(
    repo: str, *, cache: Path | None = None, report: Report = silent, hub: Hub = HUB, again: bool = False
) -> Path:
    """A plug of the hub, in the cache folder.

    Args:
        repo: Hub id.
        cache: This and the next options are those of :func:`from_pretrained`.
        report: See there.
        hub: See there.
        again: Also where it is here already: what is newest there is wanted.

    Returns:
        Its folder.

    Raises:
        UserError: If the hub has no such plug or cannot be asked.
    """
    _check_name(repo)
    cache = cache or cache_folder()
    target = cache / "plugs" / repo.replace("/", "--")
    if not again and read_stored(target):
        return target
    with disk_errors(cache), locked(cache, f"plug/{repo}", report):
        if again or not read_stored(target):
            _ask(hub, repo, f"there is no plug {repo} here")
            with staged(target, resume=True) as staging:
                commit = hub.download(repo, staging, report, choose=lambda sizes: plug_files(sizes, repo))
                load_plug(staging)
                write_record(staging, name=repo, variant="hub", revision=commit, gguf=None)
    report(f"The plug {repo} is ready", 1.0)
    return target


def push_to_hub(folder: Path, repo: str, *, private: bool = False, hub: Hub = HUB) -> str:
    """Put a plug on the hub, in one commit.

    Args:
        folder: The plug's folder; what else lies in it stays here.
        repo: Hub id; made where there is none.
        private: Where it is made: for its owner alone.
        hub: How to reach the hub.

    Returns:
        Address of its page.

    Raises:
        UserError: If the folder holds no plug that can be read, or the hub cannot be written to.
    """
    _check_name(repo)
    load_plug(folder)
    sizes = {path.relative_to(folder).as_posix(): path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    if CARD not in sizes:
        raise UserError(f"{folder} holds no model card ({CARD}): write one that names data, terms and limits.")
    files = plug_files(sizes, str(folder))
    _ask(hub, repo, f"the plug in {folder} was not pushed")
    try:
        api = hub.api()
        page = api.create_repo(repo, private=private, exist_ok=True)
        api.upload_folder(
            repo_id=repo,
            folder_path=folder,
            allow_patterns=files,
            # An input encoder of an earlier plug would be read with this one.
            delete_patterns=[f"{FOLDER}/*"],
            commit_message="A Persona-Plug",
        )
    except Exception as error:
        raise _refused(error, repo) from error
    return str(page)


def plug_files(sizes: Mapping[str, int], name: str) -> list[str]:
    """Those files that make a plug, by path.

    Args:
        sizes: Bytes of all files.
        name: What to call the plug in the error.

    Raises:
        UserError: If weights or form are missing, or a file is larger than one of a plug may be.
    """
    if missing := [file for file in (WEIGHTS, CONFIG) if file not in sizes]:
        raise UserError(f"{name} is no plug, since it has no {' and no '.join(missing)}: name another.")
    found = []
    for path, size in sizes.items():
        limit = next((most for pattern, most in _LIMITS.items() if fnmatch(path, pattern)), None)
        if limit is None or ".." in path.split("/"):
            continue
        if size > limit:
            raise UserError(
                f"{path} of {name} has {size / MEGABYTE:,.0f} MB, and a plug's may have {limit / MEGABYTE:,.0f}: "
                "name another plug."
            )
        found.append(path)
    return sorted(found)


def _check_name(repo: str) -> None:
    if not _REPO.fullmatch(repo):
        raise UserError(f"{repo!r} is no hub id: write an owner and a name, such as somebody/plug.")


def _ask(hub: Hub, repo: str, what: str) -> None:
    """Make sure that the hub answers."""
    if hub_forbidden():
        raise SourceError(f"{what}, and HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE forbids asking the hub", "unset it.")
    if not hub.answers(repo):
        raise SourceError(f"{what}, and the Hugging Face hub does not answer", "check the network and try again.")


def _refused(error: Exception, repo: str) -> UserError:
    """One sentence for what the hub's client raises."""
    from huggingface_hub import errors

    status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(error, errors.LocalTokenNotFoundError) or status in (401, 403, 404):
        return UserError(
            f"The hub does not let you write to {repo}: log in with `hf auth login`, with a token that may."
        )
    return UserError(f"The hub stopped answering while {repo} was pushed: try again.")
