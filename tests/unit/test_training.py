"""Training on tiny models: the LM untouched, resume exact, the persona learned where there is one."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from persona_demo.corpora.reading import splits_in
from persona_demo.corpus import draw_targets, read_corpus
from persona_demo.errors import UserError
from persona_demo.leakage import check_leakage
from persona_demo.lm.differentiable import DifferentiableLM
from persona_demo.lm.torch_engine import TorchLM
from persona_demo.plug.model import PersonaPlug
from persona_demo.plug.storage import load_plug
from persona_demo.tasks import task_named
from persona_demo.training.checkpoint import CHECKPOINT
from persona_demo.training.data import Batch
from persona_demo.training.losses import answer_rows
from persona_demo.training.material import Source, read_material
from persona_demo.training.options import TrainOptions
from persona_demo.training.run import train_plug, trainer_of
from persona_demo.training.start import Start
from persona_demo.training.trainer import Progress
from tests import folders, tiny
from tests.training import BLOG, make_models, write_corpus


@pytest.mark.parametrize("place", ["after", "before"])
@pytest.mark.parametrize("family", ["causal", "encoder-decoder"])
def test_training_leaves_the_lm_as_it_was_and_learns(tmp_path: Path, family: str, place: str) -> None:
    lm = tiny.causal_lm() if family == "causal" else tiny.seq2seq_lm()
    before = {name: t.clone() for name, t in lm.model.state_dict().items()}
    models = make_models(tmp_path, lm, place=place)
    seen: list[Progress] = []
    options = TrainOptions(steps=44, batch_size=4, warm_steps=4, check_every=20, save_every=20, soft_learning_rate=0.1)
    data = write_corpus(tmp_path / "corpus")
    plug = train_plug(
        [Source(BLOG, data)],
        tmp_path / "out",
        models=models,
        options=options,
        resume=False,
        report=lambda message, share: None,
        progress=seen.append,
    )
    for name, tensor in lm.model.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    assert not any(parameter.requires_grad for parameter in lm.model.parameters())
    assert seen[-1].step == 44
    assert seen[-1].placebo_gap is not None
    untrained = PersonaPlug(models.config, seed=options.seed)
    nll = [float(_control_nll(lm, p, data, before=place == "before")) for p in (untrained, plug)]
    assert nll[1] < nll[0]
    assert "placebo gap" in (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert load_plug(tmp_path / "out").config == models.config


def _control_nll(lm: TorchLM, plug: PersonaPlug, data: Path, *, before: bool) -> torch.Tensor:
    """Mean nll of training targets under a plug's control."""
    people, encode = read_corpus(data, "train"), lm.codec.encode
    pairs = [pair for p in people for item in p.items if (pair := BLOG.split(item.text)) is not None][:32]
    prompts = [BLOG.prompt(pair.input) for pair in pairs]
    batch = Batch(
        items=torch.zeros(0),
        present=torch.zeros(0),
        query=torch.zeros(0),
        words=(),
        prefixes=tuple(encode(p.context) for p in prompts),
        openings=tuple(encode(p.opening) for p in prompts),
        targets=tuple(encode(pair.target)[:64] for pair in pairs),
    )
    with torch.no_grad():
        return DifferentiableLM(lm).nll(answer_rows(batch, plug.control_vectors("blog-post"), before=before)).mean()


