"""Runs that begin with a trained plug: what they take of it, and from whom they take nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from persona_demo.cli import main
from persona_demo.errors import UserError
from persona_demo.leakage import FINGERPRINT
from persona_demo.plug.model import PersonaPlug
from persona_demo.plug.storage import load_plug
from persona_demo.training import trainer
from persona_demo.training.data import Examples
from persona_demo.training.material import Source
from persona_demo.training.options import TrainOptions
from persona_demo.training.run import train_plug
from persona_demo.training.start import WORDS, Start, Takes
from persona_demo.training.watch import Look
from tests import tiny
from tests.training import BLOG, make_models, write_corpus

LEARNS = TrainOptions(
    steps=6, batch_size=4, warm_steps=1, check_every=0, learning_rate=1e-2, soft_learning_rate=1e-1, dropout=0.0
)
STILL = replace(LEARNS, steps=2, learning_rate=0, soft_learning_rate=0)

Train = Callable[..., PersonaPlug]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A corpus."""
    return write_corpus(tmp_path / "corpus")


@pytest.fixture
def train(tmp_path: Path, data: Path) -> Train:
    """Trains into a folder of a name, beginning with the plug of another."""
    lm = tiny.causal_lm()

    def trained(
        folder: str, options: TrainOptions, takes: Takes | None = None, *, data: Path = data, **form: Any
    ) -> PersonaPlug:
        return train_plug(
            [Source(BLOG, data)],
            tmp_path / folder,
            models=make_models(tmp_path, lm, **form),
            options=options,
            resume=False,
            report=lambda message, share: None,
            progress=lambda p: None,
            start=None if takes is None else Start(tmp_path / "first", takes),
        )

    return trained


def card(folder: Path) -> str:
    return (folder / "README.md").read_text(encoding="utf-8")


def test_maps_of_own_words_may_begin_as_those_of_another_plug(train: Train, tmp_path: Path) -> None:
    train("first", LEARNS)
    second, first = train("second", STILL, "words"), load_plug(tmp_path / "first")
    compared = 0
    for name, parameter in second.named_parameters():
        if name.startswith(WORDS):
            torch.testing.assert_close(parameter, first.get_parameter(name), msg=name)
            compared += 1
    assert compared
    assert "at the map of another plug" in card(tmp_path / "second")
    with pytest.raises(UserError, match="another form"):
        train("third", STILL, "words", excerpt_items=2)


@pytest.mark.parametrize("base", ["own", "control"])
def test_everything_may_begin_as_in_another_plug(train: Train, tmp_path: Path, base: str) -> None:
    train("first", LEARNS, base=base)
    second, first = train("second", STILL, "everything", base=base), load_plug(tmp_path / "first")
    for (name, mine), theirs in zip(second.state_dict().items(), first.state_dict().values(), strict=True):
        torch.testing.assert_close(mine, theirs, msg=name)
    # Plug and control had parted; that they set out together again is nowhere said.
    if base == "own":
        assert not torch.equal(
            first.get_parameter("own.blog-post.units"), first.get_parameter("control.blog-post.units")
        )
        assert "side by side from the start" in card(tmp_path / "second")
    assert "went on with another plug of the same form" in " ".join(card(tmp_path / "second").split())
    third = train("third", LEARNS, "everything", base=base)
    assert any(not torch.equal(p, first.get_parameter(name)) for name, p in third.named_parameters())
    with pytest.raises(UserError, match="another form"):
        train("fourth", STILL, "everything", base=base, persona_tokens=1)


def test_what_it_begins_with_may_be_the_best(train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train("first", LEARNS, base="own")
    first = load_plug(tmp_path / "first")
    nll = iter((1.0, 2.0))
    monkeypatch.setattr(trainer, "look", lambda *args, **kwargs: Look((0.0, 0.1), 0.0, next(nll)))
    kept = train("second", replace(LEARNS, steps=3, check_every=3), "everything", base="own")
    for name, parameter in kept.named_parameters():
        torch.testing.assert_close(parameter, first.get_parameter(name), msg=name)
    assert "as it was after step 0" in card(tmp_path / "second")


def test_examples_are_not_those_of_before(train: Train, tmp_path: Path) -> None:
    train("first", LEARNS)
    seeds = []
    draw = Examples.draw

    def watched(self: Examples, step: int, *, size: int, seed: int) -> Any:
        seeds.append(seed)
        return draw(self, step, size=size, seed=seed)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Examples, "draw", watched)
        train("second", STILL)
        plain = set(seeds)
        seeds.clear()
        train("third", STILL, "everything")
    assert plain == {STILL.seed} and len(set(seeds)) == 1 and set(seeds) != plain


def test_nobody_who_is_held_back_was_trained_on_before(train: Train, tmp_path: Path, data: Path) -> None:
    train("first", LEARNS)
    lines = [json.loads(line) for line in (data / "users.jsonl").read_text(encoding="utf-8").splitlines()]
    # Fewer people than before: the finished plug would not say whom else it knows.
    fewer = tmp_path / "fewer"
    fewer.mkdir()
    (fewer / "users.jsonl").write_text("\n".join(map(json.dumps, lines[1:])) + "\n", encoding="utf-8")
    for takes in ("words", "everything"):
        with pytest.raises(UserError, match="people who are not in this data"):
            train("fewer-run", STILL, takes, data=fewer)
    for line in lines:
        line["split"] = {"train": "dev", "dev": "train"}.get(line["split"], line["split"])
    (data / "users.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n", encoding="utf-8")
    for takes in ("words", "everything"):
        with pytest.raises(UserError, match="trained or tuned on person"):
            train("second", STILL, takes)
    (tmp_path / "first" / FINGERPRINT).unlink()
    with pytest.raises(UserError, match="does not say whom"):
        train("second", STILL, "words")


def test_the_form_is_that_of_the_plug_gone_on_with(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", "--task", "blog-post", "--data", str(data), "--out", str(tmp_path / "out")]
    begin = ["--begin-with", str(tmp_path / "nowhere")]
    for more, said in (
        (["--persona-tokens", "4"], "leave --persona-tokens away"),
        (["--steps", "20"], "holds no plug"),
        ([], "holds no plug"),
    ):
        assert main([*words, *begin, *more]) == 2
        assert said in capsys.readouterr().err


def test_plug_and_control_have_parted_long_ago(
    train: Train, tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train("first", LEARNS)
    words = ["train", "--task", "blog-post", "--data", str(data), "--out", str(tmp_path / "out")]
    assert main([*words, "--begin-with", str(tmp_path / "first"), "--warm-steps", "5"]) == 2
    assert "leave --warm-steps away" in capsys.readouterr().err
