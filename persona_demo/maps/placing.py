"""Frozen maps: fitting coordinates once, and placing new points among them without refitting.

Knows vectors and coordinates; whether they are people or single items, it does not know. How far a
placed point is from where a refit would have put it, :func:`placement_error` measures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import orthogonal_procrustes

FloatArray = NDArray[np.float32]
Report = Callable[[str, float | None], None]

NEIGHBOURS = 15


def directions_of(vectors: FloatArray) -> FloatArray:
    """Unit directions of vectors (..., D); zeros stay zeros."""
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, 1e-9), dtype=np.float32)


def place_among(distances: FloatArray, coordinates: FloatArray) -> tuple[tuple[float, float], NDArray[np.intp]]:
    """Place a point among frozen ones.

    The weights are UMAP's membership strengths: 1 for the nearest neighbour, falling off at a rate
    that makes them sum to log2 of the number of neighbours.

    Args:
        distances: Of all frozen points from the new one, (U,).
        coordinates: Places of the frozen points, (U, 2).

    Returns:
        Its place, and its neighbours, nearest first.
    """
    nearest = np.argsort(distances, kind="stable")[:NEIGHBOURS]
    beyond = distances[nearest] - distances[nearest[0]]
    low, high = 1e-6, 1e3
    for _ in range(64):
        rate = (low * high) ** 0.5
        low, high = (rate, high) if np.exp(-beyond / rate).sum() < np.log2(len(nearest)) else (low, rate)
    weights = np.exp(-beyond / rate)
    x, y = (weights[:, None] * coordinates[nearest]).sum(0) / weights.sum()
    return (float(x), float(y)), nearest


def fit_coordinates(vectors: FloatArray, *, seed: int, report: Report) -> FloatArray:
    """Fit UMAP.

    Args:
        vectors: Directions of user vectors, (U, D).
        seed: Of UMAP; the same seed gives the same map on the same machine.
        report: Told what is being done.

    Returns:
        Coordinates (U, 2), centred, with unit mean spread.
    """
    report("fitting the map with UMAP (the first time takes a minute)", None)
    from umap import UMAP

    neighbours = min(NEIGHBOURS, len(vectors) - 1)
    fitted = UMAP(n_neighbors=neighbours, min_dist=0.25, metric="cosine", random_state=seed, n_jobs=1).fit_transform(
        vectors
    )
    centred = np.asarray(fitted, dtype=np.float32) - fitted.mean(axis=0)
    return np.asarray(centred / max(float(centred.std()), 1e-6), dtype=np.float32)


@dataclass(frozen=True)
class PlacementError:
    """How well points are placed that a map was fitted without.

    Distances are in units of the map's spread (the root mean square distance of its points from their
    middle), medians over points. A refit is turned and scaled onto the frozen map by the points both
    have before it is compared.

    Attributes:
        points: How many points were placed.
        error: From where they were placed to where a refit puts them.
        drift: From where old points stand to where the refit puts those: what freezing spares them.
        chance: Between two points drawn at random.
        kept: Share of a placed point's nearest neighbours by vector that are among as many nearest on the map.
        kept_refit: The same for the refit's own places of these points.
    """

    points: int
    error: float
    drift: float
    chance: float
    kept: float
    kept_refit: float


def placement_error(
    directions: FloatArray, *, share: float = 0.1, seed: int = 0, report: Report = lambda message, share: None
) -> PlacementError:
    """Measure placing against refitting, on points that are held out of the map.

    Args:
        directions: Unit directions of all points, (U, D).
        share: Of points that are held out.
        seed: Of the draw and of UMAP.
        report: Told what is being done.
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(directions))
    held, kept = np.split(order, [max(int(share * len(order)), 1)])
    report("fitting the map without the held-out points", None)
    frozen = fit_coordinates(directions[kept], seed=seed, report=report)
    report("fitting the map with them", None)
    refit = fit_coordinates(directions, seed=seed, report=report)
    aligned = _aligned(refit, refit[kept], frozen)
    distances = 1 - directions[held] @ directions[kept].T
    placed = np.array([place_among(row, frozen)[0] for row in distances])
    pairs = rng.permutation(len(kept))
    spread = float(np.sqrt(np.square(frozen - frozen.mean(0)).sum(1).mean()))

    def median(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
        return float(np.median(np.linalg.norm(one - other, axis=1))) / spread

    count = min(NEIGHBOURS, len(kept) - 1)
    wanted = np.argsort(distances, axis=1, kind="stable")[:, :count]
    return PlacementError(
        points=len(held),
        error=median(placed, aligned[held]),
        drift=median(frozen, aligned[kept]),
        chance=median(frozen, frozen[pairs]),
        kept=_kept(placed, frozen, wanted),
        kept_refit=_kept(refit[held], refit[kept], wanted),
    )


def _aligned(points: FloatArray, source: FloatArray, target: FloatArray) -> NDArray[np.floating]:
    """Points (N, 2), moved, turned and scaled as takes source (M, 2) best onto target (M, 2)."""
    middle, goal = source.mean(0), target.mean(0)
    turn, stretch = orthogonal_procrustes(source - middle, target - goal)
    return np.asarray((points - middle) @ turn * (stretch / np.square(source - middle).sum()) + goal)


def _kept(points: NDArray[np.floating], frozen: NDArray[np.floating], wanted: NDArray[np.intp]) -> float:
    """Mean share of wanted neighbours (N, K) that are among the K nearest of points (N, 2) on the map."""
    gaps = np.linalg.norm(points[:, None] - frozen[None], axis=2)
    nearest = np.argsort(gaps, axis=1, kind="stable")[:, : wanted.shape[1]]
    return float(np.mean([len(set(a) & set(b)) / len(b) for a, b in zip(nearest, wanted, strict=True)]))
