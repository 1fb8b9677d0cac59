"""What arms answer in an evaluation: written as the decoder writes, chosen as likelihood has it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from persona_demo.corpus import read_corpus
from persona_demo.evaluation.predictions import POSITIONS, ROWS, _batches, choose, gold, predict, write, writing_options
from persona_demo.evaluation.protocol import Protocol
from persona_demo.lm.base import Row
from persona_demo.lm.decode import Voice, decode
from persona_demo.tasks import WritingPair, task_named
from tests import folders, tiny

BLOG, STARS = task_named("blog-post"), task_named("film-rating")


def voices(count: int, *, seed: int = 0) -> list[Voice]:
    """Voices of rows of different lengths; every third is guided."""
    rng = np.random.default_rng(seed)
    made = []
    for n in range(count):
        tokens = tuple(rng.integers(2, 280, 3 + 5 * n).tolist())
        rows = [Row((tokens, rng.normal(size=(2, tiny.HIDDEN)).astype(np.float32))) for _ in "ab"]
        made.append(Voice(rows[0], rows[1], 1.5) if n % 3 == 0 else Voice(rows[0]))
    return made


def quiet(share: float) -> None:
    """Say nothing."""


def test_texts_written_together_are_those_written_alone() -> None:
    lm, asked = tiny.causal_lm(), voices(5)
    asked.append(asked[1])
    together = write(lm, BLOG, asked, report=quiet)
    assert together[1] == together[5]
    for voice, text in zip(asked, together, strict=True):
        *_, states = decode(lm, [voice], writing_options(BLOG))
        assert states[0].text.strip() == text


def test_voices_that_say_the_same_write_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from persona_demo.evaluation import predictions

    counted: list[int] = []

    def counting(lm: object, batch: list[Voice], options: object) -> object:
        counted.append(len(batch))
        return decode(lm, batch, options)  # type: ignore[arg-type]

    monkeypatch.setattr(predictions, "decode", counting)
    (voice,) = voices(1)
    write(tiny.causal_lm(), task_named("headline"), [voice] * 10, report=quiet)
    assert counted == [1]


def test_batches_keep_within_rows_and_positions() -> None:
    asked = voices(60)
    batches = list(_batches(asked, room=64))
    assert [v for batch in batches for v in batch] == asked
    for batch in batches:
        rows = sum(1 if v.base is None else 2 for v in batch)
        taken = sum((v.row.text_tokens + 2 + 64) * (1 if v.base is None else 2) for v in batch)
        assert len(batch) == 1 or (rows <= ROWS and taken <= POSITIONS)


def test_the_likeliest_answer_is_chosen_the_space_before_it_included() -> None:
    lm, asked = tiny.causal_lm(), voices(4, seed=2)
    pairs = [WritingPair(input="fine", target=" 3")] * 4
    for voice, answer in zip(asked, choose(lm, STARS, asked, pairs), strict=True):
        single = Voice(voice.row)
        found = choose(lm, STARS, [single], pairs[:1])[0]
        texts = [STARS.target_tokens(f" {star}", lm.codec) for star in STARS.answers]
        totals = [float(s.sum()) for s in lm.score([single.row] * 5, texts)]
        assert found == STARS.answers[int(np.argmax(totals))]
        assert answer in STARS.answers
    assert predict(lm, STARS, asked, pairs, report=quiet) == choose(lm, STARS, asked, pairs)


def test_texts_without_an_end_are_compared_with_as_much_as_may_be_written() -> None:
    codec = tiny.causal_lm().codec
    long = WritingPair(input="x", target=" ferry" * 400)
    assert 0 < len(gold(BLOG, long, codec)) < len(long.answer)
    assert gold(task_named("headline"), long, codec) == long.answer


@pytest.mark.parametrize(
    ("shape", "name", "figures"),
    [
        ("critics", "film-rating", {"MAE", "RMSE"}),
        ("headlines", "headline", {"rouge-1", "rouge-L"}),
        ("lamp", "lamp-2", {"accuracy", "f1"}),
    ],
)
def test_each_task_is_measured_by_its_own_figures(tmp_path: Path, shape: str, name: str, figures: set[str]) -> None:
    task, runtime = task_named(name), tiny.runtime(tmp_path, with_atlas=False, tasks=(name,))
    data = (
        folders.lamp(tmp_path / "data", 2, "dev") if shape == "lamp" else folders.FOLDERS[shape][0](tmp_path / "data")
    )
    people = read_corpus(data, "dev", task)
    protocol = Protocol(
        runtime, task, people, users=3, targets_per_user=1, seed=0, strength=1.0, report=lambda message, share: None
    )
    made = protocol.run(["task", "persona", "persona:other", "bm25"], metrics=True)
    for arm in made.arms:
        assert arm.metric is not None
        assert set(arm.metric) == figures
        assert all(np.isfinite(value) for value in arm.metric.values())
    assert all(arm.metric is None for arm in protocol.run(["task"]).arms)
