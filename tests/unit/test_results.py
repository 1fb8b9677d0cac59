"""The README's tables: made from results files, stale ones noticed, and files that say where figures come from."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from persona_demo.errors import UserError
from persona_demo.evaluation.provenance import ROOT, command_line, commit, data_digest
from persona_demo.evaluation.readme import write_tables
from tests import folders

MARKS = """# Title

<!-- table arms blog-post.dev -->
<!-- /table -->

Kept.

<!-- table speed -->
old
<!-- /table -->
"""


def figures(**changes: Any) -> dict[str, Any]:
    """A results file as evaluate writes it."""
    interval = {"nll": 3.5, "nll_ci": [3.4, 3.6], "lift": 0.0, "lift_ci": [0.0, 0.0], "share_helped": 0.0}
    costs = {"prompt_tokens": 16.0, "ms": 90.0, "bytes_per_user": 0.0}
    persona = interval | {"lift": 0.1234, "lift_ci": [0.1, 0.15], "share_helped": 0.7} | costs
    return {
        "task": "blog-post",
        "split": "dev",
        "users": 200,
        "targets": 1800,
        "engine": "torch",
        "arms": [
            {
                "arm": "task",
                **interval,
                "metric": {"rouge-1": 0.1},
                "attribution": 0.1,
                "attribution_ci": [0.1, 0.1],
                **costs,
            },
            {"arm": "persona", **persona, "metric": {"rouge-1": 0.2}, "attribution": 0.3, "attribution_ci": [0.2, 0.4]},
        ],
        "placebo_gap": 0.2,
        "placebo_gap_ci": [0.1, 0.3],
        "reference": {"items": 8, "gap": 0.4, "gap_ci": [0.3, 0.5]},
        "attribution": {"people": "dev", "groups": 10, "own_words": 0.5, "own_words_ci": [0.4, 0.6]},
        "comparisons": [{"arm": "persona", "over": "bm25", "gain": 0.05, "gain_ci": [0.01, 0.09]}],
        "made": {
            "command": "python -m persona_demo evaluate --task blog-post",
            "commit": "0123456789abcdef",
            "models": {"plug": {"name": "blog-post", "sha256": "f" * 64}},
            "data": {"name": "corpus", "sha256": "e" * 64},
        },
        **changes,
    }


@pytest.fixture
def readme(tmp_path: Path) -> Path:
    """A README beside a folder of results."""
    results = tmp_path / "results"
    results.mkdir()
    (results / "blog-post.dev.json").write_text(json.dumps(figures()), encoding="utf-8")
    (results / "bench.edit.json").write_text(
        json.dumps(
            {
                "soft_arms_first_token_ms": 145.2,
                "all_arms_first_token_ms": 146.0,
                "new_vector_ms": 28.4,
                "new_point_ms": 35.1,
            }
        ),
        encoding="utf-8",
    )
    (tmp_path / "README.md").write_text(MARKS, encoding="utf-8")
    return tmp_path / "README.md"


def test_tables_are_made_and_made_again_without_a_change(readme: Path) -> None:
    results = readme.parent / "results"
    with pytest.raises(UserError, match="results: run"):
        write_tables(readme=readme, results=results, check=True)
    assert readme.read_text(encoding="utf-8") == MARKS
    assert write_tables(readme=readme, results=results)
    text = readme.read_text(encoding="utf-8")
    assert "| `persona` | 3.500 | 0.123 [0.100, 0.150] | 70% | 0.200 | 30% [20%, 40%] | 16 | 90 |" in text
    assert "**Placebo gap: 0.200 [0.100, 0.300].**" in text
    assert "the placebo gap is 50% of it" in text
    assert "`persona` over `bm25`: 0.050" in text
    assert "of their own words it is 50% [40%, 60%]" in text
    assert "python -m persona_demo evaluate --task blog-post" in text
    assert "commit `0123456`" in text
    assert "145 and 146 ms" in text and "28 and 35 ms" in text
    assert "\nKept.\n" in text
    assert "\nold\n" not in text
    assert not write_tables(readme=readme, results=results)
    assert not write_tables(readme=readme, results=results, check=True)


def test_a_new_figure_makes_the_readme_stale(readme: Path) -> None:
    results = readme.parent / "results"
    write_tables(readme=readme, results=results)
    (results / "blog-post.dev.json").write_text(json.dumps(figures(placebo_gap=0.21)), encoding="utf-8")
    with pytest.raises(UserError, match="does not show the figures"):
        write_tables(readme=readme, results=results, check=True)


def test_no_share_is_taken_of_what_is_not_shown_to_be_worth_anything(readme: Path) -> None:
    results = readme.parent / "results"
    unsure = {"items": 8, "gap": 0.01, "gap_ci": [-0.05, 0.07]}
    (results / "blog-post.dev.json").write_text(json.dumps(figures(reference=unsure)), encoding="utf-8")
    write_tables(readme=readme, results=results)
    text = readme.read_text(encoding="utf-8")
    assert "0.010 [-0.050, 0.070] more than another person's." in text
    assert "of it" not in text


def test_a_line_for_each_task(readme: Path) -> None:
    results = readme.parent / "results"
    readme.write_text("<!-- table tasks dev -->\n<!-- /table -->\n", encoding="utf-8")
    other = figures(task="headline")
    del other["reference"], other["placebo_gap"], other["placebo_gap_ci"]
    other["arms"] = [{k: v for k, v in arm.items() if "attribution" not in k} for arm in other["arms"]]
    (results / "headline.dev.json").write_text(json.dumps(other), encoding="utf-8")
    # Whose a text is was measured apart.
    (results / "headline.dev-attribution.json").write_text(json.dumps(figures(task="headline")), encoding="utf-8")
    fair = [{"arm": "persona", "over": "task+bm25", "gain": -0.02, "gain_ci": [-0.05, 0.01]}]
    (results / "blog-post.dev.json").write_text(json.dumps(figures(comparisons=fair)), encoding="utf-8")
    write_tables(readme=readme, results=results)
    lines = readme.read_text(encoding="utf-8").splitlines()
    assert lines[3].startswith(
        "| `blog-post` | 200 | 0.123 [0.100, 0.150] | 0.200 [0.100, 0.300] | 50% | -0.020 [-0.050, 0.010] |"
    )
    assert "rouge-1 0.100 → 0.200" in lines[3]
    assert lines[4].startswith("| `headline` | 200 |")
    assert len(lines) == 6 and lines[4].endswith("| 30% [20%, 40%] |")


def test_a_line_for_each_of_several_plugs(readme: Path) -> None:
    results = readme.parent / "results"
    readme.write_text("<!-- table plugs one.tune-a,one.tune-b -->\n<!-- /table -->\n", encoding="utf-8")
    for name, gap in (("a", 0.2), ("b", 0.3)):
        text = json.dumps(figures(split="tune", placebo_gap=gap))
        (results / f"one.tune-{name}.json").write_text(text, encoding="utf-8")
    write_tables(readme=readme, results=results)
    lines = readme.read_text(encoding="utf-8").splitlines()
    assert [line.split(" | ")[0] for line in lines[3:5]] == ["| `one.tune-a`", "| `one.tune-b`"]
    assert "| 0.200 [0.100, 0.300] |" in lines[3] and "| 0.300 [0.100, 0.300] |" in lines[4]


def test_plugs_are_compared_person_by_person_where_people_are_the_same(readme: Path) -> None:
    results = readme.parent / "results"
    readme.write_text("<!-- table plugs a,b,c -->\n<!-- /table -->\n", encoding="utf-8")
    nll = {"a": [3.0, 3.2, 3.4], "b": [2.9, 3.0, 3.1], "c": [2.0, 2.0, 2.0]}
    for name, own in nll.items():
        people = {
            "groups": [0, 1, 2],
            "targets": [4, 4, 4],
            "nll": {"task": [4.0] * 3, "persona": own, "persona:other": [3.5] * 3},
        }
        seed = 1 if name == "c" else 0
        (results / f"{name}.json").write_text(json.dumps(figures(people=people, seed=seed)), encoding="utf-8")
    write_tables(readme=readme, results=results)
    text = readme.read_text(encoding="utf-8")
    assert "`b` over `a`, person by person: nll of the persona lower by 0.200 [0.100, 0.300], " in text
    assert "placebo gap larger by 0.200 [0.100, 0.300]." in text
    assert "`c` over" not in text


@pytest.mark.parametrize("mark", ["magic", "arms", "speed now", "arms nowhere"])
def test_a_wrong_mark_is_one_sentence(readme: Path, mark: str) -> None:
    readme.write_text(f"<!-- table {mark} -->\n<!-- /table -->\n", encoding="utf-8")
    with pytest.raises(UserError):
        write_tables(readme=readme, results=readme.parent / "results")


def test_a_results_file_without_its_keys_is_one_sentence(readme: Path) -> None:
    (readme.parent / "results" / "blog-post.dev.json").write_text('{"arms": [{}]}', encoding="utf-8")
    with pytest.raises(UserError, match="lacks"):
        write_tables(readme=readme, results=readme.parent / "results")


def test_the_readme_that_ships_shows_the_results_that_ship() -> None:
    assert not write_tables(check=True)


def test_every_results_file_that_ships_says_where_it_comes_from() -> None:
    results = ROOT / "assets" / "results"
    sweeps = list(results.glob("*.sweep/sweep.json"))
    for path in [*results.glob("*.json"), *sweeps]:
        made = json.loads(path.read_text(encoding="utf-8"))["made"]
        assert made["command"].startswith("python -m ")
        assert len(made["commit"].rstrip("+")) == 40
        # A sweep is of many plugs, none of which is kept.
        assert set(made["models"]) >= ({"lm", "encoder"} if path in sweeps else {"plug"})
        assert all(len(model["sha256"]) == 64 for model in made["models"].values())
    for path in results.rglob("*.json"):
        assert str(Path.home()) not in path.read_text(encoding="utf-8")


def test_a_sweep_is_shown_from_its_folder_of_results(readme: Path) -> None:
    row = {"name": "base", "question": "q", "change": "", "placebo_gap": 0.1, "placebo_gap_ci": [0.05, 0.15]}
    budget = {"steps": 8, "batch_size": 4, "warm_steps": 3, "seed": 0, "most_items": 64}
    made = {"task": "blog-post", "split": "tune", "users": 2, "targets": 4, "options": budget}
    made["variants"] = [row, {"name": "labels", "question": "q", "change": "--no-labels", "skipped": "None."}]
    folder = readme.parent / "results" / "blog-post.sweep"
    (folder / "variants").mkdir(parents=True)
    (folder / "sweep.json").write_text(json.dumps(made), encoding="utf-8")
    for beside in ("settings.json", "variants/base.json"):
        (folder / beside).write_text("{}", encoding="utf-8")
    marks = ("sweep blog-post.sweep/sweep", "tasks dev")
    text = "".join(f"<!-- table {mark} -->\n<!-- /table -->\n" for mark in marks)
    readme.write_text(text, encoding="utf-8")
    write_tables(readme=readme, results=readme.parent / "results")
    shown = readme.read_text(encoding="utf-8")
    assert "| base |  | +0.1000 [+0.0500, +0.1500] |" in shown
    assert "| labels | `--no-labels` | None. |" in shown


def test_commands_name_no_folder_of_this_machine(tmp_path: Path) -> None:
    words = [
        "evaluate",
        "--data",
        str(tmp_path / "blogs"),
        "--plug",
        str(ROOT / "assets/plugs/x"),
        "--out",
        "/a/b.json",
    ]
    made = command_line([*words, f"--data={tmp_path}/other", "--seed", "1"], program="python -m persona_demo")
    assert made == (
        "python -m persona_demo evaluate --data CORPUS/blogs --plug assets/plugs/x --data CORPUS/other --seed 1"
    )
    assert command_line(["--plug", "/far/away/plug"], program="p") == "p --plug plug"


def test_the_digest_of_data_is_that_of_names_and_contents(tmp_path: Path) -> None:
    one = folders.blogs(tmp_path / "one")
    first = data_digest(one)
    (one / "README.md").write_text("not data", encoding="utf-8")
    assert data_digest(one) == first
    assert data_digest(folders.blogs(tmp_path / "two")) == first
    (one / "more.jsonl").write_text("{}", encoding="utf-8")
    assert data_digest(one) != first


def test_the_commit_is_gits_or_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    assert commit() == "unknown" or len(commit().rstrip("+")) == 40

    def missing(*words: object, **named: object) -> None:
        raise FileNotFoundError("git")

    monkeypatch.setattr(subprocess, "run", missing)
    assert commit() == "unknown"
