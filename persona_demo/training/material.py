"""What a plug learns from: people of one or several tasks, with vectors, and the examples drawn of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from persona_demo.corpora.reading import twins_in
from persona_demo.corpus import Split, draw_targets, read_corpus
from persona_demo.errors import UserError
from persona_demo.items import ItemEncoder
from persona_demo.leakage import check_folder
from persona_demo.lm.base import TextCodec
from persona_demo.plug.config import PlugConfig
from persona_demo.plug.model import PersonaPlug
from persona_demo.tasks import Task, TaskName
from persona_demo.training.data import Examples
from persona_demo.training.options import TrainOptions
from persona_demo.training.population import Population, read_population
from persona_demo.training.processes import ALONE, Processes

Report = Callable[[str, float | None], None]

SPLITS: tuple[Split, ...] = ("train", "tune")
"""Splits that training reads."""
WATCHED_PEOPLE = 96
MIN_HISTORY = 4
"""Training targets need at least so many items to be seen."""


@dataclass(frozen=True)
class Source:
    """A task, and the corpus folder its people are in."""

    task: Task
    data: Path


def sources_of(tasks: Sequence[Task], folders: Sequence[Path]) -> tuple[Source, ...]:
    """Tasks with their folders, one each or one for all.

    Raises:
        UserError: If there are more or fewer folders than tasks, or a task is named twice.
    """
    if len(folders) == 1:
        folders = [*folders] * len(tasks)
    if len(folders) != len(tasks):
        raise UserError(f"There are {len(tasks)} tasks and {len(folders)} folders: name one for each, or one for all.")
    if len({task.name for task in tasks}) < len(tasks):
        raise UserError("A task is named twice: name each once.")
    return tuple(Source(task, folder) for task, folder in zip(tasks, folders, strict=True))


@dataclass(frozen=True)
class Material:
    """People of each task, in the order of the tasks.

    Attributes:
        everybody: Those of the split ``train``.
        watched: Some of the split ``tune``.
    """

    everybody: Mapping[TaskName, Population]
    watched: Mapping[TaskName, Population]

    def fit(self, plug: PersonaPlug) -> None:
        """Measure the population over the people of all tasks."""
        texts = [[item.text for item in person.items] for of in self.everybody.values() for person in of.people]
        plug.fit_population(self._vectors(), texts, tasks=self._tasks())

    def fit_again(self, plug: PersonaPlug) -> None:
        """Measure user vectors of a trained plug."""
        plug.fit_people(self._vectors(), tasks=self._tasks())

    def _vectors(self) -> list[torch.Tensor]:
        return [torch.from_numpy(vectors) for of in self.everybody.values() for vectors in of.vectors]

    def _tasks(self) -> list[TaskName]:
        return [task for task, of in self.everybody.items() for _ in of.people]


def read_material(
    sources: Sequence[Source],
    encoder: ItemEncoder,
    config: PlugConfig,
    options: TrainOptions,
    *,
    keep: Path,
    report: Report,
    processes: Processes = ALONE,
    watched_people: int = WATCHED_PEOPLE,
) -> Material:
    """Read, check and encode people of all tasks.

    Args:
        sources: Tasks and folders.
        encoder: Encodes items.
        config: Says what of an item is read.
        options: Say how many items of a person are.
        keep: Folder that item vectors are kept in.
        report: Told what is being done.
        processes: Who else encodes a share.
        watched_people: Most tune people of a task.

    Raises:
        UserError: If a corpus leaks between splits or cannot be read.
    """

    def read(source: Source, split: Split, most_people: int | None) -> Population:
        of_task = f"-{source.task.name}" if len(sources) > 1 else ""
        return read_population(
            source.data,
            split,
            source.task,
            encoder,
            most_items=options.most_items,
            keep=keep / f"{split}{of_task}.safetensors",
            report=report,
            most_people=most_people,
            word_filter=options.word_filter,
            labels=config.labels,
            models=config.item_models,
            processes=processes,
        )

    check_sources(sources)
    for source in sources:
        if twins := twins_in(source.data, source.task):
            report(f"{twins:,} questions in {source.data.name} are asked in a later split too and are left out", None)
    return Material(
        everybody={source.task.name: read(source, "train", None) for source in sources},
        watched={source.task.name: read(source, "tune", watched_people) for source in sources},
    )


def check_sources(sources: Sequence[Source]) -> None:
    """Make sure that nobody and no text trained or tuned on is in another split of its folder.

    Raises:
        UserError: If one is, or a corpus cannot be read.
    """
    for source in sources:
        for split in SPLITS:
            check_folder(source.data, split, read_corpus(source.data, split, source.task), source.task)


def examples_of(
    people: Population,
    task: Task,
    plug: PersonaPlug,
    *,
    encoder: ItemEncoder,
    codec: TextCodec,
    seed: int,
    per_person: int,
    last_third: bool,
) -> Examples:
    """Draw the examples of a task.

    Args:
        people: Of whom.
        task: The task.
        plug: Standardises item vectors, its population measured.
        encoder: Encodes inputs.
        codec: The frozen LM's tokenizer.
        seed: Of the draw.
        per_person: At most so many targets each.
        last_third: Only from the last third of a person's items, as in evaluation; else from all.
    """
    targets = draw_targets(
        people.people,
        task,
        per_person=per_person,
        rng=np.random.default_rng((seed, int(last_third))),
        last_third=last_third,
        min_history=min(MIN_HISTORY, task.min_items),
    )
    standard = [plug.standardise(torch.from_numpy(v)).numpy() for v in people.vectors]
    return Examples(people.people, targets, standard, task=task, codec=codec, encoder=encoder)
