"""Log-probabilities of given texts, many at a time, in a lane of their own.

Texts that begin alike are read side by side and share what they have in common, across one another and
with those read just before. Only a few are read at once, since llama.cpp computes attention over all of
them for each. Sessions' lanes stay as they are.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from persona_demo.lm._llama_ffi import Key, NativeModel
from persona_demo.lm._llama_growing_lane import GrowingLane
from persona_demo.lm._llama_lane import common_prefix
from persona_demo.lm.base import FloatArray, Tokens

ROWS = 24
POSITIONS = 160
"""Positions read together: more would mask one another's cells, fewer would waste threads."""


@dataclass
class _Group:
    """Texts read together, and the cells they take: those of their common beginnings once."""

    members: list[int]
    cells: int


class Scorer:
    """Scores texts one call at a time; a second caller waits."""

    def __init__(self, model: NativeModel, *, threads: int) -> None:
        """Allocate nothing yet.

        Args:
            model: Weights to run.
            threads: Processor threads.
        """
        self._vocab_size = model.vocab_size
        self._lane = GrowingLane(model, rows=ROWS, threads=threads)
        self._turn = threading.Lock()

    def score(self, prompts: Sequence[Sequence[Key]], targets: Sequence[Tokens]) -> list[FloatArray]:
        """Log-probability in nats of each target token, one (T,) array a prompt.

        Args:
            prompts: Positions to read: a row and all but the last of its target's tokens.
            targets: The tokens to score.

        Raises:
            UserError: If memory does not suffice.
        """
        scores = [np.zeros(len(target), np.float32) for target in targets]
        scratch = np.empty(self._vocab_size, np.float32)
        with self._turn:
            for group in _groups(prompts, [i for i, target in enumerate(targets) if target]):

                def take(index: int, offset: int, logits: FloatArray, group: _Group = group) -> None:
                    i = group.members[index]
                    scores[i][offset] = _log_probability(logits, targets[i][offset], scratch)

                first = [len(prompts[i]) - len(targets[i]) for i in group.members]
                lane = self._lane.of(group.cells)
                lane.score([prompts[i] for i in group.members], first=first, take=take)
        return scores


def _groups(prompts: Sequence[Sequence[Key]], which: Sequence[int]) -> list[_Group]:
    """Cut prompts into groups, those that begin alike next to one another."""
    groups: list[_Group] = []
    previous: Sequence[Key] = ()
    new = 0
    for i in sorted(which, key=lambda i: _sort_key(prompts[i])):
        fresh = len(prompts[i]) - common_prefix(prompts[i], previous)
        previous = prompts[i]
        new += fresh
        if groups and new <= POSITIONS and len(groups[-1].members) < ROWS:
            groups[-1].members.append(i)
            groups[-1].cells += fresh
        else:
            groups.append(_Group([i], len(prompts[i])))
            new = fresh
    return groups


def _sort_key(prompt: Sequence[Key]) -> bytes:
    """Bytes that order prompts so that those which begin alike are neighbours."""
    return b"".join(key if isinstance(key, bytes) else key.to_bytes(4, "big") for key in prompt)


def _log_probability(logits: FloatArray, token: int, scratch: FloatArray) -> float:
    """Log-softmax of logits, shape (V,), at one token; ``scratch``, shape (V,), is overwritten."""
    top = logits.max()
    np.subtract(logits, top, out=scratch)
    np.exp(scratch, out=scratch)
    return float(logits[token] - top) - float(np.log(scratch.sum(dtype=np.float64)))
