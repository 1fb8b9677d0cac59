"""Two processes under ``accelerate launch`` make the plug that one makes, and one needs no accelerate."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from persona_demo.errors import UserError
from persona_demo.training.options import TrainOptions
from persona_demo.training.processes import ALONE, Alone, find_processes, share_of, sum_gradients
from tests import saved, tiny
from tests.training import setting, write_corpus

ROOT = Path(__file__).resolve().parents[2]


class Second(Alone):
    """The second of three processes, whose others send zeros."""

    rank = 1
    count = 3

    def sum(self, tensor: torch.Tensor) -> torch.Tensor:
        """What this one sends."""
        return tensor.clone()


def test_shares_cover_a_batch_once() -> None:
    for size in (3, 7, 16):
        rows: list[int] = []
        for rank in range(3):
            processes = Second()
            processes.rank = rank
            rows += share_of(size, processes)
        assert rows == list(range(size))
    assert share_of(5, ALONE) == range(5)


def test_gradients_nobody_has_stay_none() -> None:
    with_gradient, without = (torch.nn.Parameter(torch.ones(2, 3)) for _ in range(2))
    with_gradient.grad = torch.full((2, 3), 4.0)
    sum_gradients([with_gradient, without], Second())
    assert without.grad is None
    torch.testing.assert_close(with_gradient.grad, torch.full((2, 3), 4.0))


def test_more_processes_than_examples_are_refused(tmp_path: Path) -> None:
    trainer, _, _ = setting(tmp_path, options=TrainOptions(steps=9, warm_steps=2, batch_size=2))
    with pytest.raises(UserError, match="larger batches"):
        type(trainer)(
            trainer.plug,
            trainer.lm,
            trainer.examples,
            trainer.watched,
            options=trainer.options,
            folder=tmp_path,
            processes=Second(),
        )


def test_one_process_is_alone_and_imports_no_accelerate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert find_processes() is ALONE
    code = (
        "import sys; from persona_demo.training import run; from persona_demo.training.processes import find_processes;"
        "find_processes(); print('accelerate' in {m.split('.')[0] for m, v in sys.modules.items() if v is not None})"
    )
    # transformers looks for accelerate by itself, so it is hidden: training must do without.
    hide = "import sys; sys.modules['accelerate'] = None;"
    done = subprocess.run([sys.executable, "-c", hide + code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("preset", ["classroom", "paper"])
def test_two_processes_train_the_plug_that_one_trains(tmp_path: Path, preset: str) -> None:
    data = write_corpus(tmp_path / "corpus", people=21)
    lm = saved.lm_folder(tmp_path / "lm", tiny.causal_lm() if preset == "classroom" else tiny.seq2seq_lm())
    encoder = saved.encoder_folder(tmp_path / "bert")
    words = ["-m", "persona_demo", "train", "--data", str(data), "--lm", str(lm), "--encoder", str(encoder)]
    words += ["--preset", preset, "--dtype", "float32", "--steps", "6", "--batch-size", "5", "--check-every", "3"]
    words += ["--warm-steps", "2", "--contrast", "0.5", "--json"]
    if preset == "classroom":
        words += ["--components", "5", "--keyword-tokens", "4", "--persona-tokens", "3", "--projector-width", "16"]
    # Its name for several processes on one machine; where there is no GPU each takes the processor.
    launch = ["-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--num_machines", "1"]
    launch += ["--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0"]
    launched = ("ACCELERATE", "WORLD_SIZE", "RANK")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(launched)},
        "OMP_NUM_THREADS": "1",
        "PERSONA_DEMO_CACHE": str(tmp_path / "cache"),
        "HF_HOME": str(tmp_path / "hf"),
    }

    def run(name: str, before: list[str], words: list[str] = words) -> tuple[str, str]:
        done = subprocess.run(
            [sys.executable, *before, *words, "--out", str(tmp_path / name)],
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=environment,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout, done.stderr

    for name, before in (("one", []), ("two", launch)):
        printed, told = run(name, before)
        assert json.loads(printed) == {"plug": str(tmp_path / name)}
        assert told.count("training in 2 processes") == (name == "two")
    one, two = (load_file(tmp_path / name / "plug.safetensors") for name in ("one", "two"))
    assert one.keys() == two.keys()
    for name, tensor in one.items():
        torch.testing.assert_close(two[name].float(), tensor.float(), atol=5e-3, rtol=5e-3, msg=name)
    logs = [_log(tmp_path / name / "checkpoint" / "checkpoint.safetensors") for name in ("one", "two")]
    for here, there in zip(*logs, strict=True):
        assert there == pytest.approx(here, abs=5e-3)
    vectors = [load_file(tmp_path / name / "checkpoint" / "train.safetensors") for name in ("one", "two")]
    (alone,), (together,) = (list(v.values()) for v in vectors)
    torch.testing.assert_close(together.float(), alone.float(), atol=2e-3, rtol=2e-3)
    if preset == "paper":
        return
    build = ["-m", "persona_demo", "atlas", "build", "--data", str(data), "--plug", str(tmp_path / "one")]
    build += ["--lm", str(lm), "--encoder", str(encoder), "--engine", "torch", "--json"]
    for name, before in (("map", []), ("maps", launch)):
        assert json.loads(run(name, before, build)[0])["people"] == 17
    maps = [load_file(tmp_path / name / "atlas.safetensors") for name in ("map", "maps")]
    torch.testing.assert_close(maps[1]["vectors"].float(), maps[0]["vectors"].float(), atol=2e-3, rtol=2e-3)


def _log(path: Path) -> list[dict[str, float]]:
    from safetensors import safe_open

    with safe_open(path, framework="pt") as opened:
        log: list[dict[str, float]] = json.loads(opened.metadata()["log"])
    return log
