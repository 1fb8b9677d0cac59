"""A sweep on tiny models: what is shared is made once, a killed one goes on, and figures are paired by person."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from persona_demo.cli import main
from persona_demo.errors import UserError
from persona_demo.plug.config import PlugConfig
from persona_demo.tasks import task_named
from persona_demo.training import sweep as sweep_module
from persona_demo.training.material import Source
from persona_demo.training.models import Models
from persona_demo.training.options import TrainOptions
from persona_demo.training.sweep import Sweep
from persona_demo.training.tables import table, tabulate
from persona_demo.training.variants import BASE, VARIANTS, Variant, chosen
from tests import folders, saved, tiny
from tests.training import make_models, write_corpus

OPTIONS = TrainOptions(steps=8, warm_steps=3, batch_size=4, check_every=0, save_every=2)
SOME = (
    Variant(BASE, "the base"),
    Variant("persona-1", "how many", {"persona_tokens": 1}),
    Variant("mean", "weights", {"aggregator": "mean"}),
    Variant("states", "blocks", {"blocks": ("states",)}),
    Variant("contrast", "contrast", options={"contrast": 1.0}),
    Variant("no-labels", "labels", {"labels": False}),
    Variant("impossible", "components", {"components": 10**6}),
    Variant("longer", "length", longer=2),
)


@pytest.fixture
def models(tmp_path: Path) -> Models:
    """Tiny models."""
    return make_models(tmp_path, tiny.causal_lm())


def make(folder: Path, models: Models, *, said: list[str] | None = None, variants: tuple[Variant, ...] = SOME) -> Sweep:
    """A sweep on a tiny corpus."""
    data = folder / "corpus"
    if not data.exists():
        write_corpus(data)
    return Sweep(
        Source(task_named("blog-post"), data),
        folder / "sweep",
        models=models,
        options=OPTIONS,
        variants=variants,
        people=2,
        targets=2,
        report=lambda message, share: None if said is None else said.append(message),
    )


def test_a_sweep_measures_every_variant_and_pairs_it_with_the_base(tmp_path: Path, models: Models) -> None:
    said: list[str] = []
    made = make(tmp_path, models, said=said).run()
    rows = {row["name"]: row for row in made["variants"]}
    assert list(rows) == [variant.name for variant in SOME]
    assert "labels" in rows["no-labels"]["skipped"] and "components" in rows["impossible"]["skipped"]
    assert "gap_over_base" not in rows[BASE] and made["users"] == 2
    for name in ("persona-1", "mean", "states", "contrast", "longer"):
        row = rows[name]
        assert row["placebo_gap_ci"][0] <= row["placebo_gap"] <= row["placebo_gap_ci"][1]
        assert row["gap_over_base"] == pytest.approx(row["placebo_gap"] - rows[BASE]["placebo_gap"], abs=1e-5)
        assert row["nll_below_base"] == pytest.approx(rows[BASE]["nll"] - row["nll"], abs=1e-5)
    assert (rows["mean"]["steps"], rows["longer"]["steps"]) == (8, 16)
    assert rows["persona-1"]["trained_parameters"] < rows[BASE]["trained_parameters"]
    # Same batches, same start, same form of the control: what they share is trained once.
    controls = {path.name for path in (tmp_path / "sweep" / "controls").iterdir()}
    assert len(controls) == 3
    vectors = {path.name for path in (tmp_path / "sweep" / "vectors").iterdir()}
    blocks = {"sentence", "surface", "words", "score", "states-last"}
    assert vectors == {f"{split}-{block}.safetensors" for split in ("train", "tune") for block in blocks}
    assert not any((tmp_path / "sweep" / "running").iterdir())
    markdown = (tmp_path / "sweep" / "sweep.md").read_text(encoding="utf-8")
    assert markdown == table(made) + "\n" and "`--persona-tokens 1`" in markdown and "8 steps of 4" in markdown
    assert json.loads((tmp_path / "sweep" / "sweep.json").read_text(encoding="utf-8")) == made
    assert str(tmp_path) not in json.dumps(made)
    assert any("persona-1 (2 of 8)" in message for message in said)


def test_lift_is_counted_from_the_control_of_the_same_form(tmp_path: Path, models: Models) -> None:
    make(tmp_path, models, variants=SOME[:3]).run()
    records = [
        json.loads((tmp_path / "sweep" / "variants" / f"{name}.json").read_text(encoding="utf-8"))["people"]
        for name in (BASE, "persona-1", "mean")
    ]
    assert records[0]["control"] == records[2]["control"] != records[1]["control"]


def test_a_killed_sweep_goes_on_to_the_same_figures(
    tmp_path: Path, models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "whole").mkdir()
    (tmp_path / "cut").mkdir()
    variants = SOME[:2]
    whole = make(tmp_path / "whole", models, variants=variants).run()

    class Killed(Exception):
        """Stands for the kill."""

    trained: list[str] = []
    real = sweep_module.Trainer.run

    def run(self: object, report: object, *, until: int | None = None) -> None:
        def told(progress: object) -> None:
            trained.append(f"{self.trains}")  # type: ignore[attr-defined]
            if len(trained) in kills:
                raise Killed

        real(self, told, until=until)  # type: ignore[arg-type]

    monkeypatch.setattr(sweep_module.Trainer, "run", run)
    # In the warm start, in the control, in the persona, and in the second variant's persona.
    kills = {2, 9, 15, 28}
    for _ in kills:
        with pytest.raises(Killed):
            make(tmp_path / "cut", models, variants=variants).run()
    cut = make(tmp_path / "cut", models, variants=variants).run()
    for one, other in zip(whole["variants"], cut["variants"], strict=True):
        for name in ("nll", "placebo_gap", "lift"):
            assert other[name] == pytest.approx(one[name], abs=1e-6)
    steps = len(trained)
    make(tmp_path / "cut", models, variants=variants).run()
    assert len(trained) == steps


def test_a_sweep_of_other_settings_is_not_mixed_in(tmp_path: Path, models: Models) -> None:
    make(tmp_path, models, variants=SOME[:1])
    # One of before knew fewer options and switches, and had what is their default now.
    path = tmp_path / "sweep" / "settings.json"
    settings = json.loads(path.read_text(encoding="utf-8"))
    del settings["options"]["word_filter"], settings["form"]["ridge"]
    path.write_text(json.dumps(settings), encoding="utf-8")
    make(tmp_path, models, variants=SOME[:1])
    with pytest.raises(UserError, match="other settings"):
        make(tmp_path, models.with_form(persona_tokens=2), variants=SOME[:1])


def test_variants_are_one_change_each_and_possible() -> None:
    names = [variant.name for variant in VARIANTS]
    assert names[0] == BASE and len(set(names)) == len(names)
    fields = ("base", "instruction_tokens", "persona_tokens", "keyword_tokens", "excerpt_items", "excerpt_tokens")
    usual = {f: PlugConfig.__dataclass_fields__[f].default for f in (*fields, "components")}
    base = tiny.plug_config(tiny.causal_lm(), 500, **usual)
    for variant in VARIANTS:
        changed = replace(base, **variant.form) != base or variant.options or variant.longer > 1
        assert changed or variant.name == BASE, variant.name
        assert TrainOptions(**variant.options)
    assert [v.name for v in chosen("mean, raw")] == [BASE, "mean", "raw"]
    assert chosen(None) == VARIANTS
    with pytest.raises(UserError, match="no variant 'magic'"):
        chosen("magic")


def test_differences_are_paired_and_groups_are_drawn_together() -> None:
    rng = np.random.default_rng(0)
    own = rng.normal(3, 1, size=60)
    settings = {"task": "t", "data": "d", "split": "tune", "options": {}, "form": {}}

    def record(name: str, shift: float) -> dict[str, object]:
        values = {"persona": (own - shift).tolist(), "other": (own + 0.1).tolist(), "control": (own + 0.05).tolist()}
        return {
            **{"name": name, "question": "q", "change": "", "steps": 1, "seconds_per_step": 0.1},
            **{"trained_parameters": 1, "targets": 60, "people": {**values, "groups": [i // 4 for i in range(60)]}},
        }

    made = tabulate(settings, [record(BASE, 0.0), record("better", 0.02)], seed=0)
    better = made["variants"][1]
    # People differ by 1 nat, the variants by 0.02: only a paired interval can see it.
    assert better["nll_below_base"] == pytest.approx(0.02)
    assert better["nll_below_base_ci"] == pytest.approx([0.02, 0.02])
    assert better["gap_over_base"] == pytest.approx(0.02)
    assert better["nll_ci"][1] - better["nll_ci"][0] > 0.3


def test_sweep_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = folders.critics(tmp_path / "critics")
    words = ["sweep", "--task", "film-rating", "--data", str(data), "--out", str(tmp_path / "sweep")]
    words += ["--lm", str(saved.lm_folder(tmp_path / "lm", tiny.causal_lm()))]
    words += ["--encoder", str(saved.encoder_folder(tmp_path / "bert")), "--dtype", "float32", "--people", "3"]
    words += ["--steps", "3", "--warm-steps", "1", "--batch-size", "2", "--only", "no-labels"]
    assert main([*words, "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in made["variants"]] == [BASE, "no-labels"]
    assert all("skipped" not in row for row in made["variants"])
    assert main(words) == 0
    assert "| no-labels | `--no-labels` |" in capsys.readouterr().out
    assert main([*words[:-1], "magic"]) == 2
    assert "no variant" in capsys.readouterr().err
