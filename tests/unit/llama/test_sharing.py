"""What rows have in common with one another, or with earlier ones, is read once and read right."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from persona_demo.lm import _llama_bank
from persona_demo.lm._llama_ffi import NativeContext
from persona_demo.lm.base import Row, Tokens
from persona_demo.lm.llama_engine import LlamaLM
from tests.llama import arms, assert_next, check, needs_llama, vectors, words
from tests.tiny_gguf import TinyModel

pytestmark = needs_llama


def test_rows_share_what_they_begin_with(
    tiny: TinyModel, lm: LlamaLM, rng: np.random.Generator, read: list[int]
) -> None:
    rows = arms(rng, words(rng, 20), soft=4, count=5)
    check(tiny, lm, rows, steps=0)
    # The prompt once, all vectors together, all openings together.
    assert read == [20, 5 * 4, 5 * 4]


def test_rows_that_are_alike_are_read_once(
    tiny: TinyModel, lm: LlamaLM, rng: np.random.Generator, read: list[int]
) -> None:
    check(tiny, lm, [Row((words(rng, 20),))] * 3)
    assert read == [20, 3, 3, 3]


def test_many_rows_at_once(tiny: TinyModel, lm: LlamaLM, rng: np.random.Generator) -> None:
    check(tiny, lm, arms(rng, words(rng, 30), count=20), steps=2)
    check(tiny, lm, [Row((words(rng, 10),)) for _ in range(20)], steps=2)


def texts_and_arms(rng: np.random.Generator, *, texts: int, size: int) -> list[Row]:
    """Four short rows, then long ones that share nothing."""
    return [*arms(rng, words(rng, 20), soft=4, count=4), *(Row((words(rng, size),)) for _ in range(texts))]


def calls_of_a_step(lm: LlamaLM, rows: Sequence[Row], read: list[int]) -> list[int]:
    """Rows in each native call of a step."""
    with lm.session() as session:
        session.add(rows)
        read.clear()
        session.step(dict.fromkeys(range(len(rows)), 5))
        return sorted(read)


@pytest.mark.parametrize(
    ("texts", "size", "calls"),
    [(1, 260, [5]), (3, 260, [3, 4]), (1, 500, [5]), (2, 500, [2, 4]), (4, 470, [1, 1, 2, 4]), (0, 0, [4])],
)
def test_rows_are_written_together_where_that_saves_time(
    tiny: TinyModel, lm: LlamaLM, rng: np.random.Generator, read: list[int], texts: int, size: int, calls: list[int]
) -> None:
    rows = texts_and_arms(rng, texts=texts, size=size)
    assert calls_of_a_step(lm, rows, read) == calls
    check(tiny, lm, rows)
    # What was read apart is still known, though it was written elsewhere.
    read.clear()
    check(tiny, lm, rows, steps=0)
    assert read == []


def test_rows_that_find_no_room_together_stay_apart(
    tiny: TinyModel, lm: LlamaLM, rng: np.random.Generator, read: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = texts_and_arms(rng, texts=3, size=260)
    monkeypatch.setattr(_llama_bank, "TEXT_CELLS", 512)
    assert calls_of_a_step(lm, rows, read) == [1, 1, 1, 4]
    monkeypatch.setattr(NativeContext, "restore", lambda *_: False)
    assert calls_of_a_step(lm, rows[:5], read) == [1, 4]
    check(tiny, lm, rows)


def test_texts_added_later_join_those_that_are_written(tiny: TinyModel, lm: LlamaLM, rng: np.random.Generator) -> None:
    rows = texts_and_arms(rng, texts=6, size=200)
    with lm.session() as session:
        session.add(rows[:7])
        session.step(dict.fromkeys(range(7), 5))
        session.add(rows[7:])
        logits = session.step(dict.fromkeys(range(10), 6))
        session.step(dict.fromkeys((4, 5, 9), 7))
        last = session.step({5: 8, 9: 8})
    for i, row in enumerate(rows):
        assert_next(tiny, row, logits[i], (5, 6) if i < 7 else (6,))
    assert_next(tiny, rows[5], last[5], (5, 6, 7, 8))
    assert_next(tiny, rows[9], last[9], (6, 7, 8))


def test_the_same_again_reads_nothing(tiny: TinyModel, lm: LlamaLM, rng: np.random.Generator, read: list[int]) -> None:
    rows = arms(rng, words(rng, 30), count=3)
    with lm.session() as session:
        first = session.add(rows)
        step = session.step(dict.fromkeys(range(3), 5))
    read.clear()
    with lm.session() as session:
        np.testing.assert_array_equal(session.add(rows), first)
        assert read == []
        again = session.step(dict.fromkeys(range(3), 5))
    for i, logits in step.items():
        np.testing.assert_array_equal(again[i], logits)
    check(tiny, lm, rows)


def test_an_edit_reads_only_what_it_changed(
    tiny: TinyModel, lm: LlamaLM, rng: np.random.Generator, read: list[int]
) -> None:
    prompt, text = words(rng, 30), words(rng, 20)
    rows = [*arms(rng, prompt, count=2), Row((prompt, text), words(rng, 3))]
    check(tiny, lm, rows)
    moved = vectors(rng, 9)
    edited = [
        rows[0],
        Row((prompt, moved), rows[1].opening),
        Row((prompt, (*text[:15], *words(rng, 5))), rows[2].opening),
    ]
    read.clear()
    check(tiny, lm, edited, steps=0)
    assert sum(read) == (9 + 4) + (5 + 3)
    one_bit = moved.copy()
    one_bit[4, 0] = np.nextafter(one_bit[4, 0], np.float32(9))
    read.clear()
    check(tiny, lm, [Row((prompt, one_bit), rows[1].opening)])
    assert sum(read[:-3]) == 5 + 4


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:-1],
        lambda text: text[:10],
        lambda text: (*text, 8),
        lambda text: (9, *text),
        lambda text: (*text[:10], 9, *text[11:]),
        lambda text: text[5:],
    ],
    ids=["shorter", "much shorter", "longer", "before", "within", "moved"],
)
def test_a_changed_prompt_is_read_right(
    tiny: TinyModel, lm: LlamaLM, rng: np.random.Generator, change: Callable[[Tokens], Tokens]
) -> None:
    text, soft = words(rng, 40), vectors(rng, 3)
    check(tiny, lm, [Row((text, soft, text)), Row((text,))])
    changed = change(text)
    check(tiny, lm, [Row((changed, soft, changed)), Row((changed,)), Row((text, soft, changed))])


def test_what_was_written_is_not_taken_for_the_prompt(tiny: TinyModel, lm: LlamaLM, rng: np.random.Generator) -> None:
    prompt = words(rng, 20)
    with lm.session() as session:
        session.add([Row((prompt,))])
        for token in (5, 6, 7):
            session.step({0: token})
    check(tiny, lm, [Row(((*prompt, 5, 6, 8),)), Row((prompt,))])
