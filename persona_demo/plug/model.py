"""The plug: item vectors of a person in, soft vectors for the frozen LM out.

    standardise   h_i = (raw_i - mean) / std, over items of the training population
    aggregate     a = B' sum_i w_i h_i                    equation 3 of the paper, and its mean form
    shrink        u = a * n / (n + k), n = 1 / sum_i w_i^2
    project       P = Proj(u / spread), P vectors         equation 4

``u`` is the user vector; under uniform weights it is what the map shows and what is stored of people
whose texts are not shipped. The paper projects each item before the sum; we project the sum, which
averages out what is noise in single items before anything non-linear sees it. The columns of ``B`` are
linear discriminants of the training population: the directions in which people differ most, for what
varies within one person; they are few, so that a projector can be learned from few people. ``k`` is,
for each direction, the ratio of the variance within people to that between them: the empirical-Bayes
weight that draws a short history towards the average person. An empty history is the average person,
for whom the trained control stands in.

Beside the persona vectors stand keyword vectors: input embeddings of the person's own words
(:mod:`persona_demo.keywords`), each plus a trained low-rank turn of it. Where somebody has too few
keywords, or only a vector of them is stored, trained blanks stand in.

The control (the ``task`` arm) has as many soft vectors and no person. It lives here because it is
trained beside the plug, on the same examples and for as many steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from persona_demo.keywords import BUCKETS, Keywords
from persona_demo.plug.aggregator import Aggregator, masked_softmax
from persona_demo.plug.config import PlugConfig
from persona_demo.tasks import TaskName

FLOOR = 1e-4
"""Least standard deviation, so that figures nobody varies in do not blow up."""
CLIP = 8.0
"""Standard deviations beyond which an item's figure is cut: one odd item must not drown a person."""
RIDGE = 0.05
"""Added to the variance within people, in units of an item's: figures hardly anybody varies in are no discriminants."""
TURN_RANK = 64
"""Rank of the trained map of keyword embeddings."""


@dataclass(frozen=True)
class Aggregate:
    """What the aggregator made of a batch of histories.

    Attributes:
        user_vectors: Shrunk aggregates, shape (B, U).
        weights: Weights over items, shape (B, N).
    """

    user_vectors: Tensor
    weights: Tensor


class SoftVectors(nn.Module):
    """Trained vectors in the LM's embedding space, kept in units in which Adam steps well."""

    def __init__(self, count: int, config: PlugConfig, *, generator: torch.Generator) -> None:
        """Start at random directions of the embeddings' mean norm."""
        super().__init__()
        self.scale = config.embedding_norm / config.hidden_size**0.5
        self.units = nn.Parameter(torch.randn(count, config.hidden_size, generator=generator))

    def forward(self) -> Tensor:
        """The vectors, shape (count, H)."""
        vectors: Tensor = self.units * self.scale
        return vectors


class KeywordVectors(nn.Module):
    """Soft vectors from the embeddings of keywords."""

    def __init__(self, config: PlugConfig) -> None:
        """Start at the embeddings themselves."""
        super().__init__()
        self.scale = config.embedding_norm / config.hidden_size**0.5
        self.place = nn.Parameter(torch.zeros(config.keyword_tokens, config.hidden_size))
        self.gain = nn.Parameter(torch.ones(1))
        rank = min(TURN_RANK, config.hidden_size)
        self.down = nn.Linear(config.hidden_size, rank, bias=False)
        self.up = nn.Linear(rank, config.hidden_size, bias=False)
        nn.init.zeros_(self.up.weight)

    def forward(self, embeddings: Tensor, blank: Tensor) -> Tensor:
        """Keyword vectors (K, H).

        Args:
            embeddings: Input embeddings (k, H) of k tokens; the first K are read.
            blank: What stands where there are too few, (K, H).
        """
        units = embeddings[: len(blank)] / self.scale
        turned = self.gain * units + self.up(self.down(units)) + self.place[: len(units)]
        return torch.cat([turned * self.scale, blank[len(units) :]])


