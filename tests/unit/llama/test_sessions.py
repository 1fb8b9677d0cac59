"""Sessions: rows that come, go on, move and leave, errors on the way, and nothing that leaks."""

from __future__ import annotations

import threading
from collections.abc import Generator, Mapping, Sequence

import numpy as np
import pytest

from persona_demo.errors import UserError
from persona_demo.lm import _llama_bank
from persona_demo.lm.base import FloatArray, Row, Segment, Tokens
from persona_demo.lm.llama_engine import LlamaLM
from tests.llama import arms, assert_next, assert_scores, check, load, needs_llama, vectors, words
from tests.tiny_gguf import HIDDEN, VOCAB, TinyModel

pytestmark = needs_llama


def test_rows_can_be_added_later(tiny: TinyModel, lm: LlamaLM, rng: np.random.Generator) -> None:
    prompt = words(rng, 25)
    first, later = arms(rng, prompt, count=2), [Row((prompt, words(rng, 6))), Row((words(rng, 200),))]
    with lm.session() as session:
        session.add(first)
        session.step({0: 5, 1: 6})
        for row, logits in zip(later, session.add(later), strict=True):
            assert_next(tiny, row, logits)
        logits = session.step({0: 7, 1: 8, 2: 9, 3: 10})
    assert_next(tiny, first[0], logits[0], (5, 7))
    assert_next(tiny, first[1], logits[1], (6, 8))
    assert_next(tiny, later[0], logits[2], (9,))
    assert_next(tiny, later[1], logits[3], (10,))


def test_a_row_left_out_is_closed(tiny: TinyModel, lm: LlamaLM, rng: np.random.Generator) -> None:
    rows = arms(rng, words(rng, 25), count=3)
    with lm.session() as session:
        session.add(rows)
        assert session.rows == 3
        session.step({0: 5, 1: 5, 2: 5})
        assert_next(tiny, rows[2], session.step({2: 6, 0: 7})[2], (5, 6))
        with pytest.raises(KeyError, match="1"):
            session.step({0: 5, 1: 5})
        assert_next(tiny, rows[0], session.step({0: 8})[0], (5, 7, 8))


def test_a_gap_in_the_cache_hides_nothing(tiny: TinyModel, lm: LlamaLM, rng: np.random.Generator) -> None:
    """Cells past a free one at the end of a stretch of 32 would be left out of attention."""
    rows = [Row((words(rng, count),)) for count in (31, 1, 5)]
    with lm.session() as session:
        session.add(rows)
        logits = session.step({0: 5, 2: 6})
    assert_next(tiny, rows[0], logits[0], (5,))
    assert_next(tiny, rows[2], logits[2], (6,))


def test_logits_are_copies(lm: LlamaLM, rng: np.random.Generator) -> None:
    with lm.session() as session:
        added = session.add([Row((words(rng, 9),))])
        kept = added.copy()
        stepped = session.step({0: 5})[0]
        kept_step = stepped.copy()
        session.step({0: 6})
    np.testing.assert_array_equal(added, kept)
    np.testing.assert_array_equal(stepped, kept_step)
    assert added.dtype == stepped.dtype == np.float32


def random_row(rng: np.random.Generator, stock: Sequence[Segment]) -> Row:
    """A row pieced together from a small stock, so that rows often begin alike."""
    count = int(rng.integers(1, 5))
    return Row(tuple(stock[int(i)] for i in rng.integers(0, len(stock), count)), words(rng, int(rng.integers(0, 3))))


def fed(rng: np.random.Generator, written: Mapping[int, Tokens]) -> dict[int, int]:
    """Tokens for most of the open rows."""
    return {i: int(rng.integers(3, VOCAB)) for i in written if rng.random() < 0.9}


