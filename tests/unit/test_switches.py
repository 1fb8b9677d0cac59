"""Switches of training as somebody sets them: options, presets, and flags that go before both."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import pytest
import torch

from persona_demo.cli import main
from persona_demo.errors import UserError
from persona_demo.lm.torch_engine import TorchLM
from persona_demo.plug.config import PlugConfig
from persona_demo.plug.storage import load_plug
from persona_demo.tasks import task_named
from persona_demo.training.options import TrainOptions
from persona_demo.training.population import read_people
from persona_demo.training.presets import PRESETS
from persona_demo.wordfilter import WordFilter
from tests import saved, tiny
from tests.training import write_corpus


@pytest.mark.parametrize(
    "changes",
    [
        {"steps": 0},
        {"batch_size": 0},
        {"warm_steps": 1_000},
        {"dropout": 1.0},
        {"decay_share": 1.5},
        {"subsampling": "some"},
        {"contrast": -1.0},
        {"learning_rate": float("nan")},
        {"seed": -1},
    ],
)
def test_impossible_options_are_one_sentence(changes: dict[str, object]) -> None:
    with pytest.raises(UserError) as raised:
        TrainOptions(**changes)  # type: ignore[arg-type]
    assert str(raised.value).endswith(".") and "\n" not in str(raised.value)


def command(folder: Path, *words: str, preset: str, lm: TorchLM) -> int:
    """``train`` on tiny models that lie in folders, as somebody would type it."""
    corpus = folder / "corpus"
    if not corpus.exists():
        write_corpus(corpus)
    return main(
        [
            *("train", "--data", str(corpus), "--out", str(folder / "plug"), "--preset", preset, "--json"),
            *("--lm", str(saved.lm_folder(folder / "lm", lm)), "--encoder", str(saved.encoder_folder(folder / "bert"))),
            *words,
        ]
    )


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_paper_preset_runs_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], dtype: str
) -> None:
    words = ["--steps", "6", "--batch-size", "4", "--check-every", "3", "--save-every", "3", "--dtype", dtype]
    assert command(tmp_path, *words, preset="paper", lm=tiny.seq2seq_lm()) == 0
    assert json.loads(capsys.readouterr().out) == {"plug": str(tmp_path / "plug")}
    plug = load_plug(tmp_path / "plug")
    form = plug.config
    assert (form.persona_tokens, form.keyword_tokens, form.components, form.beams) == (1, 0, 0, 4)
    assert (form.place, form.aggregator, form.projects, form.scaling) == ("before", "cosine", "items", "raw")
    assert (form.projector_width, form.item_width, form.soft_vectors) == (32, 16, 2)
    assert plug.query_encoder is not None and plug.query_encoder.prefix.startswith("Represent")
    # What the projector learned moves the mean person, so user vectors are measured again at the end.
    assert plug.population_mean.abs().sum() > 0
    assert plug.aggregator.kind == "cosine" and not list(plug.aggregator.parameters())
    card = (tmp_path / "plug" / "README.md").read_text(encoding="utf-8")
    assert "each is projected before the sum" in card and "plain cosines" in card


def test_a_killed_run_of_the_paper_preset_resumes_to_the_same_plug(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--batch-size", "4", "--check-every", "0", "--save-every", "2", "--dtype", "float32", "--steps", "4"]
    assert command(tmp_path, *words, preset="paper", lm=tiny.seq2seq_lm()) == 0
    whole = load_plug(tmp_path / "plug")
    trainer_file = tmp_path / "plug" / "checkpoint" / "checkpoint.safetensors"
    assert trainer_file.is_file()
    assert command(tmp_path, *words, "--resume", preset="paper", lm=tiny.seq2seq_lm()) == 0
    again = load_plug(tmp_path / "plug")
    for (name, one), other in zip(whole.state_dict().items(), again.state_dict().values(), strict=True):
        torch.testing.assert_close(one, other, msg=name)


def test_switches_are_flags_and_go_before_the_preset(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--steps", "4", "--warm-steps", "1", "--batch-size", "2", "--check-every", "0", "--dtype", "float32"]
    words += ["--blocks", "states,surface", "--no-labels", "--components", "6", "--keyword-tokens", "0"]
    words += ["--persona-tokens", "2", "--projector-width", "0", "--contrast", "0.5", "--subsampling", "paper"]
    assert command(tmp_path, *words, preset="classroom", lm=tiny.causal_lm()) == 0
    form = load_plug(tmp_path / "plug").config
    assert form.blocks == ("states", "surface") and not form.labels
    assert (form.components, form.keyword_tokens, form.persona_tokens, form.projector_width) == (6, 0, 2, 32)
    record = (tmp_path / "plug" / "checkpoint" / "checkpoint.safetensors").read_bytes()
    assert b'\\"contrast\\": 0.5' in record and b"paper" in record
    capsys.readouterr()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--task", "blog-post,poem"], "no task"),
        (["--task", "blog-post,blog-post"], "twice"),
        (["--task", "blog-post,headline", "--data", "a,b,c"], "one for each"),
        (["--blocks", "smell"], "no block"),
        (["--steps", "100"], "warm"),
        (["--soft-scale", "0"], "soft_scale"),
    ],
)
def test_a_wrong_switch_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], says: str
) -> None:
    assert command(tmp_path, *words, preset="classroom", lm=tiny.causal_lm()) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and says in captured.err.strip().splitlines()[-1]


def test_presets_name_fields_that_there_are() -> None:
    for preset in PRESETS.values():
        assert set(preset.form) <= {f.name for f in fields(PlugConfig)}
        assert TrainOptions(**preset.options)
    assert TrainOptions(**PRESETS["classroom"].options) == TrainOptions()


def test_the_word_filter_is_a_switch_and_the_paper_has_none(tmp_path: Path) -> None:
    assert PRESETS["paper"].options["word_filter"] is False
    data = write_corpus(tmp_path / "corpus")
    listed = next(word for word in ("shit", "fuck") if not WordFilter.default().is_clean(word))
    path = data / "users.jsonl"
    path.write_text(path.read_text(encoding="utf-8").replace("Entry 3 3:", f"Entry 3 3, {listed}:"), encoding="utf-8")
    task = task_named("blog-post")

    def items(**switches: bool) -> tuple[int, int]:
        people, dropped, _ = read_people(data, "train", task, most_items=64, **switches)
        return sum(len(person.items) for person in people), dropped

    kept, dropped = items()
    assert dropped == 1
    assert items(word_filter=False) == (kept + 1, 0)
