"""The decoder against transformers' generate(), and its promises: guidance, seeds, Stop, bans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch

from persona_demo.errors import UserError
from persona_demo.lm.base import FloatArray, LMSession, Row
from persona_demo.lm.decode import DecodeOptions, Voice, Written, decode, pick, repeats, visible
from persona_demo.lm.guidance import barred, blended, guided
from persona_demo.lm.torch_engine import TorchLM, TorchSession
from tests import tiny

GREEDY = DecodeOptions(max_new_tokens=12, min_new_tokens=1, no_repeat=0)


def last(lm: TorchLM, voices: Sequence[Voice], options: DecodeOptions, **more: object) -> tuple[Written, ...]:
    """The final state of all voices."""
    return list(decode(lm, voices, options, **more))[-1]  # type: ignore[arg-type]


def soft(seed: int) -> FloatArray:
    """Three soft vectors."""
    return np.random.default_rng(seed).normal(size=(3, 32)).astype(np.float32)


def row(lm: TorchLM, text: str, seed: int | None = None, *, opening: str = "The last") -> Row:
    """A row with or without soft vectors."""
    context = lm.codec.encode(text)
    return Row((context,) if seed is None else (context, soft(seed)), lm.codec.encode(opening))


@pytest.mark.parametrize("family", ["causal", "encoder-decoder"])
@pytest.mark.parametrize("no_repeat", [0, 3])
def test_greedy_text_is_that_of_generate(family: str, no_repeat: int) -> None:
    lm = tiny.causal_lm() if family == "causal" else tiny.seq2seq_lm()
    rows = [row(lm, "My blog. "), row(lm, "A rather longer context before it. ", 1), row(lm, "", 2)]
    options = DecodeOptions(max_new_tokens=12, min_new_tokens=1, no_repeat=no_repeat)
    written = last(lm, [Voice(r) for r in rows], options)
    for each, state in zip(rows, written, strict=True):
        given = lm.embed_row(each)
        if family == "causal":
            arguments = {"inputs_embeds": torch.cat([given, lm.embed_tensor(each.opening)])[None]}
            skip = 0
        else:
            start = (lm.model.config.decoder_start_token_id, *each.opening)
            arguments = {"inputs_embeds": given[None], "decoder_input_ids": torch.tensor([start])}
            skip = len(start)
        out = lm.model.generate(
            **arguments,
            do_sample=False,
            max_new_tokens=12,
            no_repeat_ngram_size=0,
            eos_token_id=[0, 1],
            pad_token_id=0,
            attention_mask=torch.ones(1, arguments["inputs_embeds"].shape[1]).long(),
        )[0, skip:].tolist()
        if no_repeat == 0:
            assert list(state.tokens) == out[: len(state.tokens)]
            assert len(state.tokens) == 12 or "\n\n" in lm.codec.decode(state.tokens) or state.tokens[-1] in lm.info.eos
        else:
            runs = [state.tokens[i : i + 3] for i in range(len(state.tokens) - 2)]
            assert len(runs) == len(set(runs))


@pytest.mark.parametrize("temperature", [0.0, 0.9])
def test_strength_zero_is_the_base_token_for_token_and_one_is_the_row(temperature: float) -> None:
    lm = tiny.causal_lm()
    base, persona = row(lm, "My blog. ", 1), row(lm, "My blog. ", 2)
    options = DecodeOptions(max_new_tokens=12, temperature=temperature, seed=5)
    alone_base, alone_row = last(lm, [Voice(base)], options)[0], last(lm, [Voice(persona)], options)[0]
    zero, one, two = last(lm, [Voice(persona, base, s) for s in (0.0, 1.0, 2.0)], options)
    assert zero.tokens == alone_base.tokens
    assert one.tokens == alone_row.tokens
    assert two.tokens != one.tokens or two.tokens != zero.tokens


def test_guidance_never_writes_what_the_nearer_row_finds_absurd() -> None:
    # The last token is absurd to both, and the row finds it a little less so.
    row_logits, base_logits = np.float32([5.0, 4.5, 3.0, -9.0]), np.float32([5.0, 4.0, 3.5, -20.0])
    plain = [base_logits + s * (row_logits - base_logits) for s in (0.0, 0.5, 1.0)]
    for strength, expected in zip((0.0, 0.5, 1.0), plain, strict=True):
        np.testing.assert_array_equal(guided(row_logits, base_logits, strength), expected)
    assert (base_logits + 3 * (row_logits - base_logits)).argmax() == 3
    assert list(np.argsort(-guided(row_logits, base_logits, 3.0))) == [1, 0, 2, 3]
    assert guided(base_logits, row_logits, -2.0).argmax() == 1
    # The limit comes in gradually: next to the row it holds nothing back.
    near = row_logits + 1e-6 * (row_logits - base_logits)
    np.testing.assert_allclose(guided(row_logits, base_logits, 1 + 1e-6), near, rtol=1e-5)
    assert not barred(row_logits, base_logits, 0.5).any()
    assert barred(row_logits, base_logits, 3.0).tolist() == [False, False, False, True]
    # Many places at once are what each of them is alone.
    rows, bases = np.stack([row_logits, base_logits]), np.stack([base_logits, row_logits])
    for strength in (-2.0, 0.5, 3.0):
        for many in (blended, barred, guided):
            alone = [many(row, base, strength) for row, base in zip(rows, bases, strict=True)]
            np.testing.assert_array_equal(many(rows, bases, strength), np.stack(alone))


class Uneven(TorchLM):
    """Tells two copies of a row apart, as engines that compute in batches do in the low bits."""

    def session(self) -> TorchSession:
        session = super().session()
        add, step = session.add, session.step

        def noise(at: int) -> FloatArray:
            return np.random.default_rng(at).normal(scale=3, size=self.info.vocab_size).astype(np.float32)

        def noisy_add(rows: Sequence[Row]) -> FloatArray:
            first, logits = session.rows, add(rows)
            return logits + np.stack([noise(first + i) for i in range(len(rows))])

        def noisy_step(tokens: Mapping[int, int]) -> Mapping[int, FloatArray]:
            return {at: logits + noise(at) for at, logits in step(tokens).items()}

        session.add, session.step = noisy_add, noisy_step  # type: ignore[method-assign]
        return session


def test_voices_that_must_say_the_same_do_so_on_an_uneven_engine() -> None:
    lm = tiny.causal_lm()
    lm.__class__ = Uneven
    base, persona, blank = (row(lm, "My blog. ", seed) for seed in (1, 2, 1))
    voices = [Voice(persona, base), Voice(base), Voice(persona, base, 0.0), Voice(blank, base, 3.0), Voice(blank)]
    one, *same = last(lm, voices, GREEDY)
    assert len({state.tokens for state in same}) == 1 and one.tokens != same[0].tokens
    # Read apart, the two copies would have come out differently: the test can fail.
    with lm.session() as session:
        first, second = session.add([base, blank])
    assert first.argmax() != second.argmax()


def test_guidance_between_equal_rows_changes_nothing() -> None:
    lm = tiny.causal_lm()
    same = row(lm, "My blog. ", 1)
    guided, plain = last(lm, [Voice(same, same, 3.0), Voice(same)], GREEDY)
    assert guided.tokens == plain.tokens


def test_the_same_seed_gives_the_same_text_and_another_seed_another() -> None:
    lm = tiny.causal_lm()
    voice = [Voice(row(lm, "My blog. "))]
    texts = [last(lm, voice, DecodeOptions(temperature=1.0, seed=s))[0].tokens for s in (3, 3, 4)]
    assert texts[0] == texts[1] != texts[2]


def test_company_does_not_change_a_text() -> None:
    lm = tiny.causal_lm()
    rows = [row(lm, "My blog. "), row(lm, "Words " * 60, 3), row(lm, "Yes. ", 4, opening="Go")]
    together = last(lm, [Voice(r) for r in rows], GREEDY)
    for each, state in zip(rows, together, strict=True):
        assert last(lm, [Voice(each)], GREEDY)[0].tokens == state.tokens


def test_short_rows_show_their_first_token_before_long_rows_are_read() -> None:
    lm = tiny.causal_lm()
    voices = [Voice(row(lm, "Words and words " * 40)), Voice(row(lm, "My blog. "))]
    first = next(iter(decode(lm, voices, GREEDY)))
    assert len(first[0].tokens) == 0
    assert len(first[1].tokens) == 1


def test_a_text_does_not_end_before_it_may() -> None:
    lm = tiny.causal_lm()
    voice = [Voice(row(lm, "My blog. "))]
    # The likeliest first token is made to end the text, and may not.
    first = last(lm, voice, GREEDY)[0].tokens[0]
    lm._info = replace(lm.info, eos=(first,))
    assert last(lm, voice, GREEDY)[0].tokens == (first,)
    patient = last(lm, voice, DecodeOptions(max_new_tokens=12, min_new_tokens=9, no_repeat=0))[0].tokens
    assert first not in patient[:8]
    assert len(patient) >= 9


def test_a_ban_is_kept_and_banned_tokens_are_never_written() -> None:
    lm = tiny.causal_lm()
    voice = [Voice(row(lm, "My blog. "))]
    free = last(lm, voice, GREEDY)[0].tokens
    kept = last(lm, voice, GREEDY, ban=lambda tokens: frozenset({free[0], free[1]}))[0].tokens
    assert not {free[0], free[1]} & set(kept)


def test_closing_the_generator_closes_the_session() -> None:
    lm = tiny.causal_lm()
    closed: list[bool] = []

    class Watched:
        """A session that notes when it is left."""

        def __init__(self, inner: LMSession) -> None:
            self.inner = inner

        @property
        def rows(self) -> int:
            return self.inner.rows

        def add(self, rows: Sequence[Row]) -> FloatArray:
            return self.inner.add(rows)

        def step(self, tokens: Mapping[int, int]) -> Mapping[int, FloatArray]:
            return self.inner.step(tokens)

        def __enter__(self) -> Watched:
            self.inner.__enter__()
            return self

        def __exit__(self, *exc: object) -> None:
            closed.append(True)
            self.inner.__exit__(*exc)

    class WatchedLM(TorchLM):
        """An LM whose sessions are watched."""

        def session(self) -> Watched:  # type: ignore[override]
            return Watched(super().session())

    lm.__class__ = WatchedLM
    running = decode(lm, [Voice(row(lm, "My blog. "))], GREEDY)
    next(running)
    assert not closed
    running.close()
    assert closed == [True]


def test_a_row_longer_than_the_context_is_one_clear_sentence() -> None:
    lm = tiny.causal_lm()
    with pytest.raises(UserError, match="shorten"):
        last(lm, [Voice(row(lm, "words " * 600))], GREEDY)


@pytest.mark.parametrize(
    "changes",
    [
        {"max_new_tokens": 0},
        {"temperature": -1.0},
        {"top_p": 0.0},
        {"no_repeat": 1},
        {"seed": -1},
        {"temperature": 9.0},
    ],
)
def test_options_out_of_range_are_refused(changes: dict[str, float]) -> None:
    with pytest.raises(UserError, match="choose"):
        DecodeOptions(**changes)  # type: ignore[arg-type]


def test_sampling_keeps_to_the_likeliest_share() -> None:
    logits = np.log(np.array([0.6, 0.3, 0.1], dtype=np.float32))
    options = DecodeOptions(temperature=1.0, top_p=0.5)
    assert {pick(logits, options, np.random.default_rng(s)) for s in range(30)} == {0}
    wide = DecodeOptions(temperature=1.0, top_p=1.0)
    assert {pick(logits, wide, np.random.default_rng(s)) for s in range(60)} == {0, 1, 2}


def test_repeats_names_what_would_close_a_run_again() -> None:
    assert repeats([1, 2, 3, 9, 1, 2], 3) == [3]
    assert repeats([1, 2, 3], 0) == []
    assert repeats([1, 2], 3) == []


def test_nothing_is_shown_after_a_blank_line_nor_half_a_character() -> None:
    assert visible("one\n\ntwo", ended=False) == "one"
    assert visible("caf\ufffd", ended=False) == "caf"
    assert visible("end  ", ended=True) == "end"


def test_a_voice_ends_at_the_text_it_is_told_to_stop_at() -> None:
    lm = tiny.causal_lm()
    voice = [Voice(row(lm, "My blog. ", 1))]
    free = last(lm, voice, DecodeOptions(max_new_tokens=12, min_new_tokens=1, no_repeat=0))[0]
    mark = lm.codec.decode(free.tokens[4:5])
    first = next(n for n in range(1, 6) if mark in lm.codec.decode(free.tokens[:n]))
    options = replace(GREEDY, stop=mark)
    ended = last(lm, voice, options)[0]
    assert ended.done
    assert ended.tokens == free.tokens[:first]
    assert mark not in ended.text
    later = last(lm, voice, replace(options, min_new_tokens=first + 1))[0]
    assert later.tokens[: first - 1] == free.tokens[: first - 1]
    assert len(later.tokens) > first
    assert mark not in lm.codec.decode(later.tokens[:first])


def test_stopping_at_nothing_is_refused() -> None:
    with pytest.raises(UserError, match="stop at"):
        DecodeOptions(stop="")
    assert visible("one\ntwo", ended=True, stop="\n") == "one"
