"""Cold start: the ends are the control and the whole person, and each length sees the latest items only."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from persona_demo.arms import ArmInputs, Other, arm_named, arms_named
from persona_demo.errors import UserError
from persona_demo.explain.cold_start import ColdStart, counts_for, latest, likelihood_by_items, texts_by_items
from persona_demo.explain.scoring import row_of
from persona_demo.history import UserHistory
from persona_demo.lm.decode import DecodeOptions
from persona_demo.runtime import Runtime
from tests import tiny

TEXT = " and the gulls did not mind"
ARMS = ("task", "persona", "recent", "persona+bm25")


@pytest.fixture
def given(runtime: Runtime) -> ArmInputs:
    """A person with six items."""
    return runtime.arm_inputs(tiny.history(items=6), runtime.task("blog-post"), "The last train left")


def test_lengths_double_and_end_with_all() -> None:
    assert counts_for(6) == (0, 1, 2, 4, 6)
    assert counts_for(8) == (0, 1, 2, 4, 8)
    assert counts_for(1) == (0, 1)
    assert counts_for(512)[-2:] == (256, 512)


def test_the_ends_are_the_control_and_the_whole_person(runtime: Runtime, given: ArmInputs) -> None:
    states = list(likelihood_by_items(runtime.lm, given, arms_named(ARMS), TEXT))
    assert [round(s.share, 2) for s in states] == [0, 0.2, 0.4, 0.6, 0.8, 1]
    last, tokens = states[-1], given.codec.encode(TEXT)
    for name, nll in zip(ARMS, last.nll, strict=True):
        score = runtime.lm.score([row_of(given, arm_named(name).build(given))], [tokens])[0]
        assert nll[-1] == pytest.approx(-float(score.mean()), abs=1e-5)
    task, persona, recent, _ = last.nll
    assert len(set(task)) == 1
    assert persona[0] == pytest.approx(task[0], abs=1e-5)
    assert recent[-1] == pytest.approx(recent[-2], abs=1e-5)


def test_each_length_sees_the_latest_items_only(given: ArmInputs) -> None:
    for count in (0, 2, 6, 99):
        short = replace(given, items=given.items[max(6 - count, 0) :])
        assert latest(arm_named("recent"), count).build(given) == arm_named("recent").build(short)
    assert latest(arm_named("persona"), 4).name == "persona@4"


def test_a_placebo_sees_as_many_items_and_of_nobody_is_the_control(runtime: Runtime, given: ArmInputs) -> None:
    bo = tiny.history("Bo", items=6)
    bo = bo.with_items(tuple(replace(item, text=f"{item.text.upper()}!!") for item in bo.items))
    beside = replace(given, other=Other("Bo", items=bo.items))
    placebo = arm_named("persona:other")
    for count in (1, 4, 99):
        theirs = replace(given, items=bo.items[max(6 - count, 0) :])
        made, expected = latest(placebo, count).build(beside).soft, arm_named("persona").build(theirs).soft
        assert made is not None and expected is not None
        np.testing.assert_allclose(made, expected, atol=1e-6)
    last = list(likelihood_by_items(runtime.lm, beside, arms_named(("task", "persona", "persona:other")), TEXT))[-1]
    task, persona, other = last.nll
    assert other[0] == pytest.approx(task[0], abs=1e-5) and other[-1] != pytest.approx(persona[-1], abs=1e-6)


def test_texts_are_written_together_and_end_with_those_of_the_whole_person(runtime: Runtime, given: ArmInputs) -> None:
    options = DecodeOptions(max_new_tokens=6)
    last = list(texts_by_items(runtime, given, arm_named("persona"), strength=2, options=options))[-1]
    assert [text.arm for text in last] == [f"persona@{n}" for n in (0, 1, 2, 4, 6)]
    whole = list(runtime.compare(given, arms_named(["task", "persona"]), strength=2, options=options))[-1]
    assert last[0].written.tokens == whole[0].written.tokens
    assert last[-1].written.tokens == whole[1].written.tokens


def test_the_crossing_is_where_one_arm_stays_below_another() -> None:
    curve = ColdStart(("a", "b"), (0, 1, 2, 4), 5, ((3.0, 1.0, 3.0, 1.0), (2.0, 2.0, 2.0, 2.0)))
    assert curve.crossing("a", "b") == 4
    assert curve.crossing("b", "a") is None
    assert replace(curve, nll=((1.0,) * 4, (2.0,) * 4)).crossing("a", "b") == 0


def test_without_a_history_there_is_nothing_to_shorten(runtime: Runtime) -> None:
    nobody = runtime.arm_inputs(UserHistory("Nobody"), runtime.task("blog-post"), "The last train left")
    with pytest.raises(UserError, match="no history"):
        next(likelihood_by_items(runtime.lm, nobody, arms_named(ARMS), TEXT))
    with pytest.raises(UserError, match="no history"):
        next(texts_by_items(runtime, nobody, arm_named("persona")))
