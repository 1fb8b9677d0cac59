"""Watching tune people while a plug is trained: how much likelier their texts are under their own persona."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from persona_demo.lm.differentiable import DifferentiableLM
from persona_demo.plug.model import PersonaPlug
from persona_demo.tasks import TaskName
from persona_demo.training.data import Examples
from persona_demo.training.losses import answer_rows
from persona_demo.training.processes import Processes


@dataclass(frozen=True)
class Look:
    """A look at the watched people.

    Attributes:
        placebo_gap: With its standard error; the mean over tasks.
        lift: The mean over tasks.
        nll: Under their own persona, nats a token; the mean over tasks.
        of_tasks: Placebo gap of each, where there are several.
    """

    placebo_gap: tuple[float, float]
    lift: float
    nll: float
    of_tasks: Mapping[TaskName, float] = field(default_factory=dict)


def look(
    plug: PersonaPlug,
    lm: DifferentiableLM,
    watched: Mapping[TaskName, Examples],
    *,
    batch_size: int,
    processes: Processes,
) -> Look:
    """Placebo gap with its standard error, lift and likelihood, of whole histories.

    Args:
        plug: The plug as it stands, on the LM's device.
        lm: The frozen LM.
        watched: Examples of each task, one a person.
        batch_size: Examples read at once.
        processes: Who else reads a share of them.
    """
    plug.eval()
    gaps, errors, lifts, own_nll = [], [], [], []
    for task, examples in watched.items():
        own, other, control = watched_nll(plug, lm, examples, task, batch_size=batch_size, processes=processes)
        gaps.append(float((other - own).mean()))
        errors.append(float((other - own).std() / len(own) ** 0.5))
        lifts.append(float((control - own).mean()))
        own_nll.append(float(own.mean()))
    error = float(np.sqrt(np.square(errors).sum())) / len(errors)
    of_tasks = dict(zip(watched, gaps, strict=True)) if len(watched) > 1 else {}
    return Look((float(np.mean(gaps)), error), float(np.mean(lifts)), float(np.mean(own_nll)), of_tasks)


@torch.no_grad()
def watched_nll(
    plug: PersonaPlug,
    lm: DifferentiableLM,
    watched: Examples,
    task: TaskName,
    *,
    batch_size: int,
    processes: Processes,
) -> Tensor:
    """Each watched target under its own person, another one and the control, nats a token.

    Args:
        plug: The plug as it stands, on the LM's device.
        lm: The frozen LM.
        watched: N examples of the task, one a person.
        task: The task.
        batch_size: Examples read at once.
        processes: Who else reads a share of them.

    Returns:
        One row each, (3, N).
    """
    values = torch.zeros(3, len(watched.targets))
    strangers, device = watched.strangers(), lm.lm.device
    for chunk, start in enumerate(range(0, len(watched.targets), batch_size)):
        if chunk % processes.count != processes.rank:
            continue
        part = list(range(start, min(start + batch_size, len(watched.targets))))
        batch = watched.batch(part, plug)
        others = [strangers[i] for i in part]
        theirs = watched.histories(list(zip(others, watched.cut(others, None), strict=True)), plug, batch.query)
        batch = batch.to(device)
        query = plug.query(batch.query, batch.queries)
        soft = [plug.control_vectors(task)]
        for items, present, words in (theirs, (batch.items, batch.present, batch.words)):
            user = plug.aggregate(items.to(device), present.to(device), query).user_vectors
            soft.insert(0, plug.soft_vectors(user, task, words=words))
        for row, vectors in enumerate(soft):
            values[row, part] = lm.nll(answer_rows(batch, vectors, before=plug.config.place == "before")).cpu()
    return processes.sum(values)
