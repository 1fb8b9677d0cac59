"""Properties of the plug: weights, order, empty histories, saving, shrinking."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from persona_demo.errors import UserError
from persona_demo.own_words import OwnWords
from persona_demo.plug.config import PlugConfig
from persona_demo.plug.model import PersonaPlug
from persona_demo.plug.storage import CONFIG, WEIGHTS, load_plug, save_plug
from persona_demo.runtime import Runtime
from tests import tiny


def _batch(runtime: Runtime, length: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    texts = [item.text for item in tiny.history(items=length)]
    items = runtime.plug.standardise(torch.from_numpy(runtime.encoder.encode(texts)))[None]
    query = runtime.plug.standardise(torch.from_numpy(runtime.encoder.encode(["The last train"])))
    return items, torch.ones(1, length, dtype=torch.bool), query


@pytest.mark.parametrize("kind", ["projected", "cosine", "mean"])
def test_weights_sum_to_one_and_follow_a_permutation(runtime: Runtime, kind: str) -> None:
    config = tiny.plug_config(runtime.lm, runtime.encoder.width, aggregator=kind)  # type: ignore[arg-type]
    plug = tiny.plug(config, runtime.encoder)
    items, present, query = _batch(runtime, 6)
    made = plug.aggregate(items, present, query)
    assert made.weights.sum().item() == pytest.approx(1, abs=1e-6)
    order = torch.tensor([3, 0, 5, 1, 4, 2])
    shuffled = plug.aggregate(items[:, order], present, query)
    torch.testing.assert_close(shuffled.weights, made.weights[:, order])
    torch.testing.assert_close(shuffled.user_vectors, made.user_vectors, atol=1e-5, rtol=1e-4)


def test_padding_changes_nothing(runtime: Runtime) -> None:
    items, present, query = _batch(runtime, 4)
    padded = torch.cat([items, torch.randn(1, 3, items.shape[2])], dim=1)
    mask = torch.cat([present, torch.zeros(1, 3, dtype=torch.bool)], dim=1)
    plain, with_padding = runtime.plug.aggregate(items, present, query), runtime.plug.aggregate(padded, mask, query)
    torch.testing.assert_close(with_padding.user_vectors, plain.user_vectors)
    assert with_padding.weights[0, 4:].tolist() == [0, 0, 0]


def test_an_empty_history_is_the_average_person_and_never_nan(runtime: Runtime) -> None:
    width = runtime.encoder.width
    query = torch.randn(1, width)
    made = runtime.plug.aggregate(torch.zeros(1, 0, width), torch.zeros(1, 0, dtype=torch.bool), query)
    assert made.user_vectors.tolist() == torch.zeros(1, runtime.plug.config.user_width).tolist()
    padded = runtime.plug.aggregate(torch.randn(1, 2, width), torch.zeros(1, 2, dtype=torch.bool), query)
    assert not torch.isnan(padded.user_vectors).any()
    assert padded.user_vectors.abs().max().item() == 0


def test_a_short_history_is_drawn_towards_the_average_person(runtime: Runtime) -> None:
    items, present, _ = _batch(runtime, 5)
    few = runtime.plug.aggregate(items[:, :1].expand(-1, 1, -1), present[:, :1], None).user_vectors.norm()
    many = runtime.plug.aggregate(items[:, :1].expand(-1, 50, -1), torch.ones(1, 50).bool(), None).user_vectors.norm()
    assert few < many


def test_an_untrained_plug_makes_everybody_the_average_person(runtime: Runtime) -> None:
    from persona_demo.plug.model import PersonaPlug

    plug = PersonaPlug(replace(runtime.plug.config, base="own"))
    vectors = plug.project(torch.randn(3, runtime.plug.config.user_width), "blog-post")
    torch.testing.assert_close(vectors[0], vectors[1])
    plug.start_from_control()
    soft = plug.soft_vectors(torch.zeros(1, runtime.plug.config.user_width), "blog-post")[0]
    torch.testing.assert_close(soft, plug.control_vectors("blog-post"))


def test_nobody_on_the_control_is_the_control(runtime: Runtime) -> None:
    plug = copy.deepcopy(runtime.plug).requires_grad_(True)
    nobody = plug.soft_vectors(torch.zeros(1, plug.config.user_width), "blog-post")[0]
    assert torch.equal(nobody, plug.control_vectors("blog-post"))
    words = [OwnWords(torch.randn(2, plug.config.hidden_size).numpy())]
    somebody = plug.soft_vectors(torch.randn(1, plug.config.user_width), "blog-post", words=words)[0]
    changed = (somebody != nobody).any(dim=1).tolist()
    # Two keywords of four, no instruction, all three persona vectors.
    assert changed == [True, True, False, False, False, True, True, True]
    somebody.square().sum().backward()  # type: ignore[no-untyped-call]
    assert all(p.grad is None for p in plug.control.parameters())
    assert all(p.grad is not None for n, p in plug.named_parameters() if n.startswith(("projector", "keyword")))


def test_save_and_load_give_identical_vectors(runtime: Runtime, tmp_path: Path) -> None:
    save_plug(runtime.plug, tmp_path, card="# A card\n")
    once = load_plug(tmp_path)
    save_plug(once, tmp_path / "again", card="# A card\n")
    twice = load_plug(tmp_path / "again")
    items, present, query = _batch(runtime, 5)
    for plug in (once, twice):
        assert plug.config == runtime.plug.config
    first, second = (p.aggregate(items, present, query).user_vectors for p in (once, twice))
    assert torch.equal(first, second)
    assert torch.equal(once.soft_vectors(first, "blog-post"), twice.soft_vectors(second, "blog-post"))
    # What ships is float16: close to what was trained, and from then on always the same.
    np.testing.assert_allclose(
        once.soft_vectors(first, "blog-post"), runtime.plug.soft_vectors(first, "blog-post"), rtol=0.02, atol=0.02
    )


@pytest.mark.parametrize("damage", ["weights", "config", "missing", "other form"])
def test_a_damaged_plug_is_one_clear_sentence(runtime: Runtime, tmp_path: Path, damage: str) -> None:
    save_plug(runtime.plug, tmp_path, card="")
    if damage == "weights":
        (tmp_path / WEIGHTS).write_bytes(b"\x00" * 64)
    elif damage == "config":
        (tmp_path / CONFIG).write_text("[1, 2]", encoding="utf-8")
    elif damage == "missing":
        (tmp_path / WEIGHTS).unlink()
    else:
        text = (tmp_path / CONFIG).read_text(encoding="utf-8").replace('"persona_tokens": 3', '"persona_tokens": 4')
        (tmp_path / CONFIG).write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as raised:
        load_plug(tmp_path)
    assert str(raised.value).endswith((".", "one."))
    assert "\n" not in str(raised.value)


def test_the_configuration_survives_json(runtime: Runtime) -> None:
    assert PlugConfig.from_json(runtime.plug.config.to_json()) == runtime.plug.config


def test_people_of_one_item_are_trained_on_too_and_say_nothing_of_what_varies_within(runtime: Runtime) -> None:
    config = tiny.plug_config(runtime.lm, runtime.encoder.width)
    texts = tiny.people_texts()
    one = [["a profile of a single line"], ["and another one, about a gate"]]

    def fitted(people: list[list[str]]) -> PersonaPlug:
        made = PersonaPlug(config)
        made.fit_population([torch.from_numpy(runtime.encoder.encode(t)) for t in people], people)
        return made

    made = fitted([*texts, *one])
    assert all(values.isfinite().all() for values in made.buffers())
    assert not torch.equal(made.population_mean, fitted(texts).population_mean)
    with pytest.raises(UserError, match="Nobody to train on has two items"):
        fitted(one)


def test_measures_that_are_no_numbers_are_refused(runtime: Runtime) -> None:
    people = [torch.from_numpy(runtime.encoder.encode(t)) for t in tiny.people_texts()]
    people[0][0, 0] = torch.nan
    config = tiny.plug_config(runtime.lm, runtime.encoder.width, components=0)
    with pytest.raises(UserError, match=r"no finite figures of .*item_mean"):
        PersonaPlug(config).fit_population(people, tiny.people_texts())
