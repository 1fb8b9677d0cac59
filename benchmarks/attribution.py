"""How long it takes to leave out each of 50 history items in turn and score a text each time."""

from __future__ import annotations

import time
from statistics import median

from benchmarks.common import PROMPT, Figures, load, long_history
from persona_demo.arms import arm_named
from persona_demo.explain.attribution import leave_one_out
from persona_demo.lm.decode import DecodeOptions

ITEMS = 50
ROUNDS = 3


def run() -> Figures:
    """Attribute a text the persona wrote, to a person whose items are encoded already, as on the page."""
    runtime = load()
    task, history, arm = runtime.task("blog-post"), long_history(ITEMS), arm_named("persona")
    inputs = runtime.arm_inputs(history, task, PROMPT)
    for written in runtime.compare(inputs, [arm], options=DecodeOptions(min_new_tokens=64)):
        text = written[0].written.text
    seconds: list[float] = []
    first: list[float] = []
    for turn in range(ROUNDS):
        # Another opening each turn, so that nothing is read from an earlier turn's cache.
        fresh = runtime.arm_inputs(history, task, f"{PROMPT} on day {turn}")
        started = time.perf_counter()
        for state in leave_one_out(runtime.lm, fresh, arm, text):
            if len(first) <= turn and state.share > 0:
                first.append(time.perf_counter() - started)
        seconds.append(time.perf_counter() - started)
    found = state.agreement
    return {
        "engine": runtime.lm.info.engine,
        "items": float(ITEMS),
        "text_tokens": float(state.tokens),
        "seconds": median(seconds),
        "first_items_seconds": median(first),
        "seconds_each": [round(s, 2) for s in seconds],
        "rank_correlation": 0.0 if found is None or found.rank_correlation is None else found.rank_correlation,
    }
