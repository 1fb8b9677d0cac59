"""Training data: people with item vectors, and batches that depend on nothing but seed and step.

Because a batch is a pure function of the seed and the step, a resumed run sees exactly what an
unbroken one would have seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from persona_demo.corpus import Person, Target
from persona_demo.items import ItemEncoder
from persona_demo.lm.base import TextCodec, Tokens
from persona_demo.own_words import OwnWords, own_words
from persona_demo.plug.model import PersonaPlug
from persona_demo.tasks import Task
from persona_demo.training.options import Subsampling

FloatArray = NDArray[np.float32]

FULL_HISTORY_SHARE = 0.5
"""Share of examples that see the whole history; the others see a random part of it, so that the plug
learns short histories too. (The paper's code drops items as well; its text does not say so.)"""
PAPER_COPIES = 10
"""Of an example's copies in the paper's code so many see a part of the history, and one all of it."""
WORDLESS_SHARE = 0.1
"""Share of examples whose own words are left out, so that the plug can do without them."""


@dataclass(frozen=True)
class Rivals:
    """Other people of a batch, whose vectors some of its examples are read with for the contrastive term.

    Attributes:
        rows: Which examples, R of them.
        items: Standardised item vectors of another person for each, (R, N, D).
        present: Which of them are there, (R, N).
        words: That person's own words.
    """

    rows: tuple[int, ...]
    items: Tensor
    present: Tensor
    words: tuple[OwnWords, ...]


@dataclass(frozen=True)
class Batch:
    """B examples.

    Attributes:
        items: Standardised item vectors, (B, N, D).
        present: Which of them are there, (B, N).
        query: Raw vectors of the inputs from the frozen encoders, (B, D).
        words: Own words of each history.
        prefixes: Tokens before the soft vectors.
        openings: Tokens between the soft vectors and the target.
        targets: Target tokens.
        queries: What of the inputs is read.
        rivals: Other people for some of the examples, where the contrastive term asks for them.
    """

    items: Tensor
    present: Tensor
    query: Tensor
    words: tuple[OwnWords, ...]
    prefixes: tuple[Tokens, ...]
    openings: tuple[Tokens, ...]
    targets: tuple[Tokens, ...]
    queries: tuple[str, ...] = ()
    rivals: Rivals | None = None

    def to(self, device: torch.device) -> Batch:
        """The same batch on a device."""
        if device.type == "cpu":
            return self
        rivals = self.rivals and replace(
            self.rivals,
            items=self.rivals.items.to(device),
            present=self.rivals.present.to(device),
        )
        return replace(
            self,
            items=self.items.to(device),
            present=self.present.to(device),
            query=self.query.to(device),
            rivals=rivals,
        )


@dataclass(frozen=True)
class Cut:
    """What of a history an example sees.

    Attributes:
        kept: Indices of the person's items.
        wordless: Whether its own words are left out.
    """

    kept: NDArray[np.int64]
    wordless: bool


def pad_items(histories: Sequence[FloatArray], width: int) -> tuple[Tensor, Tensor]:
    """Stack (N_b, D) arrays into items (B, N, D) and present (B, N)."""
    longest = max((len(h) for h in histories), default=0)
    items = torch.zeros(len(histories), longest, width)
    present = torch.zeros(len(histories), longest, dtype=torch.bool)
    for row, history in enumerate(histories):
        items[row, : len(history)] = torch.from_numpy(history)
        present[row, : len(history)] = True
    return items, present


class Examples:
    """Targets of many people with everything a plug reads for them."""

    def __init__(
        self,
        people: Sequence[Person],
        targets: Sequence[Target],
        vectors: Sequence[FloatArray],
        *,
        task: Task,
        codec: TextCodec,
        encoder: ItemEncoder,
    ) -> None:
        """Put people, targets and vectors together.

        Args:
            people: The people targets point into.
            targets: What may be drawn.
            vectors: Standardised item vectors of each person, (N_u, D).
            task: Builds prompts.
            codec: The frozen LM's tokenizer.
            encoder: Encodes inputs; of the same blocks as the vectors.
        """
        self.people = people
        self.targets = targets
        self._vectors = vectors
        self._task = task
        self._codec = codec
        self._encoder = encoder
        self._of_person: dict[int, list[int]] = {}
        for index, target in enumerate(targets):
            self._of_person.setdefault(target.person, []).append(index)

    def strangers(self) -> list[int]:
        """For each target the last one before it, in a ring, that is of somebody who shares no items with its person.

        Where everybody does, it is that of another person, and of the same one where there is nobody else.
        """
        groups = [self.people[target.person].group for target in self.targets]
        persons = [target.person for target in self.targets]
        size = len(self.targets)
        found = []
        for own in range(size):
            ring = [(own - i) % size for i in range(1, size)]
            others = [i for i in ring if persons[i] != persons[own]]
            apart = [i for i in others if groups[i] != groups[own]]
            found.append(next(iter([*apart, *others]), own))
        return found

    def draw(self, step: int, *, size: int, seed: int) -> tuple[list[int], np.random.Generator]:
        """The targets of a training step: one of each of ``size`` people, in an order that visits everyone.

        Returns:
            Indices into the targets, and the generator to go on drawing with.
        """
        persons = sorted(self._of_person)
        chosen = []
        for slot in range(step * size, (step + 1) * size):
            lap, place = divmod(slot, len(persons))
            order = np.random.default_rng((seed, 1, lap)).permutation(len(persons))
            rng = np.random.default_rng((seed, 2, slot))
            chosen.append(int(rng.choice(self._of_person[persons[order[place]]])))
        return chosen, np.random.default_rng((seed, 3, step))

    def cut(
        self, indices: Sequence[int], rng: np.random.Generator | None, *, subsampling: Subsampling = "any"
    ) -> list[Cut]:
        """Draw what of its history each example of a batch sees.

        Args:
            indices: Which targets.
            rng: Source of the draws; without it every history is whole.
            subsampling: How histories are cut.
        """
        cuts = []
        for index in indices:
            kept = np.array(self.targets[index].history)
            if rng is not None:
                kept = _part(kept, rng, subsampling)
            cuts.append(Cut(kept, rng is not None and rng.random() < WORDLESS_SHARE))
        return cuts

    def batch(
        self,
        indices: Sequence[int],
        plug: PersonaPlug,
        *,
        cuts: Sequence[Cut] | None = None,
        rows: Sequence[int] | None = None,
        rivals: int = 0,
    ) -> Batch:
        """Build a batch, or the part of it that one process reads.

        Args:
            indices: Which targets.
            plug: Picks keywords.
            cuts: What of its history each example sees; all of it, when left out.
            rows: Which of the examples; all, when left out.
            rivals: The first so many examples of the whole batch get another person of it beside them.

        Returns:
            The batch.
        """
        cuts = self.cut(indices, None) if cuts is None else cuts
        rows = range(len(indices)) if rows is None else rows
        targets = [self.targets[indices[row]] for row in rows]
        prompts = [self._task.prompt(t.pair.input) for t in targets]
        queries = tuple(self._task.query(t.pair.input) for t in targets)
        query = torch.from_numpy(self._encoder.encode(queries))
        items, present, words = self.histories([(indices[row], cuts[row]) for row in rows], plug, query)
        encode = self._codec.encode
        return Batch(
            items=items,
            present=present,
            query=query,
            words=words,
            prefixes=tuple(self._codec.start + encode(p.context) for p in prompts),
            openings=tuple(encode(p.opening) for p in prompts),
            targets=tuple(self._task.target_tokens(t.pair.target, self._codec) for t in targets),
            queries=queries,
            rivals=self._rivals(indices, cuts, [row for row in rows if row < rivals], rows, plug, query),
        )

    def _rivals(
        self,
        indices: Sequence[int],
        cuts: Sequence[Cut],
        wanted: Sequence[int],
        rows: Sequence[int],
        plug: PersonaPlug,
        query: Tensor,
    ) -> Rivals | None:
        """For each of the wanted examples the next one of the batch that is another person's."""
        people = [self.targets[index].person for index in indices]
        size = len(indices)
        pairs = {}
        for row in wanted:
            further = [(row + i) % size for i in range(1, size)]
            other = next((place for place in further if people[place] != people[row]), None)
            if other is not None:
                pairs[row] = other
        if not pairs:
            return None
        beside = tuple(list(rows).index(row) for row in pairs)
        seen = [(indices[i], cuts[i]) for i in pairs.values()]
        items, present, words = self.histories(seen, plug, query[list(beside)])
        return Rivals(beside, items, present, words)

    def histories(
        self, seen: Sequence[tuple[int, Cut]], plug: PersonaPlug, query: Tensor
    ) -> tuple[Tensor, Tensor, tuple[OwnWords, ...]]:
        """Item vectors, which of them are there, and own words of what examples see.

        Args:
            seen: Targets, and what of their people's histories is seen.
            plug: Picks words.
            query: Raw vector of the input that each is seen for, (B, D).
        """
        histories, words = [], []
        asked = query.to(plug.item_mean.device)
        for (index, cut), one in zip(seen, plug.standardise(asked).cpu(), strict=True):
            person = self.targets[index].person
            histories.append(self._vectors[person][cut.kept])
            if cut.wordless:
                words.append(OwnWords.none(plug.config.hidden_size))
                continue
            texts = [self.people[person].items[i] for i in cut.kept]
            words.append(own_words(plug, self._task, texts, torch.from_numpy(histories[-1]), one, self._encoder))
        items, present = pad_items(histories, self._encoder.width)
        return items, present, tuple(words)


def _part(history: NDArray[np.int64], rng: np.random.Generator, subsampling: Subsampling) -> NDArray[np.int64]:
    """The part of a history that an example sees."""
    if subsampling == "any" and rng.random() >= FULL_HISTORY_SHARE:
        return np.sort(rng.permutation(history)[: rng.integers(1, len(history) + 1)])
    if subsampling == "paper" and len(history) > 2 and rng.random() < PAPER_COPIES / (PAPER_COPIES + 1):
        dropped = 1 + int(rng.random() * 0.5 * len(history))
        return np.sort(rng.permutation(history)[dropped:])
    return history
