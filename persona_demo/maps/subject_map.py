"""The same people a second time, by what they write about alone.

Here somebody stands where the plain sentence embeddings of their items stand on average: no plug, no figures of
style, no words of the language model. Beside the map of people it shows what the plug makes of them; who is among
others here than there, :func:`movers` lists. What ships is a shortened vector and a place of each, in the order of
the map of people; no text ships.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from persona_demo.errors import UserError
from persona_demo.items import block_parts
from persona_demo.maps.atlas import Atlas
from persona_demo.maps.files import MapFiles
from persona_demo.maps.item_map import WIDTH, shortened
from persona_demo.maps.placing import NEIGHBOURS, Report, directions_of, fit_coordinates, place_among
from persona_demo.plug.model import PersonaPlug

FloatArray = NDArray[np.float32]

FILES = MapFiles(title="map of subjects", arrays="subjects.safetensors", facts="subjects.json", schema=1)
MOVERS = 12
"""People a list of those who move most holds."""


@dataclass(frozen=True)
class Mover:
    """Somebody who is among others on the one map than on the other.

    Attributes:
        id: Their id.
        common: How many of their nearest people are the same by subject as by the plug.
        rank: Where those nearest by the plug stand by subject, among everybody else, the middle one of them: 1 is
            the nearest.
    """

    id: str
    common: int
    rank: int


@dataclass(frozen=True)
class SubjectMap:
    """A frozen map of a population, by subject.

    Attributes:
        plug_fingerprint: SHA-256 of the plug whose map of people it stands beside.
        basis: Takes a direction (S,) to a shortened vector (K,), shape (K, S).
        vectors: Shortened vectors, (U, K), in the order of the map of people.
        coordinates: Places, (U, 2).
        movers: Those who are among others here than there, the most first.
    """

    plug_fingerprint: str
    basis: FloatArray
    vectors: FloatArray
    coordinates: FloatArray
    movers: tuple[Mover, ...] = ()

    def __post_init__(self) -> None:
        """Check that the arrays fit together.

        Raises:
            UserError: If they do not.
        """
        people = len(self.vectors)
        if self.vectors.shape != (people, len(self.basis)) or self.coordinates.shape != (people, 2):
            raise UserError("The files of the map of subjects do not fit together: run 'atlas build'.")

    def place(self, vector: FloatArray) -> tuple[float, float]:
        """Place somebody by the mean sentence embedding (S,) of their items."""
        found = directions_of(self.basis @ directions_of(vector))
        return place_among(1 - directions_of(self.vectors) @ found, self.coordinates)[0]

    def save(self, folder: Path) -> None:
        """Write the map, each file whole or not at all."""
        arrays: dict[str, NDArray[np.generic]] = {
            "basis": self.basis.astype(np.float16),
            "vectors": self.vectors.astype(np.float16),
            "coordinates": self.coordinates.astype(np.float32),
        }
        facts = {
            "plug_fingerprint": self.plug_fingerprint,
            "movers": [asdict(mover) for mover in self.movers],
        }
        FILES.save(folder, arrays, facts)

    @classmethod
    def load(cls, folder: Path) -> SubjectMap:
        """Read a map of subjects.

        Raises:
            UserError: If the folder holds none, or its files are damaged.
        """
        with FILES.opened(folder) as (facts, arrays):
            return cls(
                plug_fingerprint=facts["plug_fingerprint"],
                movers=tuple(Mover(**mover) for mover in facts["movers"]),
                **{name: arrays[name].astype(np.float32) for name in ("basis", "vectors", "coordinates")},
            )


def sentence_part(plug: PersonaPlug) -> slice | None:
    """Where the sentence embedding lies in the plug's item vectors, or None if it is no part of them."""
    return block_parts(plug.config).get("sentence")


def build_subject_map(
    means: FloatArray, atlas: Atlas, *, seed: int = 0, report: Report = lambda message, share: None
) -> SubjectMap:
    """Make the map of a population by subject.

    Args:
        means: Mean sentence embedding of each, (U, S), in the order of the map of people.
        atlas: The map of people it stands beside.
        seed: Of UMAP.
        report: Told what is being done.
    """
    basis, shipped = shortened(directions_of(means), width=WIDTH)
    return SubjectMap(
        plug_fingerprint=atlas.plug_fingerprint,
        basis=basis,
        vectors=shipped,
        coordinates=fit_coordinates(shipped, seed=seed, report=report),
        movers=movers(atlas, shipped),
    )


def movers(atlas: Atlas, vectors: FloatArray, *, most: int = MOVERS) -> tuple[Mover, ...]:
    """Whose nearest people by the plug are farthest from them by subject.

    Vectors are compared, not places on the maps, which no flat map keeps.

    Args:
        atlas: The map of people.
        vectors: The same people by subject, (U, K).
        most: How many are listed.
    """
    directions = directions_of(vectors)
    count = min(NEIGHBOURS, len(vectors) - 1)
    found = []
    for person, name in enumerate(atlas.ids):
        order = np.argsort(atlas.distances(atlas.vectors[person]), kind="stable")
        by_plug = order[order != person][:count]
        distances = 1 - directions @ directions[person]
        distances[person] = -1
        # Their own place is 0, so the nearest of the others has rank 1.
        ranks = np.searchsorted(np.sort(distances), distances[by_plug])
        found.append(Mover(name, int((ranks <= count).sum()), int(np.median(ranks))))
    return tuple(sorted(found, key=lambda mover: (-mover.rank, mover.common))[:most])
