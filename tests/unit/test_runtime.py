"""What holds the parts together: maps of other plugs, and parts that do not fit."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from persona_demo.errors import UserError
from persona_demo.items import SentenceTransformerEncoder
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


def plug_of(runtime: Runtime, folder: Path, **changes: object) -> Path:
    config = dataclasses.replace(runtime.plug.config, **changes)  # type: ignore[arg-type]
    save_plug(tiny.plug(config, runtime.encoder, seed=4), folder, card="")
    return folder


def test_another_plug_stands_on_the_same_models(runtime: Runtime, tmp_path: Path) -> None:
    folder = plug_of(runtime, tmp_path / "plug", tasks=("headline", "paper-title"))
    other = runtime.with_plug(folder)
    assert (other.lm, other.encoder, other.words) == (runtime.lm, runtime.encoder, runtime.words)
    assert other.atlas is None and other.variant_notice == ""
    assert other.task("headline").name == "headline"
    with pytest.raises(UserError, match="not blog-post"):
        other.task("blog-post")
    assert runtime.task("blog-post").name == "blog-post"
    ada, task = tiny.history(), other.task("paper-title")
    mine = runtime.embed(ada, runtime.task("blog-post")).persona
    assert not np.allclose(other.embed(ada, task).persona, mine)
    assert np.allclose(runtime.embed(ada, runtime.task("blog-post")).persona, mine)


def test_a_plug_of_other_models_is_refused(runtime: Runtime, tmp_path: Path) -> None:
    for change in ({"lm_name": "another/lm"}, {"encoder_name": "another/encoder"}):
        folder = plug_of(runtime, tmp_path / next(iter(change)), **change)
        with pytest.raises(UserError, match="was made for"):
            runtime.with_plug(folder)
    with pytest.raises(UserError, match="holds no plug"):
        runtime.with_plug(tmp_path / "nothing")


def test_plugs_may_read_texts_to_another_length(tmp_path: Path) -> None:
    runtime = tiny.runtime(tmp_path)
    other = runtime.with_plug(plug_of(runtime, tmp_path / "plug", encoder_tokens=5))
    texts = [" ".join(tiny.SENTENCES), tiny.SENTENCES[0]]
    short = SentenceTransformerEncoder(tmp_path / "encoder", max_tokens=5).encode(texts)
    whole = runtime.encoder.encode_sentences(texts)
    assert np.allclose(other.encoder.encode_sentences(texts), short, atol=1e-6)
    assert not np.allclose(short, whole, atol=1e-3)
    # Asked in turn, neither disturbs the other.
    more = [f"{text} again" for text in texts]
    assert np.allclose(
        runtime.encoder.encode_sentences(more), SentenceTransformerEncoder(tmp_path / "encoder").encode(more), atol=1e-6
    )
