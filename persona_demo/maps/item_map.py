"""The map of single history items: frozen like the map of people, and placing items on it.

An item stands where a person would who wrote nothing else: its vector is the user vector of a history of
one. What ships of the population's items is a shortened vector, a place and style figures, and whose
they are by the ids of the map of people, so that both maps can be linked; no text ships. Maps of schema 1
have no regions, and are read all the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from persona_demo.errors import UserError
from persona_demo.maps.atlas import Neighbour, Placement, Region
from persona_demo.maps.files import MapFiles
from persona_demo.maps.placing import NEIGHBOURS, directions_of, fit_coordinates, place_among
from persona_demo.plug.model import PersonaPlug

FloatArray = NDArray[np.float32]
Report = Callable[[str, float | None], None]

FILES = MapFiles(title="map of items", arrays="items.safetensors", facts="items.json", schema=2)
WIDTH = 48
"""Figures a shortened vector has; more make the file larger and the neighbours hardly better."""
MOST = 3000


@dataclass(frozen=True)
class ItemMap:
    """A frozen map of M items.

    Attributes:
        plug_fingerprint: SHA-256 of the plug whose vectors these are.
        people: For each item the id of its person on the map of people.
        basis: Takes a direction (D,) to a shortened vector (K,), shape (K, D).
        vectors: Shortened vectors, (M, K).
        coordinates: Places, (M, 2).
        scale: What item vectors are divided by before they are compared, (D,).
        style: Style figures, (M, F), in the units of their titles; not a number where an item has none.
        style_names: Names of the figures.
        regions: Labelled stretches; may be empty.
    """

    plug_fingerprint: str
    people: tuple[str, ...]
    basis: FloatArray
    vectors: FloatArray
    coordinates: FloatArray
    scale: FloatArray
    style: FloatArray
    style_names: tuple[str, ...]
    regions: tuple[Region, ...] = ()

    def __post_init__(self) -> None:
        """Check that the arrays fit together.

        Raises:
            UserError: If they do not.
        """
        count, width = len(self.people), len(self.basis)
        if (
            self.vectors.shape != (count, width)
            or self.coordinates.shape != (count, 2)
            or self.style.shape != (count, len(self.style_names))
            or self.basis.shape[1:] != self.scale.shape
        ):
            raise UserError("The files of the map of items do not fit together: run 'atlas build'.")
        object.__setattr__(self, "_directions", directions_of(self.vectors))

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of the items: their person's id and a number, which leads back to nothing."""
        seen: dict[str, int] = {}
        found = []
        for person in self.people:
            seen[person] = seen.get(person, 0) + 1
            found.append(f"{person}.{seen[person]}")
        return tuple(found)

    def distances(self, vector: FloatArray) -> FloatArray:
        """Cosine distances (M,) of the items from an item vector (D,)."""
        directions: FloatArray = self._directions  # type: ignore[attr-defined]
        return 1 - directions @ directions_of(self.basis @ directions_of(vector / self.scale))

    def place(self, vector: FloatArray) -> Placement:
        """Place an item vector (D,) of :func:`item_vectors` on the map."""
        distances = self.distances(vector)
        (x, y), nearest = place_among(distances, self.coordinates)
        ids = self.ids
        return Placement(x=x, y=y, neighbours=tuple(Neighbour(ids[i], float(distances[i])) for i in nearest))

    def items_of(self, person: str) -> NDArray[np.intp]:
        """Rows of one person's items; none where none are on the map."""
        return np.flatnonzero(np.array([owner == person for owner in self.people]))

    def save(self, folder: Path) -> None:
        """Write the map, each file whole or not at all."""
        arrays: dict[str, NDArray[np.generic]] = {
            "basis": self.basis.astype(np.float16),
            "vectors": self.vectors.astype(np.float16),
            "coordinates": self.coordinates.astype(np.float32),
            "scale": self.scale.astype(np.float32),
            "style": self.style.astype(np.float16),
        }
        facts = {
            "plug_fingerprint": self.plug_fingerprint,
            "people": list(self.people),
            "style_names": list(self.style_names),
            "regions": [asdict(region) for region in self.regions],
        }
        FILES.save(folder, arrays, facts)

    @classmethod
    def load(cls, folder: Path) -> ItemMap:
        """Read a map of items.

        Raises:
            UserError: If the folder holds none, or its files are damaged.
        """
        with FILES.opened(folder) as (facts, shipped):
            arrays = {name: array.astype(np.float32) for name, array in shipped.items()}
            return cls(
                plug_fingerprint=facts["plug_fingerprint"],
                people=tuple(facts["people"]),
                style_names=tuple(facts["style_names"]),
                regions=tuple(Region(**region) for region in facts.get("regions", ())),
                **{name: arrays[name] for name in ("basis", "vectors", "coordinates", "scale", "style")},
            )


@torch.no_grad()
def item_vectors(plug: PersonaPlug, raw: FloatArray) -> FloatArray:
    """Vectors of single items: the user vector of somebody who wrote nothing else.

    Args:
        plug: The plug.
        raw: Raw item vectors of the item encoder, (M, D).

    Returns:
        Shape (M, D).
    """
    items = plug.standardise(torch.from_numpy(raw))[:, None]
    return plug.aggregate(items, torch.ones(len(raw), 1, dtype=torch.bool), None).user_vectors.numpy()


def shortened(directions: FloatArray, *, width: int) -> tuple[FloatArray, FloatArray]:
    """Directions (M, D) as they ship: a basis (K, D), and their shortened vectors (M, K) in it."""
    # Not centred: the basis must keep what cosines are about.
    _, _, basis = np.linalg.svd(directions, full_matrices=False)
    # What ships is float16, so a map is fitted to exactly that.
    basis = basis[:width].astype(np.float16).astype(np.float32)
    return basis, (directions @ basis.T).astype(np.float16).astype(np.float32)


def build_item_map(
    vectors: FloatArray,
    people: tuple[str, ...],
    *,
    scale: FloatArray,
    plug_fingerprint: str,
    style: FloatArray,
    style_names: tuple[str, ...],
    most: int = MOST,
    seed: int = 0,
    report: Report = lambda message, share: None,
) -> ItemMap:
    """Make the map of a population's items.

    Items are drawn and put in a seeded random order, so that nothing leads back to the corpus.

    Args:
        vectors: Item vectors, (N, D).
        people: For each the id of its person on the map of people.
        scale: What vectors are divided by before they are compared, (D,).
        plug_fingerprint: SHA-256 of the plug they come from.
        style: Style figures, (N, F).
        style_names: Names of the figures.
        most: At most so many items are drawn.
        seed: Of the draw and of UMAP.
        report: Told what is being done.

    Raises:
        UserError: If there are too few items for a map.
    """
    if len(vectors) < NEIGHBOURS + 1:
        raise UserError(f"A map needs at least {NEIGHBOURS + 1} items and this corpus has {len(vectors)}.")
    drawn = np.random.default_rng(seed).permutation(len(vectors))[:most]
    basis, shipped = shortened(directions_of(vectors[drawn] / scale), width=WIDTH)
    return ItemMap(
        plug_fingerprint=plug_fingerprint,
        people=tuple(people[i] for i in drawn),
        basis=basis,
        vectors=shipped,
        coordinates=fit_coordinates(shipped, seed=seed, report=report),
        scale=scale,
        style=style[drawn].astype(np.float16).astype(np.float32),
        style_names=style_names,
    )
