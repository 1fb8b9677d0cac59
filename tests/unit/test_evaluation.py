"""The protocol's arithmetic, and that figures mean what they say, on tiny models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from persona_demo.corpus import read_corpus
from persona_demo.errors import UserError
from persona_demo.evaluation.bootstrap import bootstrap
from persona_demo.evaluation.protocol import Protocol
from persona_demo.lm.base import Row
from persona_demo.runtime import Runtime
from persona_demo.tasks import task_named
from persona_demo.wordfilter import WordFilter
from tests import folders, tiny
from tests.reference import guided_score
from tests.unit.test_training import write_corpus


@pytest.fixture(scope="module")
def protocol(runtime: Runtime, tmp_path_factory: pytest.TempPathFactory) -> Protocol:
    """A protocol over tiny people."""
    people = read_corpus(write_corpus(tmp_path_factory.mktemp("data") / "corpus"), "train")
    return make(runtime, people)


def make(runtime: Runtime, people: object, **changes: object) -> Protocol:
    """A protocol with few targets."""
    settings: dict[str, object] = {"users": 4, "targets_per_user": 2, "seed": 0, "strength": 1.0}
    return Protocol(
        runtime,
        runtime.task("blog-post"),
        people,  # type: ignore[arg-type]
        report=lambda message, share: None,
        **{**settings, **changes},  # type: ignore[arg-type]
    )


def test_figures_are_means_of_means_and_gap_is_other_less_own(protocol: Protocol) -> None:
    made = protocol.run(["task", "persona", "persona:other", "recent"], cold_start=True)
    assert (made.users, made.targets) == (4, 8)
    figures = {a.arm: a for a in made.arms}
    assert figures["task"].lift.mean == 0
    assert figures["task"].share_helped == 0
    assert made.placebo_gap is not None
    expected = figures["persona:other"].nll.mean - figures["persona"].nll.mean
    assert made.placebo_gap.mean == pytest.approx(expected)
    assert figures["persona"].lift.mean == pytest.approx(figures["task"].nll.mean - figures["persona"].nll.mean)
    assert figures["recent"].prompt_tokens > figures["task"].prompt_tokens
    assert [c.items for c in made.cold_start] == [0, 1, 2, 4, 8, 16, None]
    assert made.cold_start[0].lift.mean == pytest.approx(0)
    assert made.cold_start[-1].lift.mean == pytest.approx(figures["persona"].lift.mean)


def test_the_same_seed_gives_the_same_figures(runtime: Runtime, protocol: Protocol) -> None:
    again = make(runtime, protocol.everybody)
    assert (
        again.run(["persona"], cold_start=False).arms[0].nll == protocol.run(["persona"], cold_start=False).arms[0].nll
    )


def test_placebo_people_are_five_others_with_no_text_in_common(protocol: Protocol) -> None:
    for place, target in enumerate(protocol.targets):
        own = {item.text for item in protocol.everybody[target.person].items}
        others = protocol.others(place)
        assert len(others) == 5
        assert all(not own & {item.text for item in items} for items in others)


def test_strength_zero_scores_as_the_control(runtime: Runtime, protocol: Protocol) -> None:
    weak = make(runtime, protocol.everybody, strength=0.0)
    np.testing.assert_allclose(weak.score("persona").nll, protocol.score("task").nll, rtol=1e-4)


def test_guided_scores_at_one_are_plain_scores() -> None:
    lm = tiny.causal_lm()
    rng = np.random.default_rng(0)
    rows = [Row((lm.codec.encode("My blog. "), rng.normal(size=(3, 32)).astype(np.float32)), (5, 6)) for _ in "ab"]
    target = lm.codec.encode("it rained all day")
    plain = lm.score([rows[0]], [target])[0]
    np.testing.assert_allclose(guided_score(lm, rows[0], rows[1], target, strength=1.0), plain, atol=1e-4)


def test_the_interval_holds_the_mean_and_shrinks_with_people() -> None:
    values = np.random.default_rng(0).normal(1.0, 1.0, size=400)
    many, few = bootstrap(values, seed=0), bootstrap(values[:40], seed=0)
    assert many.low < many.mean < many.high
    assert many.high - many.low < few.high - few.low
    assert bootstrap(values, seed=0) == many
    assert bootstrap(np.ones(5), seed=1).low == 1


def test_an_unknown_arm_or_placebo_is_refused(protocol: Protocol) -> None:
    for name in ("magic", "persona:twin"):
        with pytest.raises(UserError, match="choose from"):
            protocol.score(name)


def test_people_of_one_group_are_drawn_together() -> None:
    values = np.repeat(np.random.default_rng(0).normal(size=60), 4)
    together = [f"g{n // 4}" for n in range(240)]
    apart, grouped = bootstrap(values, seed=0), bootstrap(values, seed=0, groups=together)
    assert grouped.mean == apart.mean
    assert grouped.high - grouped.low > 1.6 * (apart.high - apart.low)
    alone = [f"p{n}" for n in range(240)]
    assert bootstrap(values, seed=0, groups=alone) == apart
    one = bootstrap(values[:60], seed=0, groups=[f"g{n}" for n in range(60)])
    assert grouped.high - grouped.low == pytest.approx(
        bootstrap(values[::4], seed=0).high - bootstrap(values[::4], seed=0).low
    )
    assert one.low < one.mean < one.high


@pytest.mark.parametrize(
    ("shape", "name"), [("films", "movie-stars"), ("papers", "paper-title"), ("commits", "commit-subject")]
)
def test_other_tasks_are_scored_with_placebo_people_who_share_nothing(tmp_path: Path, shape: str, name: str) -> None:
    task = task_named(name)
    lm = tiny.causal_lm()
    encoder = tiny.item_encoder(tmp_path, lm)
    runtime = Runtime(
        lm=lm,
        plug=tiny.plug(tiny.plug_config(lm, encoder.width, tasks=(name,)), encoder),
        encoder=encoder,
        atlas=None,
        words=WordFilter.of([]),
    )
    people = read_corpus(folders.FOLDERS[shape][0](tmp_path / "data"), "train", task)
    made = Protocol(
        runtime, task, people, users=4, targets_per_user=1, seed=0, strength=1.0, report=lambda message, share: None
    )
    for place, target in enumerate(made.targets):
        own = {item.text for item in people[target.person].items}
        others = made.others(place)
        assert others
        assert all(items and not own & {item.text for item in items} for items in others)
    figures = made.run(["persona", "persona:other", "bm25", "dense", "recent"], cold_start=False)
    assert figures.placebo_gap is not None
    assert all(np.isfinite(arm.nll.mean) for arm in figures.arms)
    by_name = {arm.arm: arm for arm in figures.arms}
    assert by_name["bm25"].prompt_tokens > by_name["persona"].prompt_tokens
