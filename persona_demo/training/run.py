"""A whole training run: corpora in, plug and model card out.

Knows the order of things; how to step is the trainer's business, what to step is the plug's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from persona_demo.corpora.reading import splits_in
from persona_demo.corpus import read_corpus
from persona_demo.errors import UserError
from persona_demo.evaluation.provenance import data_digest
from persona_demo.items import ItemEncoder
from persona_demo.leakage import Fingerprint, fingerprint_plug
from persona_demo.lm.differentiable import PREFIX_BYTES, DifferentiableLM
from persona_demo.plug.model import PersonaPlug
from persona_demo.plug.storage import load_plug, plug_fingerprint, save_plug
from persona_demo.tasks import Task, TaskName
from persona_demo.training.card import CardFacts, model_card
from persona_demo.training.checkpoint import CHECKPOINT
from persona_demo.training.data import Examples
from persona_demo.training.material import Material, Source, examples_of, read_material
from persona_demo.training.models import Models
from persona_demo.training.options import TrainOptions, Trains
from persona_demo.training.population import Population, read_population
from persona_demo.training.processes import ALONE, Processes
from persona_demo.training.trainer import Progress, Trainer

Report = Callable[[str, float | None], None]

WORDS = ("keyword_vectors.", "excerpt_vectors.")
"""Names of the parameters of maps of own words start so."""

MOST_ITEMS = TrainOptions.most_items
"""Latest items of a person that training and the map read; more make encoding longer, not better."""


def population_of(
    data: Path,
    task: Task,
    encoder: ItemEncoder,
    *,
    keep: Path | None,
    report: Report,
    labels: bool = True,
    processes: Processes = ALONE,
) -> Population:
    """The training population of a corpus with its raw item vectors.

    Args:
        data: Corpus folder.
        task: The task.
        encoder: Encodes items.
        keep: A file the vectors are kept in.
        report: Told what is being done.
        labels: Whether item texts hold scores, tags and categories.
        processes: Who else encodes a share.

    Raises:
        UserError: If the corpus cannot be read.
    """
    return read_population(
        data,
        "train",
        task,
        encoder,
        most_items=MOST_ITEMS,
        keep=keep,
        report=report,
        labels=labels,
        processes=processes,
    )


def train_plug(
    sources: Sequence[Source],
    out: Path,
    *,
    models: Models,
    options: TrainOptions,
    resume: bool,
    report: Report,
    progress: Callable[[Progress], None],
    words_from: Path | None = None,
    prefix_bytes: int = PREFIX_BYTES,
    processes: Processes = ALONE,
) -> PersonaPlug:
    """Train a plug and write it, with checkpoints on the way.

    Args:
        sources: What for, and from which corpus folders with the splits ``train`` and ``tune``; in the
            order of the plug's tasks.
        out: Where the plug goes; checkpoints and item vectors go to its ``checkpoint`` folder.
        models: The frozen models.
        options: How long and how fast.
        resume: Go on from a checkpoint in ``out``; without it an earlier run is begun anew.
        report: Told what is being done before training begins.
        progress: Told how training goes, after every step.
        words_from: A trained plug, of any task, whose maps of own words this one begins with: what a
            word is does not depend on the task, and few people are enough to learn the rest from.
        prefix_bytes: Memory for inputs that the frozen LM has read; it changes nothing but the speed.
        processes: Who else reads a share of every batch.

    Returns:
        The trained plug.

    Raises:
        UserError: If a corpus leaks between splits or cannot be read, or the other plug has no maps of
            the same form, or was trained on people who are not to be trained on here.
    """
    folder = out / "checkpoint"
    material = read_material(
        sources, models.encoder, models.config, options, keep=folder, report=report, processes=processes
    )
    plug = models.new_plug(seed=options.seed)
    report("measuring the population", None)
    material.fit(plug)
    if words_from is not None:
        _check_words(sources, words_from)
        _begin_words(plug, words_from)
    seconds = 0.0
    stages: tuple[Trains, ...] = ("control", "persona") if plug.config.base == "control" else ("both",)
    folders = {"control": folder / "control", "persona": folder, "both": folder}
    if not resume and processes.rank == 0:
        # A run that is killed and resumed must not find what an earlier one left.
        for own in folders.values():
            (own / CHECKPOINT).unlink(missing_ok=True)
    lm = DifferentiableLM(models.lm, prefix_bytes=prefix_bytes)
    origin = {
        "tasks": [source.task.name for source in sources],
        "data": [data_digest(source.data) for source in sources],
        "words_from": None if words_from is None else plug_fingerprint(words_from),
    }
    for trains in stages:
        trainer = trainer_of(
            sources,
            material,
            plug,
            models,
            options=options,
            folder=folders[trains],
            trains=trains,
            lm=lm,
            processes=processes,
            origin=origin,
        )
        what = {"control": "the control", "persona": "the plug on it", "both": "plug and control"}[trains]
        if not (resume and trainer.resume()):
            report(f"training {what} from the start", None)
        trainer.run(progress)
        seconds += trainer.seconds
    plug = plug.cpu().eval()
    if plug.config.projects == "items":
        material.fit_again(plug)
    facts = CardFacts(
        data=tuple(dict.fromkeys(source.data.name for source in sources)),
        people=sum(len(of.people) for of in material.everybody.values()),
        items=sum(len(p.items) for of in material.everybody.values() for p in of.people),
        dropped_items=sum(of.dropped_items for of in material.everybody.values()) if options.word_filter else None,
        examples=options.steps * options.batch_size,
        warm_examples=options.warm_steps * options.batch_size,
        hours=seconds / 3600,
        log=tuple(trainer.log),
        kept=trainer.kept,
        words_from="" if words_from is None else plug_fingerprint(words_from),
    )
    if processes.rank == 0:
        save_plug(plug, out, card=model_card(plug.config, facts))
        fingerprint_plug(out, [(source.data, source.task) for source in sources])
    processes.wait()
    return plug


def _check_words(sources: Sequence[Source], folder: Path) -> None:
    """Make sure that nobody outside of the training split was trained on by the plug whose words are taken."""
    known = Fingerprint.load(folder)
    if known is None:
        raise UserError(f"The plug in {folder} does not say whom it was trained on: begin without its words.")
    for source in sources:
        for split in splits_in(source.data, source.task):
            if split != "train":
                known.check(read_corpus(source.data, split, source.task), split, source.task)


@torch.no_grad()
def _begin_words(plug: PersonaPlug, folder: Path) -> None:
    """Give a fresh plug the maps of own words of a trained one."""
    other = load_plug(folder)
    known = {name: p for name, p in other.named_parameters() if name.startswith(WORDS)}
    own = {name: p for name, p in plug.named_parameters() if name.startswith(WORDS)}
    if not own or any(name not in known or known[name].shape != p.shape for name, p in own.items()):
        raise UserError(f"The plug in {folder} reads own words in another form: choose one of the same form.")
    if other.config.lm_fingerprint != plug.config.lm_fingerprint:
        raise UserError(f"The plug in {folder} is for another language model: choose one for the same model.")
    for name, p in own.items():
        p.copy_(known[name])


def trainer_of(
    sources: Sequence[Source],
    material: Material,
    plug: PersonaPlug,
    models: Models,
    *,
    options: TrainOptions,
    folder: Path,
    trains: Trains = "both",
    lm: DifferentiableLM | None = None,
    processes: Processes = ALONE,
    origin: Mapping[str, Any] | None = None,
) -> Trainer:
    """A trainer of a fresh plug, its population measured; the plug goes to the LM's device.

    Args:
        sources: The tasks.
        material: Their people.
        plug: The plug.
        models: The frozen models.
        options: How long and how fast.
        folder: Where checkpoints go.
        trains: Plug and control, or one of them.
        lm: The frozen LM as seen before, with the prefixes it has read; seen anew when left out.
        processes: Who else reads a share of every batch.
        origin: What a checkpoint must not differ in.

    Raises:
        UserError: If there are more processes than examples in a batch.
    """

    def drawn(of: Mapping[TaskName, Population], *, per_person: int, last_third: bool) -> dict[TaskName, Examples]:
        return {
            source.task.name: examples_of(
                of[source.task.name],
                source.task,
                plug,
                encoder=models.encoder,
                codec=models.lm.codec,
                seed=options.seed,
                per_person=per_person,
                last_third=last_third,
            )
            for source in sources
        }

    if plug.config.base == "control":
        # A plug on the control has no vectors of its own to warm up.
        options = replace(options, warm_steps=0)
    # Drawn while the plug is still on the processor.
    examples = drawn(material.everybody, per_person=options.most_targets, last_third=False)
    watched = drawn(material.watched, per_person=1, last_third=True)
    return Trainer(
        plug.to(models.lm.device),
        lm or DifferentiableLM(models.lm),
        examples,
        watched,
        options=options,
        folder=folder,
        trains=trains,
        processes=processes,
        origin=origin,
    )
