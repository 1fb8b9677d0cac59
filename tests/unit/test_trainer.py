"""Steps of training: the contrastive term, plug and control apart, turns of tasks, rates."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch

from persona_demo.own_words import OwnWords
from persona_demo.training.material import Source
from persona_demo.training.optimiser import set_rates
from persona_demo.training.options import TrainOptions
from persona_demo.training.processes import ALONE
from persona_demo.training.run import trainer_of
from persona_demo.training.trainer import Progress, Trainer
from persona_demo.training.watch import Look, watched_nll
from tests.training import BLOG, setting


def test_the_contrastive_term_is_how_unsure_one_is_of_the_author(tmp_path: Path) -> None:
    options = TrainOptions(steps=9, warm_steps=0, batch_size=4, contrast=1.0, contrast_share=1.0)
    trainer, _, _ = setting(tmp_path, options=options, base="own")
    examples = trainer.examples["blog-post"]
    batch = examples.batch(examples.draw(0, size=4, seed=0)[0], trainer.plug, rivals=4)
    losses = trainer.losses(batch, "blog-post", warm=False)
    # An untrained plug makes everybody the average person, but for their keywords; without these all are alike.
    assert batch.rivals is not None and losses.contrast is not None
    wordless = tuple(OwnWords.none(32) for _ in range(4))
    alike = replace(batch, words=wordless, rivals=replace(batch.rivals, words=wordless))
    unsure = trainer.losses(alike, "blog-post", warm=False).contrast
    lengths = torch.tensor([float(len(t)) for t in batch.targets])
    assert unsure is not None
    torch.testing.assert_close(unsure, np.log(2) / lengths, atol=1e-4, rtol=1e-3)
    assert losses.persona is not None
    losses.contrast.sum().backward()  # type: ignore[no-untyped-call]
    assert float(trainer.plug.own.get_parameter("blog-post.units").grad.abs().sum()) > 0  # type: ignore[union-attr]
    assert all(p.grad is None for n, p in trainer.plug.named_parameters() if n.startswith("control"))


def test_a_step_along_the_contrastive_term_tells_people_further_apart(tmp_path: Path) -> None:
    options = TrainOptions(steps=12, warm_steps=2, batch_size=6, check_every=0, dropout=0.0, subsampling="none")
    trainer, _, _ = setting(tmp_path, options=options)
    trainer.run(lambda p: None)
    examples = trainer.examples["blog-post"]
    of_people = {target.person: index for index, target in enumerate(examples.targets)}
    batch = examples.batch(list(of_people.values())[:6], trainer.plug, rivals=6).to(trainer.device)

    def contrast() -> torch.Tensor:
        found = trainer.losses(batch, "blog-post", warm=False).contrast
        assert found is not None and found.shape == (6,)
        return found.sum()

    before = contrast()
    trainer.optimiser.zero_grad()
    before.backward()  # type: ignore[no-untyped-call]
    trained = [p for p in trainer.plug.parameters() if p.grad is not None]
    length = torch.stack([p.grad.norm() for p in trained if p.grad is not None]).norm()
    assert length > 0
    with torch.no_grad():
        for parameter in trained:
            assert parameter.grad is not None
            parameter -= 1e-2 * parameter.grad / length
    assert contrast() < before


def test_plug_and_control_trained_apart_are_those_trained_together(tmp_path: Path) -> None:
    options = TrainOptions(steps=10, warm_steps=4, batch_size=4, check_every=0, save_every=50, clip=0.05)
    both, material, models = setting(tmp_path, options=options, base="own")
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


@pytest.mark.parametrize("keep", ["best", "last"])
def test_a_finished_plug_is_as_it_was_at_the_best_look_or_at_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keep: Literal["best", "last"]
) -> None:
    # At the steps 3, 6, 8 (where it is cut), 9 and 12.
    nlls = iter((3.0, 2.0, 2.7, 2.5, 2.6))
    monkeypatch.setattr("persona_demo.training.trainer.look", lambda *_, **__: Look((0.1, 0.01), 0.05, next(nlls)))
    options = TrainOptions(steps=12, warm_steps=2, batch_size=4, check_every=3, save_every=1, keep=keep)
    trainer, material, models = setting(tmp_path, options=options, base="own")
    states: dict[int, dict[str, torch.Tensor]] = {}

    def remember(p: Progress) -> None:
        states[p.step] = {name: t.clone() for name, t in trainer.plug.state_dict().items()}

    trainer.run(remember, until=8)
    # Killed and resumed on the way, and once more at the end, where nothing is left to be done.
    for _ in range(2):
        plug = models.new_plug(seed=options.seed)
        material.fit(plug)
        source = Source(BLOG, tmp_path / "corpus")
        trainer = trainer_of([source], material, plug, models, options=options, folder=tmp_path / "run")
        assert trainer.resume()
        trainer.run(remember)
        kept = {"best": 6, "last": 12}[keep]
        assert trainer.kept == kept
        for name, tensor in trainer.plug.state_dict().items():
            torch.testing.assert_close(tensor, states[kept][name], msg=name)
    assert not torch.equal(states[6]["own.blog-post.units"], states[12]["own.blog-post.units"])


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


def test_nobody_watched_is_their_own_placebo_nor_that_of_somebody_they_share_items_with(tmp_path: Path) -> None:
    options = TrainOptions(steps=2, warm_steps=0, batch_size=4, check_every=0)
    trainer, _, _ = setting(tmp_path, options=options)
    # One of them is left for the second batch.
    people = [replace(person, group=f"g{n // 2}") for n, person in enumerate(trainer.examples["blog-post"].people)][:5]
    examples = trainer.examples["blog-post"]
    first = {target.person: target for target in reversed(examples.targets)}
    examples.people, examples.targets = people, [first[n] for n in range(5)]
    for own, other in enumerate(examples.strangers()):
        assert people[own].group != people[other].group
    # An untrained plug makes everybody the average person.
    torch.nn.init.normal_(trainer.plug.projector[-1].weight)  # type: ignore[arg-type]
    own, other, _ = watched_nll(trainer.plug, trainer.lm, examples, "blog-post", batch_size=4, processes=ALONE)
    assert bool((own != other).all())
    alone = [replace(person, group="g") for person in people]
    examples.people = alone
    assert examples.strangers() == [4, 0, 1, 2, 3]
