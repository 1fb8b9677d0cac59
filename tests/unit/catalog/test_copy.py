"""The fast engine's copy of the weights takes the place of the file it was made from."""

from __future__ import annotations

import errno
import hashlib
import multiprocessing
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from persona_demo.catalog.fetch import OUTSIDE, Outside
from persona_demo.catalog.models import DEFAULT_LM, local_models, resolve_lm, resolve_matching_lm
from tests.world import GGUF, UNREACHABLE, World, left_over, never


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
