"""Every switch of a plug's form does what it says, is remembered with the plug, and is honoured by its readers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from persona_demo.arms import arm_named
from persona_demo.arms.base import ArmInputs
from persona_demo.errors import UserError
from persona_demo.history import HistoryItem, UserHistory
from persona_demo.items import ItemEncoder, block_parts
from persona_demo.plug.config import PlugConfig
from persona_demo.plug.discriminants import discriminants
from persona_demo.plug.model import PersonaPlug
from persona_demo.plug.query import FOLDER, QueryEncoder
from persona_demo.plug.storage import WEIGHTS, load_plug, save_plug
from persona_demo.runtime import Runtime
from persona_demo.surface import SURFACE_NAMES
from persona_demo.tasks import task_named
from persona_demo.wordfilter import WordFilter
from tests import tiny

TEXTS = ["the ferry was late", "I put the kettle on", "rain on the roof all night"]


def with_form(runtime: Runtime, **changes: object) -> PersonaPlug:
    """A tiny plug of another form for the runtime's models."""
    config = tiny.plug_config(runtime.lm, runtime.encoder.width, **changes)  # type: ignore[arg-type]
    return tiny.plug(config, runtime.encoder)


def inputs_of(runtime: Runtime, plug: PersonaPlug, history: UserHistory) -> ArmInputs:
    """What arms may look at under a plug."""
    given = Runtime(lm=runtime.lm, plug=plug, encoder=runtime.encoder, atlas=None, words=WordFilter.of([]))
    return given.arm_inputs(history, task_named(plug.config.tasks[0]), "The last train")


