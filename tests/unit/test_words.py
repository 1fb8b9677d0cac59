"""A persona in words: nearest words are nearest and clean, figures of style mean what their titles say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from persona_demo.arms import ArmInputs, arm_named
from persona_demo.arms.soft import read_person
from persona_demo.errors import UserError
from persona_demo.explain.pieces import piece_of
from persona_demo.explain.scoring import row_of
from persona_demo.explain.style import (
    STYLE,
    kept_style,
    population_style,
    style_beside_population,
    style_of_texts,
    surface_start,
)
from persona_demo.explain.words import (
    CONTROL_NEAREST,
    InWords,
    NearWord,
    is_word,
    likelier_words,
    nearest_items,
    nearest_words,
    persona_in_words,
)
from persona_demo.history import UserHistory
from persona_demo.items import block_parts
from persona_demo.keywords import words_of
from persona_demo.plug.model import PersonaPlug
from persona_demo.runtime import Runtime
from persona_demo.wordfilter import WordFilter
from tests import tiny

EVERYTHING = WordFilter.of([])


@pytest.fixture
def given(runtime: Runtime) -> ArmInputs:
    """A person and an opening."""
    return runtime.arm_inputs(tiny.history(items=6), runtime.task("blog-post"), "The last train left")


def test_a_vector_that_is_a_word_is_nearest_to_that_word(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("persona_demo.explain.words.CONTROL_NEAREST", 1)
    lm = runtime.lm
    tokens = [t for t in range(lm.info.vocab_size) if is_word(piece_of(lm.codec, t))]
    control = lm.embed(tokens[:1])
    near, chance = nearest_words(lm, lm.embed(tokens), EVERYTHING, control=control)
    assert 0 < chance < 1
    for token, words in zip(tokens[1:], near[1:], strict=True):
        assert words[0].word == piece_of(lm.codec, token).strip()
        assert words[0].cosine == pytest.approx(1, abs=1e-5)
        assert [w.cosine for w in words] == sorted((w.cosine for w in words), reverse=True)
    # What is nearest to the control is shown for nobody.
    shown = {w.word for words in near for w in words}
    assert piece_of(lm.codec, tokens[0]).strip() not in shown


def test_listed_words_are_not_shown(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("persona_demo.explain.words.CONTROL_NEAREST", 0)
    lm = runtime.lm
    token = next(t for t in range(lm.info.vocab_size) if is_word(piece_of(lm.codec, t)))
    word, control = piece_of(lm.codec, token).strip(), lm.embed([0])
    shown = nearest_words(lm, lm.embed([token]), EVERYTHING, control=control)[0][0]
    hidden = nearest_words(lm, lm.embed([token]), WordFilter.of([word]), control=control)[0][0]
    assert shown[0].word == word
    assert word not in [w.word for w in hidden]
    assert CONTROL_NEAREST > 0


def test_likelier_words_are_likelier_and_in_order_of_what_they_move(runtime: Runtime, given: ArmInputs) -> None:
    found = likelier_words(runtime.lm, given, EVERYTHING)
    assert found
    assert all(word.persona > word.control for word in found)
    adds = [w.persona * np.log(w.persona / w.control) for w in found]
    assert adds == sorted(adds, reverse=True)
    with runtime.lm.session() as session:
        logits = session.add([row_of(given, arm_named("persona").build(given))])[0]
    chances = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
    assert any(abs(chances - found[0].persona).min() < 1e-5 for _ in found)
    more = likelier_words(runtime.lm, given, WordFilter.of([found[0].word]), openings=["I put the kettle on"])
    assert all(0 <= w.control <= w.persona <= 1 for w in more)


def test_a_persona_is_said_in_words_items_and_figures(runtime: Runtime, given: ArmInputs) -> None:
    said = persona_in_words(runtime.lm, given, runtime.words)
    assert len(said.vectors) == runtime.plug.config.persona_tokens
    assert set(said.keywords) <= {word for item in given.items for word in words_of(item.text)}
    assert len(said.excerpts) == runtime.plug.config.excerpt_items
    assert all(any(item.text.startswith(text) for item in given.items) for text in said.excerpts)
    assert [i.cosine for i in said.items] == sorted((i.cosine for i in said.items), reverse=True)
    assert {i.item for i in said.items} <= {i.id for i in given.items}
    assert len(said.style) == len(STYLE)
    assert "facts" in said.caveat
    scored = replace(given, items=tuple(replace(item, label="4") for item in given.items))
    assert (said.labelled, persona_in_words(runtime.lm, scored, runtime.words).labelled) == (False, True)
    assert runtime.atlas is not None
    stored = replace(given, items=(), stored=runtime.atlas.vectors[0])
    assert persona_in_words(runtime.lm, stored, runtime.words).items == ()
    nobody = runtime.arm_inputs(UserHistory("Nobody"), runtime.task("blog-post"), "Hello there")
    with pytest.raises(UserError, match="no persona yet"):
        persona_in_words(runtime.lm, nobody, runtime.words)


def test_nearness_is_told_beside_chance() -> None:
    said = InWords((), (), (), ((NearWord("sea", 0.4),), (NearWord("land", 0.11),), ()), 0.1, (), ())
    assert "0.40" in said.nearness and "0.10" in said.nearness and "1 of the 3" in said.nearness


def test_nearest_items_are_those_with_the_largest_cosine(runtime: Runtime, given: ArmInputs) -> None:
    spread = runtime.plug.spread.numpy()
    raw = torch.from_numpy(runtime.encoder.encode(given.texts()))
    items = runtime.plug.reduce(runtime.plug.standardise(raw)).numpy() / spread
    person = read_person(given).user_vector / spread
    cosines = [float(i @ person / np.linalg.norm(i) / np.linalg.norm(person)) for i in items]
    found = nearest_items(given, most=3)
    assert [i.cosine for i in found] == pytest.approx(sorted(cosines, reverse=True)[:3], abs=1e-5)
    assert found[0].item == given.items[int(np.argmax(cosines))].id


def test_style_figures_mean_what_their_titles_say() -> None:
    named = dict(
        zip([k.name for k in STYLE], style_of_texts(["I ran! Did you, too? WHY i ask..."]).tolist(), strict=True)
    )
    assert named["words"] == pytest.approx(8, rel=1e-4)
    assert named["exclamations"] == pytest.approx(100 / 8, rel=1e-4)
    assert named["questions"] == pytest.approx(100 / 8, rel=1e-4)
    assert named["ellipses"] == pytest.approx(100 / 8, rel=1e-4)
    assert named["commas"] == pytest.approx(100 / 8, rel=1e-4)
    assert named["first_person"] == pytest.approx(200 / 8, rel=1e-4)
    assert named["small_i"] == pytest.approx(100 / 8, rel=1e-4)
    assert named["capitals"] == pytest.approx(100 * 5 / 20, rel=1e-4)
    assert style_of_texts([]).tolist() == [0] * len(STYLE)


def test_what_a_map_keeps_of_somebody_stands_beside_the_population(runtime: Runtime) -> None:
    assert runtime.atlas is not None and runtime.atlas.style_of(runtime.atlas.ids[3]) == {}
    style = np.arange(len(runtime.atlas.ids) * len(STYLE), dtype=np.float32).reshape(-1, len(STYLE))
    atlas = replace(runtime.atlas, style=style, style_names=tuple(kind.name for kind in STYLE))
    kept = atlas.style_of(atlas.ids[3])
    assert list(kept.values()) == style[3].tolist() and atlas.style_of("nobody") == {}
    figures = kept_style({name: value for name, value in kept.items() if name != "words"}, runtime.plug)
    assert [figure.kind.name for figure in figures] == [kind.name for kind in STYLE[1:]]
    beside = style_beside_population(["I ran."], runtime.plug)[1:]
    assert [(f.value, f.population, f.distance) for f in figures] == [
        (kept[f.kind.name], g.population, None) for f, g in zip(figures, beside, strict=True)
    ]


def test_a_mark_that_most_texts_lack_is_counted_in_full() -> None:
    place = [kind.name for kind in STYLE].index("exclamations")
    texts = ["It was so good!", *(["It was rather good"] * 9)]
    assert style_of_texts(texts)[place] == pytest.approx(100 / 4 / 10, rel=1e-4)


def test_a_population_s_figures_are_those_of_its_texts(runtime: Runtime) -> None:
    texts = [text for person in tiny.people_texts() for text in person]
    known = population_style(runtime.plug)
    assert known is not None
    # The plug keeps the spread of a sample, which is larger by one part in N than that of these N texts.
    near = 1e-3 + 1 / len(texts)
    for figure in style_beside_population(texts, runtime.plug):
        assert figure.population == pytest.approx(figure.value, rel=near, abs=1e-4)
        assert figure.distance == pytest.approx(0, abs=1e-3)
    start = surface_start(runtime.plug)
    assert start == block_parts(runtime.plug.config)["surface"].start


def test_a_plug_without_surface_figures_has_no_population_figures(runtime: Runtime) -> None:
    config = replace(runtime.plug.config, blocks=("sentence",), item_width=16)
    plug = PersonaPlug(config)
    assert population_style(plug) is None
    figures = style_beside_population(["I ran."], plug)
    assert all(f.population is None and f.distance is None for f in figures)
    assert torch.equal(plug.item_mean, torch.zeros(16))
