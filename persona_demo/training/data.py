"""Training data: people with item vectors, and batches that depend on nothing but seed and step.

Because a batch is a pure function of the seed and the step, a resumed run sees exactly what an
unbroken one would have seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from persona_demo.corpus import Person, Target
from persona_demo.items import ItemEncoder
from persona_demo.lm.base import TextCodec, Tokens
from persona_demo.plug.model import PersonaPlug
from persona_demo.tasks import Task

FloatArray = NDArray[np.float32]

FULL_HISTORY_SHARE = 0.5
"""Share of examples that see the whole history; the others see a random part of it, so that the plug
learns short histories too. (The paper's code drops items as well; its text does not say so.)"""
WORDLESS_SHARE = 0.1
"""Share of examples whose keywords are left out, so that the plug can do without them."""


@dataclass(frozen=True)
class Batch:
    """B examples.

    Attributes:
        items: Standardised item vectors, (B, N, D).
        present: Which of them are there, (B, N).
        query: Standardised vectors of the inputs, (B, D).
        words: Input embeddings of the keywords of each history, (k, H) each; none for a plug without.
        prefixes: Tokens before the soft vectors.
        openings: Tokens between the soft vectors and the target.
        targets: Target tokens.
    """

    items: Tensor
    present: Tensor
    query: Tensor
    words: tuple[Tensor, ...]
    prefixes: tuple[Tokens, ...]
    openings: tuple[Tokens, ...]
    targets: tuple[Tokens, ...]


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
            encoder: Encodes inputs.
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

    def batch(
        self,
        indices: Sequence[int],
        plug: PersonaPlug,
        *,
        rng: np.random.Generator | None = None,
    ) -> Batch:
        """Build a batch.

        Args:
            indices: Which targets.
            plug: Standardises the vectors of the inputs and picks keywords.
            rng: With it, about half of the histories are cut to a random part and some give no keywords,
                as those of which only a vector is stored; without, none is.

        Returns:
            The batch.
        """
        targets = [self.targets[i] for i in indices]
        histories, words = [], []
        most = plug.config.keyword_tokens
        for target in targets:
            kept = np.array(target.history)
            if rng is not None and rng.random() >= FULL_HISTORY_SHARE:
                kept = np.sort(rng.permutation(kept)[: rng.integers(1, len(kept) + 1)])
            histories.append(self._vectors[target.person][kept])
            wordless = rng is not None and rng.random() < WORDLESS_SHARE
            texts = [] if wordless else [self.people[target.person].items[i].text for i in kept]
            words.append(torch.from_numpy(self._encoder.keyword_embeddings(texts, plug.keywords, most=most)))
        prompts = [self._task.prompt(t.pair.input) for t in targets]
        items, present = pad_items(histories, self._encoder.width)
        queries = [self._task.query(t.pair.input) for t in targets]
        inputs = torch.from_numpy(self._encoder.encode(queries))
        encode = self._codec.encode
        return Batch(
            items=items,
            present=present,
            query=plug.standardise(inputs),
            words=tuple(words),
            prefixes=tuple(self._codec.start + encode(p.context) for p in prompts),
            openings=tuple(encode(p.opening) for p in prompts),
            targets=tuple(self._task.target_tokens(t.pair.target, self._codec) for t in targets),
        )