@pytest.mark.parametrize("seed", range(6))
def test_no_history_of_sessions_leaks(tiny: TinyModel, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Random sessions on one engine with tiny lanes: every logit must be torch's."""
    monkeypatch.setattr(_llama_bank, "SMALL_CELLS", 160)
    monkeypatch.setattr(_llama_bank, "OWN_LANE_FROM", 30)
    monkeypatch.setattr(_llama_bank, "RESERVE", 4)
    monkeypatch.setattr(_llama_bank, "APART", (0, 150, 10_000)[seed % 3])
    rng = np.random.default_rng(seed)
    stock: list[Segment] = [words(rng, n) for n in (3, 8, 20, 45)] + [vectors(rng, n) for n in (1, 4, 9)]
    lm = load(tiny.gguf)
    for _ in range(8):
        rows: list[Row] = []
        written: dict[int, Tokens] = {}
        with lm.session() as session:
            for _ in range(int(rng.integers(1, 4))):
                new = [random_row(rng, stock) for _ in range(int(rng.integers(1, 5)))]
                new = [row if row.segments or row.opening else Row(((5,),)) for row in new]
                for row, logits in zip(new, session.add(new), strict=True):
                    assert_next(tiny, row, logits)
                    written[len(rows)] = ()
                    rows.append(row)
                for _ in range(int(rng.integers(0, 5))):
                    tokens = fed(rng, written)
                    written = {i: (*written[i], token) for i, token in tokens.items()}
                    for i, logits in session.step(tokens).items():
                        assert_next(tiny, rows[i], logits, written[i])
        pick = [int(i) for i in rng.integers(0, len(rows), 3)]
        targets = [words(rng, 4) for _ in pick]
        assert_scores(tiny, lm, [rows[i] for i in pick], targets)


def test_a_row_that_outgrows_its_lane_moves(
    tiny: TinyModel, lm: LlamaLM, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_llama_bank, "SMALL_CELLS", 256)
    rows = [Row((words(rng, 20),)), Row((words(rng, 180),))]
    with lm.session() as session:
        session.add(rows)
        written: Tokens = ()
        for token in words(rng, 90):
            written += (token,)
            logits = session.step({0: token, 1: token})
        assert_next(tiny, rows[0], logits[0], written)
        assert_next(tiny, rows[1], logits[1], written)


def test_a_second_session_waits(lm: LlamaLM, rng: np.random.Generator) -> None:
    entered, row = threading.Event(), Row((words(rng, 9),))

    def second() -> None:
        with lm.session() as session:
            entered.set()
            session.add([row])

    with lm.session() as session:
        session.add([row])
        thread = threading.Thread(target=second)
        thread.start()
        assert not entered.wait(0.1)
        session.step({0: 5})
    thread.join(10)
    assert entered.is_set()


def test_a_closed_generator_frees_the_engine(tiny: TinyModel, lm: LlamaLM, rng: np.random.Generator) -> None:
    row = Row((words(rng, 9),))

    def write() -> Generator[FloatArray, None, None]:
        with lm.session() as session:
            yield session.add([row])[0]
            while True:
                yield session.step({0: 5})[0]

    stream = write()
    next(stream), next(stream)
    stream.close()
    check(tiny, lm, [row])


def test_a_failing_session_frees_the_engine(tiny: TinyModel, lm: LlamaLM, rng: np.random.Generator) -> None:
    good = Row((words(rng, 9),))
    for bad in (Row(((VOCAB,),)), Row(((-1,),)), Row((np.zeros((2, HIDDEN + 1), np.float32),)), Row(())):
        with pytest.raises(ValueError), lm.session() as session:
            session.add([good, bad])
        check(tiny, lm, [good])


def test_a_session_must_be_entered(lm: LlamaLM) -> None:
    with pytest.raises(RuntimeError, match="with"):
        lm.session().add([Row(((5,),))])


def test_a_row_longer_than_the_context_is_refused(lm: LlamaLM, rng: np.random.Generator) -> None:
    with lm.session() as session:
        with pytest.raises(UserError, match=r"513 tokens long .* at most 512: shorten"):
            session.add([Row((words(rng, 513),))])
        session.add([Row((words(rng, 512),))])
        with pytest.raises(UserError, match="shorten"):
            session.step({0: 5})
    with pytest.raises(UserError, match="shorten"):
        lm.score([Row((words(rng, 500),))], [words(rng, 40)])


def test_rows_that_do_not_fit_together_are_refused(
    tiny: TinyModel, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_llama_bank, "SMALL_LANES", 0)
    lm = load(tiny.gguf, context=256)
    rows = [Row((words(rng, 100),)) for _ in range(3)]
    with lm.session() as session, pytest.raises(UserError, match="shorten the history or the prompt"):
        session.add(rows)
    check(tiny, lm, rows[:2])
    with lm.session() as session:
        session.add([Row((words(rng, 120),)), Row((words(rng, 120),))])
        with pytest.raises(UserError, match="shorten"):
            for _ in range(20):
                session.step({0: 5, 1: 6})
    check(tiny, lm, rows[1:])
    with lm.session() as session, pytest.raises(UserError, match="fewer arms"):
        session.add([Row(((5,),))] * (_llama_bank.MAX_ROWS + 1))