@pytest.mark.parametrize(("base", "stage"), [("control", "control"), ("control", "persona"), ("own", "both")])
def test_a_killed_run_resumes_to_the_very_same_plug(tmp_path: Path, base: str, stage: str) -> None:
    models = make_models(tmp_path, tiny.causal_lm(), base=base)
    data = write_corpus(tmp_path / "corpus")
    options = TrainOptions(steps=12, batch_size=4, warm_steps=3, check_every=6, save_every=4)

    class Killed(Exception):
        """Stands for the kill."""

    def kill(progress: Progress) -> None:
        if (progress.trains, progress.step) == (stage, 9):
            raise Killed

    def train(
        folder: str, told: Callable[[Progress], None], *, resume: bool = False, options: TrainOptions = options
    ) -> PersonaPlug:
        return train_plug(
            [Source(BLOG, data)],
            tmp_path / folder,
            models=models,
            options=options,
            resume=resume,
            report=lambda message, share: None,
            progress=told,
        )

    whole = train("whole", lambda p: None)
    # What an earlier run left in the folder is nobody's beginning.
    train("cut", lambda p: None)
    with pytest.raises(Killed):
        train("cut", kill)
    with pytest.raises(UserError, match="other options"):
        train("cut", lambda p: None, resume=True, options=replace(options, learning_rate=1e-2))
    steps: list[tuple[str, int]] = []
    again = train("cut", lambda p: steps.append((p.trains, p.step)), resume=True)
    rest = [(stage, step) for step in (9, 10, 11, 12)]
    assert steps == (rest + [("persona", step) for step in range(1, 13)] if stage == "control" else rest)
    for (name, one), other in zip(whole.state_dict().items(), again.state_dict().values(), strict=True):
        torch.testing.assert_close(one, other, msg=name)
    # A run that is over is prolonged by more steps, looked at as often as one likes, and never shortened.
    steps.clear()
    longer = replace(options, steps=14, check_every=2, save_every=7)
    train("cut", lambda p: steps.append((p.trains, p.step)), resume=True, options=longer)
    assert steps[-2:] == [("persona" if stage == "control" else stage, step) for step in (13, 14)]
    with pytest.raises(UserError, match="or more steps"):
        train("cut", lambda p: None, resume=True)


def test_a_run_goes_on_with_what_it_learned_from(tmp_path: Path) -> None:
    data, other = (write_corpus(tmp_path / name, people=count) for name, count in (("corpus", 12), ("other", 13)))
    options = TrainOptions(steps=4, batch_size=4, warm_steps=1, check_every=0)

    def train(folder: str, data: Path, *, resume: bool = True, start: Start | None = None, steps: int = 4) -> None:
        train_plug(
            [Source(BLOG, data)],
            tmp_path / folder,
            models=make_models(tmp_path, tiny.causal_lm()),
            options=replace(options, steps=steps),
            resume=resume,
            report=lambda message, share: None,
            progress=lambda p: None,
            start=start,
        )

    train("words", data, resume=False)
    train("run", data, resume=False)
    for changes in ({"data": other}, {"data": data, "start": Start(tmp_path / "words", "words")}):
        with pytest.raises(UserError, match="another plug to begin with"):
            train("run", **changes)  # type: ignore[arg-type]
    train("run", data, steps=5)
    # A checkpoint of before says nothing of it, and is gone on with.
    for path in (tmp_path / "run" / "checkpoint").rglob(CHECKPOINT):
        with safe_open(path, framework="pt") as opened:
            record = {name: text for name, text in opened.metadata().items() if name != "origin"}
        # Nor does it know every option.
        options_then = {k: v for k, v in json.loads(record["options"]).items() if k != "word_filter"}
        record["options"] = json.dumps(options_then)
        save_file(load_file(path), path, metadata=record)
    train("run", other, steps=6)


def test_the_control_shares_no_parameter_with_the_plug_after_the_warm_start() -> None:
    lm = tiny.causal_lm()
    plug = PersonaPlug(tiny.plug_config(lm, 40))
    plug.soft_vectors(torch.randn(2, 5), "blog-post").sum().backward()  # type: ignore[no-untyped-call]
    assert all(p.grad is None for n, p in plug.named_parameters() if n.startswith("control"))


