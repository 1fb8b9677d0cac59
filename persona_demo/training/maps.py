"""The maps of the population a plug was trained on: its people, single items of theirs, and the people by subject."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from persona_demo.maps.atlas import Atlas, build_atlas, shuffled
from persona_demo.maps.figures import figures_of
from persona_demo.maps.item_map import ItemMap, build_item_map, item_vectors
from persona_demo.maps.regions import with_regions
from persona_demo.maps.subject_map import SubjectMap, build_subject_map, sentence_part
from persona_demo.plug.model import PersonaPlug
from persona_demo.plug.storage import plug_fingerprint
from persona_demo.runtime import Runtime
from persona_demo.tasks import Task
from persona_demo.training.processes import ALONE, Processes
from persona_demo.training.run import population_of

FloatArray = NDArray[np.float32]
Report = Callable[[str, float | None], None]

ITEMS_EACH = 4
"""Items of one person that may be drawn for the map of items, so that no one fills it."""


@dataclass(frozen=True)
class Maps:
    """The maps of a population.

    Attributes:
        people: The map of people.
        items: The map of items; None where the plug reads no figures of style.
        subjects: The map of people by subject; None where the plug reads no sentence embeddings.
    """

    people: Atlas
    items: ItemMap | None
    subjects: SubjectMap | None = None

    def save(self, folder: Path) -> None:
        """Write them into one folder."""
        self.people.save(folder)
        if self.items is not None:
            self.items.save(folder)
        if self.subjects is not None:
            self.subjects.save(folder)


def maps_of(
    runtime: Runtime,
    task: Task,
    data: Path,
    plug_folder: Path,
    *,
    seed: int,
    report: Report,
    processes: Processes = ALONE,
) -> Maps | None:
    """Make the maps; several processes encode a share of the items each.

    Args:
        runtime: The plug and its models.
        task: The task.
        data: Corpus folder.
        plug_folder: Folder of the plug, for its fingerprint.
        seed: Of the order of people, of the items drawn and of UMAP.
        report: Told what is being done.
        processes: Who else encodes.

    Returns:
        The maps; None in every process but the first.

    Raises:
        UserError: If the corpus cannot be read or is too small.
    """
    labels = runtime.plug.config.labels
    people = population_of(data, task, runtime.encoder, keep=None, report=report, labels=labels, processes=processes)
    if processes.rank > 0:
        return None
    return maps_from(runtime.plug, people.vectors, fingerprint=plug_fingerprint(plug_folder), seed=seed, report=report)


def maps_from(plug: PersonaPlug, raw: tuple[FloatArray, ...], *, fingerprint: str, seed: int, report: Report) -> Maps:
    """Make the maps of people given by their raw item vectors, (N_u, D) each.

    Raises:
        UserError: If there are too few people or items.
    """
    figures = figures_of(plug, raw)
    report("placing people", None)
    atlas = build_atlas(
        np.stack([_user_vector(plug, items) for items in raw]),
        [len(items) for items in raw],
        scale=plug.spread.numpy(),
        plug_fingerprint=fingerprint,
        style=None if figures is None else figures.people,
        style_names=() if figures is None else figures.names,
        seed=seed,
        report=report,
    )
    subjects = _subjects(plug, raw, atlas, seed=seed, report=report)
    if figures is None:
        return Maps(atlas, None, subjects)
    rng = np.random.default_rng((seed, 5))
    drawn = [np.sort(rng.permutation(len(items))[:ITEMS_EACH]) for items in raw]
    place = {int(old): new for new, old in enumerate(shuffled(len(raw), seed=seed))}
    owners = [atlas.ids[place[person]] for person, rows in enumerate(drawn) for _ in rows]
    report("placing items", None)
    vectors = item_vectors(plug, np.concatenate([items[rows] for items, rows in zip(raw, drawn, strict=True)]))
    items = build_item_map(
        vectors,
        tuple(owners),
        scale=plug.spread.numpy(),
        plug_fingerprint=fingerprint,
        style=np.concatenate([own[rows] for own, rows in zip(figures.items, drawn, strict=True)]),
        style_names=atlas.style_names,
        seed=seed,
        report=report,
    )
    return Maps(with_regions(atlas, seed=seed), with_regions(items, seed=seed), subjects)


def _subjects(
    plug: PersonaPlug, raw: tuple[FloatArray, ...], atlas: Atlas, *, seed: int, report: Report
) -> SubjectMap | None:
    part = sentence_part(plug)
    if part is None:
        return None
    report("placing people by subject", None)
    means = np.stack([items[:, part].mean(axis=0) for items in raw])
    return build_subject_map(means[shuffled(len(raw), seed=seed)], atlas, seed=seed, report=report)


@torch.no_grad()
def _user_vector(plug: PersonaPlug, raw: FloatArray) -> FloatArray:
    """User vector (D,) of somebody under uniform weights."""
    items = plug.standardise(torch.from_numpy(raw))[None]
    return plug.aggregate(items, torch.ones(1, len(raw), dtype=torch.bool), None).user_vectors[0].numpy()
