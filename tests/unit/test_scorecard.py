"""The scorecard: nothing held out is read, figures are those of scoring, verdicts say what figures say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from persona_demo.arms import arm_named, arms_named
from persona_demo.errors import UserError
from persona_demo.evaluation.bootstrap import Estimate
from persona_demo.explain.scorecard import LEAST, MOST, STRANGERS, estimate, hold_out, scorecard, verdict
from persona_demo.explain.scoring import row_of
from persona_demo.history import HistoryItem, UserHistory
from persona_demo.runtime import Runtime
from persona_demo.tasks import BLOG_POST
from tests import tiny

ARMS = ("plain", "task", "persona", "bm25", "persona+bm25")


def writer(items: int, *, name: str = "Ada") -> UserHistory:
    """Somebody whose items are long enough to split and all different."""
    rng = np.random.default_rng(len(name) * 100 + ord(name[0]))
    words = " ".join(tiny.SENTENCES).replace("...", "").split()
    texts = [" ".join(rng.choice(words, size=16)) for _ in range(items)]
    return UserHistory(name, tuple(HistoryItem(f"{name}{n}", text) for n, text in enumerate(texts)))


def test_what_is_held_out_is_the_last_items_and_only_earlier_ones_are_read(runtime: Runtime) -> None:
    task = runtime.task("blog-post")
    for items, expected in ((4, 2), (9, 4), (12, 5), (21, 7), (90, MOST)):
        held = hold_out(writer(items), task)
        assert [t.item for t in held] == list(range(items - expected, items))
        assert all(t.history == tuple(range(t.item)) for t in held)


def test_near_duplicates_and_muted_items_are_not_read(runtime: Runtime) -> None:
    person = writer(12)
    double = replace(person.items[0], text=person.items[11].text + " yes")
    muted = replace(person.items[1], muted=True)
    held = hold_out(person.with_items((double, muted, *person.items[2:])), runtime.task("blog-post"))
    assert 0 not in held[-1].history
    assert held[-1].item == 10
    with pytest.raises(UserError, match="held out"):
        hold_out(writer(1), runtime.task("blog-post"))
    with pytest.raises(UserError, match="held out"):
        hold_out(
            UserHistory("Short", tuple(HistoryItem(str(n), f"word {n}") for n in range(9))), runtime.task("blog-post")
        )


def test_figures_are_those_of_scoring(runtime: Runtime) -> None:
    task, person = runtime.task("blog-post"), writer(12)
    others = [writer(12, name=name) for name in ("Bo", "Cyd")]
    states = list(scorecard(runtime, person, task, arms_named(ARMS), others=others))
    assert [round(state.share, 2) for state in states] == [0, 0.2, 0.4, 0.6, 0.8, 1]
    assert {state.strangers for state in states} == {tuple(other.name for other in others)}
    card = {score.arm: score for score in states[-1].scores}
    assert states[-1].held_out == tuple(item.id for item in person.items[-5:])

    def by_hand(arm: str, read: UserHistory | None = None) -> float:
        nlls = []
        for target in hold_out(person, task):
            # Somebody else is read as far as the person's own history goes.
            own = read.items[-len(target.history) :] if read else tuple(person.items[i] for i in target.history)
            inputs = runtime.arm_inputs(person.with_items(own), task, target.pair.input)
            tokens = runtime.lm.codec.encode(target.pair.target)[: task.max_target_tokens]
            nlls.append(-runtime.lm.score([row_of(inputs, arm_named(arm).build(inputs))], [tokens])[0].mean())
        return float(np.mean(nlls))

    for arm in ARMS:
        assert card[arm].nll.mean == pytest.approx(by_hand(arm), abs=1e-4)
        assert card[arm].nll.low <= card[arm].nll.mean <= card[arm].nll.high
    persona = card["persona"]
    assert persona.gain is not None and persona.gap is not None and persona.placebo is not None
    assert persona.gain.mean == pytest.approx(card["task"].nll.mean - persona.nll.mean)
    assert persona.gap.mean == pytest.approx(persona.placebo.mean - persona.nll.mean)
    assert card["task"].gain is None and card["plain"].placebo is None
    for arm in ("persona", "bm25", "persona+bm25"):
        placebo = card[arm].placebo
        assert placebo is not None
        assert len(others) <= STRANGERS
        assert placebo.mean == pytest.approx(np.mean([by_hand(arm, other) for other in others]), abs=1e-4)


def test_strength_zero_gives_the_control(runtime: Runtime) -> None:
    task, person = runtime.task("blog-post"), writer(9)
    card = list(scorecard(runtime, person, task, arms_named(["task", "persona"]), strength=0))[-1]
    one, other = card.scores
    assert one.nll.mean == pytest.approx(other.nll.mean, abs=1e-4)
    assert other.placebo is not None


def test_intervals_of_few_items_hold_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(0)
    held = [e.low <= 1 <= e.high for e in (estimate(rng.normal(1, 3, size=LEAST)) for _ in range(2_000))]
    assert 0.93 < np.mean(held) < 0.97
    one = estimate(np.array([2.0]))
    assert (one.mean, one.low, one.high) == (2, 2, 2)


def test_without_anybody_else_there_is_no_placebo(runtime: Runtime) -> None:
    alone = Runtime(lm=runtime.lm, plug=runtime.plug, encoder=runtime.encoder, atlas=None, words=runtime.words)
    card = list(scorecard(alone, writer(15), alone.task("blog-post"), [arm_named("persona")]))[-1]
    assert card.scores[0].gap is None
    assert "nobody else" in card.scores[0].verdict


def test_verdicts_say_what_figures_say() -> None:
    def said(gain: tuple[float, float], gap: tuple[float, float] | None, *, items: int = LEAST) -> str:
        def estimate(ends: tuple[float, float]) -> Estimate:
            return Estimate(mean=sum(ends) / 2, low=ends[0], high=ends[1])

        gap_estimate = None if gap is None else estimate(gap)
        return verdict(
            "Ada", arm_named("persona"), items=items, gain=estimate(gain), gap=gap_estimate, of=BLOG_POST.wording
        )

    assert "part of it is personal" in said((0.1, 0.3), (0.1, 0.2))
    assert "not shown to be better than “Trained, no person”" in said((-0.1, 0.3), (0.1, 0.2))
    assert "does not beat its placebo" in said((0.1, 0.3), (-0.1, 0.2))
    assert "worse" in said((0.1, 0.3), (-0.3, -0.1))
    assert "Too little to tell" in said((0.1, 0.3), (0.1, 0.2), items=LEAST - 1)
    assert "only 1 post of Ada" in said((0.1, 0.3), (0.1, 0.2), items=1)
    assert "knows nothing" in verdict("Ada", arm_named("task"), items=9, gain=None, gap=None, of=BLOG_POST.wording)
