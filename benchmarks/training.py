"""Examples a second of a training step against the straightforward loop.

The straightforward loop calls the LM on prompt and answer in full with soft vectors in front, in
float32, and takes the loss from the logits, as published code does. Both train on the same rows: of
``blog-post``, where nearly nothing stands before the soft vectors, and of ``paper-title``, where an
abstract does. An abstract's keys and values are computed at its first visit and kept for later ones as
long as memory lasts, so that case has two ratios: all visits first ones, and all later ones. What part
of a ratio is the precision is told by the same loop in the precision we train in.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from statistics import median

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from benchmarks.common import Figures, long_history
from persona_demo.catalog import models as catalog
from persona_demo.lm.differentiable import AnswerRow, DifferentiableLM
from persona_demo.lm.torch_engine import Device, TorchLM, choose_device
from persona_demo.plug.config import PlugConfig
from persona_demo.samples import load_samples
from persona_demo.tasks import Task, WritingPair, task_named

ROUNDS = 3
BATCH = 8
SOFT = PlugConfig.instruction_tokens + PlugConfig.excerpt_items * PlugConfig.excerpt_tokens + PlugConfig.persona_tokens
"""Soft vectors of a plug as ``train`` makes it."""
ABSTRACT_POSTS = 3
"""Posts of sample people that are together as long as an abstract."""


def _row(lm: TorchLM, task: Task, pair: WritingPair, rng: np.random.Generator) -> AnswerRow:
    prompt, encode = task.prompt(pair.input), lm.codec.encode
    soft = torch.from_numpy(rng.normal(size=(SOFT, lm.info.hidden_size)).astype(np.float32) * 0.1)
    target = task.target_tokens(pair.target, lm.codec)
    return AnswerRow(encode(prompt.context), soft.requires_grad_(), encode(prompt.opening), target)


def _short(lm: TorchLM) -> list[AnswerRow]:
    """One blog post of each of eight sample people."""
    task, rng = task_named("blog-post"), np.random.default_rng(0)
    pairs = [task.split(sample.history.items[-1].text) for sample in load_samples()[:BATCH]]
    return [_row(lm, task, pair, rng) for pair in pairs if pair is not None]


def _long(lm: TorchLM) -> list[AnswerRow]:
    """Inputs as long as an abstract, with answers as long as a title."""
    task, rng = task_named("paper-title"), np.random.default_rng(0)
    texts = [item.text for item in long_history(BATCH * ABSTRACT_POSTS).active]
    groups = [texts[i : i + ABSTRACT_POSTS] for i in range(0, len(texts), ABSTRACT_POSTS)]
    return [_row(lm, task, WritingPair(" ".join(g), " " + " ".join(g[0].split()[:10])), rng) for g in groups]


def straightforward(lm: TorchLM, rows: list[AnswerRow]) -> None:
    """One step as published code takes it."""
    width = max(len(r.prefix) + len(r.suffix) + len(r.target) for r in rows)
    embeds, labels = [], []
    for row in rows:
        tokens = row.prefix + row.suffix + row.target
        padded = tokens + (0,) * (width - len(tokens))
        embeds.append(torch.cat([row.soft.to(lm.dtype), lm.embed_tensor(padded)]))
        start = len(row.soft) + len(row.prefix) + len(row.suffix)
        labels.append([-100] * start + list(row.target) + [-100] * (width - len(tokens)))
    logits = lm.model(inputs_embeds=torch.stack(embeds)).logits
    flat = logits[:, :-1].reshape(-1, logits.shape[-1]).float()
    cross_entropy(flat, torch.tensor(labels)[:, 1:].reshape(-1), ignore_index=-100).backward()  # type: ignore[no-untyped-call]


def _ours(lm: DifferentiableLM, rows: list[AnswerRow]) -> None:
    lm.nll(rows).mean().backward()  # type: ignore[no-untyped-call]


def _seconds(step: Callable[[], None]) -> float:
    started = time.perf_counter()
    step()
    return time.perf_counter() - started


def run() -> Figures:
    """Measure in turn; report medians and their ratio."""
    files = catalog.resolve_lm()
    fast_device = choose_device()
    fast = TorchLM.load(
        files.folder, name=files.name, fingerprint=files.fingerprint, device=fast_device, attention="eager"
    )
    slow = TorchLM.load(
        files.folder, name=files.name, fingerprint=files.fingerprint, device=Device("cpu", "float32", "reference")
    )
    figures: Figures = {"device": fast_device.reason}
    for name, rows in (("", _short(slow)), ("long_", _long(slow))):
        times: dict[str, list[float]] = {"first": [], "later": [], "theirs": [], "same": []}
        for _ in range(ROUNDS + 1):
            ours = DifferentiableLM(fast)
            times["first"].append(_seconds(partial(_ours, ours, rows)))
            times["later"].append(_seconds(partial(_ours, ours, rows)))
            times["theirs"].append(_seconds(partial(straightforward, slow, rows)))
            times["same"].append(_seconds(partial(straightforward, fast, rows)))
        # The first round warms up.
        speed = {kind: len(rows) / median(seconds[1:]) for kind, seconds in times.items()}
        figures[f"{name}examples_per_second"] = speed["first"]
        figures[f"{name}straightforward_examples_per_second"] = speed["theirs"]
        figures[f"{name}ratio"] = speed["first"] / speed["theirs"]
        figures[f"{name}ratio_of_later_visits"] = speed["later"] / speed["theirs"]
        figures[f"{name}ratio_in_the_same_precision"] = speed["first"] / speed["same"]
    return figures
