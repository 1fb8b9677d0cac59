"""One text under two arms: figures are those of scoring, on both engines, and the text stays whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from persona_demo.arms import Arm, ArmInputs, Conditioning, arm_named
from persona_demo.errors import UserError
from persona_demo.explain.pieces import piece_of, pieces
from persona_demo.explain.scoring import guided_logits, log_softmax, row_of
from persona_demo.explain.token_view import view_tokens
from persona_demo.lm.base import Row
from persona_demo.lm.decode import DecodeOptions, Voice, decode
from persona_demo.lm.llama_engine import LlamaLM
from persona_demo.runtime import Runtime
from tests import tiny
from tests.llama import needs_llama
from tests.reference import guided_choices, guided_score
from tests.tiny_gguf import HIDDEN, build_tiny_gguf

TEXT = " and the gulls did not mind — 🦢 swans"


def louder(arm: Arm) -> Arm:
    """An arm whose vectors are so loud that it finds other tokens plausible than its base does."""

    def build(inputs: ArmInputs) -> Conditioning:
        made = arm.build(inputs)
        assert made.soft is not None
        return replace(made, soft=made.soft * np.float32(30))

    return replace(arm, build=build)


@pytest.fixture
def given(runtime: Runtime) -> ArmInputs:
    """A person and an opening."""
    return runtime.arm_inputs(tiny.history(items=5), runtime.task("blog-post"), "The last train left")


def test_figures_are_those_of_scoring_and_the_text_reads_as_it_was(runtime: Runtime, given: ArmInputs) -> None:
    left, right = arm_named("task"), arm_named("persona")
    view = view_tokens(runtime.lm, given, left, right, TEXT)
    tokens = given.codec.encode(TEXT)
    assert view.text == TEXT
    for arm, mine in ((left, [t.left for t in view.tokens]), (right, [t.right for t in view.tokens])):
        theirs = runtime.lm.score([row_of(given, arm.build(given))], [tokens])[0]
        np.testing.assert_allclose(mine, theirs, atol=1e-4)
    assert view.change == pytest.approx(sum(t.right - t.left for t in view.tokens))
    assert "Persona" in view.legend and f"{view.change:+.2f} nats" in view.legend


def test_alternatives_are_the_likeliest_and_the_chosen_one_is_marked(runtime: Runtime, given: ArmInputs) -> None:
    view = view_tokens(runtime.lm, given, arm_named("plain"), arm_named("persona"), TEXT, top=20)
    for token in view.tokens:
        for top, own in ((token.left_top, token.left), (token.right_top, token.right)):
            scores = [a.log_probability for a in top]
            assert scores == sorted(scores, reverse=True)
            assert sum(np.exp(scores)) <= 1 + 1e-5
            marked = [a.log_probability for a in top if a.chosen]
            assert marked == [pytest.approx(own)] or (not marked and own <= scores[-1])


def test_words_that_are_not_to_be_shown_are_no_alternatives(runtime: Runtime, given: ArmInputs) -> None:
    arms = (arm_named("task"), arm_named("persona"))
    shown = view_tokens(runtime.lm, given, *arms, TEXT, top=3)
    first = shown.tokens[0].right_top[0].token
    hidden = view_tokens(runtime.lm, given, *arms, TEXT, top=3, hide=lambda tokens: frozenset([first]))
    for before, after in zip(shown.tokens, hidden.tokens, strict=True):
        assert first not in [a.token for a in after.right_top if not a.chosen]
        assert (before.left, before.right) == (after.left, after.right)
    assert len(hidden.tokens[0].right_top) == 3


def test_at_strength_zero_both_sides_of_a_persona_and_its_control_are_one(runtime: Runtime, given: ArmInputs) -> None:
    view = view_tokens(runtime.lm, given, arm_named("task"), arm_named("persona"), TEXT, strength=0)
    assert all(token.change == 0 for token in view.tokens)


def test_guided_logits_are_what_guidance_says_token_by_token(runtime: Runtime, given: ArmInputs) -> None:
    made, tokens = arm_named("persona").build(given), given.codec.encode(TEXT)
    assert made.base is not None
    scores = log_softmax(guided_logits(runtime.lm, given, made, tokens, strength=2.5).logits)
    mine = scores[np.arange(len(tokens)), list(tokens)]
    theirs = guided_score(runtime.lm, row_of(given, made), row_of(given, made.base), tokens, strength=2.5)
    np.testing.assert_allclose(mine, theirs, atol=1e-3)


@pytest.mark.parametrize("strength", [-2.0, 0.5, 1.3, 4.0])
def test_alternatives_are_what_the_decoder_could_write(runtime: Runtime, given: ArmInputs, strength: float) -> None:
    # Both sides of the tiny persona are nearly alike: its vectors are made louder, so that some tokens are barred.
    arm = louder(arm_named("persona"))
    made, tokens = arm.build(given), given.codec.encode(TEXT)
    assert made.base is not None
    rows = row_of(given, made), row_of(given, made.base)
    choices = guided_choices(runtime.lm, *rows, tokens, strength=strength)
    view = view_tokens(runtime.lm, given, arm_named("task"), arm, TEXT, strength=strength, top=20)
    assert view.right_limited is (strength != 0.5) and not view.left_limited
    assert ("only tokens" in view.legend) is view.right_limited
    for token, own, chances in zip(view.tokens, tokens, choices, strict=True):
        assert token.right_barred is bool(chances[own] == 0)
        assert not token.left_barred
        found = [(a.token, np.exp(a.log_probability)) for a in token.right_top]
        assert all(chances[name] > 0 for name, _ in found)
        np.testing.assert_allclose([chance for _, chance in found], chances[[name for name, _ in found]], atol=1e-4)
        assert len(found) == min(20, int((chances > 0).sum()))
    if strength in (-2, 4):
        assert any(token.right_barred for token in view.tokens)
    # How likely the text itself is leaves the limit out.
    own_scores = guided_score(runtime.lm, *rows, tokens, strength=strength)
    np.testing.assert_allclose([token.right for token in view.tokens], own_scores, atol=2e-3)


@pytest.mark.parametrize("strength", [-2.0, 0.5, 4.0])
def test_what_is_written_greedily_is_likeliest_among_what_could_be_written(
    runtime: Runtime, given: ArmInputs, strength: float
) -> None:
    made = louder(arm_named("persona")).build(given)
    assert made.base is not None
    voice = Voice(row_of(given, made), row_of(given, made.base), strength)
    options = DecodeOptions(max_new_tokens=8, min_new_tokens=1, no_repeat=0)
    (state,) = list(decode(runtime.lm, [voice], options))[-1]
    blend = guided_logits(runtime.lm, given, made, state.tokens, strength=strength)
    assert [int(blend.written_by(n).argmax()) for n in range(len(state.tokens))] == list(state.tokens)
    assert not any(blend.bars(n, token) for n, token in enumerate(state.tokens))


@pytest.mark.parametrize("text", ["plain words", "naïve café — 🦢🦢", "a\n\nb  c", "\ufffd odd \ufffd", "🦢"])
def test_pieces_join_to_the_text_character_for_character(runtime: Runtime, text: str) -> None:
    codec = runtime.lm.codec
    tokens = codec.encode(text)
    found = pieces(codec, tokens)
    assert len(found) == len(tokens)
    assert "".join(found) == text
    # No piece of several whole characters hides in an earlier token.
    assert all(piece == "" or not piece.startswith("\ufffd") or "\ufffd" in text for piece in found)


def test_a_piece_keeps_its_blank(runtime: Runtime) -> None:
    codec = runtime.lm.codec
    for token in codec.encode(" the"):
        assert piece_of(codec, token) in " the"
    assert "".join(piece_of(codec, t) for t in codec.encode(" the")) == " the"


@pytest.mark.parametrize("make", [tiny.causal_lm, tiny.seq2seq_lm])
def test_logits_of_torch_are_what_steps_say(make: object) -> None:
    lm = make()  # type: ignore[operator]
    soft = np.random.default_rng(0).normal(size=(3, tiny.HIDDEN)).astype(np.float32)
    row, target = Row(segments=((5, 6, 7), soft), opening=(8, 9)), (10, 11, 12)
    with lm.session() as session:
        stepped = [session.add([row])[0]]
        for token in target[:-1]:
            stepped.append(session.step({0: token})[0])
    (found,) = lm.logits([row], [target])
    np.testing.assert_allclose(found, np.stack(stepped), atol=1e-3, rtol=1e-4)
    assert lm.logits([], []) == []


@needs_llama
def test_logits_of_llama_are_those_of_torch(tmp_path: Path) -> None:
    made = build_tiny_gguf(tmp_path)
    lm = LlamaLM(made.gguf, codec=tiny.causal_lm().codec, name="tiny", fingerprint="0", threads=1, context=512)
    rng = np.random.default_rng(0)
    soft = rng.normal(size=(4, HIDDEN)).astype(np.float32)
    for length in (1, 3, 200):
        target = tuple(int(i) for i in rng.integers(4, 90, size=length))
        row = Row(segments=((5, 6, 7), soft), opening=(8, 9))
        (found,) = lm.logits([row], [target])
        embeds = made.embeddings
        full = torch.cat([embeds[[5, 6, 7]], torch.from_numpy(soft), embeds[[8, 9, *target[:-1]]]])
        with torch.no_grad():
            expected = made.twin(inputs_embeds=full[None]).logits[0, -length:].numpy()
        np.testing.assert_allclose(found, expected, atol=3e-3)
        np.testing.assert_allclose(
            log_softmax(found)[np.arange(length), list(target)], lm.score([row], [target])[0], atol=1e-4
        )
    assert lm.logits([row], [()])[0].shape == (0, lm.info.vocab_size)


def test_too_many_alternatives_and_no_text_are_refused(runtime: Runtime, given: ArmInputs) -> None:
    arms = (arm_named("task"), arm_named("persona"))
    with pytest.raises(UserError, match="alternatives"):
        view_tokens(runtime.lm, given, *arms, TEXT, top=0)
    with pytest.raises(UserError, match="no text"):
        view_tokens(runtime.lm, replace(given), *arms, " ")


def test_movers_are_the_tokens_that_change_most(runtime: Runtime, given: ArmInputs) -> None:
    view = view_tokens(runtime.lm, given, arm_named("task"), arm_named("persona"), TEXT)
    changes = [abs(token.change) for token in view.tokens]
    assert [changes[place] for place in view.movers(3)] == sorted(changes, reverse=True)[:3]
    assert sorted(view.movers(1000)) == list(range(len(view.tokens)))
