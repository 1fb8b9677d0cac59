"""The atlas: a frozen UMAP map of the training population's user vectors, and placing people on it.

It ships as arrays (no pickle): user vectors under new ids, their coordinates, how many items each
stands for, and figures of how each writes. Old points never move. A new or edited person is placed
among their nearest neighbours, weighted as UMAP weighs them, without refitting and without importing
UMAP. Maps of schema 1 have no figures and no regions, and are read all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from persona_demo.errors import UserError
from persona_demo.maps.files import MapFiles
from persona_demo.maps.placing import NEIGHBOURS, directions_of, fit_coordinates, place_among

FloatArray = NDArray[np.float32]

FILES = MapFiles(title="atlas", arrays="atlas.safetensors", facts="atlas.json", schema=2)


@dataclass(frozen=True)
class Neighbour:
    """Somebody near.

    Attributes:
        id: Their id on the map.
        distance: Cosine distance of user vectors, 0 to 2.
    """

    id: str
    distance: float


@dataclass(frozen=True)
class Placement:
    """Where a person stands.

    Attributes:
        x: First coordinate.
        y: Second coordinate.
        neighbours: Nearest people of the population, nearest first.
    """

    x: float
    y: float
    neighbours: tuple[Neighbour, ...]


@dataclass(frozen=True)
class Region:
    """A stretch of a map with a label.

    Attributes:
        label: What is common to its people or items, in a few words.
        x: First coordinate of its middle.
        y: Second coordinate.
        size: How many are in it.
    """

    label: str
    x: float
    y: float
    size: int


@dataclass(frozen=True)
class Atlas:
    """A frozen map of a population.

    Attributes:
        plug_fingerprint: SHA-256 of the plug whose user vectors these are.
        ids: Ids of the U people; they say nothing of who they were.
        vectors: Their user vectors, (U, D).
        coordinates: Their places, (U, 2).
        counts: How many items each stands for, (U,).
        scale: What user vectors are divided by before they are compared, (D,).
        style: Style figures of each, (U, F), in the units of their titles; None where they are not kept, not a
            number where somebody has none.
        style_names: Names of the F figures.
        regions: Labelled stretches; may be empty.
    """

    plug_fingerprint: str
    ids: tuple[str, ...]
    vectors: FloatArray
    coordinates: FloatArray
    counts: NDArray[np.int32]
    scale: FloatArray
    style: FloatArray | None = None
    style_names: tuple[str, ...] = ()
    regions: tuple[Region, ...] = ()

    def __post_init__(self) -> None:
        """Check that the arrays fit together and keep unit directions at hand.

        Raises:
            UserError: If they do not.
        """
        people = len(self.ids)
        shapes = (len(self.vectors), len(self.coordinates), len(self.counts), self.coordinates.shape[1:])
        style = (people, len(self.style_names)) if self.style is None else self.style.shape
        if (
            shapes != (people, people, people, (2,))
            or self.vectors.shape[1:] != self.scale.shape
            or style != (people, len(self.style_names))
        ):
            raise UserError("The atlas files do not fit together: restore assets/atlas or run 'atlas build'.")
        object.__setattr__(self, "_directions", self._direction(self.vectors))

    def _direction(self, vectors: FloatArray) -> FloatArray:
        return directions_of(vectors / self.scale)

    def index(self, person: str) -> int:
        """Row of a person.

        Raises:
            UserError: If nobody on the map has this id.
        """
        try:
            return self.ids.index(person)
        except ValueError:
            raise UserError(f"Nobody on the map is called {person!r}: pick a point or a name.") from None

    def distances(self, user_vector: FloatArray) -> FloatArray:
        """Cosine distances (U,) of the population from a user vector (D,)."""
        directions: FloatArray = self._directions  # type: ignore[attr-defined]
        return 1 - directions @ self._direction(user_vector)

    def place(self, user_vector: FloatArray) -> Placement:
        """Place a user vector (D,) on the map."""
        distances = self.distances(user_vector)
        (x, y), nearest = place_among(distances, self.coordinates)
        near = tuple(Neighbour(self.ids[i], float(distances[i])) for i in nearest)
        return Placement(x=x, y=y, neighbours=near)

    def style_figures(self, name: str) -> FloatArray:
        """One style figure of everybody, (U,).

        Raises:
            UserError: If the map does not keep it.
        """
        if self.style is None or name not in self.style_names:
            raise UserError(f"This map keeps no figure {name[:40]!r}: build it anew with 'atlas build'.")
        return np.asarray(self.style[:, self.style_names.index(name)])

    def style_of(self, who: str) -> dict[str, float]:
        """The figures of one of them by their names; none where they are not kept, or who is not on the map."""
        if self.style is None or who not in self.ids:
            return {}
        return dict(zip(self.style_names, self.style[self.ids.index(who)].tolist(), strict=True))

    def row_of(self, vector: FloatArray) -> int | None:
        """Row of the person whose stored vector (D,) this is, if it is anybody's."""
        found = np.flatnonzero((self.vectors == vector).all(axis=1))
        return int(found[0]) if len(found) else None

    def somebody_else(self, count: int, *, rng: np.random.Generator, without: int | None = None) -> int:
        """Draw a placebo: one of the people nearest in number of items.

        Args:
            count: Number of items of the person it stands beside.
            rng: Source of the draw.
            without: Row of that person, where they are of the map.

        Returns:
            Their row.
        """
        nearest = np.argsort(np.abs(self.counts - count), kind="stable")
        nearest = nearest[nearest != without] if without is not None and len(nearest) > 1 else nearest
        return int(rng.choice(nearest[: max(len(self.ids) // 10, 1)]))

    def save(self, folder: Path) -> None:
        """Write the atlas, each file whole or not at all."""
        arrays: dict[str, NDArray[np.generic]] = {
            "vectors": self.vectors.astype(np.float16),
            "coordinates": self.coordinates.astype(np.float32),
            "counts": self.counts.astype(np.int32),
            "scale": self.scale.astype(np.float32),
        }
        if self.style is not None:
            arrays["style"] = self.style.astype(np.float16)
        facts = {
            "plug_fingerprint": self.plug_fingerprint,
            "ids": list(self.ids),
            "style_names": list(self.style_names),
            "regions": [asdict(region) for region in self.regions],
        }
        FILES.save(folder, arrays, facts)

    @classmethod
    def load(cls, folder: Path) -> Atlas:
        """Read an atlas.

        Raises:
            UserError: If the folder holds none, or its files are damaged.
        """
        with FILES.opened(folder) as (facts, arrays):
            return cls(
                plug_fingerprint=facts["plug_fingerprint"],
                ids=tuple(facts["ids"]),
                vectors=arrays["vectors"].astype(np.float32),
                coordinates=arrays["coordinates"],
                counts=arrays["counts"],
                scale=arrays["scale"],
                style=arrays["style"].astype(np.float32) if "style" in arrays else None,
                style_names=tuple(facts.get("style_names", ())),
                regions=tuple(Region(**region) for region in facts.get("regions", ())),
            )


def shuffled(people: int, *, seed: int) -> NDArray[np.intp]:
    """The order in which a corpus's people are given their new ids."""
    return np.random.default_rng(seed).permutation(people)


def build_atlas(
    vectors: FloatArray,
    counts: Sequence[int],
    *,
    scale: FloatArray,
    plug_fingerprint: str,
    style: FloatArray | None = None,
    style_names: tuple[str, ...] = (),
    seed: int = 0,
    report: Callable[[str, float | None], None] = lambda message, share: None,
) -> Atlas:
    """Make the atlas of a population.

    People are put in a seeded random order under new ids, so that nothing leads back to the corpus.

    Args:
        vectors: User vectors under uniform weights, (U, D).
        counts: Number of items behind each.
        scale: What user vectors are divided by before they are compared, (D,).
        plug_fingerprint: SHA-256 of the plug they come from.
        style: Style figures of each, (U, F), where they are known.
        style_names: Names of the figures.
        seed: Of the order and of UMAP.
        report: Told what is being done.

    Raises:
        UserError: If there are too few people for a map.
    """
    if len(vectors) < NEIGHBOURS + 1:
        raise UserError(f"A map needs at least {NEIGHBOURS + 1} people and this corpus has {len(vectors)}.")
    order = shuffled(len(vectors), seed=seed)
    # What ships is float16, so the map is fitted to exactly that.
    shipped = vectors[order].astype(np.float16).astype(np.float32)
    return Atlas(
        plug_fingerprint=plug_fingerprint,
        ids=tuple(f"p{i:04d}" for i in range(len(order))),
        vectors=shipped,
        coordinates=fit_coordinates(shipped / scale, seed=seed, report=report),
        counts=np.asarray(counts, dtype=np.int32)[order],
        scale=scale,
        style=None if style is None else style[order].astype(np.float16).astype(np.float32),
        style_names=style_names,
    )
