"""Folds of a corpus and evaluations of folds: everybody is held out once, and counts once."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persona_demo.cli import main
from persona_demo.corpora.fold import write_folds
from persona_demo.corpus import read_corpus
from persona_demo.errors import UserError
from persona_demo.evaluation.attribution import attribution_of
from persona_demo.evaluation.figures import ArmFigures, AttributionSetting, Comparison, Evaluation
from persona_demo.evaluation.people import PeopleScores
from persona_demo.evaluation.pool import Record, pool
from persona_demo.evaluation.record import people_of, record_of
from persona_demo.evaluation.run import EvaluateOptions, Subjects, evaluate
from persona_demo.leakage import check_folder
from persona_demo.runtime import Runtime
from persona_demo.tasks import task_named
from tests.training import write_corpus

TASK = task_named("blog-post")
OPTIONS = EvaluateOptions(metrics=True, attribution=True)
LONG = "the very same long sentence that nobody would write a second time by chance alone"


def splits_of(folder: Path) -> dict[str, str]:
    """Split of each person of a folder."""
    lines = (folder / "users.jsonl").read_text(encoding="utf-8").splitlines()
    return {record["user"]: record["split"] for record in map(json.loads, lines)}


def change(folder: Path, user: str, **fields: Any) -> None:
    """Change a person of a corpus."""
    path = folder / "users.jsonl"
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    changed = [record | fields if record["user"] == user else record for record in records]
    path.write_text("\n".join(map(json.dumps, changed)) + "\n", encoding="utf-8")


@pytest.mark.parametrize("folds", [2, 3, 5])
def test_everybody_is_held_out_once_and_nobody_of_the_test_people(tmp_path: Path, folds: int) -> None:
    data = write_corpus(tmp_path / "corpus", people=20)
    change(data, "u19", split="test")
    made = write_folds(data, tmp_path / "folds", folds=folds, seed=0)
    held = [p.id for fold in made for p in read_corpus(fold.folder, "dev", TASK)]
    assert sorted(held) == sorted(set(splits_of(data)) - {"u19"})
    for fold in made:
        splits = {s: {p.id for p in read_corpus(fold.folder, s, TASK)} for s in ("train", "tune", "dev")}
        assert {s: len(members) for s, members in splits.items()} == dict(fold.people)
        assert sum(map(len, splits.values())) == len(set.union(*splits.values())) == 19
        check_folder(fold.folder, "dev", read_corpus(fold.folder, "dev", TASK), TASK)


def test_people_who_share_a_text_are_held_out_together(tmp_path: Path) -> None:
    data = write_corpus(tmp_path / "corpus", people=20)
    for person in ("u1", "u7", "u12"):
        change(data, person, items=[{"id": f"{person}-{i}", "text": f"{LONG} {i % 3}"} for i in range(12)])
    for seed in range(5):
        for fold in write_folds(data, tmp_path / f"folds-{seed}", folds=3, seed=seed):
            held = {p.id for p in read_corpus(fold.folder, "dev", TASK)}
            assert len(held & {"u1", "u7", "u12"}) in (0, 3)


def test_folds_are_the_same_for_a_seed_and_others_for_another(tmp_path: Path) -> None:
    data = write_corpus(tmp_path / "corpus", people=20)
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        write_folds(data, tmp_path / name, folds=2, seed=seed)
    a, b, c = ((tmp_path / name / "fold-1" / "users.jsonl.gz").read_bytes() for name in "abc")
    assert a == b != c


def test_what_cannot_be_folded_is_said_in_a_sentence(tmp_path: Path) -> None:
    data = write_corpus(tmp_path / "corpus")
    with pytest.raises(UserError, match="use 2 or more"):
        write_folds(data, tmp_path / "folds", folds=1, seed=0)
    with pytest.raises(UserError, match="use fewer"):
        write_folds(data, tmp_path / "folds", folds=100, seed=0)
    with pytest.raises(UserError, match="name a corpus folder"):
        write_folds(tmp_path / "nowhere", tmp_path / "folds", folds=2, seed=0)
    (data / "users.jsonl").write_text("[]\n", encoding="utf-8")
    with pytest.raises(UserError, match="restore the file"):
        write_folds(data, tmp_path / "folds", folds=2, seed=0)


def record(
    values: dict[str, list[float]],
    *,
    options: EvaluateOptions = OPTIONS,
    targets: int = 2,
    groups: Sequence[str] | None = None,
    shares: Sequence[float] = (0.1, 0.3),
    plug: str = "fold",
) -> Record:
    """What ``evaluate --out`` writes, for people whose figures are known; the metric is a hundredth of the targets."""
    count = len(values["task"])
    people = PeopleScores(
        nll={name: np.array(found) for name, found in values.items()},
        groups=tuple(groups or map(str, range(count))),
        targets=(targets,) * count,
        seed=options.seed,
    )
    whose = attribution_of({**dict.fromkeys(values, shares), "own_words": shares}, seed=0) if shares else None
    made = Evaluation(
        users=count,
        targets=targets * count,
        arms=tuple(
            ArmFigures(
                arm=name,
                nll=people.mean(name),
                lift=people.gain(name, "task"),
                share_helped=people.share_helped(name, "task"),
                prompt_tokens=float(targets),
                ms=1.0,
                bytes_per_user=0.0,
                metric={"rouge-1": targets / 100, "RMSE": float(targets), "f1": 0.5},
                attribution=None if whose is None else whose.arms[name],
            )
            for name in values
        ),
        people=people,
        placebo_gap=people.gain("persona", "persona:other"),
        comparisons=(Comparison("persona", "task", people.gain("persona", "task")),),
        attribution=None
        if whose is None
        else AttributionSetting(people="dev", groups=len(shares), own_words=whose.own_words, shares=whose.shares),
    )
    return written(made, options, plug=plug)


def written(made: Evaluation, options: EvaluateOptions, *, plug: str = "fold") -> Record:
    """The document, read again from its file."""
    document = record_of(made, options, task="blog-post", split="dev", plug=plug, engine="torch", compare=True)
    models = {name: {"name": name, "sha256": name} for name in ("lm", "encoder", "plug")}
    document["people"] = people_of(made)
    document["made"] = {"command": "evaluate", "commit": "c", "models": models, "device": "d", "leakage": "folder"}
    document["made"]["data"] = {"name": plug, "sha256": plug}
    return dict(json.loads(json.dumps(document)))


def drawn(rng: np.random.Generator, size: int) -> dict[str, list[float]]:
    """Figures of people."""
    return {arm: rng.normal(3, 1, size).tolist() for arm in ("task", "persona", "persona:other")}


@given(st.lists(st.integers(2, 20), min_size=2, max_size=4), st.integers(0, 9))
@settings(max_examples=20, deadline=None)
def test_a_pooled_figure_and_its_interval_are_those_of_all_people_together(sizes: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    found = [drawn(rng, size) for size in sizes]
    pooled = pool([record(values, plug=f"fold-{n}") for n, values in enumerate(found)])
    whole = record({arm: [v for values in found for v in values[arm]] for arm in found[0]})
    assert (pooled["users"], pooled["targets"], pooled["folds"]) == (sum(sizes), 2 * sum(sizes), len(sizes))
    for name in ("placebo_gap", "placebo_gap_ci"):
        assert pooled[name] == pytest.approx(whole[name], abs=1e-5)
    assert pooled["comparisons"][0]["gain_ci"] == pytest.approx(whole["comparisons"][0]["gain_ci"], abs=1e-5)
    for arm, of_all in zip(pooled["arms"], whole["arms"], strict=True):
        for name in ("nll", "nll_ci", "lift", "lift_ci", "share_helped"):
            assert arm[name] == pytest.approx(of_all[name], abs=1e-5)
    assert pooled["attribution"]["groups"] == 2 * len(sizes)


def test_people_who_share_items_stay_together_when_pooled() -> None:
    values = np.repeat(np.random.default_rng(0).normal(3, 1, 20), 4).tolist()
    arms = {"task": values, "persona": values, "persona:other": values}
    alone = pool([record(arms), record(arms)])["arms"][1]["nll_ci"]
    groups = [f"g{n // 4}" for n in range(80)]
    together = pool([record(arms, groups=groups)] * 2)["arms"][1]["nll_ci"]
    assert together[1] - together[0] > 1.6 * (alone[1] - alone[0])


def test_figures_of_texts_are_weighted_by_texts_and_what_is_no_mean_is_left_out() -> None:
    rng = np.random.default_rng(0)
    few, many = record(drawn(rng, 10), targets=1), record(drawn(rng, 10), targets=3)
    arm = pool([few, many])["arms"][0]
    assert arm["metric"] == pytest.approx({"rouge-1": 0.025, "RMSE": (0.25 * 1 + 0.75 * 9) ** 0.5})
    assert arm["prompt_tokens"] == pytest.approx(2.5)


def test_folds_are_of_plugs_of_any_name_and_say_where_each_was_made() -> None:
    rng = np.random.default_rng(0)
    one, other = record(drawn(rng, 4), plug="a"), record(drawn(rng, 4), plug="b")
    other["made"] |= {"commit": "other", "device": "another", "leakage": "folder+plug"}
    pooled = pool([one, other, one])
    assert pooled["plug"] == "3 plugs, one a fold"
    assert pooled["made"]["commits"] == ["c", "other"]
    assert pooled["made"]["device"] == "d, another"
    assert pooled["made"]["leakage"] == "folder, folder+plug"
    assert pooled["made"]["data"]["name"] == "a, b, a"


def test_folds_where_nobody_could_be_told_apart_leave_the_others_theirs() -> None:
    rng = np.random.default_rng(0)
    parts = [record(drawn(rng, 4)), record(drawn(rng, 4), shares=()), record(drawn(rng, 4), shares=(0.5,))]
    parts[2]["attribution"]["people"] = "dev and tune, pooled; choices were made on those of tune"
    pooled = pool(parts)
    assert pooled["attribution"]["people"] == (
        "dev or, in other folds, dev and tune, pooled; choices were made on those of tune, in 2 of 3 folds"
    )
    assert pooled["attribution"]["groups"] == 3
    assert pooled["attribution"]["own_words"] == pooled["arms"][0]["attribution"] == pytest.approx(0.3)
    assert pooled["attribution"]["placebo_draws"] == 1
    none = pool([parts[1], parts[1]])
    assert none["attribution"] is None and none["arms"][0]["attribution"] is None


def test_evaluations_of_other_things_are_not_pooled() -> None:
    rng = np.random.default_rng(0)
    values = drawn(rng, 4)
    one = record(values)
    with pytest.raises(UserError, match="one file"):
        pool([one])
    weaker = record(values, options=replace(OPTIONS, strength=2.0))
    for other, said in (
        (weaker, "differ in their strength"),
        (one | {"seed": 1}, "differ in their seed"),
        (one | {"extra": 1}, "different things"),
        (one | {"arms": one["arms"][:1]}, "differ in their arms"),
        (record({**values, "plain": values["task"]}), "different things"),
    ):
        with pytest.raises(UserError, match=said):
            pool([one, other])
    for name in ("people", "made"):
        old = {key: value for key, value in one.items() if key != name}
        with pytest.raises(UserError, match=f"lacks '{name}'"):
            pool([old, old])
    another = copy.deepcopy(one)
    another["made"]["models"]["lm"]["sha256"] = "other"
    with pytest.raises(UserError, match="different models"):
        pool([one, another])
    short = copy.deepcopy(one)
    short["people"]["nll"]["persona"].pop()
    with pytest.raises(UserError, match="more people under one arm"):
        pool([one, short])


def test_what_an_evaluation_writes_can_be_pooled(runtime: Runtime, tmp_path: Path) -> None:
    everybody = read_corpus(write_corpus(tmp_path / "corpus", people=16), "train", TASK)
    arms = ("task", "persona", "persona:other", "bm25", "task+bm25")
    options = EvaluateOptions(
        arms=arms, users=4, targets_per_user=2, metrics=True, cold_start=True, reference=True, attribution=True
    )
    parts = []
    for people in (everybody[:6], everybody[6:]):
        subjects = Subjects(tuple(people), tuple(people), ("dev",))
        made = evaluate(runtime, TASK, subjects, options, report=lambda message, share: None)
        parts.append(written(made, options))
        assert not any(person.id in json.dumps(parts[-1]["people"]) for person in people)
    pooled = pool(parts)
    assert set(pooled) == {*parts[0], "folds"}
    assert (pooled["users"], pooled["targets"]) == (8, 16)
    for name in ("cold_start", "comparisons"):
        assert len(pooled[name]) == len(parts[0][name])
    for old, new in zip(parts[0]["arms"], pooled["arms"], strict=True):
        assert set(old) == set(new) and set(old["metric"]) == set(new["metric"])
    # Folds of as many people: a pooled mean is the mean of both.
    for name in ("nll", "other_nll", "gap"):
        of_folds = [part["reference"][name] for part in parts]
        assert pooled["reference"][name] == pytest.approx(np.mean(of_folds), abs=1e-5)
    assert pooled["cold_start"][-1]["lift"] == pytest.approx(pooled["arms"][1]["lift"], abs=1e-5)
    assert pooled["attribution"] is None


def test_both_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_corpus(tmp_path / "corpus")
    assert main(["folds", "make", "--data", str(data), "--out", str(tmp_path / "folds"), "--folds", "2"]) == 0
    said = capsys.readouterr().out
    assert "fold-1" in said and "6 dev" in said
    files = []
    for name, first in (("a", 2.0), ("b", 2.25)):
        kept = record({"task": [first, 3.0], "persona": [1.0, 2.0], "persona:other": [2.0, 2.5]}, plug=name)
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(kept), encoding="utf-8")
        files.append(str(path))
    out = tmp_path / "pooled.json"
    assert main(["folds", "pool", *files, "--out", str(out)]) == 0
    assert "each held out in one of 2 folds" in capsys.readouterr().out
    kept = json.loads(out.read_text(encoding="utf-8"))
    assert kept["made"]["commit"] and kept["made"]["commits"] == ["c"]
    assert kept["users"] == 4 and kept["made"]["command"].endswith("folds pool a.json b.json")
    assert main(["folds", "pool", files[0], files[0]]) == 2
    assert "the same people" in capsys.readouterr().err
    (tmp_path / "a.json").write_text("{", encoding="utf-8")
    assert main(["folds", "pool", *files]) == 2
    assert "no readable results file" in capsys.readouterr().err
