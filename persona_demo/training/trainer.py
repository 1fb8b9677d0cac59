"""Training a plug: next-token loss over many users, the frozen LM untouched (paper, equation 6).

The control is trained beside the plug: same examples, same steps, same number of soft vectors, no
person. For the first steps the two are one set of vectors; then the plug sets out from there and
both go on. What is watched is not the loss but the placebo gap on ``tune`` people: how much likelier
a person's text is under their own persona than under another's.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from persona_demo.errors import UserError
from persona_demo.files import whole
from persona_demo.lm.differentiable import AnswerRow, DifferentiableLM
from persona_demo.plug.model import PersonaPlug
from persona_demo.tasks import TaskName
from persona_demo.training.data import Batch, Examples

SOFT = ("instruction", "average", "control", "blank", "keyword_vectors.place", "keyword_vectors.gain")
"""Names of parameters that are soft vectors, or added to them."""


@dataclass(frozen=True)
class TrainOptions:
    """How long and how fast to train.

    Attributes:
        steps: Optimiser steps.
        batch_size: Examples a step, of as many different people.
        warm_steps: Steps at the start in which the plug is the control.
        learning_rate: Of aggregator and projector.
        soft_learning_rate: Of soft vectors, in units of their starting size a coordinate.
        weight_decay: Of the projector.
        decay_share: Share of the steps, at the end, over which rates fall to zero.
        dropout: Share of user-vector coordinates hidden in training.
        clip: Gradient norm above which gradients are scaled down.
        seed: Of batches and dropout.
        check_every: Steps between two looks at the placebo gap.
        save_every: Steps between two checkpoints.
    """

    steps: int = 1_000
    batch_size: int = 16
    warm_steps: int = 150
    learning_rate: float = 3e-4
    soft_learning_rate: float = 1e-2
    weight_decay: float = 0.02
    decay_share: float = 0.35
    dropout: float = 0.1
    clip: float = 1.0
    seed: int = 0
    check_every: int = 100
    save_every: int = 50


@dataclass(frozen=True)
class Progress:
    """What a training run reports.

    Attributes:
        step: Steps done.
        steps: Steps asked for.
        persona_nll: Mean over the last steps, nats a token.
        control_nll: Of the control, on the same examples.
        placebo_gap: At the last check on tune people, with its standard error; None before it.
        lift: At the last check.
        examples_per_second: Examples (each read by plug and control) a second.
        seconds_left: Until the end, at this speed.
    """

    step: int
    steps: int
    persona_nll: float
    control_nll: float
    placebo_gap: tuple[float, float] | None
    lift: float | None
    examples_per_second: float
    seconds_left: float


def answer_rows(batch: Batch, soft: Tensor, *, before: bool) -> list[AnswerRow]:
    """Rows of a batch under soft vectors.

    Args:
        batch: B examples.
        soft: (B, S, H), or (S, H) for all alike.
        before: Soft vectors before the context, as in the paper, or after it.

    Returns:
        One row an example.
    """
    rows = []
    for i, (prefix, opening, target) in enumerate(zip(batch.prefixes, batch.openings, batch.targets, strict=True)):
        own = soft if soft.dim() == 2 else soft[i]
        if before:
            rows.append(AnswerRow(prefix=(), soft=own, suffix=prefix + opening, target=target))
        else:
            rows.append(AnswerRow(prefix=prefix, soft=own, suffix=opening, target=target))
    return rows


class Trainer:
    """One training run with checkpoints in a folder."""

    def __init__(
        self,
        plug: PersonaPlug,
        lm: DifferentiableLM,
        examples: Examples,
        watched: Examples,
        *,
        task: TaskName,
        options: TrainOptions,
        folder: Path,
    ) -> None:
        """Set up a run.

        Args:
            plug: The plug to train, its population measured.
            lm: The frozen LM.
            examples: Training examples.
            watched: Examples of tune people, one a person, for the placebo gap.
            task: Which task.
            options: How long and how fast.
            folder: Where checkpoints go.
        """
        self.plug, self.lm, self.examples, self.watched = plug, lm, examples, watched
        self.task, self.options, self.folder = task, options, folder
        self.before = plug.config.place == "before"
        soft = [p for n, p in plug.named_parameters() if n.startswith(SOFT)]
        rest = [p for n, p in plug.named_parameters() if not n.startswith(SOFT)]
        self.optimiser = torch.optim.AdamW(
            [
                {"params": rest, "lr": options.learning_rate, "weight_decay": options.weight_decay},
                {"params": soft, "lr": options.soft_learning_rate, "weight_decay": 0.0},
            ],
            betas=(0.9, 0.98),
        )
        self.step = 0
        self.seconds = 0.0
        self.log: list[dict[str, float]] = []

    def rate(self, step: int, *, since: int, rise: int) -> float:
        """Share of the full learning rate at a step: a rise, a plateau, a fall to zero.

        Args:
            step: Steps done.
            since: Step at which these parameters begin to be trained.
            rise: Steps the rise takes. Adam's first steps are as large as its later ones and mostly
                noise, which many parameters add up.
        """
        start = self.options.steps * (1 - self.options.decay_share)
        rise_share = min(1.0, max(step + 1 - since, 0) / rise)
        fall = (self.options.steps - step) / max(self.options.steps - start, 1)
        return rise_share * min(1.0, max(fall, 0.0))

    def losses(self, batch: Batch, *, warm: bool, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
        """Mean negative log-likelihood, (B,), of persona and control on a batch."""
        control = answer_rows(batch, self.plug.control_vectors(self.task), before=self.before)
        if warm:
            nll = self.lm.nll(control)
            return nll, nll
        user = self.plug.aggregate(batch.items, batch.present, batch.query).user_vectors
        if generator is not None and self.options.dropout > 0:
            kept = torch.rand(user.shape, generator=generator) >= self.options.dropout
            user = user * kept / (1 - self.options.dropout)
        soft = self.plug.soft_vectors(user, self.task, words=batch.words)
        persona = answer_rows(batch, soft, before=self.before)
        return self.lm.nll(persona), self.lm.nll(control)

    def run(self, report: Callable[[Progress], None]) -> None:
        """Train to the end, from the last checkpoint where there is one."""
        options = self.options
        recent: list[tuple[float, float]] = []
        gap: tuple[float, float] | None = None
        lift: float | None = None
        clock, pace = time.monotonic(), 0.0
        while self.step < options.steps:
            warm = self.step < options.warm_steps
            if self.step == options.warm_steps:
                self.plug.start_from_control()
            indices, rng = self.examples.draw(self.step, size=options.batch_size, seed=options.seed)
            batch = self.examples.batch(indices, self.plug, rng=rng)
            generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
            self.plug.train()
            persona, control = self.losses(batch, warm=warm, generator=generator)
            # The two share no parameter after the warm start, so one backward pass serves both.
            loss = control.mean() if warm else persona.mean() + control.mean()
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(self.plug.parameters(), options.clip)
            projector, soft = self.optimiser.param_groups
            projector["lr"] = options.learning_rate * self.rate(self.step, since=options.warm_steps, rise=60)
            soft["lr"] = options.soft_learning_rate * self.rate(self.step, since=0, rise=20)
            self.optimiser.step()
            self.step += 1
            recent = [*recent, (float(persona.detach().mean()), float(control.detach().mean()))][-25:]
            seconds = time.monotonic() - clock
            self.seconds += seconds
            pace = seconds if pace == 0 else 0.95 * pace + 0.05 * seconds
            if not warm and (self.step % options.check_every == 0 or self.step == options.steps):
                gap, lift = self.check()
                self.log.append({"step": self.step, "placebo_gap": gap[0], "standard_error": gap[1], "lift": lift})
            if self.step % options.save_every == 0 or self.step == options.steps:
                self.save()
            means = np.mean(recent, axis=0)
            report(
                Progress(
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

    @torch.no_grad()
    def check(self) -> tuple[tuple[float, float], float]:
        """Placebo gap with its standard error, and lift, on the watched people (whole histories)."""
        self.plug.eval()
        own: list[Tensor] = []
        other: list[Tensor] = []
        control: list[Tensor] = []
        size = self.options.batch_size
        for start in range(0, len(self.watched.targets), size):
            indices = list(range(start, min(start + size, len(self.watched.targets))))
            batch = self.watched.batch(indices, self.plug)
            user = self.plug.aggregate(batch.items, batch.present, batch.query).user_vectors
            words = batch.words
            for users, read, values in (
                (user, words, own),
                (user.roll(1, dims=0), (*words[-1:], *words[:-1]), other),
            ):
                soft = self.plug.soft_vectors(users, self.task, words=read)
                values.append(self.lm.nll(answer_rows(batch, soft, before=self.before)))
            vectors = self.plug.control_vectors(self.task)
            control.append(self.lm.nll(answer_rows(batch, vectors, before=self.before)))
        gaps = torch.cat(other) - torch.cat(own)
        error = float(gaps.std() / len(gaps) ** 0.5)
        return (float(gaps.mean()), error), float((torch.cat(control) - torch.cat(own)).mean())

    def save(self) -> None:
        """Write a checkpoint, whole or not at all."""
        tensors = {f"plug.{n}": t for n, t in self.plug.state_dict().items()}
        for name, parameter in self.plug.named_parameters():
            state = self.optimiser.state[parameter] if parameter in self.optimiser.state else {}
            if not state:
                continue
            for key in ("exp_avg", "exp_avg_sq"):
                tensors[f"{key}.{name}"] = state[key]
            tensors[f"step.{name}"] = torch.as_tensor(state["step"], dtype=torch.float32)
        record = {
            "step": str(self.step),
            "seconds": str(self.seconds),
            "log": json.dumps(self.log),
            "options": json.dumps(asdict(self.options)),
        }
        with whole(self.folder / "checkpoint.safetensors") as draft:
            save_file({n: t.contiguous() for n, t in tensors.items()}, draft, metadata=record)

    def resume(self) -> bool:
        """Go on from the folder's checkpoint.

        Returns:
            Whether there was one.

        Raises:
            UserError: If the checkpoint is of another plug.
        """
        path = self.folder / "checkpoint.safetensors"
        if not path.is_file():
            return False
        from safetensors import safe_open

        with safe_open(path, framework="pt") as opened:
            record: Mapping[str, str] = opened.metadata()
        tensors = load_file(path)
        try:
            self.plug.load_state_dict({n[5:]: t for n, t in tensors.items() if n.startswith("plug.")})
        except RuntimeError as error:
            raise UserError(f"{path} is of a plug of another form: choose another --out folder.") from error
        for name, parameter in self.plug.named_parameters():
            if f"exp_avg.{name}" in tensors:
                self.optimiser.state[parameter] = {
                    "step": tensors[f"step.{name}"],
                    "exp_avg": tensors[f"exp_avg.{name}"],
                    "exp_avg_sq": tensors[f"exp_avg_sq.{name}"],
                }
        self.step, self.seconds = int(record["step"]), float(record["seconds"])
        self.log = json.loads(record["log"])
        return True
