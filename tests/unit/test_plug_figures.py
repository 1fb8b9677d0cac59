"""What the page says of its plug: figures of these very weights, and no claim where there is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from persona_demo.arms import KNOWN
from persona_demo.evaluation.bootstrap import Estimate
from persona_demo.evaluation.placement_figures import FILE, read_placement_error
from persona_demo.evaluation.plug_figures import PlugFigures, read_plug_figures
from persona_demo.evaluation.results import RESULTS
from persona_demo.tasks import BLOG_POST
from persona_demo.ui.words import about, nearness

SHA = "f" * 64
OF = BLOG_POST.wording


def arm(name: str, lift: float, low: float, high: float) -> dict[str, Any]:
    return {"arm": name, "lift": lift, "lift_ci": [low, high], "share_helped": 0.7}


def read(folder: Path, **changes: Any) -> PlugFigures | None:
    record = {
        "split": "dev",
        "users": 1200,
        "targets": 4800,
        "strength": 1.0,
        "arms": [
            arm("task", 0, 0, 0), arm("persona", 0.1, 0.05, 0.15), arm("persona:other", -0.1, -0.2, -0.05),
            arm("bm25", 0.2, 0.1, 0.3), arm("persona+bm25", 0.3, 0.2, 0.4),
        ],
        "placebo_gap": 0.2,
        "placebo_gap_ci": [0.1, 0.3],
        "made": {"models": {"plug": {"sha256": SHA}}},
        **changes,
    }  # fmt: skip
    (folder / "blog-post.dev.json").write_text(json.dumps(record), encoding="utf-8")
    return read_plug_figures("blog-post", SHA, results=folder)


def test_an_arm_counts_over_its_own_base_only(tmp_path: Path) -> None:
    found = read(tmp_path)
    assert found is not None and (found.users, found.targets, found.placebo_gap) == (
        1200,
        4800,
        Estimate(0.2, 0.1, 0.3),
    )
    # Lifts of a file are over the control, which is not what texts in the prompt of another model are compared with.
    assert [(gain.arm, gain.over) for gain in found.gains] == [("persona", "task")]
    pair = {"arm": "persona+bm25", "over": "task+bm25", "gain": -0.1, "gain_ci": [-0.2, 0.0]}
    found = read(tmp_path, comparisons=[pair, {"arm": "persona", "over": "bm25", "gain": 1, "gain_ci": [1, 1]}])
    assert found is not None
    assert [(gain.arm, gain.over) for gain in found.gains] == [("persona", "task"), ("persona+bm25", "task+bm25")]
    assert found.gains[1].gain == Estimate(-0.1, -0.2, 0.0)


def test_figures_of_another_plug_and_damaged_ones_are_left_aside(tmp_path: Path) -> None:
    assert read_plug_figures("blog-post", SHA, results=tmp_path) is None
    assert read(tmp_path) is not None
    assert read_plug_figures("blog-post", "0" * 64, results=tmp_path) is None
    assert read(tmp_path, arms=[{"arm": "persona"}]) is None
    (tmp_path / "blog-post.dev.json").write_bytes(b"\xff{")
    assert read_plug_figures("blog-post", SHA, results=tmp_path) is None


def test_the_page_says_what_was_shown_and_what_was_not(tmp_path: Path) -> None:
    said = about(OF, figures=read(tmp_path))
    assert "“Persona” over “Trained, no person”: +0.100 [+0.050, +0.150], lift shown; 70% of the people" in said
    assert "+0.200 [+0.100, +0.300], so part of it is personal" in said and "1,200 people" in said
    for low in (-0.1, 0.0):
        said = about(OF, figures=read(tmp_path, arms=[arm("persona", 0.1, low, 0.3)], placebo_gap_ci=[low, 0.3]))
        assert "**lift not shown**" in said and "**not shown to be personal**" in said and "lift shown" not in said
    assert "nothing is claimed of it" in about(OF)


def test_the_page_says_which_columns_may_be_compared_and_links_the_paper() -> None:
    said = about(OF)
    assert "[arXiv 2409.11901](https://arxiv.org/abs/2409.11901)" in said
    for each in KNOWN.values():
        if each.compared_with is not None:
            line = next(
                line for line in said.splitlines() if line.endswith(f"with “{KNOWN[each.compared_with].title}”")
            )
            assert f"“{each.title}”" in line


@pytest.mark.parametrize("path", sorted(RESULTS.glob("*.dev.json")), ids=lambda path: path.name)
def test_every_results_file_of_dev_can_be_told(path: Path) -> None:
    made_with = json.loads(path.read_text(encoding="utf-8"))["made"]["models"]["plug"]["sha256"]
    found = read_plug_figures(path.name.removesuffix(".dev.json"), made_with)
    assert found is not None and found.gains and found.placebo_gap is not None


def test_what_a_map_keeps_is_said_of_the_map_it_was_measured_on(tmp_path: Path) -> None:
    figures = {"points": 153.0, "error": 0.157, "drift": 0.1, "chance": 1.27, "kept": 0.18, "kept_refit": 0.25}
    record = figures | {"made": {"models": {"plug": {"sha256": SHA}}}}
    assert read_placement_error(SHA, results=tmp_path) is None
    (tmp_path / FILE).write_text(json.dumps(record), encoding="utf-8")
    measured = read_placement_error(SHA, results=tmp_path)
    assert measured is not None and measured.points == 153
    assert "18% are among" in nearness(measured) and "0.16 map-spreads" in nearness(measured)
    assert read_placement_error("0" * 64, results=tmp_path) is None
    unmeasured = nearness(None)
    assert "only some of who is near" in unmeasured and not any(sign.isdigit() for sign in unmeasured)
    (tmp_path / FILE).write_text(json.dumps(record | {"kept": None}), encoding="utf-8")
    assert read_placement_error(SHA, results=tmp_path) is None
