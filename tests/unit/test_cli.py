"""The command line on tiny models: one JSON document, exit status 2 and one sentence for errors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from persona_demo import commands
from persona_demo.arms import KNOWN
from persona_demo.cli import main
from persona_demo.corpora.lamp import read_questions_of
from persona_demo.evaluation import attribution
from persona_demo.history_io import save_history
from persona_demo.leakage import Fingerprint
from persona_demo.plug.storage import plug_fingerprint, save_plug
from persona_demo.runtime import Runtime
from persona_demo.tasks import TASKS, task_named
from persona_demo.terminal import document
from tests import folders, tiny
from tests.training import write_corpus

PROMPT = "I put the kettle on, then"


@pytest.fixture
def loaded(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands find a tiny runtime where they would load the real one."""
    monkeypatch.setattr(commands, "runtime_of", lambda arguments, report, **named: runtime)


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """A history file."""
    save_history(tiny.history(items=5), tmp_path / "ada.json")
    return tmp_path / "ada.json"


def output(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    """The one JSON document a command prints."""
    assert main([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.usefixtures("loaded")
def test_generate_gives_every_arm_with_its_costs(history: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["generate", "--history", str(history), "--task", "blog-post", "--prompt", PROMPT]
    made = output(capsys, *words, "--arms", "all", "--max-new-tokens", "6")
    assert {"task", "prompt", "strength", "engine", "arms"} == set(made)
    assert [a["arm"] for a in made["arms"]] == [*KNOWN, "persona:other"]
    keys = {"arm", "text", "tokens", "prompt_tokens", "soft_vectors", "first_token_ms", "total_ms", "bytes_per_user"}
    by_name = {a["arm"]: a for a in made["arms"]}
    for arm in made["arms"]:
        assert set(arm) == keys
        assert 1 <= arm["tokens"] <= 6
    assert by_name["persona"]["soft_vectors"] == by_name["task"]["soft_vectors"] == 8
    assert by_name["persona"]["prompt_tokens"] == by_name["plain"]["prompt_tokens"] < by_name["bm25"]["prompt_tokens"]


@pytest.mark.usefixtures("loaded")
def test_embed_gives_vectors_and_weights_uniform_without_a_query(
    history: Path, runtime: Runtime, capsys: pytest.CaptureFixture[str]
) -> None:
    made = output(capsys, "embed", "--history", str(history), "--task", "blog-post")
    assert [w["item"] for w in made["weights"]] == [f"p{n:02d}" for n in range(5)]
    assert [w["weight"] for w in made["weights"]] == pytest.approx([0.2] * 5)
    assert len(made["user_vector"]) == runtime.plug.config.user_width
    assert (len(made["persona"]), len(made["persona"][0])) == (3, 32)
    assert (len(made["words"]), len(made["words"][0])) == (4, 32)
    asked = output(capsys, "embed", "--history", str(history), "--task", "blog-post", "--query", PROMPT)
    assert sum(w["weight"] for w in asked["weights"]) == pytest.approx(1, abs=1e-5)
    assert asked["user_vector"] == pytest.approx(made["user_vector"])


@pytest.mark.usefixtures("loaded")
def test_evaluate_gives_the_figures_of_the_contract(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_corpus(tmp_path / "corpus")
    words = ["evaluate", "--task", "blog-post", "--data", str(data), "--split", "tune", "--users", "3"]
    made = output(capsys, *words, "--targets-per-user", "1", "--out", str(tmp_path / "figures.json"))
    assert made == json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    assert made["people"]["targets"] == [1, 1]
    assert np.mean(made["people"]["nll"]["persona"]) == pytest.approx(made["arms"][1]["nll"], abs=1e-5)
    assert [a["arm"] for a in made["arms"]] == ["task", "persona", "persona:other"]
    assert made["placebo_gap_ci"][0] <= made["placebo_gap"] <= made["placebo_gap_ci"][1]
    assert {"nll", "nll_ci", "lift", "lift_ci", "share_helped", "prompt_tokens", "ms", "bytes_per_user", "arm"} == set(
        made["arms"][0]
    )
    assert "cold_start" not in made


@pytest.mark.usefixtures("loaded")
def test_evaluate_has_the_keys_of_the_flags_it_was_given_and_no_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = folders.blogs(tmp_path / "corpus")
    people = [json.loads(line) for line in (data / "users.jsonl").read_text(encoding="utf-8").splitlines()]
    halves = [person | {"split": ("tune", "dev")[n % 2]} for n, person in enumerate(people)]
    folders.write_lines(data / "users.jsonl", halves, packed=False)
    monkeypatch.setattr(attribution, "GROUPS", 1)
    words = ["evaluate", "--data", str(data), "--split", "dev", "--users", "2", "--targets-per-user", "1"]
    plain = output(capsys, *words)
    basic = {"task", "split", "users", "targets", "seed", "plug", "engine", "strength", "arms", "placebo_gap"}
    assert set(plain) == basic | {"placebo_gap_ci"}
    words += ["--metrics", "--attribution", "--cold-start", "--reference", "--compare", "--arms", "task,persona,bm25"]
    predicted = tmp_path / "predicted"
    made = output(capsys, *words, "--out", str(tmp_path / "figures.json"), "--predictions", str(predicted))
    assert {file.name for file in predicted.iterdir()} == {"task.json", "persona.json", "bm25.json"}
    more = {"cold_start", "reference", "attribution", "comparisons", "people", "made"}
    assert set(made) == basic - {"placebo_gap"} | more
    assert [point["items"] for point in made["cold_start"]] == [0, 1, 2, 4, 8, 16, "all"]
    for arm in made["arms"]:
        assert set(arm) - set(plain["arms"][0]) == {"metric", "attribution", "attribution_ci"}
        assert set(arm["metric"]) == {"rouge-1", "rouge-L"}
    assert made["arms"][0]["attribution"] == pytest.approx(0.1)
    assert made["attribution"]["people"].startswith("dev and tune, pooled")
    assert made["made"]["data"]["name"] == "corpus"
    assert made["made"]["leakage"] in ("folder", "folder+plug") and "twins" not in made["made"]
    assert str(tmp_path) not in json.dumps(made)
    assert made["made"]["command"].startswith("python -m persona_demo evaluate --data CORPUS/corpus --split dev")
    assert main([*words, "--users", "1"]) == 0
    assert "attribution among ten people of dev and tune" in capsys.readouterr().out


@pytest.mark.usefixtures("loaded")
def test_evaluate_measures_the_persona_at_several_strengths(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_corpus(tmp_path / "corpus")
    words = ["evaluate", "--data", str(data), "--split", "tune", "--users", "3", "--targets-per-user", "1"]
    made = output(capsys, *words, "--strengths", "0,1,2")
    none, one, two = made["strengths"]
    assert [point["strength"] for point in made["strengths"]] == [0, 1, 2]
    assert [none["lift"], none["placebo_gap"]] == pytest.approx([0, 0], abs=1e-12) and two["lift"] != one["lift"]
    for name in ("nll", "lift", "lift_ci"):
        assert one[name] == pytest.approx(made["arms"][1][name])
    assert one["placebo_gap"] == pytest.approx(made["placebo_gap"])
    assert main([*words, "--strengths", "1,2"]) == 0
    assert "2 strength  lift" in capsys.readouterr().out
    for wrong, said in (("1,much", "by commas"), ("1,99", "from -4 to 6")):
        assert main([*words, "--strengths", wrong]) == 2
        assert said in capsys.readouterr().err


def test_a_list_of_numbers_is_one_line_of_a_document_and_texts_stay_as_they_are() -> None:
    record = {"a": [1.5, -2, 3e-07], "b": ["[\n 1,\n 2\n]", "x"], "c": [[1, 2], []], "d": [{"e": 1}]}
    assert json.loads(document(record)) == record
    assert '"a": [1.5, -2, 3e-07]' in document(record) and "[1, 2]" in document(record)


@pytest.mark.usefixtures("loaded")
def test_a_leak_ends_an_evaluation_with_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = folders.blogs(tmp_path / "corpus")
    lines = [json.loads(line) for line in (data / "users.jsonl").read_text(encoding="utf-8").splitlines()]
    lines[-1]["items"][3]["text"] = lines[0]["items"][0]["text"]
    folders.write_lines(data / "users.jsonl", lines, packed=False)
    assert main(["evaluate", "--data", str(data), "--split", "dev"]) == 2
    assert "another split" in capsys.readouterr().err


def test_results_are_in_the_readme(capsys: pytest.CaptureFixture[str]) -> None:
    assert output(capsys, "results", "--check") == {"changed": []}


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--arms", "magic"], "choose from"),
        (["--prompt", " "], "opening words"),
        (["--task", "poem"], "no task"),
        (["--temperature", "9"], "temperature"),
        (["--max-new-tokens", "0"], "new tokens"),
        (["--strength", "77"], "strength"),
        (["--history", "nowhere.json"], "nowhere.json"),
        (["--seed", "-1"], "seed"),
    ],
)
def test_a_wrong_word_is_one_sentence_and_status_two(
    history: Path, capsys: pytest.CaptureFixture[str], words: list[str], says: str
) -> None:
    given = ["generate", "--history", str(history), "--task", "blog-post", "--prompt", PROMPT, *words]
    assert main(given) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert says in captured.err.lower()
    assert captured.err.strip().count("\n") == 0
    assert "Traceback" not in captured.err


def test_a_missing_plug_or_corpus_is_one_sentence(
    tmp_path: Path, history: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plug = ["embed", "--history", str(history), "--task", "blog-post", "--plug", str(tmp_path / "no")]
    assert main(plug) == 2
    assert "holds no plug" in capsys.readouterr().err
    assert main(["evaluate", "--data", str(tmp_path / "no")]) == 2
    assert "holds no users" in capsys.readouterr().err
    assert main(["evaluate", "--data", str(tmp_path), "--split", "half"]) == 2
    assert "no split" in capsys.readouterr().err


@pytest.mark.usefixtures("loaded")
def test_a_task_the_plug_does_not_serve_is_one_sentence(history: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in TASKS:
        words = ["generate", "--history", str(history), "--task", name, "--prompt", PROMPT, "--max-new-tokens", "2"]
        assert main(words) == (0 if name == "blog-post" else 2)
        captured = capsys.readouterr()
        if name != "blog-post":
            assert captured.err == f"This plug serves blog-post, not {name}: load another plug.\n"


def test_lamp_convert_and_score_are_one_document_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, out = folders.headlines(tmp_path / "data"), tmp_path / "out"
    words = ["lamp", "convert", "--task", "headline", "--data", str(data), "--out", str(out)]
    made = output(capsys, *words, "--targets-per-user", "2")
    assert made["task"] == "LaMP_4"
    assert [(s["split"], s["questions"]) for s in made["splits"]] == [("train", 12), ("tune", 6), ("dev", 6)]
    golds = out / "LaMP_4" / "dev" / "dev_outputs.json"
    scored = output(capsys, "lamp", "score", "--golds", str(golds), "--predictions", str(golds))
    assert scored == {"task": "LaMP_4", "examples": 6, "metric": {"rouge-1": 1.0, "rouge-L": 1.0}}
    assert main(words) == 0
    assert "6 questions of train" in capsys.readouterr().out
    assert main(["lamp", "score", "--golds", str(golds), "--predictions", str(golds)]) == 0
    assert "rouge-L  1.0000" in capsys.readouterr().out


def test_lamp_predict_answers_questions_without_outputs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = tiny.runtime(tmp_path, with_atlas=False, tasks=("lamp-5",))
    monkeypatch.setattr(commands, "runtime_of", lambda arguments, report, **named: runtime)
    monkeypatch.setattr(commands, "plug_folder_of", lambda arguments, report: tmp_path)
    data, out = folders.lamp(tmp_path / "data", 5, "test", time=True, outputs=False), tmp_path / "answers"
    questions = json.loads((data / "test_questions.json").read_text(encoding="utf-8"))
    questions[0]["profile"] = []
    (data / "test_questions.json").write_text(json.dumps(questions), encoding="utf-8")
    words = ["lamp", "predict", "--task", "lamp-5", "--data", str(data), "--out", str(out), "--arms", "task,bm25"]
    made = output(capsys, *words)
    assert made == {"task": "lamp-5", "split": "test", "questions": 6, "arms": ["task", "bm25"]}
    for arm in made["arms"]:
        answers = json.loads((out / f"{arm}.json").read_text(encoding="utf-8"))
        assert answers["task"] == "LaMP_5"
        assert sorted(gold["id"] for gold in answers["golds"]) == sorted(question["id"] for question in questions)
    save_plug(runtime.plug, tmp_path, card="")
    task = task_named("lamp-5")
    asked = read_questions_of(data, "test", task, answered=False)  # type: ignore[arg-type]
    Fingerprint.of([("train", task, asked)], plug=plug_fingerprint(tmp_path)).save(tmp_path)
    assert main(words) == 2
    assert "trained or tuned on person" in capsys.readouterr().err
    assert main(["lamp", "predict", "--task", "headline", "--data", str(data), "--out", str(out)]) == 2
    assert "no task of LaMP's" in capsys.readouterr().err
    assert main(["evaluate", "--task", "lamp-5", "--data", str(data), "--split", "test"]) == 2
    assert "lamp predict" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["convert", "--task", "poem", "--data", "no", "--out", "no"], "no task"),
        (["convert", "--task", "headline", "--data", "no", "--out", "no"], "holds no users"),
        (["convert", "--task", "headline", "--data", "no", "--out", "no", "--targets-per-user", "0"], "use 1 or more"),
        (["score", "--golds", "no.json", "--predictions", "no.json"], "cannot be read"),
    ],
)
def test_a_wrong_word_to_lamp_is_one_sentence(capsys: pytest.CaptureFixture[str], words: list[str], says: str) -> None:
    assert main(["lamp", *words]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert says in captured.err
    assert captured.err.strip().count("\n") == 0


def test_models_list_says_what_to_do_when_nothing_is_here(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "list"]) == 0
    assert "models fetch" in capsys.readouterr().out
    assert output(capsys, "models", "list") == {"models": []}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["evaluate", "--data", ".", "--users", "abc"], "invalid int value: 'abc'"),
        (["lamp", "convert", "--data", ".", "--out", ".", "--seed", "-1"], "is no seed"),
        (["atlas", "build", "--data", ".", "--seed", "1.5"], "is no seed"),
        (["generate", "--prompt", "x"], "--history"),
        (["embed", "--history", "x.json", "--task", "lamp-7"], "x.json"),
    ],
)
def test_wrong_words_are_one_sentence(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    told = capsys.readouterr().err
    assert said in told and told.count("\n") == 1


def test_a_task_no_plug_ships_for_is_told_before_models_are_loaded(
    history: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Runtime, "load", lambda **_: pytest.fail("models were loaded"))
    assert main(["embed", "--history", str(history), "--task", "lamp-7"]) == 2
    assert "No plug for lamp-7 ships" in capsys.readouterr().err
