"""Folds of a corpus and evaluations of folds: everybody is held out once, and counts once."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_demo.cli import main
from persona_demo.corpora.fold import write_folds
from persona_demo.corpus import read_corpus
from persona_demo.errors import UserError
from persona_demo.evaluation.bootstrap import bootstrap
from persona_demo.evaluation.pool import pool
from persona_demo.leakage import check_folder
from persona_demo.tasks import task_named
from tests.training import write_corpus

TASK = task_named("blog-post")
LONG = "the very same long sentence that nobody would write a second time by chance alone"


def people_of(folder: Path) -> dict[str, str]:
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
    assert sorted(held) == sorted(set(people_of(data)) - {"u19"})
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


def record(values: dict[str, list[float]], *, seed: int = 0) -> dict[str, Any]:
    """What ``evaluate --out`` writes, for people whose figures are known."""

    def of(name: str, found: list[float]) -> dict[str, Any]:
        made = bootstrap(np.array(found), seed=seed)
        return {name: made.mean, f"{name}_ci": [made.low, made.high]}

    people = len(values["persona"])
    arms = [
        {"arm": arm, **of("nll", found), "share_helped": 0.5, "metric": {"rouge-1": float(np.mean(found))}}
        for arm, found in values.items()
    ]
    models = {name: {"name": name, "sha256": name} for name in ("lm", "encoder", "plug")}
    made = {"command": "evaluate", "commit": "c", "models": models, "device": "d", "data": {"name": "n", "sha256": "s"}}
    return {"task": "t", "split": "dev", "users": people, "targets": 2 * people, "seed": seed, "arms": arms} | {
        "attribution": {"people": "dev", "groups": people, **of("own_words", values["persona"])},
        "made": made,
    }


@given(st.lists(st.integers(5, 40), min_size=2, max_size=4), st.integers(0, 9))
def test_a_pooled_figure_is_that_of_all_people_together(sizes: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    found = [rng.normal(3, 1, size).tolist() for size in sizes]
    pooled = pool([record({"persona": values}) for values in found])
    everybody = [value for values in found for value in values]
    arm = pooled["arms"][0]
    assert (pooled["users"], pooled["targets"], pooled["folds"]) == (sum(sizes), 2 * sum(sizes), len(sizes))
    assert arm["nll"] == pytest.approx(np.mean(everybody))
    assert arm["metric"]["rouge-1"] == pytest.approx(np.mean(everybody))
    assert pooled["attribution"]["groups"] == sum(sizes)
    assert pooled["attribution"]["own_words"] == pytest.approx(np.mean(everybody))
    assert arm["nll_ci"][0] < arm["nll"] < arm["nll_ci"][1]


def test_pooled_intervals_are_about_as_wide_as_those_of_everybody() -> None:
    values = np.random.default_rng(0).normal(3, 1, 300)
    pooled = pool([record({"persona": part.tolist()}) for part in np.split(values, 3)])["arms"][0]["nll_ci"]
    whole = bootstrap(values, seed=0)
    assert pooled[1] - pooled[0] == pytest.approx(whole.high - whole.low, rel=0.1)


def test_evaluations_of_other_things_are_not_pooled() -> None:
    one = record({"persona": [1.0, 2.0], "task": [2.0, 3.0]})
    with pytest.raises(UserError, match="one file"):
        pool([one])
    for other, said in (
        (one | {"seed": 1}, "differ in their seed"),
        (one | {"extra": 1}, "different things"),
        (one | {"arms": one["arms"][:1]}, "differ in their arms"),
        ({name: value for name, value in one.items() if name != "made"}, "lacks 'made'"),
    ):
        with pytest.raises(UserError, match=said):
            pool([one, other])
    another = copy.deepcopy(one)
    another["made"]["models"]["lm"]["sha256"] = "other"
    with pytest.raises(UserError, match="different models"):
        pool([one, another])


def test_both_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_corpus(tmp_path / "corpus")
    assert main(["folds", "make", "--data", str(data), "--out", str(tmp_path / "folds"), "--folds", "2"]) == 0
    said = capsys.readouterr().out
    assert "fold-1" in said and "6 dev" in said
    files = []
    for name in ("a", "b"):
        kept = record({"persona": [1.0, 2.0], "task": [2.0, 3.0]}) | {"engine": "torch"}
        for arm in kept["arms"]:
            arm |= {"lift": 0.5, "lift_ci": [0.1, 0.9], "prompt_tokens": 3.0, "ms": 1.0}
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(kept), encoding="utf-8")
        files.append(str(path))
    out = tmp_path / "pooled.json"
    assert main(["folds", "pool", *files, "--out", str(out)]) == 0
    assert "each held out in one of 2 folds" in capsys.readouterr().out
    kept = json.loads(out.read_text(encoding="utf-8"))
    assert kept["users"] == 4 and kept["made"]["command"].endswith("folds pool a.json b.json")
    (tmp_path / "a.json").write_text("{", encoding="utf-8")
    assert main(["folds", "pool", *files]) == 2
    assert "no readable results file" in capsys.readouterr().err
