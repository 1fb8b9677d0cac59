"""Every switch of training on tiny models: cuts, the contrastive term, several tasks, presets, the fast pass."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from persona_demo.cli import main
from persona_demo.errors import UserError
from persona_demo.lm.base import Row
from persona_demo.lm.codec import HFCodec
from persona_demo.lm.differentiable import AnswerRow, DifferentiableLM
from persona_demo.lm.torch_engine import TorchLM
from persona_demo.plug.model import PersonaPlug
from persona_demo.plug.storage import load_plug
from persona_demo.runtime import Runtime
from persona_demo.tasks import task_named
from persona_demo.training.data import Examples
from persona_demo.training.material import Material, Source, read_material, sources_of
from persona_demo.training.measure import measure
from persona_demo.training.models import Models
from persona_demo.training.optimiser import set_rates
from persona_demo.training.options import TrainOptions
from persona_demo.training.presets import PRESETS
from persona_demo.training.run import train_joint, trainer_of
from persona_demo.training.trainer import Progress, Trainer
from persona_demo.wordfilter import WordFilter
from tests import folders, saved, tiny
from tests.unit.test_training import make_models, write_corpus

BLOG = task_named("blog-post")


def silent(message: str, share: float | None) -> None:
    """Say nothing."""


def setting(
    folder: Path, *, options: TrainOptions, lm: TorchLM | None = None, **form: object
) -> tuple[Trainer, Material, Models]:
    """A trainer on a tiny corpus, with what it was made of."""
    source = Source(BLOG, write_corpus(folder / "corpus"))
    models = make_models(folder, lm or tiny.causal_lm(), **form)
    material = read_material([source], models.encoder, models.config, options, keep=folder / "kept", report=silent)
    plug = models.new_plug(seed=options.seed)
    material.fit(plug)
    return trainer_of([source], material, plug, models, options=options, folder=folder / "run"), material, models


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> tuple[Examples, PersonaPlug]:
    """Examples of a tiny corpus and the plug they are for."""
    trainer, _, _ = setting(tmp_path_factory.mktemp("examples"), options=TrainOptions(steps=9, warm_steps=2))
    return trainer.examples["blog-post"], trainer.plug


def test_cuts_keep_parts_of_the_history_in_order(examples: tuple[Examples, PersonaPlug]) -> None:
    found, _ = examples
    indices = list(range(len(found.targets))) * 8
    whole = [found.targets[i].history for i in indices]
    for subsampling in ("any", "paper", "none"):
        cuts = found.cut(indices, np.random.default_rng(0), subsampling=subsampling)  # type: ignore[arg-type]
        for cut, history in zip(cuts, whole, strict=True):
            assert 1 <= len(cut.kept) <= len(history)
            assert cut.kept.tolist() == sorted(cut.kept.tolist()) and set(cut.kept.tolist()) <= set(history)
        shares = np.array([len(c.kept) / len(h) for c, h in zip(cuts, whole, strict=True)])
        whole_share = (shares == 1).mean()
        assert {"any": 0.4 < whole_share < 0.7, "paper": whole_share < 0.2, "none": whole_share == 1}[subsampling]
        if subsampling == "paper":
            least = np.array([(len(h) - 1 - int(0.5 * len(h))) / len(h) for h in whole])
            assert (shares >= least - 1e-9).all()
    again = found.cut(indices, np.random.default_rng(0))
    assert [c.kept.tolist() for c in again] == [c.kept.tolist() for c in found.cut(indices, np.random.default_rng(0))]


def test_a_part_of_a_batch_is_the_same_rows_of_the_whole(examples: tuple[Examples, PersonaPlug]) -> None:
    found, plug = examples
    indices, rng = found.draw(3, size=6, seed=0)
    cuts = found.cut(indices, rng)
    whole = found.batch(indices, plug, cuts=cuts, rivals=4)
    parts = [found.batch(indices, plug, cuts=cuts, rows=rows, rivals=4) for rows in (range(0, 3), range(3, 6))]
    assert parts[0].targets + parts[1].targets == whole.targets
    torch.testing.assert_close(torch.cat([p.query for p in parts]), whole.query, atol=1e-5, rtol=1e-4)
    assert [int(p) for part in parts for p in part.present.sum(1)] == whole.present.sum(1).tolist()
    assert whole.rivals is not None and parts[0].rivals is not None and parts[1].rivals is not None
    assert parts[0].rivals.rows == (0, 1, 2) and parts[1].rivals.rows == (0,)
    assert whole.rivals.rows == (0, 1, 2, 3)
    kept = parts[1].rivals.present.sum(1)[0]
    torch.testing.assert_close(parts[1].rivals.items[0, :kept], whole.rivals.items[3, :kept], atol=1e-5, rtol=1e-4)


def test_rivals_are_other_people_of_the_batch(examples: tuple[Examples, PersonaPlug]) -> None:
    found, plug = examples
    same = [i for i, t in enumerate(found.targets) if t.person == found.targets[0].person][:3]
    assert found.batch(same, plug, rivals=3).rivals is None
    other = next(i for i, t in enumerate(found.targets) if t.person != found.targets[0].person)
    mixed = found.batch([*same, other], plug, rivals=2)
    assert mixed.rivals is not None
    theirs = found.batch([other], plug)
    for row in range(2):
        torch.testing.assert_close(mixed.rivals.items[row], theirs.items[0])


def test_the_contrastive_term_is_how_unsure_one_is_of_the_author(tmp_path: Path) -> None:
    options = TrainOptions(steps=9, warm_steps=0, batch_size=4, contrast=1.0, contrast_share=1.0)
    trainer, _, _ = setting(tmp_path, options=options)
    examples = trainer.examples["blog-post"]
    batch = examples.batch(examples.draw(0, size=4, seed=0)[0], trainer.plug, rivals=4)
    losses = trainer.losses(batch, "blog-post", warm=False)
    # An untrained plug makes everybody the average person, but for their keywords; without these all are alike.
    from dataclasses import replace

    assert batch.rivals is not None and losses.contrast is not None
    wordless = tuple(torch.zeros(0, 32) for _ in range(4))
    alike = replace(batch, words=wordless, rivals=replace(batch.rivals, words=wordless))
    unsure = trainer.losses(alike, "blog-post", warm=False).contrast
    lengths = torch.tensor([float(len(t)) for t in batch.targets])
    assert unsure is not None
    torch.testing.assert_close(unsure, np.log(2) / lengths, atol=1e-4, rtol=1e-3)
    assert losses.persona is not None
    losses.contrast.sum().backward()  # type: ignore[no-untyped-call]
    assert float(trainer.plug.average.get_parameter("blog-post.units").grad.abs().sum()) > 0  # type: ignore[union-attr]
    assert all(p.grad is None for n, p in trainer.plug.named_parameters() if n.startswith("control"))


def test_the_contrastive_term_widens_the_placebo_gap(tmp_path: Path) -> None:
    gaps = []
    for weight in (0.0, 1.0):
        options = TrainOptions(
            steps=60,
            warm_steps=5,
            batch_size=8,
            contrast=weight,
            contrast_share=1.0,
            check_every=0,
            learning_rate=5e-3,
            soft_learning_rate=0.05,
            dropout=0.0,
            subsampling="none",
        )
        folder = tmp_path / str(weight)
        folder.mkdir()
        trainer, _, _ = setting(folder, options=options)
        trainer.run(lambda p: None)
        examples = trainer.examples["blog-post"]
        examples.targets = [t for i, t in enumerate(examples.targets) if i % 3 == 0]
        made = measure(trainer.plug, trainer.lm, examples, "blog-post", batch_size=8)
        gaps.append((made.other - made.persona).mean())
    assert gaps[1] > gaps[0]


def test_plug_and_control_trained_apart_are_those_trained_together(tmp_path: Path) -> None:
    options = TrainOptions(steps=10, warm_steps=4, batch_size=4, check_every=0, save_every=50, clip=1e9)
    both, material, models = setting(tmp_path, options=options)
    both.run(lambda p: None)
    source = Source(BLOG, tmp_path / "corpus")

    def fresh(trains: str) -> Trainer:
        plug = models.new_plug(seed=options.seed)
        material.fit(plug)
        return trainer_of(
            [source],
            material,
            plug,
            models,
            options=options,
            folder=tmp_path / trains,
            trains=trains,  # type: ignore[arg-type]
        )

    control = fresh("control")
    control.run(lambda p: None, until=options.warm_steps)
    start = control.plug.control.get_parameter("blog-post.units").detach().clone()
    control.run(lambda p: None)
    persona = fresh("persona")
    with torch.no_grad():
        persona.plug.control.get_parameter("blog-post.units").copy_(start)
    persona.step = options.warm_steps
    persona.run(lambda p: None)
    for name, tensor in both.plug.named_parameters():
        apart = control.plug if name.startswith("control") else persona.plug
        torch.testing.assert_close(apart.get_parameter(name), tensor, atol=1e-5, rtol=1e-4, msg=name)


def test_each_task_has_its_turn_in_a_seeded_order(tmp_path: Path) -> None:
    trainer, _, _ = setting(tmp_path, options=TrainOptions(steps=9, warm_steps=2))
    assert [trainer.turn(step) for step in range(3)] == [("blog-post", 0), ("blog-post", 1), ("blog-post", 2)]
    trainer.tasks = ("blog-post", "headline", "movie-stars")
    turns = [trainer.turn(step) for step in range(30)]
    for lap in range(10):
        part = turns[3 * lap : 3 * lap + 3]
        assert {task for task, _ in part} == set(trainer.tasks) and {turn for _, turn in part} == {lap}
    assert len({tuple(task for task, _ in turns[3 * i : 3 * i + 3]) for i in range(10)}) > 1
    assert turns == [trainer.turn(step) for step in range(30)]


def two_tasks(folder: Path) -> tuple[tuple[Source, ...], Models]:
    """Two tasks with a folder each, and models for one plug."""
    tasks = [BLOG, task_named("headline")]
    sources = sources_of(tasks, [write_corpus(folder / "blogs"), folders.headlines(folder / "headlines")])
    return sources, make_models(folder, tiny.causal_lm(), tasks=("blog-post", "headline"))


def test_a_joint_plug_trains_resumes_exactly_and_serves_both_tasks(tmp_path: Path) -> None:
    sources, models = two_tasks(tmp_path)
    options = TrainOptions(steps=10, batch_size=4, warm_steps=3, check_every=5, save_every=4)

    class Killed(Exception):
        """Stands for the kill."""

    def kill(progress: Progress) -> None:
        if progress.step == 7:
            raise Killed

    def train(out: Path, progress: object, *, resume: bool = False) -> PersonaPlug:
        return train_joint(
            sources,
            out,
            models=models,
            options=options,
            resume=resume,
            report=silent,
            progress=progress,  # type: ignore[arg-type]
        )

    whole = train(tmp_path / "whole", lambda p: None)
    with pytest.raises(Killed):
        train(tmp_path / "cut", kill)
    again = train(tmp_path / "cut", lambda p: None, resume=True)
    for (name, one), other in zip(whole.state_dict().items(), again.state_dict().values(), strict=True):
        torch.testing.assert_close(one, other, msg=name)
    plug = load_plug(tmp_path / "whole")
    runtime = Runtime(lm=models.lm, plug=plug, encoder=models.encoder, atlas=None, words=WordFilter.of([]))
    for name in ("blog-post", "headline"):
        assert runtime.embed(tiny.history(items=3), runtime.task(name)).persona.shape == (7, 32)
    card = (tmp_path / "whole" / "README.md").read_text(encoding="utf-8")
    assert "blog-post and headline" in card


def test_tasks_and_folders_are_paired() -> None:
    tasks = [BLOG, task_named("headline")]
    assert [s.data.name for s in sources_of(tasks, [Path("a"), Path("b")])] == ["a", "b"]
    assert [s.data.name for s in sources_of(tasks, [Path("a")])] == ["a", "a"]
    with pytest.raises(UserError, match="one for each"):
        sources_of(tasks, [Path("a"), Path("b"), Path("c")])
    with pytest.raises(UserError, match="twice"):
        sources_of([BLOG, BLOG], [Path("a")])


@pytest.mark.parametrize("family", ["causal", "encoder-decoder"])
def test_a_context_after_the_soft_vectors_is_read_as_by_the_engine(family: str) -> None:
    lm = tiny.causal_lm() if family == "causal" else tiny.seq2seq_lm()
    encode, rng = lm.codec.encode, np.random.default_rng(0)
    soft = [rng.normal(size=(2, 32)).astype(np.float32) for _ in range(2)]
    targets = [encode(" train left"), encode(" was late again")]
    contexts = [encode("My blog. "), encode("My very own blog. ")]
    rows = [
        AnswerRow(prefix=(), soft=torch.from_numpy(s), suffix=encode("The"), target=t, context=c)
        for s, t, c in zip(soft, targets, contexts, strict=True)
    ]
    scores = lm.score([Row((s, c), encode("The")) for s, c in zip(soft, contexts, strict=True)], targets)
    np.testing.assert_allclose(DifferentiableLM(lm).nll(rows), [-s.mean() for s in scores], rtol=1e-4)


def test_an_encoder_reads_the_end_mark_its_model_was_trained_with() -> None:
    from tokenizers.processors import TemplateProcessing

    words = tiny.tokenizer()
    words._tokenizer.post_processor = TemplateProcessing(single="$A <end>", special_tokens=[("<end>", 1)])
    plain = tiny.seq2seq_lm()
    ended = TorchLM(plain.model, HFCodec(words), name="tiny", fingerprint="tiny", device=tiny.CPU)
    assert (plain.input_end, ended.input_end) == ((), (1,))
    text, target = plain.codec.encode("My blog."), plain.codec.encode(" it rained")
    by_hand = plain.score([Row(((*text, 1),))], [target])[0]
    np.testing.assert_allclose(ended.score([Row((text,))], [target])[0], by_hand, rtol=1e-4)
    row = AnswerRow(prefix=text, soft=torch.zeros(0, 32), suffix=(), target=target)
    assert float(DifferentiableLM(ended).nll([row])[0]) == pytest.approx(-by_hand.mean(), rel=1e-4)
    causal = TorchLM(tiny.causal_lm().model, HFCodec(words), name="tiny", fingerprint="tiny", device=tiny.CPU)
    assert causal.input_end == ()


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


def test_rates_of_the_paper_rise_for_a_twentieth_and_fall_in_a_line(tmp_path: Path) -> None:
    options = TrainOptions(steps=100, warm_steps=0, rise_share=0.05, decay_share=0.95)
    trainer, _, _ = setting(tmp_path, options=options)
    rates = []
    for step in range(100):
        set_rates(trainer.optimiser, options, step)
        rates.append([group["lr"] for group in trainer.optimiser.param_groups])
    rest, soft = np.array(rates).T
    assert rest.argmax() in (4, 5) and rest.max() == pytest.approx(options.learning_rate)
    np.testing.assert_allclose(np.diff(rest[5:]), -options.learning_rate / 95, rtol=1e-6)
    np.testing.assert_allclose(soft / options.soft_learning_rate, rest / options.learning_rate)


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
    from dataclasses import fields

    from persona_demo.plug.config import PlugConfig

    for preset in PRESETS.values():
        assert set(preset.form) <= {f.name for f in fields(PlugConfig)}
        assert TrainOptions(**preset.options)
    assert TrainOptions(**PRESETS["classroom"].options) == TrainOptions()
