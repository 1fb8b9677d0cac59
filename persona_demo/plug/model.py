"""The plug: item vectors of a person in, soft vectors for the frozen LM out.

    standardise   h_i = (raw_i - mean) / std, over items of the training population
    aggregate     a = sum_i w_i h_i                       equation 3 of the paper, and its mean form
    shrink        u = a * n / (n + k), n = 1 / sum_i w_i^2
    project       P = Proj(u / spread), P vectors         equation 4

``u`` is the user vector; under uniform weights it is what the map shows and what is stored of people
whose texts are not shipped. The paper projects each item before the sum; we project the sum, which
averages out what is noise in single items before anything non-linear sees it. ``k`` is, for each
dimension, the ratio of the variance within people to that between them, measured on the training
population: the empirical-Bayes weight that draws a short history towards the average person. An empty
history is the average person, for whom the trained control stands in.

The control (the ``task`` arm) has as many soft vectors and no person. It lives here because it is
trained beside the plug, on the same examples and for as many steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from persona_demo.plug.aggregator import Aggregator, masked_softmax
from persona_demo.plug.config import PlugConfig
from persona_demo.tasks import TaskName

FLOOR = 1e-4
"""Least standard deviation, so that figures nobody varies in do not blow up."""
CLIP = 8.0
"""Standard deviations beyond which an item's figure is cut: one odd item must not drown a person."""


@dataclass(frozen=True)
class Aggregate:
    """What the aggregator made of a batch of histories.

    Attributes:
        user_vectors: Shrunk aggregates, shape (B, D).
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
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.aggregator = Aggregator(config)
            last = nn.Linear(config.projector_width, config.persona_tokens * config.hidden_size)
            # At the start everybody is the average person: the persona grows out of the control.
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)
            self.projector = nn.Sequential(nn.Linear(config.item_width, config.projector_width), nn.GELU(), last)
        tasks = config.tasks
        self.instruction = nn.ModuleDict({t: SoftVectors(1, config, generator=generator) for t in tasks})
        self.average = nn.ModuleDict(
            {t: SoftVectors(config.persona_tokens, config, generator=generator) for t in tasks}
        )
        self.control = nn.ModuleDict({t: SoftVectors(config.soft_vectors, config, generator=generator) for t in tasks})
        width = config.item_width
        self.item_mean: Tensor
        self.item_std: Tensor
        self.spread: Tensor
        self.noise_ratio: Tensor
        self.population_mean: Tensor
        self.register_buffer("item_mean", torch.zeros(width))
        self.register_buffer("item_std", torch.ones(width))
        self.register_buffer("spread", torch.ones(width))
        self.register_buffer("noise_ratio", torch.zeros(width))
        self.register_buffer("population_mean", torch.zeros(width))
        self.scale = config.embedding_norm / config.hidden_size**0.5

    def standardise(self, raw: Tensor) -> Tensor:
        """Centre and scale raw item vectors (..., D) on the training population."""
        return ((raw - self.item_mean) / self.item_std.clamp(min=FLOOR)).clamp(-CLIP, CLIP)

    def fit_population(self, people: list[Tensor]) -> None:
        """Measure centre, scale, spread and noise of the training population.

        Args:
            people: Raw item vectors of each person, (N_u, D) each, all with two items or more.
        """
        everything = torch.cat(people)
        self.item_mean.copy_(everything.mean(0))
        self.item_std.copy_(everything.std(0))
        standard = [self.standardise(p) for p in people]
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

    def aggregate(self, items: Tensor, present: Tensor, query: Tensor | None) -> Aggregate:
        """Aggregate histories.

        Args:
            items: Standardised item vectors, (B, N, D).
            present: Which of them are there, (B, N).
            query: Standardised vectors of the inputs, (B, D); without them weights are uniform.

        Returns:
            User vectors (B, D), zero for an empty history, and weights (B, N).
        """
        if query is None:
            weights = masked_softmax(torch.zeros_like(present, dtype=items.dtype), present)
        else:
            weights = self.aggregator(query, items, present)
        user = torch.einsum("bn,bnd->bd", weights, items)
        if self.config.shrink:
            effective = 1 / weights.square().sum(1, keepdim=True).clamp(min=1e-9)
            user = user * effective / (effective + self.noise_ratio)
        return Aggregate(user_vectors=user, weights=weights)

    def project(self, user_vectors: Tensor, task: TaskName) -> Tensor:
        """Persona vectors of user vectors.

        Args:
            user_vectors: (B, D).
            task: Whose average person they depart from.

        Returns:
            Persona vectors, (B, P, H).
        """
        change = self.projector(user_vectors / self.spread)
        shape = (-1, self.config.persona_tokens, self.config.hidden_size)
        return torch.as_tensor(self.average[task]() + change.reshape(shape) * self.scale)

    def soft_vectors(self, user_vectors: Tensor, task: TaskName) -> Tensor:
        """Instruction and persona vectors as the LM reads them, (B, 1 + P, H)."""
        persona = self.project(user_vectors, task)
        instruction = self.instruction[task]().expand(len(persona), -1, -1)
        return torch.cat([instruction, persona], dim=1)

    def control_vectors(self, task: TaskName) -> Tensor:
        """The control's soft vectors, (1 + P, H)."""
        return torch.as_tensor(self.control[task]())

    @torch.no_grad()
    def start_from_control(self) -> None:
        """Copy what the control has learned so far into the plug's own instruction and average person."""
        for task in self.config.tasks:
            units = self.control.get_parameter(f"{task}.units")
            self.instruction.get_parameter(f"{task}.units").copy_(units[:1])
            self.average.get_parameter(f"{task}.units").copy_(units[1:])
