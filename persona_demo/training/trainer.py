"""Training a plug: next-token loss over many users, the frozen LM untouched (paper, equation 6).

The control is trained beside the plug: same examples, same steps, same number of soft vectors, no
person. A plug that departs from the control comes after it, and the control then stands still. One with
a base of its own goes along: for the first steps the two are one set of vectors; then the plug sets out
from there and both go on. What is watched is not the loss but the placebo gap on ``tune`` people: how much likelier
a person's text is under their own persona than under another's.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from persona_demo.errors import UserError
from persona_demo.lm.differentiable import DifferentiableLM
from persona_demo.plug.model import PersonaPlug
from persona_demo.plug.query import autocast
from persona_demo.tasks import TaskName
from persona_demo.training.checkpoint import read_best, read_checkpoint, write_best, write_checkpoint
from persona_demo.training.data import Batch, Examples
from persona_demo.training.losses import Losses, answer_rows
from persona_demo.training.optimiser import optimiser_of, set_rates
from persona_demo.training.options import TrainOptions, Trains
from persona_demo.training.processes import ALONE, Processes, share_of, sum_gradients
from persona_demo.training.watch import Look, look

NO_MATTER = ("check_every", "save_every")
"""Options that change nothing of what is learned: a run may go on with others."""


@dataclass(frozen=True)
class Progress:
    """What a training run reports.

    Attributes:
        trains: What is being trained: plug and control, or one of them.
        step: Steps done.
        steps: Steps asked for.
        persona_nll: Mean over the last steps, nats a token; not a number while the control is trained alone.
        control_nll: Of the control, on the same examples; not a number once it stands still.
        placebo_gap: At the last check on tune people, with its standard error; None before it.
        lift: At the last check.
        examples_per_second: Examples a second, each read by what is being trained.
        seconds_left: Until the end, at this speed.
    """

    trains: Trains
    step: int
    steps: int
    persona_nll: float
    control_nll: float
    placebo_gap: tuple[float, float] | None
    lift: float | None
    examples_per_second: float
    seconds_left: float


class Trainer:
    """One training run with checkpoints in a folder."""

    def __init__(
        self,
        plug: PersonaPlug,
        lm: DifferentiableLM,
        examples: Mapping[TaskName, Examples],
        watched: Mapping[TaskName, Examples],
        *,
        options: TrainOptions,
        folder: Path,
        trains: Trains = "both",
        processes: Processes = ALONE,
        origin: Mapping[str, Any] | None = None,
        begun: str = "",
    ) -> None:
        """Set up a run.

        Args:
            plug: The plug to train, its population measured, on the LM's device.
            lm: The frozen LM.
            examples: Training examples of each task.
            watched: Examples of tune people of each task, one a person, for the placebo gap.
            options: How long and how fast.
            folder: Where checkpoints go.
            trains: Plug and control side by side, or one of them; after the warm start no step of one
                changes the other, and a control may serve several plugs.
            processes: Who else reads a share of every batch.
            origin: What the run learns from, in JSON's terms; a checkpoint is of the same or of an unknown one.
            begun: SHA-256 of the plug whose training is gone on with: it and its control have parted, and what
                is drawn is not what was drawn for it.

        Raises:
            UserError: If there are more processes than examples in a batch.
        """
        if options.batch_size < processes.count:
            raise UserError(
                f"{processes.count} processes cannot share a batch of {options.batch_size}: use larger batches."
            )
        self.plug, self.lm, self.examples, self.watched = plug, lm, examples, watched
        self.options, self.folder, self.trains, self.processes = options, folder, trains, processes
        self.origin, self.begun = origin, begun
        self.draws = options.seed + int(begun[:8] or "0", 16)
        self.tasks = tuple(examples)
        self.before = plug.config.place == "before"
        self.device = lm.lm.device
        self.optimiser = optimiser_of(plug, options)
        self.step = 0
        self.seconds = 0.0
        self.log: list[dict[str, float]] = []

    def turn(self, step: int) -> tuple[TaskName, int]:
        """Whose batch a step reads, and the how-many-th of that task it is: each once a round, in seeded order."""
        lap, place = divmod(step, len(self.tasks))
        if len(self.tasks) == 1:
            return self.tasks[0], lap
        order = np.random.default_rng((self.options.seed, 4, lap)).permutation(len(self.tasks))
        return self.tasks[order[place]], lap

    def losses(self, batch: Batch, task: TaskName, *, warm: bool, kept: Tensor | None = None) -> Losses:
        """Negative log-likelihoods of a batch under persona and control.

        Args:
            batch: B examples.
            task: Whose they are.
            warm: Whether the plug still is the control.
            kept: Factors (B, U) on user vectors: what dropout leaves.
        """
        plug = self.plug
        control = None
        if warm or self.trains != "persona":
            control = self.lm.nll(answer_rows(batch, plug.control_vectors(task), before=self.before))
        if warm or self.trains == "control":
            return Losses(persona=control if warm else None, control=control)
        with autocast(self.device, self.lm.lm.dtype if plug.query_encoder is not None else torch.float32):
            query = plug.query(batch.query, batch.queries).float()
        user = plug.aggregate(batch.items, batch.present, query).user_vectors
        if kept is not None:
            user = user * kept
        soft = plug.soft_vectors(user, task, words=batch.words)
        answers = answer_rows(batch, soft, before=self.before)
        persona = self.lm.nll(answers)
        rivals = batch.rivals
        if rivals is None:
            return Losses(persona=persona, control=control)
        rows = list(rivals.rows)
        user = plug.aggregate(rivals.items, rivals.present, query[rows]).user_vectors
        if kept is not None:
            user = user * kept[rows]
        soft = plug.soft_vectors(user, task, words=rivals.words)
        rival = self.lm.nll([replace(answers[row], soft=own) for row, own in zip(rows, soft, strict=True)])
        length = torch.tensor([float(len(batch.targets[row])) for row in rows], device=rival.device)
        contrast = torch.nn.functional.softplus(length * (persona[rows] - rival)) / length
        return Losses(persona=persona, control=control, contrast=contrast)

    def _take_step(self, *, warm: bool) -> tuple[float, float]:
        """One optimiser step; mean losses of persona and control over the whole batch."""
        options, processes = self.options, self.processes
        task, turn = self.turn(self.step)
        examples = self.examples[task]
        indices, rng = examples.draw(turn, size=options.batch_size, seed=self.draws)
        size = len(indices)
        rivals = round(options.contrast_share * size) if options.contrast and not warm else 0
        # Draws are for the whole batch, so that every process knows them and one of several does what one alone does.
        cuts = examples.cut(indices, rng, subsampling=options.subsampling)
        rows = share_of(size, processes)
        batch = examples.batch(indices, self.plug, cuts=cuts, rows=rows, rivals=rivals).to(self.device)
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        kept: Tensor | None = None
        if options.dropout > 0 and not warm:
            drawn = torch.rand((size, self.plug.config.user_width), generator=generator) >= options.dropout
            kept = (drawn[rows.start : rows.stop] / (1 - options.dropout)).to(self.device)
        self.plug.train()
        made = self.losses(batch, task, warm=warm, kept=kept)
        # The two share no parameter after the warm start, so one backward pass serves both.
        parts = [made.control] if warm or self.trains == "control" else [made.persona, made.control]
        loss = torch.stack([part.sum() for part in parts if part is not None]).sum() / size
        if made.contrast is not None:
            loss = loss + options.contrast * made.contrast.sum() / rivals
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        sum_gradients(self.plug.parameters(), processes)
        # Apart, so that a loud step of one does not shorten the other's.
        named = list(self.plug.named_parameters())
        for control in (True, False):
            part = [p for name, p in named if name.startswith("control.") == control]
            torch.nn.utils.clip_grad_norm_(part, options.clip)
        set_rates(self.optimiser, options, self.step)
        self.optimiser.step()
        nothing = torch.tensor(float("nan"))
        sums = [nothing if part is None else part.detach().sum().cpu() for part in (made.persona, made.control)]
        persona, control = (processes.sum(torch.stack(sums)) / size).tolist()
        return persona, control

    def run(self, report: Callable[[Progress], None], *, until: int | None = None) -> None:
        """Train to the end, from the last checkpoint where there is one.

        Args:
            report: Told how it goes, after every step.
            until: Stop after this step, at a checkpoint; the rates are those of the whole run.
        """
        options = self.options
        end = options.steps if until is None else until
        recent: list[tuple[float, float]] = []
        gap: tuple[float, float] | None = None
        lift: float | None = None
        if self.begun and self.step == 0 and options.check_every and self.trains != "control":
            # What it began with may turn out to be the best there was.
            self._look()
        clock, pace = time.monotonic(), 0.0
        while self.step < end:
            warm = self.trains == "both" and not self.begun and self.step < options.warm_steps
            if self.step == options.warm_steps and self.trains != "control" and not self.begun:
                self.plug.start_from_control()
            recent = [*recent, self._take_step(warm=warm)][-25:]
            self.step += 1
            seconds = time.monotonic() - clock
            self.seconds += seconds
            pace = seconds if pace == 0 else 0.95 * pace + 0.05 * seconds
            last = self.step == end
            if (
                options.check_every
                and not warm
                and self.trains != "control"
                and (self.step % options.check_every == 0 or last)
            ):
                found = self._look()
                gap, lift = found.placebo_gap, found.lift
            if self.step % options.save_every == 0 or last:
                self.save()
            means = np.mean(recent, axis=0)
            report(
                Progress(
                    trains=self.trains,
                    step=self.step,
                    steps=options.steps,
                    persona_nll=float(means[0]),
                    control_nll=float(means[1]),
                    placebo_gap=gap,
                    lift=lift,
                    examples_per_second=options.batch_size / pace,
                    seconds_left=pace * (options.steps - self.step),
                )
            )
            clock = time.monotonic()
        if self.step == options.steps and self.kept != self.step:
            read_best(self.folder, self.plug)

    @property
    def kept(self) -> int:
        """The step whose state the finished plug has."""
        looks = [look for look in self.log if "nll" in look]
        if self.options.keep == "last" or not looks:
            return self.step
        return int(min(looks, key=lambda look: look["nll"])["step"])

    def _look(self) -> Look:
        """Look at the watched people, put it into the log, and keep the plug's state where it is the best so far."""
        found = look(self.plug, self.lm, self.watched, batch_size=self.options.batch_size, processes=self.processes)
        gap, error = found.placebo_gap
        self.log.append(
            {"step": self.step, "placebo_gap": gap, "standard_error": error, "lift": found.lift, "nll": found.nll}
        )
        self.log[-1] |= {f"placebo_gap of {task}": of_task for task, of_task in found.of_tasks.items()}
        if self.options.keep == "best" and self.kept == self.step and self.processes.rank == 0:
            write_best(self.folder, self.plug)
        return found

    def save(self) -> None:
        """Write a checkpoint, whole or not at all; the first process does."""
        if self.processes.rank > 0:
            return
        record = {
            "step": str(self.step),
            "seconds": str(self.seconds),
            "log": json.dumps(self.log),
            "options": json.dumps(asdict(self.options)),
        }
        if self.origin is not None:
            record["origin"] = json.dumps(self.origin)
        write_checkpoint(self.folder, self.plug, self.optimiser, record)

    def resume(self) -> bool:
        """Go on from the folder's checkpoint.

        With more steps than before, a run is prolonged: its rates rise again to what they are there in
        a run of that length.

        Returns:
            Whether there was one.

        Raises:
            UserError: If the checkpoint is of another plug, other options, another origin or a longer run, or
                not every process sees it.
        """
        record = read_checkpoint(self.folder, self.plug, self.optimiser)
        found = float(self.processes.sum(torch.tensor(float(record is not None))))
        if found not in (0.0, float(self.processes.count)):
            raise UserError(f"Not every process sees the checkpoint in {self.folder}: use a folder all of them share.")
        if record is None:
            return False
        # A run of before knew fewer options, and had what is their default now.
        before = {**asdict(TrainOptions()), **json.loads(record["options"])}
        now = json.loads(json.dumps(asdict(self.options)))
        free = {"steps": 0, **dict.fromkeys(NO_MATTER, 0)}
        if before | free != now | free or before["steps"] > now["steps"]:
            raise UserError(
                f"The checkpoint in {self.folder} is of a run with other options: give those (or more steps), or "
                f"another --out folder."
            )
        # Checkpoints of before do not say what they learned from.
        if self.origin is not None and json.loads(record.get("origin", "null")) not in (None, self.origin):
            raise UserError(
                f"The checkpoint in {self.folder} is of other tasks, other data, or another plug to begin with: give "
                f"those, or another --out folder."
            )
        self.step, self.seconds = int(record["step"]), float(record["seconds"])
        self.log = json.loads(record["log"])
        return True
