"""What holds the parts together: maps of other plugs, and parts that do not fit."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from persona_demo.errors import UserError
from persona_demo.plug.model import PersonaPlug
from persona_demo.plug.storage import plug_fingerprint, save_plug
from persona_demo.runtime import Runtime, matching_atlas
from tests import tiny


def test_a_map_of_another_plug_or_a_damaged_one_is_left_aside(runtime: Runtime, tmp_path: Path) -> None:
    save_plug(runtime.plug, tmp_path / "plug", card="")
    made = tiny.atlas(runtime.plug.config.user_width)
    made.save(tmp_path / "atlas")
    assert matching_atlas(tmp_path / "atlas", tmp_path / "plug") is None
    dataclasses.replace(made, plug_fingerprint=plug_fingerprint(tmp_path / "plug")).save(tmp_path / "atlas")
    assert matching_atlas(tmp_path / "atlas", tmp_path / "plug") is not None
    (tmp_path / "atlas" / "atlas.safetensors").write_bytes(b"no")
    assert matching_atlas(tmp_path / "atlas", tmp_path / "plug") is None


def test_parts_that_do_not_fit_are_refused(runtime: Runtime) -> None:
    wide = tiny.plug_config(runtime.lm, runtime.encoder.width + 1)

    with pytest.raises(UserError, match="train a plug"):
        Runtime(lm=runtime.lm, plug=PersonaPlug(wide), encoder=runtime.encoder, atlas=None, words=runtime.words)


def test_other_weights_of_the_same_model_are_said_to_be_others(runtime: Runtime) -> None:
    assert runtime.variant_notice == ""
    config = dataclasses.replace(runtime.plug.config, lm_fingerprint="other")

    other = Runtime(lm=runtime.lm, plug=PersonaPlug(config), encoder=runtime.encoder, atlas=None, words=runtime.words)
    assert "language model are another variant" in other.variant_notice
    parts = {"lm": runtime.lm, "plug": runtime.plug, "encoder": runtime.encoder, "words": runtime.words}
    other = Runtime(**parts, atlas=None, encoder_fingerprint="other")  # type: ignore[arg-type]
    assert "sentence encoder are another variant" in other.variant_notice
