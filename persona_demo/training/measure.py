"""What a plug in the making does for tune people: their own words under their persona, another's and none.

The same figures as the evaluation protocol's placebo gap and lift, on the training side's fast pass, for
choosing between plugs; what is reported of a plug, :mod:`persona_demo.evaluation` measures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from persona_demo.lm.differentiable import DifferentiableLM
from persona_demo.plug.model import PersonaPlug
from persona_demo.tasks import TaskName
from persona_demo.training.data import Cut, Examples
from persona_demo.training.losses import answer_rows

OTHERS = 3
"""Placebo people of a target: those nearest in number of items."""

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Measured:
    """Mean negative log-likelihood a token of each person's targets, nats; all in one order of people.

    Attributes:
        persona: Under their own persona, (U,).
        other: Under other people's, (U,).
        control: Under the control, (U,).
        groups: Number of each person's group; people of one group share items.
        targets: How many targets there are together.
    """

    persona: FloatArray
    other: FloatArray
    control: FloatArray
    groups: tuple[int, ...]
    targets: int


@torch.no_grad()
def measure(
    plug: PersonaPlug,
    lm: DifferentiableLM,
    examples: Examples,
    task: TaskName,
    *,
    batch_size: int,
    report: Callable[[float], None] = lambda share: None,
) -> Measured:
    """Measure a plug on the targets of tune people, each with the whole history before it.

    Args:
        plug: The plug, on the LM's device.
        lm: The frozen LM.
        examples: Their targets.
        task: The task.
        batch_size: Rows read at a time.
        report: Told the share done.
    """
    plug.eval()
    rivals = _rivals(examples)
    before, device = plug.config.place == "before", lm.lm.device
    values = np.zeros((3, len(examples.targets)))
    for start in range(0, len(examples.targets), batch_size):
        part = list(range(start, min(start + batch_size, len(examples.targets))))
        batch = examples.batch(part, plug)
        seen = [[rivals[i][turn % len(rivals[i])] for i in part] for turn in range(OTHERS)]
        theirs = [examples.histories(rival, plug, batch.query) for rival in seen]
        batch = batch.to(device)
        query = plug.query(batch.query, batch.queries)
        for turn, (items, present, words) in enumerate([(batch.items, batch.present, batch.words), *theirs]):
            user = plug.aggregate(items.to(device), present.to(device), query).user_vectors
            soft = plug.soft_vectors(user, task, words=words)
            values[min(turn, 1), part] += lm.nll(answer_rows(batch, soft, before=before)).cpu().numpy()
        values[2, part] = lm.nll(answer_rows(batch, plug.control_vectors(task), before=before)).cpu()
        report((part[-1] + 1) / len(examples.targets))
    values[1] /= OTHERS
    owners = np.array([target.person for target in examples.targets])
    people = list(dict.fromkeys(owners.tolist()))
    means = np.stack([values[:, owners == person].mean(axis=1) for person in people], axis=1)
    names = list(dict.fromkeys(examples.people[person].group for person in people))
    return Measured(
        persona=means[0],
        other=means[1],
        control=means[2],
        groups=tuple(names.index(examples.people[person].group) for person in people),
        targets=len(owners),
    )


def _rivals(examples: Examples) -> list[list[tuple[int, Cut]]]:
    """For each target a few targets of other people and what of those people's histories may be seen.

    Nearest in number of items, without texts the target's person has too, as long as any are left.
    """
    targets, people = examples.targets, examples.people
    texts = {t.person: {item.text for item in people[t.person].items} for t in targets}
    first = {t.person: i for i, t in reversed(list(enumerate(targets)))}
    found = []
    for target in targets:
        size, group = len(target.history), people[target.person].group
        able = [p for p in first if people[p].group != group] or [p for p in first if p != target.person]
        near = sorted(able or [target.person], key=lambda p: (abs(len(targets[first[p]].history) - size), p))[:OTHERS]
        seen = []
        for person in near:
            history = targets[first[person]].history
            own = [i for i in history if people[person].items[i].text not in texts[target.person]] or list(history)
            seen.append((first[person], Cut(np.array(own), wordless=False)))
        found.append(seen)
    return found
