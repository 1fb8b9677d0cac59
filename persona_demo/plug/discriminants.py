"""Directions in which people differ most, for what varies within one person."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def group_means(values: Tensor, groups: Tensor) -> Tensor:
    """For each row (U, D) the mean over the rows of its group; groups are numbered from 0, (U,)."""
    return torch.stack([values[groups == i].mean(0) for i in range(int(groups.max()) + 1)])[groups]


def discriminants(
    people: Sequence[Tensor],
    count: int,
    *,
    ridge: float,
    groups: Tensor | None = None,
    unit: float = 1.0,
    own: Sequence[int] = (),
) -> Tensor:
    """Directions in which people differ most, for what varies within one person.

    Linear discriminant analysis with people as classes; the variance between people is that of their
    means less what finite histories add to it.

    Args:
        people: Standardised item vectors of each person, (N_u, D) each.
        count: How many directions.
        ridge: Added to the variance within people, in units of a figure's mean variance: figures hardly anybody
            varies in are no discriminants.
        groups: Number of each person's group, (U,); people are told apart within it.
        unit: Mean variance of a figure, where it is not 1.
        own: Figures that are directions of their own, because they are known to tell; the others are
            found among the rest of the figures.

    Returns:
        (D, count), figures of their own first, then the most telling first; the variance within people
        along each is 1, the ridge included.
    """
    counts = torch.tensor([float(len(p)) for p in people])
    centred = torch.cat([p - p.mean(0) for p in people]).double()
    within = centred.T @ centred / (counts - 1).sum()
    means = torch.stack([p.mean(0) for p in people]).double()
    means -= group_means(means, torch.zeros(len(means), dtype=torch.long) if groups is None else groups)
    between = means.T @ means / len(means) - within * (1 / counts).mean()
    ridged = within + ridge * unit * torch.eye(len(within), dtype=torch.float64)
    known = list(own)[:count]
    rest = torch.tensor([figure for figure in range(len(within)) if figure not in set(own)])
    basis = torch.zeros(len(within), count, dtype=torch.float64)
    basis[known, range(len(known))] = ridged.diagonal()[known].rsqrt()
    if len(known) < count:
        basis[rest, len(known) :] = _most_telling(between[rest][:, rest], ridged[rest][:, rest], count - len(known))
    return basis.float()


def _most_telling(between: Tensor, within: Tensor, count: int) -> Tensor:
    """Directions (D, count) along which the first variance is largest for the second."""
    root = torch.linalg.cholesky(within)
    half = torch.linalg.solve_triangular(root, between, upper=False)
    whitened = torch.linalg.solve_triangular(root, half.T, upper=False)
    _, directions = torch.linalg.eigh((whitened + whitened.T) / 2)
    found = torch.linalg.solve_triangular(root.T, directions[:, -count:].flip(1), upper=True)
    # The sign of a direction is free: settle it, so that a refit on the same people gives the same map.
    return torch.as_tensor(found * found.sum(0).sign())