class PersonaPlug(nn.Module):
    """The trained part: aggregator, projector, instruction vectors, and the control beside them."""

    def __init__(self, config: PlugConfig, *, seed: int = 0) -> None:
        """Build an untrained plug.

        Args:
            config: Its form.
            seed: Of the starting values.
        """
        super().__init__()
        self.config = config
        generator = torch.Generator().manual_seed(seed)
        self.scale = config.embedding_norm / config.hidden_size**0.5
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.aggregator = Aggregator(config)
            last = nn.Linear(config.projector_width, config.persona_tokens * config.hidden_size)
            # At the start everybody is the average person: the persona grows out of the control.
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)
            self.projector = nn.Sequential(nn.Linear(config.user_width, config.projector_width), nn.GELU(), last)
            if config.keyword_tokens:
                # One map of words for all tasks: what a word is does not depend on the task.
                self.keyword_vectors = KeywordVectors(config)
        tasks = config.tasks
        self.instruction = nn.ModuleDict({t: SoftVectors(1, config, generator=generator) for t in tasks})
        self.blank = nn.ModuleDict(
            {t: SoftVectors(config.keyword_tokens, config, generator=generator) for t in tasks if config.keyword_tokens}
        )
        self.average = nn.ModuleDict(
            {t: SoftVectors(config.persona_tokens, config, generator=generator) for t in tasks}
        )
        self.control = nn.ModuleDict({t: SoftVectors(config.soft_vectors, config, generator=generator) for t in tasks})
        width = config.item_width
        self.basis: Tensor
        self.word_shares: Tensor
        self.item_mean: Tensor
        self.item_std: Tensor
        self.spread: Tensor
        self.noise_ratio: Tensor
        self.population_mean: Tensor
        self.register_buffer("item_mean", torch.zeros(width))
        self.register_buffer("item_std", torch.ones(width))
        for name, values in (("spread", torch.ones), ("noise_ratio", torch.zeros), ("population_mean", torch.zeros)):
            self.register_buffer(name, values(config.user_width))
        if config.components:
            self.register_buffer("basis", torch.eye(width)[:, : config.components].clone())
        if config.keyword_tokens:
            self.register_buffer("word_shares", torch.zeros(BUCKETS))

    def standardise(self, raw: Tensor) -> Tensor:
        """Centre and scale raw item vectors (..., D) on the training population."""
        return ((raw - self.item_mean) / self.item_std.clamp(min=FLOOR)).clamp(-CLIP, CLIP)

    @property
    def keywords(self) -> Keywords | None:
        """How common words are among the training population; None for a plug that reads no words."""
        return Keywords(self.word_shares.numpy()) if self.config.keyword_tokens else None

    def fit_population(self, people: Sequence[Tensor], texts: Sequence[Sequence[str]]) -> None:
        """Measure centre, scale, discriminants, spread, noise and words of the training population.

        Args:
            people: Raw item vectors of each person, (N_u, D) each, all with two items or more.
            texts: What each person wrote.
        """
        if self.config.keyword_tokens:
            self.word_shares.copy_(torch.from_numpy(Keywords.measure(texts).shares))
        everything = torch.cat(list(people))
        self.item_mean.copy_(everything.mean(0))
        self.item_std.copy_(everything.std(0))
        standard = [self.standardise(p) for p in people]
        if self.config.components:
            self.basis.copy_(discriminants(standard, self.config.components))
            standard = [self.reduce(p) for p in standard]
        within = torch.stack([p.var(0) for p in standard]).mean(0)
        means = torch.stack([p.mean(0) for p in standard])
        counts = torch.tensor([float(len(p)) for p in people])
        # The variance of observed means holds the noise of finite histories; take it out.
        between = (means.var(0) - within * (1 / counts).mean()).clamp(min=FLOOR)
        self.noise_ratio.copy_(within / between)
        # Divided by what truly differs between people, a coordinate that is mostly noise stays small.
        self.spread.copy_(between.sqrt())
        shrunk = means * (counts[:, None] / (counts[:, None] + self.noise_ratio)) if self.config.shrink else means
        self.population_mean.copy_(shrunk.mean(0))

    def reduce(self, standardised: Tensor) -> Tensor:
        """Standardised item vectors (..., D), or sums of them, along the discriminants, (..., U)."""
        return standardised @ self.basis if self.config.components else standardised

    def aggregate(self, items: Tensor, present: Tensor, query: Tensor | None) -> Aggregate:
        """Aggregate histories.

        Args:
            items: Standardised item vectors, (B, N, D).
            present: Which of them are there, (B, N).
            query: Standardised vectors of the inputs, (B, D); without them weights are uniform.

        Returns:
            User vectors (B, U), zero for an empty history, and weights (B, N).
        """
        if query is None:
            weights = masked_softmax(torch.zeros_like(present, dtype=items.dtype), present)
        else:
            weights = self.aggregator(query, items, present)
        user = self.reduce(torch.einsum("bn,bnd->bd", weights, items))
        if self.config.shrink:
            effective = 1 / weights.square().sum(1, keepdim=True).clamp(min=1e-9)
            user = user * effective / (effective + self.noise_ratio)
        return Aggregate(user_vectors=user, weights=weights)

    def project(self, user_vectors: Tensor, task: TaskName) -> Tensor:
        """Persona vectors of user vectors.

        Args:
            user_vectors: (B, U).
            task: Whose average person they depart from.

        Returns:
            Persona vectors, (B, P, H).
        """
        change = self.projector(user_vectors / self.spread)
        shape = (-1, self.config.persona_tokens, self.config.hidden_size)
        return torch.as_tensor(self.average[task]() + change.reshape(shape) * self.scale)

    def soft_vectors(self, user_vectors: Tensor, task: TaskName, *, words: Sequence[Tensor] | None = None) -> Tensor:
        """Keyword, instruction and persona vectors as the LM reads them, (B, K + 1 + P, H).

        Args:
            user_vectors: (B, U).
            task: Whose instruction and average person.
            words: Input embeddings (k, H) of each one's keyword tokens, any number of them; none where
                left out.
        """
        persona = self.project(user_vectors, task)
        parts = [self.instruction[task]().expand(len(persona), -1, -1), persona]
        if self.config.keyword_tokens:
            read = words or [persona.new_zeros(0, self.config.hidden_size)] * len(persona)
            blank = self.blank[task]()
            parts.insert(0, torch.stack([self.keyword_vectors(own, blank) for own in read]))
        return torch.cat(parts, dim=1)

    def control_vectors(self, task: TaskName) -> Tensor:
        """The control's soft vectors, (K + 1 + P, H)."""
        return torch.as_tensor(self.control[task]())

    @torch.no_grad()
    def start_from_control(self) -> None:
        """Copy what the control has learned so far into the plug's own instruction and average person."""
        for task in self.config.tasks:
            units = self.control.get_parameter(f"{task}.units")
            sizes = [self.config.keyword_tokens, 1, self.config.persona_tokens]
            blank, instruction, average = torch.split(units, sizes)
            self.instruction.get_parameter(f"{task}.units").copy_(instruction)
            self.average.get_parameter(f"{task}.units").copy_(average)
            if self.config.keyword_tokens:
                self.blank.get_parameter(f"{task}.units").copy_(blank)


