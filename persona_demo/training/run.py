"""A whole training run: corpus in, plug and model card out.

Knows the order of things; how to step is the trainer's business, what to step is the plug's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from persona_demo import catalog
from persona_demo.corpus import Split, draw_targets, read_corpus
from persona_demo.items import DType, ItemEncoder, SentenceTransformerEncoder
from persona_demo.leakage import check_folder, fingerprint_plug
from persona_demo.lm.differentiable import DifferentiableLM
from persona_demo.lm.torch_engine import Device, TorchLM, choose_device
from persona_demo.plug.config import BLOCKS, PlugConfig
from persona_demo.plug.model import PersonaPlug
from persona_demo.plug.storage import save_plug
from persona_demo.tasks import Task
from persona_demo.training.card import CardFacts, model_card
from persona_demo.training.data import Examples
from persona_demo.training.population import Population, read_population
from persona_demo.training.trainer import Progress, Trainer, TrainOptions

Report = Callable[[str, float | None], None]

MOST_ITEMS = 32
"""Latest items of a person that training and the map read; more make encoding longer, not better."""
WATCHED_PEOPLE = 96
SPLITS_USED: tuple[Split, ...] = ("train", "tune")
MIN_HISTORY = 4
"""Training targets need at least so many items to be seen."""


@dataclass(frozen=True)
class Models:
    """The frozen models of a run.

    Attributes:
        lm: Frozen LM, on torch.
        encoder: Item encoder.
        config: Form of the plug made for them.
    """

    lm: TorchLM
    encoder: ItemEncoder
    config: PlugConfig


def load_models(
    task: Task, *, lm: str, encoder: str, persona_tokens: int, report: Report, device: Device | None = None
) -> Models:
    """Load the frozen models and settle the form of the plug.

    Args:
        task: What the plug is for.
        lm: Hub id or folder of the frozen LM.
        encoder: Hub id or folder of the sentence encoder.
        persona_tokens: Persona vectors beside the instruction vector.
        report: Told what is being done.
        device: Where to run; chosen when left out.

    Raises:
        UserError: If a model cannot be had.
    """
    device = device or choose_device()
    lm_files = catalog.resolve_lm(lm, report=report)
    encoder_files = catalog.resolve_encoder(encoder, report=report)
    report(f"loading the models ({device.reason})", None)
    frozen = TorchLM.load(
        lm_files.folder,
        name=lm_files.name,
        fingerprint=lm_files.fingerprint,
        device=device,
        attention="eager" if device.name == "cpu" else "sdpa",
    )
    dtype: DType = device.dtype
    sentence = SentenceTransformerEncoder(encoder_files.folder, device=device.name, dtype=dtype)
    items = ItemEncoder(BLOCKS, sentence=sentence, lm=frozen)
    config = PlugConfig(
        lm_name=lm_files.name,
        lm_fingerprint=lm_files.fingerprint,
        encoder_name=encoder_files.name,
        encoder_fingerprint=encoder_files.fingerprint,
        tasks=(task.name,),
        hidden_size=frozen.info.hidden_size,
        embedding_norm=frozen.info.embedding_norm,
        item_width=items.width,
        persona_tokens=persona_tokens,
    )
    return Models(lm=frozen, encoder=items, config=config)


def population_of(data: Path, task: Task, encoder: ItemEncoder, *, keep: Path | None, report: Report) -> Population:
    """The training population of a corpus with its raw item vectors.

    Raises:
        UserError: If the corpus cannot be read.
    """
    return read_population(data, "train", task, encoder, most_items=MOST_ITEMS, keep=keep, report=report)


def train_plug(
    task: Task,
    data: Path,
    out: Path,
    *,
    models: Models,
    options: TrainOptions,
    resume: bool,
    report: Report,
    progress: Callable[[Progress], None],
) -> PersonaPlug:
    """Train a plug and write it, with checkpoints on the way.

    Args:
        task: What for.
        data: Corpus folder with the splits ``train`` and ``tune``.
        out: Where the plug goes; checkpoints and item vectors go to its ``checkpoint`` folder.
        models: The frozen models.
        options: How long and how fast.
        resume: Go on from a checkpoint in ``out``; without it an earlier run is begun anew.
        report: Told what is being done before training begins.
        progress: Told how training goes, after every step.

    Returns:
        The trained plug.

    Raises:
        UserError: If the corpus leaks between splits or cannot be read.
    """
    folder = out / "checkpoint"
    lm, encoder = models.lm, models.encoder
    for split in SPLITS_USED:
        check_folder(data, split, read_corpus(data, split, task), task)
    everybody = population_of(data, task, encoder, keep=folder / "train.safetensors", report=report)
    watched = read_population(
        data,
        "tune",
        task,
        encoder,
        most_items=MOST_ITEMS,
        keep=folder / "tune.safetensors",
        report=report,
        most_people=WATCHED_PEOPLE,
    )
    plug = PersonaPlug(models.config, seed=options.seed)
    report("measuring the population", None)
    texts = [[item.text for item in person.items] for person in everybody.people]
    plug.fit_population([torch.from_numpy(v) for v in everybody.vectors], texts)

    def examples(people: Population, per_person: int, *, last_third: bool) -> Examples:
        targets = draw_targets(
            people.people,
            task,
            per_person=per_person,
            rng=np.random.default_rng((options.seed, int(last_third))),
            last_third=last_third,
            min_history=min(MIN_HISTORY, task.min_items),
        )
        standard = [plug.standardise(torch.from_numpy(v)).numpy() for v in people.vectors]
        return Examples(people.people, targets, standard, task=task, codec=lm.codec, encoder=encoder)

    trainer = Trainer(
        plug,
        DifferentiableLM(lm),
        examples(everybody, MOST_ITEMS, last_third=False),
        examples(watched, 1, last_third=True),
        task=task.name,
        options=options,
        folder=folder,
    )
    if not (resume and trainer.resume()):
        report("training from the start", None)
    trainer.run(progress)
    facts = CardFacts(
        data=data.name,
        people=len(everybody.people),
        items=sum(len(p.items) for p in everybody.people),
        dropped_items=everybody.dropped_items,
        examples=options.steps * options.batch_size,
        warm_examples=options.warm_steps * options.batch_size,
        hours=trainer.seconds / 3600,
        log=tuple(trainer.log),
    )
    save_plug(plug.eval(), out, card=model_card(plug.config, facts))
    fingerprint_plug(out, [(data, task)])
    return plug
