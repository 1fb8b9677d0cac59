"""Folders of the user's own: used as they are, and never trusted."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from persona_demo.catalog.models import resolve_encoder, resolve_lm
from persona_demo.errors import UserError
from tests.world import UNREACHABLE, World, save_model, sha256


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
