"""Tokens a second of the project's decoder against transformers' ``generate()``, arm by arm.

Both sides write on from the same rows, greedily, as many tokens, in turn, on the same machine in the
same minutes. The guided persona needs two rows; only tokens that somebody reads are counted.

Ours keeps what it read, so it is timed twice: for a person of whom nothing was read before, and again
for the same person with another opening, when most of what the arms retrieve was read just then.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from statistics import median

import torch

from benchmarks.common import PROMPT, Figures, load
from persona_demo.arms import Arm, ArmInputs, arms_named
from persona_demo.catalog import models as catalog
from persona_demo.lm.decode import DecodeOptions
from persona_demo.lm.torch_engine import Device, TorchLM
from persona_demo.runtime import Runtime
from persona_demo.samples import load_samples

ARMS = ("plain", "task", "persona", "bm25", "dense", "recent")
STRENGTH = 2.0
TOKENS = 64
ROUNDS = 3


def ours(runtime: Runtime, inputs: ArmInputs, arms: Sequence[Arm], *, strength: float = STRENGTH) -> float:
    """Tokens a second of all arms together, prompts included; guided at strengths other than 0 and 1."""
    started = time.perf_counter()
    options = DecodeOptions(max_new_tokens=TOKENS, min_new_tokens=TOKENS)
    for written in runtime.compare(inputs, arms, strength=strength, options=options):
        last = written
    return sum(len(w.written.tokens) for w in last) / (time.perf_counter() - started)


@torch.no_grad()
def theirs(lm: TorchLM, runtime: Runtime, inputs: ArmInputs, arms: Sequence[Arm]) -> float:
    """Tokens a second of ``generate()``, one arm after the other, without guidance."""
    tokens, started = 0, time.perf_counter()
    for arm in arms:
        made = arm.build(inputs)
        row = made.row(inputs.task, inputs.input_text, inputs.codec, place=runtime.plug.config.place)
        embeds = torch.cat([lm.embed_row(row), lm.embed_tensor(row.opening)])[None]
        mask = torch.ones(embeds.shape[:2], dtype=torch.long)
        out = lm.model.generate(
            inputs_embeds=embeds,
            attention_mask=mask,
            do_sample=False,
            max_new_tokens=TOKENS,
            min_new_tokens=TOKENS,
            pad_token_id=0,
        )
        tokens += out.shape[1]
    return tokens / (time.perf_counter() - started)


def run() -> Figures:
    """Measure in turn; report medians and their ratios."""
    runtime = load()
    files = catalog.resolve_matching_lm(runtime.plug.config.lm_name, runtime.plug.config.lm_fingerprint)
    device = Device("cpu", "float32", "reference")
    reference = TorchLM.load(files.folder, name=files.name, fingerprint=files.fingerprint, device=device)
    task, people = runtime.task("blog-post"), [sample.history for sample in load_samples()]
    six, one = arms_named(ARMS), arms_named(["persona"])
    ours(runtime, runtime.arm_inputs(people[-1], task, PROMPT), six)
    names = ("six", "six_again", "generate_six", "one", "one_guided", "generate_one")
    rates: dict[str, list[float]] = {name: [] for name in names}
    for person in people[:ROUNDS]:
        # The app encodes a history when the person is chosen, before anything is asked for.
        runtime.embed(person, task)
        first, again, one_plain, one_guided = (
            runtime.arm_inputs(person, task, f"{PROMPT} {rest}") for rest in ("I", "that", "on Monday", "in March")
        )
        rates["six"].append(ours(runtime, first, six))
        rates["generate_six"].append(theirs(reference, runtime, first, six))
        rates["six_again"].append(ours(runtime, again, six))
        rates["one"].append(ours(runtime, one_plain, one, strength=1.0))
        rates["generate_one"].append(theirs(reference, runtime, one_plain, one))
        rates["one_guided"].append(ours(runtime, one_guided, one))
    mid = {name: median(values) for name, values in rates.items()}
    return {
        "engine": runtime.lm.info.engine,
        "six_arms_tokens_per_second": mid["six"],
        "six_arms_generate_tokens_per_second": mid["generate_six"],
        "six_arms_ratio": mid["six"] / mid["generate_six"],
        "six_arms_again_tokens_per_second": mid["six_again"],
        "six_arms_again_ratio": mid["six_again"] / mid["generate_six"],
        "one_arm_tokens_per_second": mid["one"],
        "one_arm_generate_tokens_per_second": mid["generate_one"],
        "one_arm_ratio": mid["one"] / mid["generate_one"],
        "one_guided_arm_tokens_per_second": mid["one_guided"],
        "one_guided_arm_ratio": mid["one_guided"] / mid["generate_one"],
    }
