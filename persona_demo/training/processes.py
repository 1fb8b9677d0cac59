"""Several processes that train one plug together, under ``accelerate launch``.

Each reads its share of every batch; gradients are added up, so that all take the very step one process
would take, and only the first writes. Without ``accelerate launch`` there is one process, nothing is
added up, and accelerate is not imported.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol, cast

import torch
from torch import Tensor

from persona_demo.errors import UserError

if TYPE_CHECKING:
    from accelerate import Accelerator


class Processes(Protocol):
    """The processes of a run, seen from one of them."""

    @property
    def rank(self) -> int:
        """Which one this is, from 0."""
        ...

    @property
    def count(self) -> int:
        """How many there are."""
        ...

    def sum(self, tensor: Tensor) -> Tensor:
        """The sum of everybody's tensor; the same for all. All must call it, with one shape."""
        ...

    def wait(self) -> None:
        """Wait until all are here."""
        ...


class Alone:
    """One process."""

    rank = 0
    count = 1

    def sum(self, tensor: Tensor) -> Tensor:
        """The tensor itself."""
        return tensor

    def wait(self) -> None:
        """Nobody else is there."""


class Accelerated:
    """Processes that accelerate started."""

    def __init__(self, accelerator: Accelerator) -> None:
        """Take over a ready accelerator."""
        self._accelerator = accelerator
        self.rank = int(accelerator.process_index)
        self.count = int(accelerator.num_processes)

    def sum(self, tensor: Tensor) -> Tensor:
        """The sum of everybody's tensor, where the tensor was."""
        there = tensor.detach().to(self._accelerator.device)
        return cast(Tensor, self._accelerator.reduce(there, reduction="sum")).to(tensor.device)

    def wait(self) -> None:
        """Wait until all are here."""
        self._accelerator.wait_for_everyone()


ALONE = Alone()


def find_processes() -> Processes:
    """The processes this one was launched with; itself alone where there are none.

    Raises:
        UserError: If there are several and accelerate is not installed.
    """
    if int(os.environ.get("WORLD_SIZE", "1") or 1) <= 1:
        return ALONE
    try:
        from accelerate import Accelerator
    except ImportError as error:
        raise UserError("Several processes were started and accelerate is missing: pip install accelerate.") from error
    return Accelerated(Accelerator(cpu=not torch.cuda.is_available()))


def share_of(count: int, processes: Processes) -> range:
    """Which of so many rows this process reads; shares differ by one row at most."""
    start, end = (count * (processes.rank + i) // processes.count for i in range(2))
    return range(start, end)


def sum_gradients(parameters: Iterable[Tensor], processes: Processes) -> None:
    """Add up everybody's gradients in place; a parameter nobody has a gradient of keeps none.

    Args:
        parameters: The same ones in the same order in every process.
        processes: The processes.
    """
    if processes.count == 1:
        return
    all_of_them = list(parameters)
    has = processes.sum(torch.tensor([float(p.grad is not None) for p in all_of_them]))
    trained = [p for p, count in zip(all_of_them, has.tolist(), strict=True) if count > 0]
    gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in trained]
    total = processes.sum(torch.cat([g.flatten() for g in gradients]))
    for parameter, part in zip(trained, torch.split(total, [g.numel() for g in gradients]), strict=True):
        parameter.grad = part.view_as(parameter).clone()
