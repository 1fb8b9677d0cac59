"""Downloads from the hub: the hub's own client, against a small server on the loopback."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from persona_demo.catalog.hub import download_snapshot, hub_answers
from persona_demo.catalog.store import silent
from persona_demo.errors import UserError

COMMIT = "0123456789abcdef0123456789abcdef01234567"
NOBODY = "http://127.0.0.1:9"


class FakeHub(BaseHTTPRequestHandler):
    """As much of the hub as a download of one model needs."""

    files: ClassVar[dict[str, bytes]] = {}
    served: ClassVar[list[str]] = []
    refusal: ClassVar[str] = ""
    damaged: ClassVar[str] = ""
    lost: ClassVar[str] = ""

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for key, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        described = [
            {"name": name, "size": len(body), "sha256": hashlib.sha256(body).hexdigest()}
            for name, body in self.files.items()
        ]
        if self.refusal == "html":
            self._answer(200, b"<html>Please log in</html>", Content_Type="text/html")
        elif "/some/model" not in path or (self.refusal and "/resolve/" in path):
            kind = self.refusal or "RepoNotFound"
            self._answer(403 if self.refusal else 404, b"{}", X_Error_Code=kind, Content_Type="application/json")
        elif "/resolve/" in path:
            name = path.split(f"/{COMMIT}/")[1]
            if name == self.lost:
                self._answer(404, b"", X_Error_Code="EntryNotFound", X_Repo_Commit=COMMIT)
                return
            if self.command == "GET":
                self.served.append(name)
            body = self.files[name]
            etag = f'"{hashlib.sha256(self.files[name]).hexdigest()}"'
            body = bytes(len(body)) if name == self.damaged else body
            self._answer(200, body, ETag=etag, X_Repo_Commit=COMMIT)
        elif "/tree/" in path:
            tree = [
                {
                    "type": "file",
                    "path": file["name"],
                    "size": file["size"],
                    "oid": file["sha256"],
                    "lfs": {"oid": file["sha256"], "size": file["size"], "pointerSize": 100},
                }
                for file in described
            ]
            self._answer(200, json.dumps(tree).encode(), Content_Type="application/json")
        else:
            siblings = [
                {
                    "rfilename": file["name"],
                    "size": file["size"],
                    "lfs": {"sha256": file["sha256"], "size": file["size"], "pointerSize": 100},
                }
                for file in described
            ]
            info = {"id": "some/model", "sha": COMMIT, "siblings": siblings}
            self._answer(200, json.dumps(info).encode(), Content_Type="application/json")

    do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Address of a hub that has one model, some/model."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    FakeHub.files = {
        "config.json": b"{}",
        "model.safetensors": os.urandom(2000),
        "1_Pooling/config.json": b"{ }",
        "pytorch_model.bin": b"pickle",
        "modeling.py": b"raise SystemExit",
        "onnx/config.json": b"{}",
    }
    FakeHub.served, FakeHub.refusal, FakeHub.damaged, FakeHub.lost = [], "", "", ""
    server = ThreadingHTTPServer(("127.0.0.1", 0), FakeHub)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_snapshot_holds_the_safe_files_and_nothing_else(hub: str, tmp_path: Path) -> None:
    (tmp_path / "stale.safetensors").write_bytes(b"of an older commit")
    seen: list[float | None] = []
    commit = download_snapshot("some/model", tmp_path, lambda _, done: seen.append(done), endpoint=hub)
    assert commit == COMMIT
    found = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert found == {"config.json", "model.safetensors", "1_Pooling/config.json"}
    assert (tmp_path / "model.safetensors").read_bytes() == FakeHub.files["model.safetensors"]
    assert seen and all(done is not None and 0 <= done <= 1 for done in seen)


def test_a_download_that_broke_off_is_gone_on_with(hub: str, tmp_path: Path) -> None:
    FakeHub.lost = "model.safetensors"
    with pytest.raises(UserError, match="try again"):
        download_snapshot("some/model", tmp_path, silent, endpoint=hub)
    FakeHub.lost, FakeHub.served = "", []
    assert download_snapshot("some/model", tmp_path, silent, endpoint=hub) == COMMIT
    assert "model.safetensors" in FakeHub.served


def test_a_damaged_download_is_told_and_thrown_away(hub: str, tmp_path: Path) -> None:
    FakeHub.damaged = "model.safetensors"
    with pytest.raises(UserError, match=r"is damaged \(model\.safetensors\)"):
        download_snapshot("some/model", tmp_path, silent, endpoint=hub)
    FakeHub.damaged, FakeHub.served = "", []
    assert download_snapshot("some/model", tmp_path, silent, endpoint=hub) == COMMIT
    assert FakeHub.served == ["model.safetensors"]


def test_a_pickled_model_is_refused_before_it_is_downloaded(hub: str, tmp_path: Path) -> None:
    del FakeHub.files["model.safetensors"]
    with pytest.raises(UserError, match="safetensors"):
        download_snapshot("some/model", tmp_path, silent, endpoint=hub)
    assert FakeHub.served == []


def test_a_gated_model_is_one_sentence(hub: str, tmp_path: Path) -> None:
    FakeHub.refusal = "GatedRepo"
    with pytest.raises(UserError, match="is gated: accept its terms"):
        download_snapshot("some/model", tmp_path, silent, endpoint=hub)


def test_an_unknown_model_is_one_sentence(hub: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no model other/model"):
        download_snapshot("other/model", tmp_path, silent, endpoint=hub)


def test_a_hub_that_is_gone_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="stopped answering"):
        download_snapshot("some/model", tmp_path, silent, endpoint=NOBODY)


def test_an_error_of_the_caller_is_not_taken_for_the_hubs(hub: str, tmp_path: Path) -> None:
    def report(message: str, fraction: float | None) -> None:
        raise RuntimeError("the window was closed")

    with pytest.raises(RuntimeError, match="closed"):
        download_snapshot("some/model", tmp_path, report, endpoint=hub)


def test_the_probe_tells_the_hub_from_a_log_in_page_and_from_silence(hub: str) -> None:
    assert hub_answers("some/model", endpoint=hub)
    assert hub_answers("other/model", endpoint=hub)
    FakeHub.refusal = "html"
    assert not hub_answers("some/model", endpoint=hub)
    assert not hub_answers("some/model", endpoint=NOBODY)
