"""A whole training run: corpora in, plug and model card out.

Knows the order of things; how to step is the trainer's business, what to step is the plug's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from persona_demo.evaluation.provenance import data_digest
from persona_demo.items import ItemEncoder
from persona_demo.leakage import fingerprint_plug
from persona_demo.lm.differentiable import PREFIX_BYTES, DifferentiableLM
from persona_demo.plug.model import PersonaPlug
from persona_demo.plug.storage import save_plug
from persona_demo.tasks import Task, TaskName
from persona_demo.training.card import CardFacts, model_card
from persona_demo.training.checkpoint import CHECKPOINT
from persona_demo.training.data import Examples
from persona_demo.training.material import Material, Source, examples_of, read_material
from persona_demo.training.models import Models
from persona_demo.training.options import TrainOptions, Trains
from persona_demo.training.population import Population, read_population
from persona_demo.training.processes import ALONE, Processes
from persona_demo.training.start import Start
from persona_demo.training.trainer import Progress, Trainer

Report = Callable[[str, float | None], None]

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
    start: Start | None = None,
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
        start: A trained plug that this one begins with; with everything of it there is no warm start.
        prefix_bytes: Memory for inputs that the frozen LM has read; it changes nothing but the speed.
        processes: Who else reads a share of every batch.

    Returns:
        The trained plug.

    Raises:
        UserError: If a corpus leaks between splits or cannot be read, or the other plug is of another form or was
            trained on people who are not to be trained on here.
    """
    folder = out / "checkpoint"
    material = read_material(
        sources, models.encoder, models.config, options, keep=folder, report=report, processes=processes
    )
    plug = models.new_plug(seed=options.seed)
    begun = start.fingerprint if start is not None and start.takes == "everything" else ""
    if start is not None:
        start.check(sources)
        start.give(plug)
    if not begun:
        report("measuring the population", None)
        material.fit(plug)
    seconds = 0.0
    stages: tuple[Trains, ...] = ("control", "persona") if plug.config.base == "control" else ("both",)
    folders = {"control": folder / "control", "persona": folder, "both": folder}
    if not resume and processes.rank == 0:
        # A run that is killed and resumed must not find what an earlier one left.
        for own in folders.values():
            (own / CHECKPOINT).unlink(missing_ok=True)
    lm = DifferentiableLM(models.lm, prefix_bytes=prefix_bytes)
    origin: dict[str, Any] = {
        "tasks": [source.task.name for source in sources],
        "data": [data_digest(source.data) for source in sources],
        "words_from": None,
    }
    if start is not None:
        origin["begin_with" if begun else "words_from"] = start.fingerprint
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
            begun=begun,
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
        warm_examples=0 if begun else options.warm_steps * options.batch_size,
        hours=seconds / 3600,
        log=tuple(trainer.log),
        kept=trainer.kept,
        start="" if start is None else start.fingerprint,
        start_takes="words" if start is None else start.takes,
    )
    if processes.rank == 0:
        save_plug(plug, out, card=model_card(plug.config, facts))
        fingerprint_plug(out, [(source.data, source.task) for source in sources])
    processes.wait()
    return plug


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
    begun: str = "",
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
        begun: SHA-256 of the plug whose training is gone on with; empty where none is.

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
        begun=begun,
    )
