"""Plugs to and from the hub: only a plug's files, sizes looked at first, one sentence where there is no network."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from persona_demo.catalog.hub import download_snapshot
from persona_demo.catalog.store import Report, silent
from persona_demo.cli import main
from persona_demo.errors import UserError
from persona_demo.plug import hub as hub_module
from persona_demo.plug.hub import MEGABYTE, Hub, fetch_plug, find_plug, from_pretrained, plug_files, push_to_hub
from persona_demo.plug.storage import load_plug, save_plug
from persona_demo.runtime import Runtime
from tests.unit.catalog import test_hub as server

REPO = "somebody/plug"


class FolderHub:
    """A hub whose repositories are folders on this machine."""

    def __init__(self, root: Path) -> None:
        """Start empty."""
        self.root = root
        self.downloads: list[str] = []
        self.private: bool | None = None

    def create_repo(self, repo_id: str, *, private: bool | None, exist_ok: bool) -> str:
        """Make a repository."""
        (self.root / repo_id).mkdir(parents=True, exist_ok=exist_ok)
        self.private = private
        return f"https://hub.example/{repo_id}"

    def upload_folder(self, *, repo_id: str, folder_path: Path, allow_patterns: list[str], **further: Any) -> None:
        """Copy files."""
        for name in allow_patterns:
            target = self.root / repo_id / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(folder_path / name, target)

    def download(
        self,
        name: str,
        folder: Path,
        report: Report,
        *,
        choose: Callable[[Mapping[str, int]], Collection[str]] | None = None,
    ) -> str:
        """Copy files the other way."""
        self.downloads.append(name)
        files = [path for path in (self.root / name).rglob("*") if path.is_file()]
        sizes = {path.relative_to(self.root / name).as_posix(): path.stat().st_size for path in files}
        assert choose is not None
        for path in choose(sizes):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(self.root / name / path, folder / path)
        return "0123abc"

    def as_hub(self) -> Hub:
        """What the product is given."""
        return Hub(answers=lambda name: True, download=self.download, api=lambda: self)


@pytest.fixture(autouse=True)
def _online(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub may be asked here; it is a folder."""
    monkeypatch.delenv("HF_HUB_OFFLINE")


@pytest.fixture
def folder(runtime: Runtime, tmp_path: Path) -> Path:
    """A plug's folder as training leaves it."""
    save_plug(runtime.plug, tmp_path / "runs" / "mine", card="# A card\n")
    (tmp_path / "runs" / "mine" / "checkpoint").mkdir()
    (tmp_path / "runs" / "mine" / "checkpoint" / "train.safetensors").write_bytes(b"private vectors")
    (tmp_path / "runs" / "mine" / "notes.txt").write_text("mine")
    return tmp_path / "runs" / "mine"


def test_a_plug_pushed_and_pulled_is_the_same_and_nothing_else_travels(folder: Path, tmp_path: Path) -> None:
    there = FolderHub(tmp_path / "hub")
    assert push_to_hub(folder, REPO, private=True, hub=there.as_hub()) == f"https://hub.example/{REPO}"
    assert there.private
    travelled = {path.relative_to(there.root / REPO).as_posix() for path in (there.root / REPO).rglob("*")}
    assert travelled == {"plug.safetensors", "config.json", "README.md"}
    plug = from_pretrained(REPO, cache=tmp_path / "cache", hub=there.as_hub())
    mine = load_plug(folder)
    assert plug.config == mine.config
    assert all(torch.equal(a, b) for a, b in zip(plug.state_dict().values(), mine.state_dict().values(), strict=True))


def test_what_is_here_is_used_without_asking_unless_the_newest_is_wanted(folder: Path, tmp_path: Path) -> None:
    there = FolderHub(tmp_path / "hub")
    push_to_hub(folder, REPO, hub=there.as_hub())
    for _ in range(2):
        from_pretrained(REPO, cache=tmp_path / "cache", hub=there.as_hub())
    assert there.downloads == [REPO]
    fetch_plug(REPO, cache=tmp_path / "cache", hub=there.as_hub(), again=True)
    assert there.downloads == [REPO, REPO]
    silent_hub = Hub(answers=lambda name: False, download=there.download, api=lambda: there)
    assert find_plug(REPO, cache=tmp_path / "cache", hub=silent_hub).is_dir()


def test_a_folder_is_a_plug_by_its_path(folder: Path) -> None:
    assert from_pretrained(folder).config == load_plug(folder).config
    assert find_plug(folder) == folder
    with pytest.raises(UserError, match="holds no plug"):
        from_pretrained(folder.parent / "nowhere")


