"""Examples a second of a training step against the straightforward loop.

The straightforward loop calls the LM on prompt and answer in full with soft vectors in front, in
float32, and takes the loss from the logits, as published code does. Both train on the same rows.
"""

from __future__ import annotations

import time
from statistics import median

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from benchmarks.common import Figures
from persona_demo import catalog
from persona_demo.lm.differentiable import AnswerRow, DifferentiableLM
from persona_demo.lm.torch_engine import Device, TorchLM, choose_device
from persona_demo.samples import load_samples
from persona_demo.tasks import task_named

ROUNDS = 3
BATCH = 8
SOFT = 9


def _rows(lm: TorchLM) -> list[AnswerRow]:
    """One example of each of eight sample people."""
    task, rows = task_named("blog-post"), []
    rng = np.random.default_rng(0)
    for sample in load_samples()[:BATCH]:
        pair = task.split(sample.history.items[-1].text)
        if pair is None:
            continue
        prompt = task.prompt(pair.input)
        soft = torch.from_numpy(rng.normal(size=(SOFT, lm.info.hidden_size)).astype(np.float32) * 0.1)
        encode = lm.codec.encode
        target = encode(pair.target)[: task.max_target_tokens]
        rows.append(AnswerRow(encode(prompt.context), soft.requires_grad_(), encode(prompt.opening), target))
    return rows


def straightforward(lm: TorchLM, rows: list[AnswerRow]) -> None:
    """One step as published code takes it."""
    width = max(len(r.prefix) + len(r.suffix) + len(r.target) for r in rows)
    embeds, labels = [], []
    for row in rows:
        tokens = row.prefix + row.suffix + row.target
        padded = tokens + (0,) * (width - len(tokens))
        embeds.append(torch.cat([row.soft, lm.embed_tensor(padded)]))
        start = len(row.soft) + len(row.prefix) + len(row.suffix)
        labels.append([-100] * start + list(row.target) + [-100] * (width - len(tokens)))
    logits = lm.model(inputs_embeds=torch.stack(embeds)).logits
    flat = logits[:, :-1].reshape(-1, logits.shape[-1])
    cross_entropy(flat, torch.tensor(labels)[:, 1:].reshape(-1), ignore_index=-100).backward()  # type: ignore[no-untyped-call]


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
    ours = DifferentiableLM(fast)
    rows = _rows(slow)
    times: dict[str, list[float]] = {"ours": [], "theirs": []}
    for turn in range(ROUNDS + 1):
        started = time.perf_counter()
        ours.nll(rows).mean().backward()  # type: ignore[no-untyped-call]
        middle = time.perf_counter()
        straightforward(slow, rows)
        if turn > 0:
            times["ours"].append(middle - started)
            times["theirs"].append(time.perf_counter() - middle)
    mid = {name: len(rows) / median(values) for name, values in times.items()}
    return {
        "device": fast_device.reason,
        "examples_per_second": mid["ours"],
        "straightforward_examples_per_second": mid["theirs"],
        "ratio": mid["ours"] / mid["theirs"],
    }