def discriminants(people: Sequence[Tensor], count: int) -> Tensor:
    """Directions in which people differ most, for what varies within one person.

    Linear discriminant analysis with people as classes; the variance between people is that of their
    means less what finite histories add to it.

    Args:
        people: Standardised item vectors of each person, (N_u, D) each.
        count: How many directions.

    Returns:
        (D, count), the most telling first; the variance within people along each is 1, the ridge included.
    """
    counts = torch.tensor([float(len(p)) for p in people])
    centred = torch.cat([p - p.mean(0) for p in people]).double()
    within = centred.T @ centred / (counts - 1).sum()
    means = torch.stack([p.mean(0) for p in people]).double()
    means -= means.mean(0)
    between = means.T @ means / len(means) - within * (1 / counts).mean()
    root = torch.linalg.cholesky(within + RIDGE * torch.eye(len(within), dtype=torch.float64))
    half = torch.linalg.solve_triangular(root, between, upper=False)
    whitened = torch.linalg.solve_triangular(root, half.T, upper=False)
    _, directions = torch.linalg.eigh((whitened + whitened.T) / 2)
    found = torch.linalg.solve_triangular(root.T, directions[:, -count:].flip(1), upper=True)
    # The sign of a direction is free: settle it, so that a refit on the same people gives the same map.
    return torch.as_tensor(found * found.sum(0).sign(), dtype=torch.float32)