def batch_of(runtime: Runtime, plug: PersonaPlug) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Items, presence and query of one person."""
    items = plug.standardise(torch.from_numpy(runtime.encoder.encode(TEXTS)))[None]
    query = plug.query(torch.from_numpy(runtime.encoder.encode(["The last train"])), ["The last train"])
    return items, torch.ones(1, 3, dtype=torch.bool), query


@pytest.mark.parametrize("labels", [True, False])
def test_labels_are_read_by_every_arm_and_by_embed_as_the_plug_was_trained(runtime: Runtime, labels: bool) -> None:
    plug = with_form(runtime, labels=labels, aggregator="mean", keyword_tokens=0)
    items = tiny.history(items=4).items
    plain, rated = UserHistory("A", items), UserHistory("A", tuple(replace(i, label="tin cake") for i in items))
    soft = [arm_named("persona").build(inputs_of(runtime, plug, h)).soft for h in (plain, rated)]
    given = Runtime(lm=runtime.lm, plug=plug, encoder=runtime.encoder, atlas=None, words=WordFilter.of([]))
    vectors = [given.embed(h, task_named("blog-post")).user_vector for h in (plain, rated)]
    assert np.array_equal(soft[0], soft[1]) is not labels  # type: ignore[arg-type]
    assert np.array_equal(*vectors) is not labels


@pytest.mark.parametrize(("scaling", "moved", "scaled"), [("standard", 1, 1), ("centred", 1, 0), ("raw", 0, 0)])
def test_item_vectors_are_centred_and_scaled_as_asked(runtime: Runtime, scaling: str, moved: int, scaled: int) -> None:
    plug = with_form(runtime, scaling=scaling)
    raw = torch.from_numpy(runtime.encoder.encode([t for texts in tiny.people_texts() for t in texts]))
    standard = plug.standardise(raw)
    assert torch.equal(standard, raw) is (not moved)
    varied = raw.std(0) > 1e-3
    if moved:
        assert standard.mean(0)[varied].abs().max() < 0.05
    if scaled:
        assert standard.std(0)[varied].median() == pytest.approx(1, abs=0.1)
    assert torch.isfinite(plug.spread).all() and (plug.spread > 0).all()


def test_discriminants_do_not_depend_on_the_unit_of_the_figures() -> None:
    generator = torch.Generator().manual_seed(0)
    people = [torch.randn(8, 6, generator=generator) + 2 * torch.randn(1, 6, generator=generator) for _ in range(40)]
    unit = float(torch.cat(people).var(0).mean())
    found = discriminants(people, 2, ridge=0.05, unit=unit)
    small = discriminants([p / 100 for p in people], 2, ridge=0.05, unit=unit / 1e4)
    torch.testing.assert_close(found, small / 100, rtol=1e-3, atol=1e-4)


def test_people_are_told_apart_within_their_task() -> None:
    generator = torch.Generator().manual_seed(0)
    groups = torch.arange(60) % 2
    people = []
    for group in groups.tolist():
        own = torch.randn(1, 1, generator=generator)
        items = torch.randn(12, 4, generator=generator)
        items[:, 0:1] += 3 * own
        items[:, 1] += 20 * group
        people.append(items)
    first = discriminants(people, 1, ridge=0.05, groups=groups)[:, 0].abs()
    assert first.argmax() == 0
    assert discriminants(people, 1, ridge=0.05)[:, 0].abs().argmax() == 1


def test_projection_before_the_sum_is_equation_four(runtime: Runtime) -> None:
    plug = with_form(runtime, projects="items", shrink=False, components=0)
    items, present, query = batch_of(runtime, plug)
    made = plug.aggregate(items, present, query)
    assert made.user_vectors.shape == (1, plug.config.user_width) == (1, 3 * 32)
    by_hand = sum(w * plug.projector(h) for w, h in zip(made.weights[0], items[0], strict=True))
    torch.testing.assert_close(made.user_vectors[0], by_hand, atol=1e-5, rtol=1e-4)
    persona = plug.project(made.user_vectors, "blog-post")
    expected = plug.base_vectors("blog-post")[-3:] + by_hand.view(3, 32) * plug.scale
    torch.testing.assert_close(persona[0], expected, atol=1e-5, rtol=1e-4)


def test_projected_items_and_shrinking_exclude_each_other(runtime: Runtime) -> None:
    with pytest.raises(UserError, match="shrink"):
        tiny.plug_config(runtime.lm, 40, projects="items")


def test_the_scale_of_soft_vectors_is_the_embeddings_times_a_factor(runtime: Runtime) -> None:
    norms = []
    for factor in (1.0, 0.5):
        config = tiny.plug_config(runtime.lm, 40, soft_scale=factor, keyword_tokens=0)
        norms.append(PersonaPlug(config).control_vectors("blog-post").norm(dim=1).mean().item())
    assert norms[0] == pytest.approx(runtime.lm.info.embedding_norm, rel=0.2)
    assert norms[1] == pytest.approx(norms[0] / 2, rel=1e-5)


def test_the_states_block_is_the_mean_of_the_hidden_states(tmp_path: Path) -> None:
    lm = tiny.causal_lm()
    sentence = tiny.sentence_encoder(tmp_path)
    found = {}
    for layer in ("last", "middle"):
        encoder = ItemEncoder(("states",), sentence=sentence, lm=lm, states_layer=layer)  # type: ignore[arg-type]
        found[layer] = encoder.encode([*TEXTS, ""])
        assert found[layer].shape == (4, 32)
        assert not found[layer][3].any()
        alone = encoder.with_blocks(("states",), states_layer=layer).encode(TEXTS[1:2])  # type: ignore[arg-type]
        np.testing.assert_allclose(alone[0], found[layer][1], atol=1e-5)
    ids = torch.tensor([lm.codec.encode(TEXTS[0])])
    with torch.no_grad():
        states = lm.model(ids, output_hidden_states=True).hidden_states
    np.testing.assert_allclose(found["last"][0], states[-1][0].mean(0), atol=1e-5)
    np.testing.assert_allclose(found["middle"][0], states[1][0].mean(0), atol=1e-5)


def test_hidden_states_of_an_encoder_decoder_are_its_encoders(tmp_path: Path) -> None:
    lm = tiny.seq2seq_lm()
    means = lm.mean_states([lm.codec.encode(t) for t in TEXTS])
    with torch.no_grad():
        states = lm.model.get_encoder()(torch.tensor([lm.codec.encode(TEXTS[0])])).last_hidden_state
    np.testing.assert_allclose(means[0], states[0].mean(0), atol=1e-4)


def test_an_engine_without_hidden_states_is_refused(runtime: Runtime) -> None:
    class Closed:
        """An LM that gives nothing out but what every engine gives."""

        info, codec, embed = runtime.lm.info, runtime.lm.codec, runtime.lm.embed

    sentence = runtime.encoder._sentence
    with pytest.raises(UserError, match="hidden states"):
        ItemEncoder(("states",), sentence=sentence, lm=Closed())  # type: ignore[arg-type]
    assert ItemEncoder(("words",), sentence=sentence, lm=Closed()).width == 32  # type: ignore[arg-type]


def test_blocks_lie_where_the_encoder_puts_them(runtime: Runtime) -> None:
    for blocks in (
        ("sentence", "surface", "words"),
        ("words", "sentence"),
        ("states", "surface"),
        ("score", "sentence"),
    ):
        encoder = runtime.encoder.with_blocks(blocks)  # type: ignore[arg-type]
        config = tiny.plug_config(runtime.lm, encoder.width, blocks=blocks)
        parts = block_parts(config)
        whole = encoder.encode(TEXTS)
        assert list(parts) == list(blocks) and parts[blocks[-1]].stop == encoder.width
        for block, part in parts.items():
            alone = runtime.encoder.with_blocks((block,)).encode(TEXTS)
            np.testing.assert_array_equal(whole[:, part], alone)
    assert parts["sentence"] == slice(5, 21)
    assert len(SURFACE_NAMES) > 400


def trained(runtime: Runtime, folder: Path, **changes: object) -> PersonaPlug:
    """A tiny plug with an input encoder of its own."""
    tiny.sentence_encoder(folder)
    config = tiny.plug_config(runtime.lm, runtime.encoder.width, query_encoder="trained", **changes)  # type: ignore[arg-type]
    own = QueryEncoder.load(folder / "encoder", prefix=config.query_prefix)
    plug = PersonaPlug(config, query_encoder=own)
    plug.fit_population([torch.from_numpy(runtime.encoder.encode(t)) for t in tiny.people_texts()], tiny.people_texts())
    return plug


@pytest.mark.parametrize("aggregator", ["cosine", "projected"])
def test_a_trained_input_encoder_starts_as_the_frozen_one_and_learns(
    runtime: Runtime, tmp_path: Path, aggregator: str
) -> None:
    plug = trained(runtime, tmp_path, aggregator=aggregator)
    raw = torch.from_numpy(runtime.encoder.encode(TEXTS))
    torch.testing.assert_close(plug.query(raw, TEXTS), plug.standardise(raw), atol=1e-3, rtol=1e-3)
    items, present, _ = batch_of(runtime, plug)
    query = plug.query(raw[:1], TEXTS[:1])
    plug.aggregate(items, present, query).weights[0, 0].backward()  # type: ignore[no-untyped-call]
    assert plug.query_encoder is not None
    gradients = [p.grad for p in plug.query_encoder.parameters() if p.grad is not None]
    assert sum(float(g.abs().sum()) for g in gradients) > 0
    assert not plug.train().query_encoder.training  # type: ignore[union-attr]


def test_the_prefix_is_read_before_the_input(runtime: Runtime, tmp_path: Path) -> None:
    plug = trained(runtime, tmp_path, query_prefix="the ferry ")
    assert plug.query_encoder is not None
    plain = QueryEncoder.load(tmp_path / "encoder")
    torch.testing.assert_close(plug.query_encoder(["kettle"]), plain(["the ferry kettle"]))


def test_a_trained_input_encoder_is_saved_with_the_plug_and_names_no_place(runtime: Runtime, tmp_path: Path) -> None:
    plug = trained(runtime, tmp_path / "models")
    assert plug.query_encoder is not None
    with torch.no_grad():
        for parameter in plug.query_encoder.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(0)))
    raw = torch.from_numpy(runtime.encoder.encode(TEXTS))
    before = plug.query(raw, TEXTS)
    save_plug(plug, tmp_path / "plug", card="# A card\n")
    torch.testing.assert_close(plug.query(raw, TEXTS), before)
    again = load_plug(tmp_path / "plug")
    torch.testing.assert_close(again.query(raw, TEXTS), before, atol=5e-3, rtol=5e-3)
    assert not any(p.requires_grad for p in again.parameters())
    files = [path for path in (tmp_path / "plug").rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".json", ".safetensors", ".md"}
    texts = [path.read_text(encoding="utf-8") for path in files if path.suffix == ".json"]
    assert not any(str(tmp_path) in text for text in texts)
    (tmp_path / "plug" / FOLDER / "model.safetensors").unlink()
    with pytest.raises(UserError):
        load_plug(tmp_path / "plug")


def test_arms_ask_with_the_trained_encoder(runtime: Runtime, tmp_path: Path) -> None:
    plug = trained(runtime, tmp_path).requires_grad_(False)
    given = inputs_of(runtime, plug, tiny.history(items=3))
    before = arm_named("persona").build(given).weights
    assert plug.query_encoder is not None
    for parameter in plug.query_encoder.parameters():
        parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)))
    after = arm_named("persona").build(given).weights
    assert before is not None and after is not None
    assert not np.allclose(before, after)


def test_a_plug_without_the_input_encoder_it_needs_is_refused(runtime: Runtime) -> None:
    with pytest.raises(UserError, match="encoder of its own"):
        PersonaPlug(tiny.plug_config(runtime.lm, 40, query_encoder="trained"))


def test_code_in_a_saved_input_encoder_is_never_run(runtime: Runtime, tmp_path: Path) -> None:
    save_plug(trained(runtime, tmp_path / "models"), tmp_path / "plug", card="")
    listing = tmp_path / "plug" / FOLDER / "modules.json"
    listing.write_text(listing.read_text().replace("sentence_transformers.base", "evil.base"), encoding="utf-8")
    with pytest.raises(UserError, match="code of its own"):
        load_plug(tmp_path / "plug")


def test_one_plug_for_two_tasks_shares_all_but_what_is_the_tasks_own(runtime: Runtime) -> None:
    plug = with_form(runtime, tasks=("blog-post", "headline"))
    user = torch.randn(1, plug.config.user_width)
    one, other = (plug.soft_vectors(user, task) for task in ("blog-post", "headline"))
    assert not torch.allclose(one, other)
    changes = [plug.project(user, t) - plug.base_vectors(t)[-3:] for t in ("blog-post", "headline")]  # type: ignore[arg-type]
    torch.testing.assert_close(changes[0], changes[1], atol=1e-5, rtol=1e-4)
    assert not torch.equal(plug.control_vectors("blog-post"), plug.control_vectors("headline"))


def test_each_task_has_its_own_mean_person(runtime: Runtime) -> None:
    config = tiny.plug_config(runtime.lm, runtime.encoder.width, tasks=("blog-post", "headline"))
    plug = PersonaPlug(config)
    texts = tiny.people_texts()
    vectors = [torch.from_numpy(runtime.encoder.encode(t)) for t in texts]
    tasks = ["blog-post", "headline"] * 3
    plug.fit_population(vectors, texts, tasks=tasks)  # type: ignore[arg-type]
    means = [plug.mean_person(task) for task in config.tasks]
    assert not torch.allclose(means[0], means[1])
    torch.testing.assert_close(torch.stack(means).mean(0), plug.population_mean, atol=1e-5, rtol=1e-4)
    alone = with_form(runtime)
    assert torch.equal(alone.mean_person("blog-post"), alone.population_mean)
    assert "task_means" not in alone.state_dict()


def test_forms_survive_saving(runtime: Runtime, tmp_path: Path) -> None:
    changes: dict[str, object] = {
        "tasks": ("blog-post", "headline"),
        "labels": False,
        "scaling": "centred",
        "projects": "items",
        "shrink": False,
        "soft_scale": 0.5,
        "beams": 4,
    }
    plug = with_form(runtime, **changes)
    save_plug(plug, tmp_path, card="")
    again = load_plug(tmp_path)
    assert again.config == plug.config
    items, present, query = batch_of(runtime, plug)
    torch.testing.assert_close(
        again.aggregate(items, present, query).user_vectors,
        plug.aggregate(items, present, query).user_vectors,
        atol=2e-2,
        rtol=2e-2,
    )


def test_a_form_that_leaves_something_out_is_refused(runtime: Runtime) -> None:
    import json

    values = json.loads(runtime.plug.config.to_json())
    assert PlugConfig.from_json(json.dumps(values)) == runtime.plug.config
    del values["base"]
    with pytest.raises(UserError, match="does not say base"):
        PlugConfig.from_json(json.dumps(values))


@pytest.mark.parametrize(
    "changes",
    [
        {"place": "beside"},
        {"aggregator": "magic"},
        {"scaling": "loud"},
        {"blocks": ()},
        {"blocks": ("sentence", "sentence")},
        {"blocks": ("smell",)},
        {"tasks": ()},
        {"tasks": ("poem",)},
        {"soft_scale": 0.0},
        {"soft_scale": float("nan")},
        {"encoder_tokens": 0},
        {"projector_width": 10**9},
        {"blocks": ("words",), "query_encoder": "trained"},
    ],
)
def test_impossible_forms_are_one_sentence(runtime: Runtime, changes: dict[str, object]) -> None:
    with pytest.raises(UserError) as raised:
        tiny.plug_config(runtime.lm, 40, **changes)
    assert str(raised.value).endswith(".") and "\n" not in str(raised.value)


def test_a_form_larger_than_its_weights_is_not_built(runtime: Runtime, tmp_path: Path) -> None:
    save_plug(runtime.plug, tmp_path, card="")
    config = tmp_path / "config.json"
    text = config.read_text(encoding="utf-8").replace('"projector_width": 16', '"projector_width": 131072')
    config.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=WEIGHTS):
        load_plug(tmp_path)


def test_items_without_labels_read_alike_with_and_without_the_switch() -> None:
    task, item = task_named("film-rating"), HistoryItem("i", "Some words")
    assert task.item_text(item, labels=True) == task.item_text(item, labels=False)


def test_several_instruction_vectors_are_the_same_for_everybody(runtime: Runtime) -> None:
    plug = with_form(runtime, instruction_tokens=4)
    users = torch.randn(2, plug.config.user_width, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        one, other = plug.soft_vectors(users, "blog-post")
        control = plug.control_vectors("blog-post")
    part = plug.config.instruction
    assert one.shape == other.shape == control.shape == (4 + 4 + 3, 32)
    torch.testing.assert_close(one[part], other[part])
    assert not torch.allclose(one[part.stop :], other[part.stop :])
    assert torch.equal(one[part], control[part])
