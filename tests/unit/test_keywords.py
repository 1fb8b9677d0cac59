"""Keywords: what is a person's own, measured against the population, and without keeping anybody's words."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from persona_demo.errors import UserError
from persona_demo.history import UserHistory
from persona_demo.keywords import BUCKETS, Keywords, words_of
from persona_demo.own_words import OwnWords
from persona_demo.plug.model import PersonaPlug, discriminants
from persona_demo.runtime import Runtime
from tests import tiny

PEOPLE = [["the ferry was late", "the gulls and the ferry"], ["the kettle is on"], ["the cake, the tin"]]


def test_words_keep_their_case_and_marks_count_as_words() -> None:
    assert words_of("Don't tell JO... it's a :) day!! x") == {"Don't", "tell", "JO", "...", "it's", ":)", "day", "!!"}


def test_what_everybody_says_is_nobodys_keyword() -> None:
    keywords = Keywords.measure(PEOPLE)
    assert keywords.rarity("the") == 0
    assert keywords.rarity("ferry") == pytest.approx(np.log(3), abs=1e-5)
    assert keywords.rarity("zeppelin") > keywords.rarity("ferry")
    assert keywords.of(PEOPLE[0])[0] == "ferry"


def test_words_said_once_are_left_out_of_longer_histories() -> None:
    keywords = Keywords.measure(PEOPLE)
    texts = ["my ferry", "my ferry again", "nothing", "my own tin"]
    assert set(keywords.of(texts)) == {"my", "ferry"}
    assert {"my", "ferry", "again"} <= set(keywords.of(texts[:2]))


def test_the_order_of_a_history_does_not_matter() -> None:
    keywords = Keywords.measure(PEOPLE)
    texts = [text for person in tiny.people_texts() for text in person]
    assert keywords.of(texts) == keywords.of(texts[::-1])


def test_tokens_are_whole_words_within_the_budget(runtime: Runtime) -> None:
    keywords = Keywords.measure(PEOPLE)
    texts = [text for person in tiny.people_texts() for text in person]
    for most in (0, 3, 8):
        tokens = keywords.tokens(texts, runtime.lm.codec, most=most)
        assert len(tokens) <= most
        assert set(runtime.lm.codec.decode(tokens).split()) <= set(keywords.of(texts))
    assert keywords.tokens([], runtime.lm.codec, most=8) == ()


def test_no_word_is_kept_with_a_plug(runtime: Runtime) -> None:
    assert runtime.plug.word_shares.shape == (BUCKETS,)
    assert 0 <= runtime.plug.word_shares.min() and runtime.plug.word_shares.max() <= 1


def test_somebody_without_keywords_reads_the_blanks(runtime: Runtime) -> None:
    plug = runtime.plug
    user = torch.randn(2, plug.config.user_width)
    none = plug.soft_vectors(user, "blog-post")
    empty = [OwnWords.none(32), OwnWords(torch.randn(2, 32).numpy())]
    some = plug.soft_vectors(user, "blog-post", words=empty)
    torch.testing.assert_close(none[0], some[0])
    torch.testing.assert_close(none[1, 2:], some[1, 2:])
    assert not torch.allclose(none[1, :2], some[1, :2])
    torch.testing.assert_close(
        none[0, : plug.config.keyword_tokens], plug.base_vectors("blog-post")[: plug.config.keyword_tokens]
    )


def test_keyword_vectors_on_a_base_of_its_own_start_at_the_embeddings_of_the_words() -> None:
    lm = tiny.causal_lm()
    plug = PersonaPlug(tiny.plug_config(lm, 40, base="own"))
    words = OwnWords(lm.embed((5, 6, 7)))
    soft = plug.soft_vectors(torch.zeros(1, 5), "blog-post", words=[words])
    torch.testing.assert_close(soft[0, :3], torch.from_numpy(words.keywords))


def test_keyword_vectors_on_the_control_start_at_the_control() -> None:
    lm = tiny.causal_lm()
    plug = PersonaPlug(tiny.plug_config(lm, 40))
    soft = plug.soft_vectors(torch.randn(1, 5), "blog-post", words=[OwnWords(lm.embed((5, 6, 7)))])
    torch.testing.assert_close(soft[0], plug.control_vectors("blog-post"))


def test_a_plug_without_keywords_or_components_is_the_papers(runtime: Runtime) -> None:
    config = tiny.plug_config(runtime.lm, runtime.encoder.width, keyword_tokens=0, components=0)
    plug = tiny.plug(config, runtime.encoder)
    assert plug.keywords is None
    assert plug.config.user_width == runtime.encoder.width
    assert plug.soft_vectors(torch.zeros(1, config.user_width), "blog-post").shape == (1, 4, 32)
    assert "basis" not in plug.state_dict() and "word_shares" not in plug.state_dict()


def test_other_words_make_another_persona(runtime: Runtime) -> None:
    def persona(*texts: str) -> np.ndarray:
        history = UserHistory("A").with_items(tiny.history(items=len(texts)).items)
        items = tuple(type(i)(id=i.id, text=t) for i, t in zip(history.items, texts, strict=True))
        task = runtime.task("blog-post")
        return runtime.embed(history.with_items(items), task).words

    one, other = persona("zo ka", "zo"), persona("mu ka", "mu")
    assert one.shape == other.shape and not np.allclose(one, other)


def test_discriminants_find_what_tells_people_apart() -> None:
    generator = torch.Generator().manual_seed(0)
    people = []
    for _ in range(60):
        own = torch.randn(1, 2, generator=generator)
        items = torch.randn(12, 6, generator=generator) * torch.tensor([1, 1, 9, 9, 1, 1])
        items[:, :2] += 2 * own
        people.append(items)
    found = discriminants(people, 2, ridge=0.05)
    assert found.shape == (6, 2)
    assert found[:2].norm() / found.norm() > 0.95
    assert torch.equal(found, discriminants(people, 2, ridge=0.05))


@pytest.mark.parametrize(("name", "value"), [("components", -1), ("components", 41), ("keyword_tokens", -2)])
def test_impossible_sizes_are_one_sentence(name: str, value: int) -> None:
    with pytest.raises(UserError, match=name):
        tiny.plug_config(tiny.causal_lm(), 40, **{name: value})
