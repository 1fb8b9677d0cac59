"""A bank of lanes, and the choice of a lane for each prompt.

One main lane takes rows that share most of what they read; a few small ones, made when they are first
needed, read long texts and keep them for the next session. Attention is computed over all cells of a
lane in use, so a text of 300 tokens in the main lane would slow every other row there, and be slowed
by them. A native call at every step of its own would cost a row still more, though: so rows that were
read apart go on together, in the main lane or in one for texts, where that is the lesser cost.
Which lane a row is in changes how fast it goes and never what comes out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from persona_demo.errors import UserError
from persona_demo.lm._llama_ffi import Key, NativeModel
from persona_demo.lm._llama_lane import Lane, LaneFullError, common_prefix
from persona_demo.lm.base import FloatArray

MAX_ROWS = 24
"""Most rows the main lane continues at once."""
SMALL_LANES = 6
SMALL_CELLS = 1024
SMALL_ROWS = 8
OWN_LANE_FROM = 128
"""Positions a row may read beyond what it shares before a lane of its own is worth it."""
TEXT_CELLS = 2048
"""Positions in the lane in which texts are gone on with together."""
APART = 2500
"""Attention, in rows times cells, that costs a step as much as one more native call (5 ms on one core)."""
RESERVE = 64
"""Cells set aside for what a row will write, wherever a lane is chosen for it."""


@dataclass(frozen=True)
class Opened:
    """A prompt that was read: where it is and the logits after it, shape (V,)."""

    lane: Lane
    sequence: int
    logits: FloatArray


@dataclass
class _Claim:
    """Prompts that are to be read in a lane, and the cells all its rows will need."""

    members: list[int]
    cells: int

    @classmethod
    def of(cls, lane: Lane) -> _Claim:
        """What a lane's live rows claim; what is only kept makes room."""
        return cls([], lane.used_cells if lane.busy else 0)


@dataclass(eq=False)
class _Group:
    """Lanes whose rows are to be written together, in one native call a step."""

    lanes: list[Lane]
    rows: int
    cells: int


def _cheapest(groups: Sequence[_Group], fixed: Sequence[Lane]) -> tuple[_Group, _Group] | None:
    """The two groups it is best to join, if any: every row's attention then goes over the other's cells too."""
    costs = {
        (one, other): one.rows * other.cells + other.rows * one.cells
        for i, one in enumerate(groups)
        for other in groups[i + 1 :]
        if not all(any(lane in fixed for lane in group.lanes) for group in (one, other))
    }
    best = min(costs, key=lambda pair: costs[pair], default=None)
    return best if best and costs[best] < APART else None


