"""LaMP's files: generated ones of every task, in every layout and both splits, read, written and scored."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from persona_demo.corpora.convert import LAMP_SHAPE, convert, write_predictions
from persona_demo.corpora.lamp import (
    Outputs,
    read_outputs,
    read_questions,
    read_questions_of,
    write_outputs,
    write_questions,
)
from persona_demo.corpora.reading import twins_in
from persona_demo.corpus import Split, draw_targets, read_corpus
from persona_demo.errors import UserError
from persona_demo.evaluation.metrics import score_outputs
from persona_demo.evaluation.protocol import Protocol
from persona_demo.leakage import check_folder, check_leakage
from persona_demo.tasks import task_named
from persona_demo.tasks.lamp import SHAPES
from tests import folders, tiny


@pytest.mark.parametrize("time", [False, True], ids=["user", "time"])
@pytest.mark.parametrize("number", folders.LAMP_NUMBERS)
def test_every_task_is_read_in_both_splits(tmp_path: Path, number: int, time: bool) -> None:
    folders.lamp(tmp_path, number, "dev", time=time)
    task = folders.lamp_task(number)
    people = read_corpus(tmp_path, "dev", task)
    assert len(people) == 6
    assert len({person.group for person in people}) == (3 if time else 6)
    for person in people:
        assert person.given is not None
        assert len(person.items) == 6
        assert person.dated == time
        if time:
            dates = [str(item.date) for item in person.items]
            assert dates == sorted(dates)
            assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", date) for date in dates)
        if task.answers:
            assert person.given.answer in task.answers
        assert task.query(person.given.input) in person.given.input
    targets = draw_targets(people, task, per_person=4, rng=np.random.default_rng(0), last_third=True)
    assert [target.person for target in targets] == list(range(6))
    assert all(target.item is None and len(target.history) == 6 for target in targets)


def test_dates_order_a_profile_however_exact_they_are(tmp_path: Path) -> None:
    folders.lamp(tmp_path, 5, "dev", time=True, questions=2)
    path = tmp_path / "dev_questions.json"
    questions = json.loads(path.read_text(encoding="utf-8"))
    for item, date in zip(questions[0]["profile"], ["2015", 2012, "2013-5", "2014-11-02", "2013", "2016"], strict=True):
        item["date"] = date
    path.write_text(json.dumps(questions), encoding="utf-8")
    person = read_corpus(tmp_path, "dev", folders.lamp_task(5))[0]
    assert person.dated
    dates = ["2012-01-01", "2013-01-01", "2013-05-01", "2014-11-02", "2015-01-01", "2016-01-01"]
    assert [item.date for item in person.items] == dates


@pytest.mark.parametrize(
    "place", [".", "dev", "LaMP_4", "LaMP_4/dev", "LaMP-4/dev", "LaMP_4/new/dev", "time/LaMP_4/dev", "new/dev"]
)
def test_the_benchmark_s_layouts_are_found(tmp_path: Path, place: str) -> None:
    folders.lamp(tmp_path / place, 4, "dev")
    assert len(read_corpus(tmp_path, "dev", folders.lamp_task(4))) == 6


def test_lamp_2_is_read_from_its_new_folder_and_the_old_task_is_refused(tmp_path: Path) -> None:
    old = [
        {"id": "1", "input": "Which? article: x", "profile": [{"id": "a", "text": "t", "title": "h", "category": "c"}]}
    ]
    (tmp_path / "LaMP_2" / "dev").mkdir(parents=True)
    (tmp_path / "LaMP_2" / "dev" / "dev_questions.json").write_text(json.dumps(old), encoding="utf-8")
    write_outputs(tmp_path / "LaMP_2" / "dev" / "dev_outputs.json", Outputs("LaMP_2", {"1": "c"}))
    with pytest.raises(UserError, match="folder 'new'"):
        read_corpus(tmp_path, "dev", folders.lamp_task(2))
    folders.lamp(tmp_path / "LaMP_2" / "new" / "dev", 2, "dev")
    assert len(read_corpus(tmp_path, "dev", folders.lamp_task(2))) == 6


@pytest.mark.parametrize("time", [False, True])
def test_tune_is_a_part_of_train_by_user_where_there_is_none(tmp_path: Path, time: bool) -> None:
    folders.lamp(tmp_path, 5, "train", time=time, questions=80)
    task = folders.lamp_task(5)
    train, tune = (read_corpus(tmp_path, split, task) for split in ("train", "tune"))  # type: ignore[arg-type]
    assert len(train) + len(tune) == 80
    assert 0 < len(tune) < 30
    assert not {p.group for p in train} & {p.group for p in tune}
    check_leakage(train, tune, task)
    with pytest.raises(UserError, match="two splits"):
        check_leakage(train, train[:1], task)
    again = [replace(p, id=f"{p.id}x") for p in train[:1]]
    with pytest.raises(UserError, match="text of"):
        check_leakage(train, again, task)
    folders.lamp(tmp_path, 5, "tune", questions=3)
    # Those three are asked in train too.
    assert len(read_corpus(tmp_path, "train", task)) == 77


@pytest.mark.parametrize("number", folders.LAMP_NUMBERS)
def test_a_question_of_two_splits_is_left_out_of_the_earlier_one(tmp_path: Path, number: int) -> None:
    folders.lamp(tmp_path, number, "train", questions=9)
    folders.lamp(tmp_path, number, "tune", questions=5)
    folders.lamp(tmp_path, number, "dev", questions=3)
    task = folders.lamp_task(number)
    # Films are nobody's own: that two people tag the same one alike is no leak.
    assert twins_in(tmp_path, task) == (0 if number == 2 else 8)
    people = {split: read_corpus(tmp_path, split, task) for split in get_args(Split)[:3]}
    assert [len(some) for some in people.values()] == ([9, 5, 3] if number == 2 else [4, 2, 3])
    for split, some in people.items():
        check_folder(tmp_path, split, some, task)
    folders.lamp(tmp_path, number, "dev", questions=9)
    if number != 2:
        with pytest.raises(UserError, match="also asked in a later one"):
            read_corpus(tmp_path, "tune", task)
    # A file of answers to the benchmark's own questions has all of them.
    assert len(read_questions_of(tmp_path, "train", task, answered=False)) == 9


def test_the_answer_is_taken_out_of_the_history(tmp_path: Path) -> None:
    asked = [
        {
            "id": "1",
            "input": "Write. paper: x",
            "profile": [
                {"id": "a", "title": "The very same long title", "abstract": "z"},
                {"id": "b", "title": "Another one", "abstract": None},
                {"id": "c", "title": " ", "abstract": "without a title"},
            ],
        }
    ]
    (tmp_path / "dev_questions.json").write_text(json.dumps(asked), encoding="utf-8")
    write_outputs(tmp_path / "dev_outputs.json", Outputs("LaMP_5", {"1": "the very same  long title."}))
    people = read_corpus(tmp_path, "dev", folders.lamp_task(5))
    assert [item.id for item in people[0].items] == ["a", "b"]
    target = draw_targets(people, folders.lamp_task(5), per_person=1, rng=np.random.default_rng(0), last_third=True)[0]
    assert [people[0].items[i].id for i in target.history] == ["b"]


@pytest.mark.parametrize(
    ("questions", "outputs", "says"),
    [
        ("<html>Not found</html>", None, "web page"),
        ("{", None, "no JSON"),
        ("{}", None, "no list of questions"),
        ('[{"id": 1}]', None, "title and abstract"),
        ('[{"id": 1, "input": "x", "profile": [{"id": 1, "text": "t"}]}]', None, "title and abstract"),
        ("[]", None, "nobody"),
        ("[]", "<!doctype html>", "web page"),
        ("[]", "[]", "holds no outputs"),
        ("[]", '{"task": "LaMP_4", "golds": []}', "LaMP_4 and not LaMP_5"),
        ('[{"id": 1, "input": "x", "profile": []}]', None, "no output for question '1'"),
        ("[]", "", "holds no dev_outputs"),
    ],
)
def test_broken_files_are_one_clear_sentence(tmp_path: Path, questions: str, outputs: str | None, says: str) -> None:
    (tmp_path / "dev_questions.json").write_text(questions, encoding="utf-8")
    if outputs != "":
        given = outputs or '{"task": "LaMP-5", "golds": [{"id": 9, "output": "t"}]}'
        (tmp_path / "dev_outputs.json").write_text(given, encoding="utf-8")
    with pytest.raises(UserError, match=re.escape(says)) as caught:
        read_corpus(tmp_path, "dev", folders.lamp_task(5))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("number", folders.LAMP_NUMBERS)
def test_questions_and_outputs_survive_writing(tmp_path: Path, number: int) -> None:
    shape = folders.lamp_task(number).shape
    folders.lamp(tmp_path, number, "dev", time=True)
    questions = read_questions(tmp_path / "dev_questions.json", shape)
    write_questions(tmp_path / "again.json", questions, shape)
    assert read_questions(tmp_path / "again.json", shape) == questions
    golds = read_outputs(tmp_path / "dev_outputs.json")
    write_outputs(tmp_path / "predictions.json", golds)
    assert read_outputs(tmp_path / "predictions.json") == golds
    raw = json.loads((tmp_path / "predictions.json").read_text(encoding="utf-8"))
    assert raw["task"] == f"LaMP_{number}"
    assert set(raw["golds"][0]) == {"id", "output"}
    before = json.loads((tmp_path / "dev_questions.json").read_text(encoding="utf-8"))[0]
    after = json.loads((tmp_path / "again.json").read_text(encoding="utf-8"))[0]
    assert {k for item in before["profile"] for k in item} == {k for item in after["profile"] for k in item}
    assert after["user_id"] == before["user_id"]


@pytest.mark.parametrize(("shape", "name"), folders.OWN_TASKS)
def test_a_corpus_survives_the_way_to_lamp_and_back(tmp_path: Path, shape: str, name: str) -> None:
    data, task = folders.FOLDERS[shape][0](tmp_path / "data"), task_named(name)
    made = convert(task, data, tmp_path / "out", per_person=2, seed=1)
    assert [m.split for m in made] == ["train", "tune", "dev"]
    people = {p.id: p for p in read_corpus(data, "dev", task)}
    targets = draw_targets(list(people.values()), task, per_person=2, rng=np.random.default_rng(1), last_third=True)
    number = LAMP_SHAPE[task.name]
    questions = read_questions(made[-1].folder / "dev_questions.json", SHAPES[number])
    golds = read_outputs(made[-1].folder / "dev_outputs.json")
    assert golds.task == f"LaMP_{number}"
    assert list(golds.texts) == [question.id for question in questions]
    for question, target in zip(questions, targets, strict=True):
        person = people[question.user]
        whole = [person.items[i] for i in target.history]
        kept = [replace(i, input=i.input if SHAPES[number].input else None) for i in whole]
        kept = [replace(i, label=i.label if SHAPES[number].label else None) for i in kept]
        assert list(question.profile) == kept
        assert golds.texts[question.id] == target.pair.answer
        assert question.input.endswith(target.pair.input)
        if number != 6:
            assert folders.lamp_task(number).query(question.input) == target.pair.input
            assert golds.texts[question.id] not in [item.text for item in question.profile]
    if number != 6:
        again = read_corpus(tmp_path / "out", "dev", folders.lamp_task(number))
        assert [p.given.answer for p in again if p.given] == [" ".join(g.split()) for g in golds.texts.values()]


def test_a_corpus_goes_to_a_task_of_lamp_it_has_the_shape_of(tmp_path: Path) -> None:
    data = folders.papers(tmp_path / "data")
    assert convert(task_named("lamp-5"), data, tmp_path / "out", per_person=1, seed=0)[0].folder.parent.name == "LaMP_5"
    with pytest.raises(UserError, match="shape of LaMP_3"):
        convert(task_named("lamp-3"), data, tmp_path / "out", per_person=1, seed=0)
    with pytest.raises(UserError, match="name a corpus folder"):
        convert(task_named("lamp-3"), tmp_path, tmp_path / "out", per_person=1, seed=0)


def test_what_arms_answer_is_scored_beside_the_golds(tmp_path: Path) -> None:
    runtime = tiny.runtime(tmp_path / "models", with_atlas=False, tasks=("lamp-5",))
    folders.lamp(tmp_path / "data", 5, "dev")
    task, golds = folders.lamp_task(5), read_outputs(tmp_path / "data" / "dev_outputs.json")
    people = read_corpus(tmp_path / "data", "dev", task)
    protocol = Protocol(
        runtime, task, people, users=9, targets_per_user=1, seed=0, strength=1.0, report=lambda message, share: None
    )
    (plain,) = [arm.answers for arm in protocol.run(["plain"], metrics=True).arms if arm.arm == "plain"]
    assert plain is not None and plain.keys() == golds.texts.keys()
    write_predictions(tmp_path / "out", task, {"plain": plain, "persona:other": golds.texts})
    written = read_outputs(tmp_path / "out" / "plain.json")
    assert written == Outputs(task="LaMP_5", texts=plain)
    assert score_outputs(golds, written)["rouge-1"] < 1
    assert score_outputs(golds, read_outputs(tmp_path / "out" / "persona-other.json"))["rouge-1"] == 1