def test_targets_see_only_earlier_items_and_no_near_duplicates(tmp_path: Path) -> None:
    people = read_corpus(write_corpus(tmp_path / "corpus"), "train")
    targets = draw_targets(people, BLOG, per_person=3, rng=np.random.default_rng(0), last_third=True)
    assert {t.item for t in targets} <= {8, 9, 10, 11}
    for target in targets:
        assert all(i < target.item for i in target.history)
        text = people[target.person].items[target.item].text
        assert text.startswith(target.pair.input.split()[0])
    again = draw_targets(people, BLOG, per_person=3, rng=np.random.default_rng(0), last_third=True)
    assert targets == again


def test_a_leak_between_splits_is_refused(tmp_path: Path) -> None:
    people = read_corpus(write_corpus(tmp_path / "corpus"), "train")
    with pytest.raises(UserError, match="two splits"):
        check_leakage(people, people[:1])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "nobody"),
        ("{", "not a readable corpus"),
        ('{"user": 1}', "not a readable corpus"),
        ("[" * 100_000, "not a readable corpus"),
    ],
)
def test_a_broken_corpus_is_one_clear_sentence(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "users.jsonl").write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=words):
        read_corpus(tmp_path, "train")
    with pytest.raises(UserError, match="holds no users"):
        read_corpus(tmp_path / "nowhere", "train")


def test_a_damaged_packed_corpus_is_one_clear_sentence(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(b'{"user": 1, "split": "dev"}\n' * 400))
    packed[14:20] = b"\xff" * 6
    (tmp_path / "users.jsonl.gz").write_bytes(packed)
    for read in (lambda: read_corpus(tmp_path, "dev"), lambda: splits_in(tmp_path)):
        with pytest.raises(UserError, match="not a readable corpus"):
            read()


@pytest.mark.parametrize(
    ("shape", "name", "family"),
    [
        ("papers", "paper-title", "causal"),
        ("papers", "paper-title", "encoder-decoder"),
        ("films", "movie-stars", "causal"),
        ("critics", "film-rating", "causal"),
        ("lamp", "lamp-3", "causal"),
        ("lamp", "lamp-5", "encoder-decoder"),
    ],
)
def test_every_kind_of_task_trains(tmp_path: Path, shape: str, name: str, family: str) -> None:
    lm, task = tiny.causal_lm() if family == "causal" else tiny.seq2seq_lm(), task_named(name)
    if family == "encoder-decoder":
        # A random T5 is sure of itself by 66 nats a token, and its loss a landscape of cliffs.
        lm.model.get_output_embeddings().weight.mul_(0.05)
    if shape == "lamp":
        data = folders.lamp(tmp_path / "data", int(name[-1]), "train", questions=60)
    else:
        data = folders.FOLDERS[shape][0](tmp_path / "data")
    models = make_models(tmp_path, lm, tasks=(name,), place="after" if family == "causal" else "before")
    gentle = family == "encoder-decoder"
    options = TrainOptions(
        steps=90 if gentle else 30,
        batch_size=4,
        warm_steps=85 if gentle else 25,
        check_every=30,
        soft_learning_rate=0.05 if gentle else 0.2,
    )
    seen: list[Progress] = []
    train_plug(
        [Source(task, data)],
        tmp_path / "out",
        models=models,
        options=options,
        resume=False,
        report=lambda message, share: None,
        progress=seen.append,
    )
    assert seen[-1].placebo_gap is not None
    # The same examples before and after: batches differ more from each other than so short a training changes.
    material = read_material(
        [Source(task, data)], models.encoder, models.config, options, keep=tmp_path / "kept", report=lambda m, s: None
    )
    nll = []
    for plug in (models.new_plug(seed=options.seed), load_plug(tmp_path / "out")):
        material.fit(plug)
        trainer = trainer_of([Source(task, data)], material, plug, models, options=options, folder=tmp_path)
        examples = trainer.examples[task.name]
        with torch.no_grad():
            losses = trainer.losses(examples.batch(range(min(40, len(examples.targets))), plug), task.name, warm=True)
        assert losses.control is not None
        nll.append(float(losses.control.mean()))
    assert nll[1] < nll[0]