class LaneBank:
    """All lanes that sessions use."""

    def __init__(self, model: NativeModel, *, cells: int, threads: int) -> None:
        """Allocate the main lane.

        Args:
            model: Weights to run.
            cells: Positions the main lane holds, over all its rows.
            threads: Processor threads.

        Raises:
            UserError: If memory does not suffice.
        """
        self._model, self._threads = model, threads
        self._main = Lane(model, cells=cells, rows=MAX_ROWS, threads=threads)
        self._small: list[Lane] = []
        self._texts: Lane | None = None

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """The lanes made so far that prompts are read in, the main one first."""
        return (self._main, *self._small)

    def open(self, prompts: Sequence[Sequence[Key]]) -> list[Opened]:
        """Read prompts in the lanes that suit them.

        Raises:
            UserError: If they do not fit.
        """
        opened: dict[int, Opened] = {}
        homeless: list[int] = []
        for lane, members in self._plan(prompts).items():
            try:
                found = lane.open([prompts[i] for i in members])
            except LaneFullError:
                homeless += members
            else:
                opened.update({i: Opened(lane, *pair) for i, pair in zip(members, found, strict=True)})
        if homeless:
            opened.update(zip(homeless, self.open_in_main([prompts[i] for i in homeless]), strict=True))
        self._gather(opened)
        return [opened[i] for i in range(len(prompts))]

    def _gather(self, opened: dict[int, Opened]) -> None:
        """Let rows that were read apart be written together, where that saves time at every step."""
        fixed = [lane for lane in (self._main, self._texts) if lane is not None and lane.busy]
        apart = [lane for lane in {new.lane: None for new in opened.values()} if lane not in fixed]
        groups = [_Group([lane], lane.live_rows, lane.used_cells) for lane in (*fixed, *apart)]
        while pair := _cheapest(groups, fixed):
            one, other = pair
            groups.remove(other)
            one.lanes, one.rows, one.cells = one.lanes + other.lanes, one.rows + other.rows, one.cells + other.cells
        for group in groups:
            if len(group.lanes) > 1:
                self._unite(group, opened)

    def _unite(self, group: _Group, opened: dict[int, Opened]) -> None:
        """Move the rows of a group into its fixed lane, or into the lane for texts if that is idle."""
        target = next((lane for lane in group.lanes if lane in (self._main, self._texts)), None)
        if target is None:
            if self._texts is None:
                self._texts = Lane(self._model, cells=TEXT_CELLS, rows=MAX_ROWS, threads=self._threads)
            target = self._texts
            if target.busy:
                return
        if group.cells + group.rows * RESERVE > target.cells:
            return
        for i, new in opened.items():
            if new.lane in group.lanes and new.lane is not target:
                with suppress(LaneFullError):
                    opened[i] = replace(new, lane=target, sequence=new.lane.move(new.sequence, target))

    def open_in_main(self, prompts: Sequence[Sequence[Key]]) -> list[Opened]:
        """Read prompts in the main lane.

        Raises:
            UserError: If they do not fit.
        """
        try:
            return [Opened(self._main, *pair) for pair in self._main.open(prompts)]
        except LaneFullError as error:
            raise UserError(
                "The texts to be written do not fit into the model's memory together: "
                "shorten the history or the prompt, or choose fewer arms."
            ) from error

    def close(self) -> None:
        """End all live sequences; their prompts are kept for the next session."""
        for lane in (*self.lanes, *([self._texts] if self._texts else [])):
            lane.close()

    def _plan(self, prompts: Sequence[Sequence[Key]]) -> dict[Lane, list[int]]:
        """Choose a lane for each prompt.

        Prompts that find most of themselves somewhere choose first, so that none takes a lane in
        which another would have had less to read.
        """
        claims: dict[Lane, _Claim] = {}
        held = [{lane: lane.overlap(prompt) for lane in self.lanes} for prompt in prompts]
        for i in sorted(range(len(prompts)), key=lambda i: -max(held[i].values())):
            lane, new = self._choose(prompts, i, held[i], claims)
            claim = claims.setdefault(lane, _Claim.of(lane))
            claim.members.append(i)
            claim.cells += new + RESERVE
        return {lane: sorted(claim.members) for lane, claim in claims.items()}

    def _choose(
        self,
        prompts: Sequence[Sequence[Key]],
        i: int,
        held: Mapping[Lane, int],
        claims: Mapping[Lane, _Claim],
    ) -> tuple[Lane, int]:
        """The lane for one prompt, and the cells it adds there.

        ``held`` is what lanes hold of it, ``claims`` the choices already made.
        """
        prompt = prompts[i]
        offers: dict[Lane, tuple[tuple[int, bool, int], int]] = {}
        for lane in self.lanes:
            claim, main = claims.get(lane) or _Claim.of(lane), lane is self._main
            overlap = max([held.get(lane, 0), *(common_prefix(prompt, prompts[j]) for j in claim.members)])
            new = len(prompt) - overlap if claim.cells else len(prompt)
            if claim.cells and new > OWN_LANE_FROM:
                continue
            if main or claim.cells + new + RESERVE <= lane.cells:
                # Most to reuse; then the main lane, which saves a call a step; then least to lose.
                offers[lane] = (overlap, main, overlap - lane.used_cells), new
        if offers:
            lane = max(offers, key=lambda lane: offers[lane][0])
            return lane, offers[lane][1]
        if len(self._small) < SMALL_LANES and len(prompt) + RESERVE <= SMALL_CELLS:
            return self._new_lane(), len(prompt)
        return self._main, len(prompt)

    def _new_lane(self) -> Lane:
        self._small.append(Lane(self._model, cells=SMALL_CELLS, rows=SMALL_ROWS, threads=self._threads))
        return self._small[-1]
