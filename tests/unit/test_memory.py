"""The memory of written texts: what is asked for again is the same again, and nothing else is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest

from persona_demo.lm.base import FloatArray, Row
from persona_demo.lm.decode import DecodeOptions, Voice, Written, decode
from persona_demo.lm.memory import TextMemory
from persona_demo.lm.torch_engine import TorchLM, TorchSession
from tests import tiny

SHORT = DecodeOptions(max_new_tokens=8, min_new_tokens=1)


class Moody(TorchLM):
    """Says something else each time it is asked, as engines whose low bits depend on what they read before."""

    asked = 0

    def session(self) -> TorchSession:
        session = super().session()
        add, Moody.asked = session.add, Moody.asked + 1
        mood = np.random.default_rng(Moody.asked).normal(scale=9, size=self.info.vocab_size).astype(np.float32)

        def moody(rows: Sequence[Row]) -> FloatArray:
            logits: FloatArray = add(rows) + mood
            return logits

        session.add = moody  # type: ignore[method-assign]
        return session


@pytest.fixture
def lm() -> TorchLM:
    made = tiny.causal_lm()
    made.__class__ = Moody
    return made


@dataclass
class Clock:
    """A clock that a test sets."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def voice(lm: TorchLM, seed: int, *, strength: float = 1.0, opening: str = "The last") -> Voice:
    def soft(number: int) -> Row:
        vectors = np.random.default_rng(number).normal(size=(3, 32)).astype(np.float32)
        return Row((lm.codec.encode("My blog. "), vectors), lm.codec.encode(opening))

    return Voice(soft(seed), soft(0), strength)


def last(
    memory: TextMemory, lm: TorchLM, voices: Sequence[Voice], options: DecodeOptions = SHORT
) -> tuple[Written, ...]:
    return list(memory.decode(lm, voices, options))[-1]


def test_what_is_asked_for_again_is_the_same_again(lm: TorchLM) -> None:
    voices = [voice(lm, 1), voice(lm, 2, strength=2.5)]
    memory = TextMemory()
    first = last(memory, lm, voices)
    assert not any(state.remembered for state in first)
    (again,) = memory.decode(lm, [voice(lm, 1), voice(lm, 2, strength=2.5)], SHORT)
    assert again == tuple(replace(state, remembered=True) for state in first)
    # Without the memory this engine would have said something else: the test can fail.
    assert [s.tokens for s in list(decode(lm, voices, SHORT))[-1]] != [s.tokens for s in first]


def test_a_new_voice_is_written_beside_remembered_ones_in_their_places(lm: TorchLM) -> None:
    memory = TextMemory()
    first, third = last(memory, lm, [voice(lm, 1), voice(lm, 3)])
    states = list(memory.decode(lm, [voice(lm, 1), voice(lm, 2), voice(lm, 3)], SHORT))
    assert len(states) > 1
    assert all(state[0].tokens == first.tokens and state[2].tokens == third.tokens for state in states)
    assert [s.remembered for s in states[-1]] == [True, False, True]
    assert states[-1][1].done


def test_strength_zero_is_the_control_that_was_written_before(lm: TorchLM) -> None:
    memory = TextMemory()
    (control,) = last(memory, lm, [Voice(voice(lm, 1).base or voice(lm, 0).row)])
    (zero,) = last(memory, lm, [voice(lm, 1, strength=0.0)])
    assert zero.tokens == control.tokens and zero.remembered


@pytest.mark.parametrize(
    "other", [{"seed": 2}, {"strength": 2.5}, {"opening": "The first"}], ids=["vectors", "strength", "opening"]
)
def test_another_request_is_written(lm: TorchLM, other: dict[str, object]) -> None:
    memory = TextMemory()
    last(memory, lm, [voice(lm, 1, strength=2.0)])
    (made,) = last(memory, lm, [voice(lm, **{"seed": 1, "strength": 2.0} | other)])  # type: ignore[arg-type]
    assert not made.remembered


def test_other_options_or_another_ban_are_another_request(lm: TorchLM) -> None:
    memory = TextMemory()
    last(memory, lm, [voice(lm, 1)])
    assert not last(memory, lm, [voice(lm, 1)], replace(SHORT, seed=1))[0].remembered
    *_, (banned,) = memory.decode(lm, [voice(lm, 1)], SHORT, ban=lambda tokens: frozenset())
    assert not banned.remembered


def test_what_was_stopped_is_not_kept(lm: TorchLM) -> None:
    memory = TextMemory()
    writing = memory.decode(lm, [voice(lm, 1)], replace(SHORT, min_new_tokens=8))
    next(writing)
    writing.close()  # type: ignore[attr-defined]
    assert len(memory) == 0


def test_what_was_told_first_stays(lm: TorchLM) -> None:
    memory = TextMemory()
    one, two = (memory.decode(lm, [voice(lm, 1)], SHORT) for _ in range(2))
    next(one), next(two)
    first, _ = list(one)[-1], list(two)
    assert last(memory, lm, [voice(lm, 1)])[0].tokens == first[0].tokens


def test_texts_leave_after_their_time_and_when_there_are_too_many(lm: TorchLM) -> None:
    clock = Clock()
    memory = TextMemory(most=2, seconds=60, clock=clock)
    for seed in (1, 2):
        last(memory, lm, [voice(lm, seed)])
    assert last(memory, lm, [voice(lm, 1)])[0].remembered
    last(memory, lm, [voice(lm, 3)])
    assert len(memory) == 2
    assert last(memory, lm, [voice(lm, 1)])[0].remembered, "asked for more lately than the second"
    clock.now = 61
    assert len(memory) == 0
    assert not last(memory, lm, [voice(lm, 1)])[0].remembered
    memory.forget()
    assert len(memory) == 0


def test_no_word_of_a_request_is_kept(lm: TorchLM) -> None:
    memory = TextMemory()
    last(memory, lm, [voice(lm, 1, opening="The secret ferry")])
    opening = lm.codec.encode("The secret ferry")
    kept = repr(vars(memory))
    assert "secret" not in kept and repr(opening)[1:-1] not in kept
