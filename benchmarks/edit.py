"""How soon the first new tokens come after an edit of one of 200 history items."""

from __future__ import annotations

import time
from statistics import median

import numpy as np

from benchmarks.common import PROMPT, Figures, edited, load, long_history
from persona_demo.arms import arms_named
from persona_demo.lm.decode import DecodeOptions

SOFT = ("task", "persona")
ALL = ("plain", "task", "persona", "bm25", "dense", "recent")
ROUNDS = 12


def run() -> Figures:
    """Edit a random item, write one token, and take the times of both kinds of arm."""
    runtime = load()
    task, history = runtime.task("blog-post"), long_history()
    arms, options = arms_named(ALL), DecodeOptions(max_new_tokens=8)
    list(runtime.compare(runtime.arm_inputs(history, task, PROMPT), arms, strength=2.0, options=options))
    rng = np.random.default_rng(0)
    soft, everything, vector, point = [], [], [], []
    for turn in range(ROUNDS):
        history = edited(history, int(rng.integers(len(history))), turn)
        started = time.perf_counter()
        made = runtime.embed(history, task, query=PROMPT)
        vector.append(1000 * (time.perf_counter() - started))
        runtime.place(made.user_vector)
        point.append(1000 * (time.perf_counter() - started))
        history = edited(history, int(rng.integers(len(history))), turn)
        inputs = runtime.arm_inputs(history, task, PROMPT)
        for written in runtime.compare(inputs, arms, strength=2.0, options=options):
            last = {w.arm: w.written.first_token_ms or 0.0 for w in written}
        soft.append(max(last[name] for name in SOFT))
        everything.append(max(last.values()))
    return {
        "engine": runtime.lm.info.engine,
        "items": float(len(history)),
        "new_vector_ms": median(vector),
        "new_point_ms": median(point),
        "soft_arms_first_token_ms": median(soft),
        "all_arms_first_token_ms": median(everything),
        "soft_arms_first_token_ms_each": [round(v, 1) for v in soft],
        "all_arms_first_token_ms_each": [round(v, 1) for v in everything],
    }
