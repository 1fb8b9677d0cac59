"""The plug: item vectors of a person in, soft vectors for the frozen LM out.

    standardise   h_i = (raw_i - mean) / std, over items of the training population
    aggregate     a = B' sum_i w_i h_i                    equation 3 of the paper, and its mean form
    shrink        u = a * n / (n + k), n = 1 / sum_i w_i^2
    project       P = Proj(u / spread), P vectors         equation 4

``u`` is the user vector; under uniform weights it is what the map shows and what is stored of people
whose texts are not shipped. The paper projects each item before the sum; we project the sum, which
averages out what is noise in single items before anything non-linear sees it (the paper's order is a
switch; a user vector is then the sum of projected items). The columns of ``B`` are
linear discriminants of the training population: the directions in which people differ most, for what
varies within one person; they are few, so that a projector can be learned from few people. Scores that
people give are directions of their own. ``k`` is,
for each direction, the ratio of the variance within people to that between them: the empirical-Bayes
weight that draws a short history towards the average person. An empty history is the average person,
for whom the trained control stands in.

Beside the persona vectors stand keyword vectors and excerpt vectors: input embeddings of the person's own
words (:mod:`persona_demo.own_words`), each plus a trained low-rank turn of it. Where somebody has too few
words, or only a vector of them is stored, trained blanks stand in.

One plug may serve several tasks: projector, aggregator and maps of words are shared, and each task has its
own control and, unless that is the base, own instruction vectors and an own average person.

The control (the ``task`` arm) has as many soft vectors and no person. It lives here because it is
trained beside the plug, on the same examples and for as many steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from persona_demo.errors import UserError
from persona_demo.items import block_parts
from persona_demo.keywords import BUCKETS, Keywords
from persona_demo.own_words import OwnWords
from persona_demo.plug.aggregator import Aggregator, masked_softmax
from persona_demo.plug.config import PlugConfig
from persona_demo.plug.discriminants import discriminants, group_means
from persona_demo.plug.query import QueryEncoder
from persona_demo.plug.soft import SoftVectors, WordVectors, unit_of
from persona_demo.tasks import TaskName

FLOOR = 1e-4
"""Least standard deviation, so that figures nobody varies in do not blow up."""
CLIP = 8.0
"""Standard deviations beyond which an item's figure is cut: one odd item must not drown a person."""


@dataclass(frozen=True)
class Aggregate:
    """What the aggregator made of a batch of histories.

    Attributes:
        user_vectors: Shrunk aggregates, shape (B, U).
        weights: Weights over items, shape (B, N).
    """

    user_vectors: Tensor
    weights: Tensor


