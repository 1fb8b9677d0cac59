"""A lane: one key-value cache, and a record of what each of its sequences holds.

A lane reads whatever its cache does not hold yet and nothing else. It compares what it is asked to
read, position by position, with what its sequences hold: a token equals a token, a soft vector one
with the same bits. Under causal attention the cache at a position depends on nothing but the
positions up to it, so a common beginning can be shared, between the rows of one call as well as with
rows of an earlier one. A sequence can also be copied to another lane as it is, without being read again.

Why more than one lane exists (:mod:`persona_demo.lm.llama_engine` chooses among them): llama.cpp
computes the attention of every row over all cells in use, other rows' too, and masks them afterwards.
Rows that share little therefore slow one another down; in lanes of their own they do not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from persona_demo.lm._llama_ffi import Key, NativeContext, NativeModel, Position, Saved
from persona_demo.lm.base import FloatArray

Take = Callable[[int, int, FloatArray], None]
"""Receives (prompt, how many positions after its first wanted one, view of the logits there)."""


class LaneFullError(Exception):
    """A lane has no room for what it was asked to read; what was live in it still is."""


@dataclass
class _Held:
    """What a sequence holds.

    Attributes:
        keys: Its content, position by position.
        prompt: How many positions it was opened with; what follows was written token by token.
        logits: Those after the last position of the prompt, if they were asked for.
    """

    keys: list[Key]
    prompt: int
    logits: FloatArray | None = None


def common_prefix(one: Sequence[Key], other: Sequence[Key]) -> int:
    """Number of positions two contents have in common from the start."""
    for place, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return place
    return min(len(one), len(other))


class Lane:
    """One key-value cache whose sequences are opened, continued and closed."""

    def __init__(self, model: NativeModel, *, cells: int, rows: int, threads: int) -> None:
        """Allocate the cache.

        Args:
            model: Weights to run.
            cells: Positions it holds, over all sequences.
            rows: Most sequences live at once, at most the model's ``chunk``.
            threads: Processor threads.

        Raises:
            UserError: If memory does not suffice.
        """
        self.cells, self.rows = cells, rows
        # Twice the ids: new rows take over from old ones while both exist.
        self._ids = range(2 * rows)
        self._context = NativeContext(model, cells=cells, sequences=len(self._ids), threads=threads)
        self._chunk = model.chunk
        self._held: dict[int, _Held] = {}
        self._live: set[int] = set()
        self._guests: set[int] = set()

    @property
    def busy(self) -> bool:
        """Whether any sequence is live."""
        return bool(self._live)

    @property
    def used_cells(self) -> int:
        """Cells in use, by live sequences and by what is kept for later."""
        return self._context.used_cells

    def overlap(self, prompt: Sequence[Key]) -> int:
        """Positions of a prompt that need not be read again."""
        return max((common_prefix(prompt, held.keys) for held in self._held.values()), default=0)

    def open(self, prompts: Sequence[Sequence[Key]]) -> list[tuple[int, FloatArray]]:
        """Read prompts as new live sequences.

        Returns:
            For each its id, and the logits after its last position, shape (V,).

        Raises:
            LaneFullError: If they do not fit; nothing was opened.
        """
        known = [self._remembered(prompt) for prompt in prompts]
        found = {i: logits for i, logits in enumerate(known) if logits is not None}
        first = [len(p) - (i not in found) for i, p in enumerate(prompts)]
        ids = self._read(prompts, first, lambda i, _, logits: found.update({i: logits.copy()}))
        for i, sequence in enumerate(ids):
            self._held[sequence].logits = found[i]
        return [(sequence, found[i].copy()) for i, sequence in enumerate(ids)]

    def score(self, prompts: Sequence[Sequence[Key]], *, first: Sequence[int], take: Take) -> None:
        """Read prompts and hand out the logits after each position from ``first`` on.

        Raises:
            LaneFullError: If they do not fit.
        """
        self._read(prompts, first, take)
        self._live.clear()

    def step(self, tokens: Mapping[int, int]) -> dict[int, FloatArray]:
        """Append one token to each named sequence; return the logits after it, shape (V,).

        Raises:
            LaneFullError: If there is no room; nothing was appended.
        """
        batch = [Position(t, len(self._held[s].keys), [s], wanted=True) for s, t in tokens.items()]
        self._decode(batch)
        for sequence, token in tokens.items():
            self._held[sequence].keys.append(token)
        return {s: self._context.logits(i).copy() for i, s in enumerate(tokens)}

    def length(self, sequence: int) -> int:
        """Positions a sequence holds."""
        return len(self._held[sequence].keys)

    def content(self, sequence: int) -> list[Key]:
        """What a sequence holds, position by position."""
        return list(self._held[sequence].keys)

    @property
    def live_rows(self) -> int:
        """How many sequences are live."""
        return len(self._live)

    def move(self, sequence: int, target: Lane) -> int:
        """Let a live sequence go on in another lane; its prompt is kept here for later, and not there.

        Returns:
            Its id there.

        Raises:
            LaneFullError: If there is no room; it is still live here.
        """
        state, held = self._context.saved(sequence), self._held[sequence]
        moved = target._take_in(held, state)
        self.close([sequence])
        return moved

    def _take_in(self, held: _Held, state: Saved) -> int:
        free = [i for i in self._ids if i not in self._held]
        if not free or len(self._live) >= self.rows or not self._context.restore(free[0], state):
            raise LaneFullError
        self._held[free[0]] = _Held(list(held.keys), held.prompt)
        self._live.add(free[0])
        self._guests.add(free[0])
        return free[0]

    def close(self, sequences: Iterable[int] | None = None) -> None:
        """End live sequences, all of them by default; their prompts are kept for later."""
        for sequence in tuple(self._live) if sequences is None else sequences:
            guest, held = sequence in self._guests, self._held[sequence]
            start = 0 if guest else held.prompt
            self._context.trim(sequence, start=start)
            del held.keys[start:]
            if guest:
                del self._held[sequence]
            self._guests.discard(sequence)
            self._live.discard(sequence)
        self._context.compact()

    def _remembered(self, prompt: Sequence[Key]) -> FloatArray | None:
        """Logits after a prompt that was read before and is still held."""
        for held in self._held.values():
            if held.prompt == len(prompt) and common_prefix(prompt, held.keys) == len(prompt):
                return held.logits
        return None

    def _read(self, prompts: Sequence[Sequence[Key]], first: Sequence[int], take: Take) -> list[int]:
        """Read prompts, each wanting the logits after its positions from ``first`` on."""
        free = [i for i in self._ids if i not in self._held]
        if len(self._live) + len(prompts) > self.rows:
            raise LaneFullError
        ids = free[: len(prompts)]
        reused = [self._share(s, p, f) for s, p, f in zip(ids, prompts, first, strict=True)]
        # Whatever neither lives nor was taken up costs every row attention from now on.
        self._drop([s for s in self._held if s not in self._live])
        rows = _positions(prompts, ids, reused)
        asking: dict[int, list[tuple[int, int]]] = {}
        for i, (row, start, wanted) in enumerate(zip(rows, reused, first, strict=True)):
            for offset, position in enumerate(row[wanted - start :]):
                position.wanted = True
                asking.setdefault(id(position), []).append((i, offset))
        try:
            if self.used_cells + len({id(p) for row in rows for p in row}) > self.cells:
                raise LaneFullError
            for chunk in _chunks(rows, self._chunk):
                self._decode(chunk)
                for index, position in enumerate(chunk):
                    for i, offset in asking.get(id(position), ()):
                        take(i, offset, self._context.logits(index))
        except BaseException:
            self._drop(ids)
            raise
        self._held.update({s: _Held(list(p), len(p)) for s, p in zip(ids, prompts, strict=True)})
        self._live.update(ids)
        return ids

    def _share(self, sequence: int, prompt: Sequence[Key], limit: int) -> int:
        """Let a new sequence share the longest beginning held, of at most ``limit`` positions."""
        lengths = {s: common_prefix(prompt, held.keys) for s, held in self._held.items()}
        source = max(lengths, key=lengths.__getitem__, default=None)
        if source is None:
            return 0
        length = min(lengths[source], limit)
        self._context.copy(source, sequence, end=length)
        return length

    def _drop(self, sequences: Sequence[int]) -> None:
        """Forget sequences altogether."""
        for sequence in sequences:
            self._context.trim(sequence, start=0)
            self._held.pop(sequence, None)
        self._context.compact()

    def _decode(self, batch: Sequence[Position]) -> None:
        if not self._context.decode(batch):
            raise LaneFullError


def _positions(prompts: Sequence[Sequence[Key]], ids: Sequence[int], reused: Sequence[int]) -> list[list[Position]]:
    """Positions each prompt must still read; rows that begin alike have the same objects in common."""
    rows: list[list[Position]] = []
    for i, (prompt, start) in enumerate(zip(prompts, reused, strict=True)):
        shared: list[Position] = []
        for j in range(i):
            # A row that starts reading later than this one cannot lend what it did not read.
            if reused[j] <= start:
                end = max(start, common_prefix(prompt, prompts[j]))
                shared = max(shared, rows[j][start - reused[j] : end - reused[j]], key=len)
        for position in shared:
            position.sequences.append(ids[i])
        own = range(start + len(shared), len(prompt))
        rows.append(shared + [Position(prompt[place], place, [ids[i]]) for place in own])
    return rows


def _chunks(rows: Sequence[Sequence[Position]], most: int) -> list[list[Position]]:
    """Batches of at most ``most`` positions of one kind, in an order that reads each after those before it.

    Soft vectors go first wherever a row has come to one, so that all rows' vectors, and then all
    rows' following tokens, go together.
    """
    cursors = [0] * len(rows)
    seen: set[int] = set()
    chunks: list[list[Position]] = []
    while waiting := [i for i, row in enumerate(rows) if cursors[i] < len(row)]:
        kind = bytes if any(isinstance(rows[i][cursors[i]].key, bytes) for i in waiting) else int
        batch: list[Position] = []
        for i in waiting:
            row = rows[i]
            while cursors[i] < len(row) and isinstance(row[cursors[i]].key, kind):
                position = row[cursors[i]]
                cursors[i] += 1
                if id(position) not in seen:
                    seen.add(id(position))
                    batch.append(position)
        chunks += [batch[start : start + most] for start in range(0, len(batch), most)]
    return chunks
