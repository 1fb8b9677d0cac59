"""The protocol's arithmetic, and that figures mean what they say, on tiny models."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from persona_demo.arms import KNOWN
from persona_demo.corpus import Person, read_corpus
from persona_demo.errors import UserError
from persona_demo.evaluation.bootstrap import bootstrap
from persona_demo.evaluation.contenders import items_in_prompt
from persona_demo.evaluation.protocol import Protocol
from persona_demo.evaluation.run import EvaluateOptions, Subjects, evaluate, read_subjects
from persona_demo.evaluation.sample import PLACEBO_DRAWS, Sample, Strangers
from persona_demo.evaluation.scoring import log_probabilities
from persona_demo.history import HistoryItem
from persona_demo.leakage import Fingerprint
from persona_demo.lm.base import Row
from persona_demo.lm.decode import Voice
from persona_demo.plug.storage import plug_fingerprint, save_plug
from persona_demo.runtime import Runtime
from persona_demo.tasks import task_named
from tests import folders, tiny
from tests.reference import guided_score
from tests.training import write_corpus


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


def test_placebo_people_are_the_nearest_in_number_of_items_and_equals_are_drawn() -> None:
    sizes = [9, 10, 11, 12, 30, 31, 33, 35, 36, 200, 400, 10, 10, 10, 10, 10]
    people = [
        Person(
            id=f"p{n}",
            split="dev",
            items=tuple(HistoryItem(id=f"{n}.{i}", text=f"text {n} {i}") for i in range(size)),
            dated=True,
        )
        for n, size in enumerate(sizes)
    ]
    strangers = Strangers(people, task_named("blog-post"))

    def nearest(items: int, seed: int) -> list[int]:
        return strangers.nearest(8, items=items, rng=np.random.default_rng(seed))

    assert set(nearest(36, 0)) == {3, 4, 5, 6, 7}
    tens = {tuple(nearest(10, seed)) for seed in range(20)}
    assert all({sizes[i] for i in drawn} == {10} and len(set(drawn)) == 5 for drawn in tens)
    assert len(tens) > 5
    assert nearest(10, 4) == nearest(10, 4)


def test_placebo_people_bring_nothing_on_the_input_that_is_asked() -> None:
    people = [
        Person(
            id=f"c{n}",
            split="dev",
            items=tuple(HistoryItem(id=f"{i}", text=folders.text(n, i, words=14), input=f"film {i}") for i in range(9)),
            dated=True,
        )
        for n in range(7)
    ]
    sample = Sample(task_named("film-review"), people, users=7, targets_per_user=2, seed=0)
    for place, target in enumerate(sample.targets):
        assert target.item is not None
        others = sample.others(place)
        assert len(others) == 5
        assert all(len(items) == len(target.history) or len(items) == 8 for items in others)
        assert all(item.input != target.pair.input for items in others for item in items)


def test_people_who_were_trained_on_are_not_evaluated(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="trained on"):
        read_subjects(tmp_path, "train", task_named("blog-post"), plug=tmp_path, report=lambda *_: None)


def test_a_user_of_lamp_who_asks_twice_is_one_user_and_who_wrote_nothing_is_asked_too(tmp_path: Path) -> None:
    data, task = folders.lamp(tmp_path / "data", 5, "dev", time=True), task_named("lamp-5")
    questions = json.loads((data / "dev_questions.json").read_text(encoding="utf-8"))
    questions[0]["profile"] = []
    (data / "dev_questions.json").write_text(json.dumps(questions), encoding="utf-8")
    people = read_corpus(data, "dev", task)
    made = Sample(task, people, users=100, targets_per_user=4, seed=0)
    assert [target.person for target in made.targets] == list(range(6))
    assert made.history(made.targets[0]) == ()
    assert all(items == () for items in made.others(0))
    of_users = made.people({"task": np.array([1.0, 2, 3, 4, 5, 7])})
    np.testing.assert_allclose(of_users.nll["task"], [1.5, 3.5, 6])
    assert of_users.targets == (2, 2, 2)
    assert of_users.mean("task").mean == pytest.approx(11 / 3)
    once = Sample(task, people, users=2, targets_per_user=1, seed=0)
    assert len({people[target.person].group for target in once.targets}) == len(once.targets) == 2
    runtime = tiny.runtime(tmp_path, with_atlas=False, tasks=("lamp-5",))
    arms = ("task", "persona", "persona:other", "bm25", "recent", "task+bm25", "persona+bm25")
    subjects = Subjects(tuple(people), tuple(people), ("dev",))
    figures = evaluate(runtime, task, subjects, EvaluateOptions(arms=arms, metrics=True), report=lambda m, share: None)
    assert (figures.users, figures.targets) == (3, 6)
    assert all(arm.answers is not None and len(arm.answers) == 6 for arm in figures.arms)


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


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    rng = np.random.default_rng(3)
    made = [bootstrap(rng.normal(0.5, 1.0, size=40), seed=n) for n in range(100)]
    assert 88 <= sum(one.low <= 0.5 <= one.high for one in made) <= 99


def test_a_plug_that_ignores_the_person_has_no_lift_over_its_placebos(protocol: Protocol, runtime: Runtime) -> None:
    deaf = tiny.plug(tiny.plug_config(tiny.causal_lm(), runtime.encoder.width, keyword_tokens=0), runtime.encoder)
    with torch.no_grad():
        for parameter in deaf.projector.parameters():
            parameter.zero_()
    same = Runtime(lm=runtime.lm, plug=deaf, encoder=runtime.encoder, atlas=None, words=runtime.words)
    made = make(same, protocol.everybody).run(["persona", "persona:other", "persona:mean", "persona:random"])
    assert made.placebo_gap is not None
    gap = made.placebo_gap
    assert (gap.low, gap.mean, gap.high) == pytest.approx((0, 0, 0), abs=1e-12)
    assert [arm.nll.mean for arm in made.arms] == pytest.approx([made.arms[0].nll.mean] * 4, abs=1e-12)


@pytest.mark.parametrize("arm", ["persona", "bm25", "persona+bm25"])
def test_a_placebo_who_is_the_person_is_the_arm_itself(
    runtime: Runtime, protocol: Protocol, arm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    twin = make(runtime, protocol.everybody)
    monkeypatch.setattr(twin, "others", lambda place: [twin.history(twin.targets[place])] * 5)
    np.testing.assert_allclose(twin.score(f"{arm}:other").nll, protocol.score(arm).nll, rtol=1e-6)


def test_every_arm_and_placebo_there_is_can_be_evaluated(protocol: Protocol) -> None:
    names = [f"{arm.name}:{placebo}" for arm in KNOWN.values() for placebo in arm.placebos]
    made = protocol.run([*KNOWN, *names])
    assert [arm.arm for arm in made.arms] == [*KNOWN, *names]
    assert all(np.isfinite(arm.nll.mean) and arm.ms > 0 for arm in made.arms)
    pairs = {(c.arm, c.over) for c in made.comparisons}
    assert {("bm25", "plain"), ("persona+bm25", "task+bm25"), ("persona", "dense"), ("recent", "recent:other")} <= pairs
    figures = {arm.arm: arm.nll.mean for arm in made.arms}
    for c in made.comparisons:
        assert c.gain.mean == pytest.approx(figures[c.over] - figures[c.arm])


def test_figures_do_not_depend_on_which_other_arms_are_asked_for(protocol: Protocol) -> None:
    together = protocol.run(["bm25", "persona", "persona:other", "plain"], cold_start=True, reference=True)
    for arm in together.arms:
        assert protocol.run([arm.arm]).arms[0].nll.mean == pytest.approx(arm.nll.mean, rel=1e-5)


def test_a_short_history_is_whole_at_every_greater_length(runtime: Runtime, protocol: Protocol) -> None:
    few = [replace(person, items=person.items[:6]) for person in protocol.everybody]
    made = {c.items: c.lift.mean for c in make(runtime, few).run(["persona"], cold_start=True).cold_start}
    assert made[8] == made[16] == pytest.approx(made[None])
    assert made[1] != pytest.approx(made[None])


def test_the_reference_reads_eight_items_and_no_soft_vectors(runtime: Runtime, protocol: Protocol) -> None:
    made = protocol.run(["task"], reference=True).reference
    assert made is not None
    assert made.gap.mean == pytest.approx(made.other.mean - made.own.mean)
    inputs = replace(
        protocol._inputs(0, protocol.history(protocol.targets[0])),
        items=tuple(HistoryItem(id=str(i), text=f"word{i} and more") for i in range(20)),
    )
    read = protocol.score_all([items_in_prompt(others=True)])["reference:other"]
    assert {len(draws) for draws in read.draws.values()} == {PLACEBO_DRAWS}
    built = items_in_prompt(others=False).build(inputs)
    assert built.soft is None
    assert [text.split()[0] for text in built.retrieved] == [f"word{i}" for i in range(12, 20)]


@pytest.mark.parametrize("strength", [-1.0, 0.5, 2.0])
def test_guided_scores_are_those_of_the_decoder(strength: float) -> None:
    lm = tiny.causal_lm()
    rng = np.random.default_rng(1)
    rows = [Row((lm.codec.encode("My blog. "), rng.normal(size=(3, 32)).astype(np.float32)), (5, 6)) for _ in "abc"]
    texts = [lm.codec.encode("it rained all day"), lm.codec.encode("and all night")]
    voices = [Voice(rows[0], rows[2], strength), Voice(rows[1], rows[2], strength), Voice(rows[0], rows[2], strength)]
    found = log_probabilities(lm, voices, [texts[0], texts[1], texts[0]])
    np.testing.assert_array_equal(found[0], found[2])
    for voice, text, scores in zip(voices[:2], texts, found, strict=False):
        slow = guided_score(lm, voice.row, rows[2], text, strength=strength)
        np.testing.assert_allclose(scores, slow, atol=1e-4)


def test_a_held_back_folder_of_one_split_is_enough(runtime: Runtime, tmp_path: Path) -> None:
    data = folders.blogs(tmp_path / "data")
    lines = [json.loads(line) for line in (data / "users.jsonl").read_text(encoding="utf-8").splitlines()]
    folders.write_lines(data / "users.jsonl", [line | {"split": "test"} for line in lines], packed=False)
    task = task_named("blog-post")
    plug = tmp_path / "plug"
    save_plug(runtime.plug, plug, card="")

    def read() -> Subjects:
        return read_subjects(data, "test", task, plug=plug, report=lambda message, share: None)

    # Compared with nobody, held-back people prove nothing.
    with pytest.raises(UserError, match="does not say whom it was trained on, nor"):
        read()
    others = read_corpus(folders.critics(tmp_path / "critics"), "train", task_named("film-review"))
    others = [replace(person, id=f"other {person.id}") for person in others]
    Fingerprint.of([("train", task, others)], plug=plug_fingerprint(plug)).save(plug)
    subjects = read()
    assert (subjects.pooled, subjects.compared) == (("test",), "folder+plug")
    options = EvaluateOptions(
        arms=("task", "persona", "persona:other", "bm25:other"), users=3, targets_per_user=1, attribution=True
    )
    made = evaluate(runtime, task, subjects, options, report=lambda message, share: None)
    assert made.placebo_gap is not None
    assert made.attribution is not None
    assert made.attribution.people == "test"
    assert {arm.arm: arm.attribution for arm in made.arms}["task"].mean == pytest.approx(0.1)  # type: ignore[union-attr]


def test_few_people_are_pooled_with_other_splits_and_said_to_be(runtime: Runtime, tmp_path: Path) -> None:
    data = folders.blogs(tmp_path / "data")
    lines = [json.loads(line) for line in (data / "users.jsonl").read_text(encoding="utf-8").splitlines()]
    folders.write_lines(
        data / "users.jsonl",
        [line | {"split": "tune" if n < 8 else "dev"} for n, line in enumerate(lines)],
        packed=False,
    )
    task = task_named("blog-post")
    subjects = read_subjects(data, "dev", task, plug=tmp_path, report=lambda message, share: None)
    assert (len(subjects.people), len(subjects.pool)) == (4, 12)
    assert (subjects.compared, subjects.twins) == ("folder", 0)
    assert subjects.pooled == ("dev", "tune")


def test_too_few_people_everywhere_are_not_attributed_to(runtime: Runtime, tmp_path: Path) -> None:
    task = task_named("blog-post")
    said: list[str] = []
    subjects = read_subjects(
        write_corpus(tmp_path / "data"), "dev", task, plug=tmp_path, report=lambda message, share: said.append(message)
    )
    options = EvaluateOptions(arms=("task",), users=1, targets_per_user=1, attribution=True)
    made = evaluate(runtime, task, subjects, options, report=lambda message, share: said.append(message))
    assert made.attribution is None
    assert made.arms[0].attribution is None
    assert any("too few people" in message for message in said)
    assert any("does not say whom" in message for message in said)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"users": 0}, "users"),
        ({"seed": -1}, "seed"),
        ({"strength": 9.0}, "strength"),
        ({"arms": ("task:other",)}, "placebo"),
    ],
)
def test_wrong_options_are_one_sentence(change: dict[str, object], says: str) -> None:
    with pytest.raises(UserError, match=says):
        EvaluateOptions(**change)  # type: ignore[arg-type]


def test_nobody_to_stand_in_anothers_place_is_said(runtime: Runtime, protocol: Protocol) -> None:
    with pytest.raises(UserError, match="stand in another's place"):
        make(runtime, protocol.everybody[:1]).score("persona:other")


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
    runtime = tiny.runtime(tmp_path, with_atlas=False, tasks=(name,))
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