class PersonaPlug(nn.Module):
    """The trained part: aggregator, projector, instruction vectors, and the control beside them."""

    def __init__(self, config: PlugConfig, *, seed: int = 0, query_encoder: QueryEncoder | None = None) -> None:
        """Build an untrained plug.

        Args:
            config: Its form.
            seed: Of the starting values.
            query_encoder: The input encoder, for a plug that trains one.

        Raises:
            UserError: If the form asks for an input encoder and there is none.
        """
        super().__init__()
        self.config = config
        self.query_encoder: QueryEncoder | None = None
        if config.query_encoder == "trained":
            if query_encoder is None:
                raise UserError("This plug reads inputs with an encoder of its own, which is missing: restore it.")
            self.query_encoder = query_encoder
        generator = torch.Generator().manual_seed(seed)
        self.scale = unit_of(config)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.aggregator = Aggregator(config)
            last = nn.Linear(config.projector_width, config.persona_tokens * config.hidden_size)
            # At the start everybody is the average person: the persona grows out of the control.
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)
            self.projector = nn.Sequential(nn.Linear(config.reduced_width, config.projector_width), nn.GELU(), last)
            # One map of words for all tasks: what a word is does not depend on the task.
            if config.keyword_tokens:
                self.keyword_vectors = WordVectors(config, count=config.keyword_tokens)
            if config.excerpt_items:
                self.excerpt_vectors = WordVectors(config, count=config.excerpt_items * config.excerpt_tokens)
        tasks = config.tasks
        if config.base == "own":
            self.own = nn.ModuleDict({t: SoftVectors(config.soft_vectors, config, generator=generator) for t in tasks})
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
            self.register_buffer("basis", torch.eye(width, config.components))
        if len(tasks) > 1:
            self.task_means: Tensor
            self.register_buffer("task_means", torch.zeros(len(tasks), config.user_width))
        if config.keyword_tokens:
            self.register_buffer("word_shares", torch.zeros(BUCKETS))

    def standardise(self, raw: Tensor) -> Tensor:
        """Raw item vectors (..., D), centred and scaled on the training population as the form asks."""
        if self.config.scaling == "raw":
            return raw
        centred = raw - self.item_mean
        if self.config.scaling == "centred":
            return centred
        return (centred / self.item_std.clamp(min=FLOOR)).clamp(-CLIP, CLIP)

    def query(self, raw: Tensor, texts: Sequence[str]) -> Tensor:
        """Standardised vectors of inputs.

        Args:
            raw: Raw vectors of the inputs from the frozen encoders, (B, D).
            texts: The inputs, which a trained input encoder reads anew (paper, equation 2).

        Returns:
            Shape (B, D).
        """
        if self.query_encoder is not None:
            part = block_parts(self.config)["sentence"]
            own = self.query_encoder(texts)
            raw = torch.cat([raw[:, : part.start], own, raw[:, part.stop :]], dim=1)
        return self.standardise(raw)

    @property
    def keywords(self) -> Keywords | None:
        """How common words are among the training population; None for a plug that reads no words."""
        return Keywords(self.word_shares.cpu().numpy()) if self.config.keyword_tokens else None

    @torch.no_grad()
    def fit_population(
        self, people: Sequence[Tensor], texts: Sequence[Sequence[str]], *, tasks: Sequence[TaskName] = ()
    ) -> None:
        """Measure centre, scale, discriminants, spread, noise and words of the training population.

        Args:
            people: Raw item vectors of each person, (N_u, D) each; somebody must have two items or more.
            texts: What each person wrote.
            tasks: The task each person is of; for a plug of one task it may be left out. What tells
                people apart is measured among people of the same task.

        Raises:
            UserError: If nobody has two items, or a measure is no finite number.
        """
        if all(len(p) < 2 for p in people):
            raise UserError("Nobody to train on has two items, so nothing can be measured: use another corpus.")
        if self.config.keyword_tokens:
            self.word_shares.copy_(torch.from_numpy(Keywords.measure(texts).shares))
        everything = torch.cat(list(people))
        self.item_mean.copy_(everything.mean(0))
        self.item_std.copy_(everything.std(0))
        if self.config.components:
            standard = [self.standardise(p) for p in people]
            groups = self._groups(len(people), tasks)
            count, own = self.config.components, self._scores()
            self.basis.copy_(
                discriminants(standard, count, ridge=self.config.ridge, groups=groups, unit=self._unit, own=own)
            )
        self.fit_people(people, tasks=tasks)

    @torch.no_grad()
    def fit_people(self, people: Sequence[Tensor], *, tasks: Sequence[TaskName] = ()) -> None:
        """Measure spread, noise and mean of user vectors; again after training where items are projected.

        Args:
            people: Raw item vectors of each person, as for :meth:`fit_population`.
            tasks: See there.

        Raises:
            UserError: If a measure is no finite number.
        """
        items = [self.reduce(self.standardise(p)) for p in people]
        groups = self._groups(len(people), tasks)
        # Of one item (a profile of LaMP's may have no more) nothing is known of what varies within a person.
        within = torch.stack([p.var(0) for p in items if len(p) > 1]).mean(0)
        means = torch.stack([p.mean(0) for p in items])
        counts = torch.tensor([float(len(p)) for p in people])
        # The variance of observed means holds the noise of finite histories; take it out.
        degrees = max(len(means) - int(groups.max()) - 1, 1)
        found = (means - group_means(means, groups)).square().sum(0) / degrees
        between = (found - within * (1 / counts).mean()).clamp(min=FLOOR * self._unit)
        if self.config.shrink:
            self.noise_ratio.copy_(within / between)
        # Divided by what truly differs between people, a coordinate that is mostly noise stays small.
        self.spread.copy_(between.sqrt())
        shrunk = means * (counts[:, None] / (counts[:, None] + self.noise_ratio)) if self.config.shrink else means
        self.population_mean.copy_(shrunk.mean(0))
        if len(self.config.tasks) > 1:
            self.task_means.copy_(torch.stack([shrunk[groups == i].mean(0) for i in range(len(self.config.tasks))]))
        if broken := [name for name, values in self.named_buffers() if not values.isfinite().all()]:
            raise UserError(f"The population gives no finite figures of {', '.join(broken)}: use another corpus.")

    def mean_person(self, task: TaskName) -> Tensor:
        """Mean user vector of the training population of a task, (U,)."""
        several = len(self.config.tasks) > 1
        return self.task_means[self.config.tasks.index(task)] if several else self.population_mean

    def _scores(self) -> list[int]:
        """Figures of item vectors that are scores somebody gave."""
        part = block_parts(self.config).get("score", slice(0, 0))
        return [figure for figure in range(part.start, part.stop) if self.item_std[figure] > FLOOR]

    def _groups(self, people: int, tasks: Sequence[TaskName]) -> Tensor:
        """Number of each person's task, (people,)."""
        return torch.tensor([self.config.tasks.index(task) for task in tasks] or [0] * people)

    @property
    def _unit(self) -> float:
        """Mean variance of a figure of standardised items."""
        return 1.0 if self.config.scaling == "standard" else float(self.item_std.square().mean())

    def reduce(self, standardised: Tensor) -> Tensor:
        """Standardised item vectors (..., D) as they are summed, (..., U): along the discriminants.

        Where a person is projected, sums of items may be given as well; where each item is (equation
        4), this is where it happens.
        """
        along = standardised @ self.basis if self.config.components else standardised
        return torch.as_tensor(self.projector(along)) if self.config.projects == "items" else along

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
        if self.config.projects == "items":
            user = torch.einsum("bn,bnu->bu", weights, self.reduce(items))
        else:
            user = self.reduce(torch.einsum("bn,bnd->bd", weights, items))
        if self.config.shrink:
            effective = 1 / weights.square().sum(1, keepdim=True).clamp(min=1e-9)
            user = user * effective / (effective + self.noise_ratio)
        return Aggregate(user_vectors=user, weights=weights)

    def project(self, user_vectors: Tensor, task: TaskName) -> Tensor:
        """Persona vectors of user vectors.

        Args:
            user_vectors: (B, U).
            task: Whose base they depart from.

        Returns:
            Persona vectors, (B, P, H).
        """
        change = user_vectors
        if self.config.projects == "person":
            change = self.projector(user_vectors / self.spread)
            if self.config.base == "control":
                # The average person, at zero, changes nothing.
                change = change - self.projector(torch.zeros_like(self.spread))
        shape = (-1, self.config.persona_tokens, self.config.hidden_size)
        return self.base_vectors(task)[-self.config.persona_tokens :] + change.reshape(shape) * self.scale

    def soft_vectors(self, user_vectors: Tensor, task: TaskName, *, words: Sequence[OwnWords] = ()) -> Tensor:
        """Own words, instruction and persona vectors as the LM reads them, (B, W + I + P, H).

        Args:
            user_vectors: (B, U).
            task: Whose base.
            words: Each one's own words; none where left out.
        """
        persona = self.project(user_vectors, task)
        blank, instruction, _ = torch.split(self.base_vectors(task), self._parts)
        parts = [instruction.expand(len(persona), -1, -1), persona]
        if self.config.own_words:
            read = words or [OwnWords.none(self.config.hidden_size)] * len(persona)
            parts.insert(0, torch.stack([self._word_vectors(own, blank) for own in read]))
        return torch.cat(parts, dim=1)

    def _word_vectors(self, words: OwnWords, blank: Tensor) -> Tensor:
        """Keyword vectors, then excerpt vectors, (W, H)."""

        def here(array: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> Tensor:
            return torch.from_numpy(array).to(blank)

        config, made = self.config, []
        if most := config.keyword_tokens:
            made.append(self.keyword_vectors([here(words.keywords)], blank[:most], each=most))
        if config.excerpt_items:
            pieces = [here(piece) for piece in words.excerpts]
            made.append(self.excerpt_vectors(pieces, blank[most:], each=config.excerpt_tokens))
        return torch.cat(made)

    @property
    def _parts(self) -> list[int]:
        """How many soft vectors are own words, instruction and persona."""
        return [self.config.own_words, self.config.instruction_tokens, self.config.persona_tokens]

    def base_vectors(self, task: TaskName) -> Tensor:
        """Soft vectors a person departs from, (W + I + P, H): blanks, instruction, average person.

        Where they are the control's, what is learned of persons leaves the control alone.
        """
        if self.config.base == "control":
            return self.control_vectors(task).detach()
        return torch.as_tensor(self.own[task]())

    def control_vectors(self, task: TaskName) -> Tensor:
        """The control's soft vectors, (W + I + P, H)."""
        return torch.as_tensor(self.control[task]())

    @torch.no_grad()
    def start_from_control(self) -> None:
        """Copy what the control has learned so far into a base of the plug's own."""
        if self.config.base == "own":
            for task in self.config.tasks:
                self.own.get_parameter(f"{task}.units").copy_(self.control.get_parameter(f"{task}.units"))
