"""What voices answer: texts they write, or the answer of a closed list they find likeliest.

Texts are written greedily by the project's own decoder, many voices in lockstep, with the task's own
length and end and without the word filter. Where answers are a closed list (stars, tags, references)
the likeliest whole answer is taken, its end mark included, the first of equals.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from persona_demo.evaluation.scoring import log_probabilities, read_by, voice_key
from persona_demo.lm.base import FrozenLM, TextCodec
from persona_demo.lm.decode import DecodeOptions, Voice, decode
from persona_demo.tasks import Task, WritingPair

ROWS = 16
"""Rows written together."""
POSITIONS = 3_000
"""Positions they may take together, which is what the llama.cpp engine has room for."""

Report = Callable[[float], None]


def closed(task: Task) -> bool:
    """Whether the task's answers are chosen from a list and not written."""
    return task.metric != "rouge"


def predict(
    lm: FrozenLM, task: Task, voices: Sequence[Voice], pairs: Sequence[WritingPair], *, report: Report
) -> list[str]:
    """What each voice answers.

    Args:
        lm: The frozen LM.
        task: The task.
        voices: N voices.
        pairs: The N inputs they answer; of the targets nothing is used but the space they begin with.
        report: Told the share done.

    Returns:
        N texts without white space around them.
    """
    if closed(task):
        return choose(lm, task, voices, pairs)
    return write(lm, task, voices, report=report)


def choose(lm: FrozenLM, task: Task, voices: Sequence[Voice], pairs: Sequence[WritingPair]) -> list[str]:
    """The answer of the task's list that each voice finds likeliest."""
    leads = [pair.target[: len(pair.target) - len(pair.target.lstrip())] for pair in pairs]
    texts = [task.target_tokens(lead + answer, lm.codec) for lead in leads for answer in task.answers]
    asked = [voice for voice in voices for _ in task.answers]
    totals = [score.sum(dtype=np.float64) for score in log_probabilities(lm, asked, texts)]
    best = np.reshape(totals, (len(voices), len(task.answers))).argmax(axis=1)
    return [task.answers[i] for i in best.tolist()]


def write(lm: FrozenLM, task: Task, voices: Sequence[Voice], *, report: Report) -> list[str]:
    """The text each voice writes, greedily; voices that read the same write once."""
    options = writing_options(task)
    keys = [voice_key(voice) for voice in voices]
    different = list(dict(zip(keys, voices, strict=True)).items())
    different.sort(key=lambda pair: _positions(pair[1]))
    found: dict[object, str] = {}
    for batch in _batches([voice for _, voice in different], room=options.max_new_tokens):
        states = deque(decode(lm, batch, options), maxlen=1).pop()
        names = [key for key, _ in different[len(found) : len(found) + len(batch)]]
        found.update((key, state.text.strip()) for key, state in zip(names, states, strict=True))
        report(len(found) / len(different))
    return [found[key] for key in keys]


def writing_options(task: Task) -> DecodeOptions:
    """How texts are written that are measured: greedily, as long as targets are, with the task's end."""
    options = DecodeOptions(max_new_tokens=task.max_target_tokens, stop=task.stop)
    return options if task.min_new_tokens is None else replace(options, min_new_tokens=task.min_new_tokens)


def gold(task: Task, pair: WritingPair, codec: TextCodec) -> str:
    """What a text is compared with: what the person wrote, cut to the task's length where it has no end of its own."""
    if task.end:
        return pair.answer
    return codec.decode(task.target_tokens(pair.target, codec)).strip()


def _positions(voice: Voice) -> int:
    return sum(row.text_tokens + row.soft_vectors for row in read_by(voice))


def _batches(voices: Sequence[Voice], *, room: int) -> Iterator[list[Voice]]:
    """Voices in order, as many together as fit."""
    batch: list[Voice] = []
    rows = positions = 0
    for voice in voices:
        more = len(read_by(voice))
        taken = _positions(voice) + more * room
        if batch and (rows + more > ROWS or positions + taken > POSITIONS):
            yield batch
            batch, rows, positions = [], 0, 0
        batch.append(voice)
        rows, positions = rows + more, positions + taken
    if batch:
        yield batch
