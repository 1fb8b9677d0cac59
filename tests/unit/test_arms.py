"""Every arm makes the conditioning it promises, on tiny models."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from persona_demo.arms import ARMS, ArmInputs, arms_named
from persona_demo.arms.text import RETRIEVED_ITEMS, RETRIEVED_TOKENS, rank_bm25
from persona_demo.errors import UserError
from persona_demo.explain.scoring import row_of
from persona_demo.history import HistoryItem, UserHistory
from persona_demo.lm.decode import DecodeOptions
from persona_demo.runtime import Runtime
from persona_demo.tasks import WritingPair, task_named
from persona_demo.tasks.base import fit_budget
from tests import tiny

PROMPT = "The last train left"


def inputs(runtime: Runtime, history: UserHistory, *, prompt: str = PROMPT) -> ArmInputs:
    """What arms may look at."""
    return runtime.arm_inputs(history, runtime.task("blog-post"), prompt)


def test_persona_weighs_every_item_and_says_what_is_kept(runtime: Runtime) -> None:
    made = ARMS["persona"].build(inputs(runtime, tiny.history(items=5)))
    assert made.weights is not None
    assert made.weights.shape == (5,)
    assert made.weights.sum() == pytest.approx(1, abs=1e-5)
    assert made.soft is not None
    assert made.soft.shape == (8, 32)
    assert made.bytes_per_user == (5 * runtime.encoder.width + 4) * 4


def test_the_order_of_items_does_not_move_the_persona(runtime: Runtime) -> None:
    history = tiny.history(items=5)
    turned = history.with_items(history.items[::-1])
    one, other = (ARMS["persona"].build(inputs(runtime, h)) for h in (history, turned))
    assert one.soft is not None and other.soft is not None
    assert one.weights is not None and other.weights is not None
    np.testing.assert_allclose(one.soft, other.soft, atol=1e-4)
    np.testing.assert_allclose(one.weights, other.weights[::-1], atol=1e-6)


def test_without_a_history_the_persona_is_the_control_and_retrieval_is_the_model_alone(runtime: Runtime) -> None:
    empty = inputs(runtime, UserHistory("Nobody"))
    control, persona = ARMS["task"].build(empty), ARMS["persona"].build(empty)
    assert control.soft is not None and persona.soft is not None
    assert np.array_equal(control.soft, persona.soft)
    for name in ("bm25", "dense", "recent"):
        assert ARMS[name].build(empty).retrieved == ()


def test_strength_zero_writes_what_the_control_writes(runtime: Runtime) -> None:
    options = DecodeOptions(max_new_tokens=10)
    states = list(
        runtime.compare(
            inputs(runtime, tiny.history(items=5)), arms_named(["task", "persona"]), strength=0, options=options
        )
    )[-1]
    assert states[0].written.tokens == states[1].written.tokens


def test_the_placebo_is_somebody_else_and_not_the_person(runtime: Runtime) -> None:
    given = inputs(runtime, tiny.history(items=5))
    own, other = ARMS["persona"].build(given), ARMS["persona:other"].build(given)
    assert own.soft is not None and other.soft is not None
    assert own.soft.shape == other.soft.shape
    assert not np.allclose(own.soft, other.soft)
    with pytest.raises(UserError, match="another person"):
        ARMS["persona:other"].build(replace(given, other=None))


def test_a_stored_vector_stands_in_for_texts_that_are_not_shipped(runtime: Runtime) -> None:
    assert runtime.atlas is not None
    given = replace(inputs(runtime, UserHistory("p0001")), stored=runtime.atlas.vectors[1])
    made = ARMS["persona"].build(given)
    assert made.weights is None
    assert made.bytes_per_user == runtime.plug.config.user_width * 4
    assert made.soft is not None
    again = ARMS["persona"].build(replace(given, input_text="Something else"))
    assert again.soft is not None
    assert np.array_equal(made.soft, again.soft)


def test_muted_items_are_read_by_no_arm(runtime: Runtime) -> None:
    history = tiny.history(items=5)
    muted = history.with_items((*history.items[:4], replace(history.items[4], muted=True)))
    shorter = history.with_items(history.items[:4])
    for name in ("persona", "bm25", "dense", "recent"):
        one, other = (ARMS[name].build(inputs(runtime, h)) for h in (muted, shorter))
        assert one.retrieved == other.retrieved
        if one.soft is not None and other.soft is not None:
            assert np.array_equal(one.soft, other.soft)


def test_retrieval_takes_four_items_with_the_best_one_last(runtime: Runtime) -> None:
    history = tiny.history(items=9)
    recent = ARMS["recent"].build(inputs(runtime, history)).retrieved
    assert len(recent) == RETRIEVED_ITEMS
    assert recent[-1].startswith(history.items[-1].text[:10])
    exact = history.items[2].text
    for name in ("bm25", "dense"):
        found = ARMS[name].build(inputs(runtime, history, prompt=exact)).retrieved
        assert exact.startswith(found[-1][:20])


def test_retrieved_text_keeps_within_its_budget(runtime: Runtime) -> None:
    long = UserHistory("Long", tuple(HistoryItem(f"x{i}", "many words here " * 60) for i in range(6)))
    for name in ("bm25", "dense", "recent"):
        given = inputs(runtime, long)
        read = row_of(given, ARMS[name].build(given)).text_tokens
        assert read - row_of(given, ARMS["plain"].build(given)).text_tokens <= RETRIEVED_TOKENS


def test_half_a_character_in_an_input_is_marked_and_read(runtime: Runtime) -> None:
    history = UserHistory("Ada", (HistoryItem("a", "Some words."), HistoryItem("b", "Others, then.")))
    task, half = task_named("blog-post"), "I saw \ud83d and \udcff"
    assert WritingPair(input=half, target=half).input == "I saw ? and ?"
    assert runtime.arm_inputs(history, task, half).input_text == "I saw ? and ?"
    made = runtime.embed(history, task, query=half)
    assert made.weights.tolist() == runtime.embed(history, task, query="I saw ? and ?").weights.tolist()


def test_what_short_texts_leave_of_the_budget_goes_to_long_ones(runtime: Runtime) -> None:
    codec = runtime.lm.codec
    short, long = "ok", "many words here " * 60
    cut = fit_budget([short, long], codec, tokens=100)
    assert cut[0] == short
    assert 90 <= len(codec.encode(cut[1])) <= 101


@pytest.mark.parametrize("query", ["", "zzz qqq", "...", "\u200b"])
def test_bm25_ranks_everything_whatever_is_asked(query: str) -> None:
    items = tiny.history(items=4).items
    assert sorted(rank_bm25(items, query)) == [0, 1, 2, 3]
    marks = (HistoryItem("a", "..."), HistoryItem("b", "!!"))
    assert sorted(rank_bm25(marks, "hello")) == [0, 1]


def test_an_unknown_arm_and_an_empty_prompt_are_one_clear_sentence(runtime: Runtime) -> None:
    with pytest.raises(UserError, match="choose from"):
        arms_named(["persona", "magic"])
    with pytest.raises(UserError, match="opening words"):
        inputs(runtime, tiny.history(items=2), prompt="  ")
    with pytest.raises(UserError, match="strength"):
        next(iter(runtime.compare(inputs(runtime, tiny.history(items=2)), arms_named(["task"]), strength=99)))
    with pytest.raises(UserError, match="no task"):
        runtime.task("poem")
