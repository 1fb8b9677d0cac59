"""Everybody a plug for several tasks has learned from, on one map: do user vectors tell the task before the person?

The maps of people are of one task each. This one is made of their vectors, which a plug keeps in one space, and of
nothing else: no corpus is read, and no text ships.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from persona_demo.errors import UserError
from persona_demo.maps.atlas import Atlas
from persona_demo.maps.files import MapFiles
from persona_demo.maps.placing import NEIGHBOURS, Report, directions_of, fit_coordinates, place_among

FloatArray = NDArray[np.float32]

FILES = MapFiles(title="map of tasks", arrays="tasks.safetensors", facts="tasks.json", schema=1)


@dataclass(frozen=True)
class Share:
    """The people of one task among everybody.

    Attributes:
        task: Name of the task.
        people: How many they are.
        same: Of the nearest people of one of them, how many are of the same task, 0 to 1; the mean over them.
        chance: The same where neighbours are drawn by lot.
    """

    task: str
    people: int
    same: float
    chance: float


@dataclass(frozen=True)
class TaskMap:
    """A frozen map of all populations of a plug.

    Attributes:
        plug_fingerprint: SHA-256 of the plug.
        shares: Its tasks; people stand in this order, those of one task in the order of their own map.
        vectors: Their user vectors, (U, D).
        coordinates: Their places, (U, 2).
        counts: How many items each stands for, (U,).
        scale: What user vectors are divided by before they are compared, (D,).
    """

    plug_fingerprint: str
    shares: tuple[Share, ...]
    vectors: FloatArray
    coordinates: FloatArray
    counts: NDArray[np.int32]
    scale: FloatArray

    def __post_init__(self) -> None:
        """Check that the arrays fit together.

        Raises:
            UserError: If they do not.
        """
        people = sum(share.people for share in self.shares)
        shapes = (self.vectors.shape, self.coordinates.shape, self.counts.shape)
        if shapes != ((people, len(self.scale)), (people, 2), (people,)):
            raise UserError("The files of the map of tasks do not fit together: run 'atlas build'.")

    @property
    def tasks(self) -> NDArray[np.intp]:
        """Whose people they are: for each the index of the task, (U,)."""
        return np.repeat(np.arange(len(self.shares)), [share.people for share in self.shares])

    def place(self, user_vector: FloatArray) -> tuple[tuple[float, float], NDArray[np.intp]]:
        """Place a user vector (D,): its coordinates, and the rows of the nearest people, nearest first."""
        directions = directions_of(self.vectors / self.scale)
        return place_among(1 - directions @ directions_of(user_vector / self.scale), self.coordinates)

    def save(self, folder: Path) -> None:
        """Write the map, each file whole or not at all."""
        arrays: dict[str, NDArray[np.generic]] = {
            "vectors": self.vectors.astype(np.float16),
            "coordinates": self.coordinates.astype(np.float32),
            "counts": self.counts.astype(np.int32),
            "scale": self.scale.astype(np.float32),
        }
        facts = {
            "plug_fingerprint": self.plug_fingerprint,
            "shares": [asdict(share) for share in self.shares],
        }
        FILES.save(folder, arrays, facts)

    @classmethod
    def load(cls, folder: Path) -> TaskMap:
        """Read a map of tasks.

        Raises:
            UserError: If the folder holds none, or its files are damaged.
        """
        with FILES.opened(folder) as (facts, arrays):
            return cls(
                plug_fingerprint=facts["plug_fingerprint"],
                shares=tuple(Share(**share) for share in facts["shares"]),
                vectors=arrays["vectors"].astype(np.float32),
                coordinates=arrays["coordinates"],
                counts=arrays["counts"],
                scale=arrays["scale"],
            )


def build_task_map(
    atlases: Mapping[str, Atlas], *, seed: int = 0, report: Report = lambda message, share: None
) -> TaskMap:
    """Put the maps of people of one plug's tasks on one map.

    Args:
        atlases: The map of people of each task, two at least, all of one plug.
        seed: Of UMAP.
        report: Told what is being done.

    Raises:
        UserError: If there are fewer than two, or they are of different plugs.
    """
    of = {atlas.plug_fingerprint for atlas in atlases.values()}
    if len(atlases) < 2 or len(of) > 1:
        raise UserError("A map of tasks takes the maps of two tasks or more of one plug: build those first.")
    scale = next(iter(atlases.values())).scale
    vectors: FloatArray = np.concatenate([atlas.vectors for atlas in atlases.values()], dtype=np.float32)
    sizes = [len(atlas.ids) for atlas in atlases.values()]
    directions = directions_of(vectors / scale)
    tasks = np.repeat(np.arange(len(sizes)), sizes)
    distances = 1 - directions @ directions.T
    np.fill_diagonal(distances, np.inf)
    nearest = np.argsort(distances, axis=1, kind="stable")[:, : min(NEIGHBOURS, len(vectors) - 1)]
    same = (tasks[nearest] == tasks[:, None]).mean(axis=1)
    return TaskMap(
        plug_fingerprint=of.pop(),
        shares=tuple(
            Share(name, size, float(same[tasks == place].mean()), (size - 1) / (len(vectors) - 1))
            for place, (name, size) in enumerate(zip(atlases, sizes, strict=True))
        ),
        vectors=vectors,
        coordinates=fit_coordinates(directions, seed=seed, report=report),
        counts=np.concatenate([atlas.counts for atlas in atlases.values()]),
        scale=scale,
    )
