"""Own words in the soft prompt: which are picked, and what stands where there are too few."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from persona_demo.arms import ARMS, ArmInputs, arm_named
from persona_demo.arms.soft import read_person
from persona_demo.explain.attribution import leave_one_out
from persona_demo.explain.words import persona_in_words
from persona_demo.history import HistoryItem
from persona_demo.lm.decode import DecodeOptions
from persona_demo.own_words import OwnWords, nearest, own_tokens
from persona_demo.plug.model import PersonaPlug
from persona_demo.runtime import Runtime
from persona_demo.tasks import task_named
from tests import tiny

ITEMS, EACH = 2, 3


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Runtime:
    made = tiny.runtime(tmp_path_factory.mktemp("own"))
    form = {"keyword_tokens": 0, "excerpt_items": ITEMS, "excerpt_tokens": EACH, "base": "own"}
    config = tiny.plug_config(made.lm, made.encoder.width, **form)
    plug = tiny.plug(config, made.encoder)
    return Runtime(lm=made.lm, plug=plug, encoder=made.encoder, atlas=made.atlas, words=made.words)


@pytest.fixture
def given(runtime: Runtime) -> ArmInputs:
    return runtime.arm_inputs(tiny.history(items=6), runtime.task("blog-post"), tiny.history(items=6).items[3].text)


def vectors(given: ArmInputs) -> torch.Tensor:
    return given.plug.standardise(torch.from_numpy(given.encoder.encode(given.texts())))


def test_the_items_nearest_to_the_input_give_excerpts(given: ArmInputs) -> None:
    asked = given.plug.standardise(given.raw_query())[0]
    order = nearest(given.plug, vectors(given), asked)
    assert sorted(order) == list(range(6)) and order[0] == 3
    made = own_tokens(given.plug, given.task, given.items, vectors(given), asked, given.codec)
    assert made.keywords == () and len(made.excerpts) == ITEMS
    texts = [given.items[i].text for i in order]
    assert made.excerpts == tuple(given.codec.encode(f" {text}")[:EACH] for text in texts[:ITEMS])


def test_permuting_a_history_changes_no_excerpt(given: ArmInputs) -> None:
    one = read_person(given).words.excerpts
    turned = read_person(replace(given, items=given.items[::-1])).words.excerpts
    for own, other in zip(one, turned, strict=True):
        np.testing.assert_array_equal(own, other)


def test_without_an_input_the_most_usual_items_are_read(given: ArmInputs) -> None:
    items = vectors(given)
    order = nearest(given.plug, items, None)
    mean = items.mean(0)
    width = 16
    near = [float(torch.cosine_similarity(item[:width], mean[:width], dim=0)) for item in items]
    assert near[order[0]] == max(near)
    assert nearest(given.plug, items[:0], None) == []


def test_excerpts_stand_in_rooms_of_their_own_and_blanks_where_there_are_too_few() -> None:
    lm = tiny.causal_lm()
    form = {"keyword_tokens": 1, "excerpt_items": ITEMS, "excerpt_tokens": EACH, "base": "own"}
    plug = PersonaPlug(tiny.plug_config(lm, 40, **form))
    short, long = lm.embed((5,)), lm.embed((6, 7, 8, 9))
    soft = plug.soft_vectors(torch.zeros(1, 5), "blog-post", words=[OwnWords(lm.embed(()), (short, long))])[0]
    blanks = plug.base_vectors("blog-post")
    torch.testing.assert_close(soft[0], blanks[0])
    torch.testing.assert_close(soft[1:2], torch.from_numpy(short))
    torch.testing.assert_close(soft[2:4], blanks[2:4])
    torch.testing.assert_close(soft[4:7], torch.from_numpy(long[:EACH]))
    torch.testing.assert_close(soft[7:8], blanks[7:8])
    assert plug.config.instruction == slice(7, 8)
    assert len(soft) == plug.config.soft_vectors == len(plug.control_vectors("blog-post"))


def test_somebody_of_whom_a_vector_is_stored_has_no_words(runtime: Runtime, given: ArmInputs) -> None:
    assert runtime.atlas is not None
    stored = ARMS["persona"].build(replace(given, items=(), stored=runtime.atlas.vectors[0])).soft
    own = ARMS["persona"].build(given).soft
    assert stored is not None and own is not None
    blanks = runtime.plug.base_vectors("blog-post").numpy()
    np.testing.assert_array_equal(stored[: ITEMS * EACH], blanks[: ITEMS * EACH])
    assert not np.allclose(own[: ITEMS * EACH], blanks[: ITEMS * EACH])


def test_another_input_makes_other_excerpts_of_the_same_person(runtime: Runtime, given: ArmInputs) -> None:
    task = runtime.task("blog-post")
    history = tiny.history(items=6)
    one, other = (runtime.embed(history, task, query=history.items[i].text).words for i in (1, 4))
    assert one.shape == other.shape == (ITEMS * EACH, 32)
    assert not np.allclose(one, other)


def test_an_excerpt_begins_with_the_answer_where_items_are_judged() -> None:
    review = HistoryItem("r1", "It drags", label="4", input="x")
    rating, headline = task_named("film-rating"), task_named("headline")
    pair = rating.pair(review)
    assert pair is not None
    assert rating.excerpt(review) == f"{pair.target} It drags"
    assert headline.excerpt(review) == "It drags"


def test_excerpts_are_told_in_words(runtime: Runtime, given: ArmInputs) -> None:
    said = persona_in_words(runtime.lm, given, runtime.words)
    assert len(said.excerpts) == ITEMS and said.keywords == ()
    assert len(said.vectors) == runtime.plug.config.persona_tokens


def test_a_text_says_which_words_were_copied(runtime: Runtime, given: ArmInputs) -> None:
    arms = [ARMS["task"], ARMS["persona"]]
    *_, (control, persona) = runtime.compare(given, arms, options=DecodeOptions(max_new_tokens=2))
    assert control.copied == () and len(persona.copied) == ITEMS
    assert all(any(item.text.startswith(piece) for item in given.items) for piece in persona.copied)
    stored = replace(given, items=(), stored=np.zeros(runtime.plug.config.user_width, np.float32))
    assert ARMS["persona"].build(stored).copied == ()


def test_what_is_kept_of_a_person_counts_how_each_item_begins(runtime: Runtime, given: ArmInputs) -> None:
    plain = replace(given, plug=tiny.plug(replace(runtime.plug.config, excerpt_items=0), runtime.encoder))
    more = read_person(given).bytes_kept - read_person(plain).bytes_kept
    assert more == 6 * EACH * 4


def test_a_trained_map_of_excerpts_learns(tmp_path: Path) -> None:
    lm = tiny.causal_lm()
    form = {"keyword_tokens": 0, "excerpt_items": ITEMS, "excerpt_tokens": EACH, "base": "own"}
    plug = PersonaPlug(tiny.plug_config(lm, 40, **form))
    soft = plug.soft_vectors(torch.zeros(1, 5), "blog-post", words=[OwnWords(lm.embed(()), (lm.embed((5, 6)),))])
    soft.square().sum().backward()  # type: ignore[no-untyped-call]
    grown = {name: p.grad for name, p in plug.excerpt_vectors.named_parameters()}
    assert all(grown[name] is not None for name in ("place", "gain", "up.weight"))
    assert float(grown["place"].abs().sum(1).count_nonzero()) == 2  # type: ignore[union-attr]


def test_items_whose_first_words_are_copied_are_told_beside_their_weights(given: ArmInputs, runtime: Runtime) -> None:
    picked = read_person(given).tokens.picked
    assert len(picked) == ITEMS and picked[0] == given.items[3].id
    last = list(leave_one_out(runtime.lm, given, arm_named("persona"), " and the gulls did not mind"))[-1]
    assert {item.item for item in last.items if item.copied} == set(picked)
    assert last.agreement is not None
    said = last.agreement.sentence
    assert "The first words of 2 posts are copied as well, which no weight tells of; " in said
    assert "among the other 4 posts the rank correlation is" in said
    both = list(leave_one_out(runtime.lm, given, arm_named("persona+bm25"), " and the gulls"))[-1]
    assert {item.item for item in both.items if item.copied} == set(picked)
    text = list(leave_one_out(runtime.lm, given, arm_named("bm25"), " and the gulls"))[-1]
    assert not any(item.copied for item in text.items)
