"""Leave-one-out: effects are what they are said to be, agreement is computed and worded rightly."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
import pytest

from persona_demo.arms import ArmInputs, arm_named
from persona_demo.arms.soft import read_person
from persona_demo.errors import UserError
from persona_demo.explain.attribution import agreement, leave_one_out
from persona_demo.explain.scoring import MAX_TOKENS, Likelihoods, row_of
from persona_demo.history import UserHistory
from persona_demo.runtime import Runtime
from persona_demo.tasks import BLOG_POST
from tests import tiny

agreed = functools.partial(agreement, of=BLOG_POST.wording)
TEXT = " and the gulls did not mind"


@pytest.fixture
def given(runtime: Runtime) -> ArmInputs:
    """A person with ten items."""
    return runtime.arm_inputs(tiny.history(items=10), runtime.task("blog-post"), "The last train left")


def test_an_effect_is_the_likelihood_with_all_items_less_that_without_one(runtime: Runtime, given: ArmInputs) -> None:
    last = list(leave_one_out(runtime.lm, given, arm_named("persona"), TEXT))[-1]
    assert last.share == 1
    assert [item.item for item in last.items] == [item.id for item in given.items]
    assert sum(item.weight or 0 for item in last.items) == pytest.approx(1, abs=1e-5)
    tokens = given.codec.encode(TEXT)

    def by_hand(inputs: ArmInputs, arm: str) -> float:
        return float(runtime.lm.score([row_of(inputs, arm_named(arm).build(inputs))], [tokens])[0].sum())

    assert last.whole == pytest.approx(by_hand(given, "persona") - by_hand(given, "task"), abs=1e-4)
    for i in (0, 7):
        shorter = replace(given, items=given.items[:i] + given.items[i + 1 :])
        expected = by_hand(given, "persona") - by_hand(shorter, "persona")
        assert last.items[i].effect == pytest.approx(expected, abs=1e-4)
    assert last.agreement is not None
    said = last.sentence(BLOG_POST.wording)
    assert "against “Trained, no person”;" in said and said.startswith("10 posts together change")


def test_a_shift_is_the_cosine_distance_of_the_person_without_an_item(runtime: Runtime, given: ArmInputs) -> None:
    last = list(leave_one_out(runtime.lm, given, arm_named("persona"), TEXT))[-1]
    whole = read_person(given).user_vector.astype(np.float64)
    for i, item in enumerate(last.items):
        shorter = replace(given, items=given.items[:i] + given.items[i + 1 :])
        other = read_person(shorter).user_vector.astype(np.float64)
        expected = 1 - whole @ other / (np.linalg.norm(whole) * np.linalg.norm(other))
        assert item.shift == pytest.approx(expected, abs=1e-9) and 0 <= (item.shift or 0) <= 2
    assert any(item.shift for item in last.items)
    # It is about the person and not about the text.
    again = list(leave_one_out(runtime.lm, given, arm_named("persona"), " quite another text"))[-1]
    assert [item.shift for item in again.items] == [item.shift for item in last.items]
    assert [item.effect for item in again.items] != [item.effect for item in last.items]
    both = list(leave_one_out(runtime.lm, given, arm_named("persona+bm25"), TEXT))[-1]
    assert [item.shift for item in both.items] == [item.shift for item in last.items]


def test_a_person_of_equal_items_turns_by_nothing_and_one_without_a_vector_cannot_turn(
    runtime: Runtime, given: ArmInputs
) -> None:
    # Of items that are all the same, none gives the person another direction.
    same = replace(given, items=tuple(replace(item, text=given.items[0].text) for item in given.items[:4]))
    last = list(leave_one_out(runtime.lm, same, arm_named("persona"), TEXT))[-1]
    assert [item.shift for item in last.items] == pytest.approx([0] * 4, abs=1e-6)
    one = replace(given, items=given.items[:1])
    assert list(leave_one_out(runtime.lm, one, arm_named("persona"), TEXT))[-1].items[0].shift is None
    texts = list(leave_one_out(runtime.lm, given, arm_named("bm25"), TEXT))[-1]
    assert all(item.shift is None for item in texts.items)


def test_it_goes_in_batches_and_stops_when_closed(runtime: Runtime, given: ArmInputs) -> None:
    states = leave_one_out(runtime.lm, given, arm_named("persona"), TEXT)
    first, second = next(states), next(states)
    assert first.share == 0
    assert 0 < second.share < 1
    assert second.agreement is None
    states.close()  # type: ignore[attr-defined]
    assert list(states) == []


def test_the_only_item_has_the_effect_of_the_whole_person(runtime: Runtime) -> None:
    one = runtime.arm_inputs(tiny.history(items=1), runtime.task("blog-post"), "The last train left")
    last = list(leave_one_out(runtime.lm, one, arm_named("persona"), TEXT))[-1]
    assert last.items[0].effect == pytest.approx(last.whole)


def test_items_that_retrieval_does_not_read_have_no_effect_on_it(runtime: Runtime, given: ArmInputs) -> None:
    last = list(leave_one_out(runtime.lm, given, arm_named("recent"), TEXT))[-1]
    assert [item.effect for item in last.items[:6]] == [0.0] * 6
    assert all(item.effect != 0 for item in last.items[6:])
    assert all(item.weight is None for item in last.items)
    assert last.agreement is None
    assert last.base == "plain"


def test_equal_conditionings_are_scored_once(given: ArmInputs, runtime: Runtime) -> None:
    asked: list[int] = []

    class Counting:
        def score(self, rows: list[object], targets: list[object]) -> list[np.ndarray]:
            asked.append(len(rows))
            return runtime.lm.score(rows, targets)  # type: ignore[arg-type]

    made = arm_named("persona").build(given)
    likelihoods = Likelihoods(Counting(), given, given.codec.encode(TEXT))  # type: ignore[arg-type]
    scores = likelihoods.of([made, made, made]) + likelihoods.of([made])
    assert asked == [1]
    assert len(set(scores)) == 1 and len(scores) == 4


def test_agreement_is_about_order_and_size() -> None:
    same = agreed([0.1, 0.2, 0.7], [0.01, -0.3, 2.0])
    assert same.rank_correlation == pytest.approx(1)
    assert same.same_top and "closely" in same.sentence and "is also" in same.sentence
    against = agreed([0.1, 0.2, 0.7], [3.0, 2.0, 0.1])
    assert against.rank_correlation == pytest.approx(-1)
    assert not against.same_top and "against" in against.sentence and "is not" in against.sentence
    assert agreed([0.25] * 4, [1.0, 2.0, 3.0, 4.0]).rank_correlation is None
    assert agreed([0.1, 0.2, 0.7], [0.0, 0.0, 0.0]).rank_correlation is None
    assert "Fewer than" in agreed([0.5, 0.5], [1.0, 2.0]).sentence
    assert "little to do" in agreed([1, 2, 3, 4, 5], [3, 5, 1, 4, 3.5]).sentence


@pytest.mark.parametrize("text", ["", "  ", "far too long " * MAX_TOKENS])
def test_texts_that_cannot_be_measured_are_refused(runtime: Runtime, given: ArmInputs, text: str) -> None:
    with pytest.raises(UserError, match="text"):
        next(leave_one_out(runtime.lm, given, arm_named("persona"), text))


def test_without_items_or_a_person_there_is_nothing_to_leave_out(runtime: Runtime, given: ArmInputs) -> None:
    with pytest.raises(UserError, match="reads nothing of a person"):
        next(leave_one_out(runtime.lm, given, arm_named("task"), TEXT))
    nobody = runtime.arm_inputs(UserHistory("Nobody"), runtime.task("blog-post"), "The last train left")
    with pytest.raises(UserError, match="no posts to leave out"):
        next(leave_one_out(runtime.lm, nobody, arm_named("persona"), TEXT))


class Noisy:
    """A language model whose figures are off by a little each time, as those of other batches are."""

    def __init__(self, runtime: Runtime, size: float) -> None:
        self.lm, self.size, self.turn, self.most = runtime.lm, size, 0, 0.0

    def score(self, rows: list[object], targets: list[object]) -> list[np.ndarray]:
        self.turn += 1
        shift = self.size * self.turn
        return [found + shift / len(found) for found in self.lm.score(rows, targets)]  # type: ignore[arg-type]


def test_the_whole_is_read_once_more_beside_each_batch_and_what_is_below_that_is_noise(
    runtime: Runtime, given: ArmInputs
) -> None:
    arm, tokens = arm_named("persona"), given.codec.encode(TEXT)
    last = list(leave_one_out(runtime.lm, given, arm, TEXT))[-1]
    # No less than what two equal readings differ by, and far less than what an item does.
    assert 0 < last.noise < 1e-3 and "up to ±0.0000" in last.sentence(BLOG_POST.wording)
    assert not any(last.is_noise(item.effect or 0.0) for item in last.items)
    noisy = list(leave_one_out(Noisy(runtime, 0.5), given, arm, TEXT))[-1]  # type: ignore[arg-type]
    # Two batches came after the first reading: the second of them is a whole nat off.
    assert noisy.noise == pytest.approx(1.0, abs=1e-3) and len(tokens) == noisy.tokens


def test_nothing_is_said_of_the_order_of_noise(runtime: Runtime, given: ArmInputs) -> None:
    loud = list(leave_one_out(Noisy(runtime, 1e3), given, arm_named("persona"), TEXT))[-1]  # type: ignore[arg-type]
    assert loud.agreement is not None and loud.agreement.rank_correlation is None
    assert "of the 10 effects are no larger than numerical noise" in loud.agreement.sentence
