"""Fixtures of the catalog's tests: no settings of this machine, a cache folder, and a world outside."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.world import World


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither this machine's settings nor its cache may touch a test."""
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "PERSONA_DEMO_SOURCE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PERSONA_DEMO_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """The cache folder of a test, not made yet."""
    return tmp_path / "cache"


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A world whose hub is silent."""
    folder = tmp_path / "world"
    folder.mkdir()
    return World(folder)