def test_without_network_there_is_one_sentence(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = Hub(answers=lambda name: False)
    for act in (
        lambda: from_pretrained(REPO, cache=tmp_path / "cache", hub=nobody),
        lambda: push_to_hub(folder, REPO, hub=nobody),
    ):
        with pytest.raises(UserError, match="does not answer") as raised:
            act()
        assert str(raised.value).count(". ") == 0 and str(raised.value).endswith(".")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(UserError, match="forbids"):
        from_pretrained(REPO, cache=tmp_path / "cache")


def test_a_repository_that_is_no_plug_or_too_large_is_refused_before_anything_is_downloaded() -> None:
    good = {"plug.safetensors": 9 * MEGABYTE, "config.json": 900, "README.md": 3000}
    assert plug_files(good, REPO) == ["README.md", "config.json", "plug.safetensors"]
    assert plug_files({**good, "evil.py": 10, "a/../../x.json": 3, "pytorch_model.bin": 3}, REPO) == sorted(good)
    encoder = {"query-encoder/model.safetensors": 200 * MEGABYTE, "query-encoder/1_Pooling/config.json": 200}
    assert set(encoder) <= set(plug_files({**good, **encoder}, REPO))
    with pytest.raises(UserError, match="no plug"):
        plug_files({"model.safetensors": 9, "config.json": 9}, REPO)
    with pytest.raises(UserError, match="MB"):
        plug_files({**good, "plug.safetensors": 4096 * MEGABYTE}, REPO)


def test_a_plug_without_a_card_or_that_cannot_be_read_is_not_pushed(folder: Path, tmp_path: Path) -> None:
    there = FolderHub(tmp_path / "hub")
    (folder / "README.md").unlink()
    with pytest.raises(UserError, match="model card"):
        push_to_hub(folder, REPO, hub=there.as_hub())
    (folder / "plug.safetensors").write_bytes(b"\0" * 64)
    with pytest.raises(UserError, match="does not fit"):
        push_to_hub(folder, REPO, hub=there.as_hub())
    assert not (tmp_path / "hub").exists()
    for name in ("plug", "a/b/c", "../x/y", "a b/c"):
        with pytest.raises(UserError, match="no hub id"):
            push_to_hub(folder, name, hub=there.as_hub())


def test_what_the_hub_refuses_is_one_sentence(folder: Path, tmp_path: Path) -> None:
    from huggingface_hub.errors import LocalTokenNotFoundError

    class Refusing(FolderHub):
        """A hub one may not write to."""

        def create_repo(self, repo_id: str, *, private: bool | None, exist_ok: bool) -> str:
            raise LocalTokenNotFoundError("no token")

    class Gone(FolderHub):
        """A hub that goes away."""

        def upload_folder(self, **further: Any) -> None:
            raise ConnectionError("gone")

    with pytest.raises(UserError, match="hf auth login"):
        push_to_hub(folder, REPO, hub=Refusing(tmp_path / "hub").as_hub())
    with pytest.raises(UserError, match="stopped answering"):
        push_to_hub(folder, REPO, hub=Gone(tmp_path / "hub").as_hub())


def test_the_hubs_own_client_downloads_the_chosen_files_alone(folder: Path, tmp_path: Path) -> None:
    import threading
    from http.server import ThreadingHTTPServer

    files = {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()} | {"evil.py": b"import os"}

    class Serving(server.FakeHub):
        """The small server, with a plug."""

    Serving.files, Serving.served, Serving.refusal, Serving.damaged, Serving.lost = files, [], "", "", ""
    running = ThreadingHTTPServer(("127.0.0.1", 0), Serving)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    try:
        endpoint = f"http://127.0.0.1:{running.server_port}"
        commit = download_snapshot(
            "some/model", tmp_path / "got", silent, endpoint=endpoint, choose=lambda sizes: plug_files(sizes, REPO)
        )
    finally:
        running.shutdown()
        running.server_close()
    assert commit == server.COMMIT
    got = {p.relative_to(tmp_path / "got").as_posix() for p in (tmp_path / "got").rglob("*") if p.is_file()}
    assert {name for name in got if not name.startswith(".cache")} == {"plug.safetensors", "config.json", "README.md"}
    assert load_plug(tmp_path / "got").config == load_plug(folder).config


def test_push_pull_and_plug_by_hub_id_on_the_command_line(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import json

    there = FolderHub(tmp_path / "hub")
    for function in ("push_to_hub", "fetch_plug", "find_plug"):
        defaults = dict(getattr(hub_module, function).__kwdefaults__)
        monkeypatch.setattr(getattr(hub_module, function), "__kwdefaults__", {**defaults, "hub": there.as_hub()})
    assert main(["plug", "push", str(folder), REPO, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["repo"] == REPO
    assert main(["plug", "pull", REPO, "--json"]) == 0
    pulled = Path(json.loads(capsys.readouterr().out)["plug"])
    assert load_plug(pulled).config == load_plug(folder).config
    assert find_plug(Path(REPO)) == pulled
    assert main(["plug", "push", str(folder), "nobody"]) == 2
    assert "no hub id" in capsys.readouterr().err
