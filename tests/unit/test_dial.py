"""The dial: arithmetic on one reading gives what feeding token by token gives, at every strength."""

from __future__ import annotations

import numpy as np
import pytest

from persona_demo.arms import ArmInputs, arm_named
from persona_demo.errors import UserError
from persona_demo.explain.dial import STRENGTHS, Dial, DialPoint, barred_at, likelihood_at, persona_likelihood
from persona_demo.explain.scoring import row_of
from persona_demo.history import UserHistory
from persona_demo.runtime import Runtime
from persona_demo.ui.inside.chosen import TYPED
from persona_demo.ui.inside.dial import Strength, dial_chart, dial_table, placebo_sentence
from persona_demo.ui.inside.tables import chart as empty_chart
from persona_demo.ui.layout import chance_line
from persona_demo.ui.loading import Loading
from persona_demo.ui.page import Page
from persona_demo.ui.shelf import Shelf
from tests import tiny
from tests.reference import guided_score

TEXT = " and the gulls did not mind"


@pytest.fixture
def given(runtime: Runtime) -> ArmInputs:
    """A person and an opening."""
    return runtime.arm_inputs(tiny.history(items=5), runtime.task("blog-post"), "The last train left")


def test_every_point_is_what_token_by_token_guidance_says(runtime: Runtime, given: ArmInputs) -> None:
    dial = persona_likelihood(runtime.lm, given, arm_named("persona"), TEXT)
    assert [p.strength for p in dial.points] == list(STRENGTHS)
    assert (STRENGTHS[0], STRENGTHS[-1]) == (-2, 4)
    made, tokens = arm_named("persona").build(given), given.codec.encode(TEXT)
    assert made.base is not None
    for strength in (-2.0, 0.0, 0.5, 1.0, 4.0):
        scores = guided_score(runtime.lm, row_of(given, made), row_of(given, made.base), tokens, strength=strength)
        found = next(p.log_likelihood for p in dial.points if p.strength == strength)
        assert found == pytest.approx(float(scores.sum(dtype=np.float64)), abs=1e-2)
    assert dial.tokens == len(tokens)


def test_zero_and_one_are_the_control_and_the_persona(runtime: Runtime, given: ArmInputs) -> None:
    dial = persona_likelihood(runtime.lm, given, arm_named("persona"), TEXT, strengths=(0, 1))
    tokens = given.codec.encode(TEXT)
    for point, arm in zip(dial.points, ("task", "persona"), strict=True):
        score = runtime.lm.score([row_of(given, arm_named(arm).build(given))], [tokens])[0]
        assert point.log_likelihood == pytest.approx(float(score.sum()), abs=1e-3)


def test_probabilities_are_normalised_at_every_strength() -> None:
    rng = np.random.default_rng(0)
    row, base = rng.normal(size=(2, 1, 7)).astype(np.float32) * 3
    strengths = (-2, 0, 1, 4)
    chances = sum(np.exp(likelihood_at(row, base, (token,), strengths=strengths)) for token in range(7))
    np.testing.assert_allclose(chances, np.ones(4), atol=1e-6)
    huge = likelihood_at(row * 1000, base, (0,), strengths=strengths)
    assert np.isfinite(huge).all()


def test_the_best_strength_is_said_in_words() -> None:
    def dial(*values: float) -> Dial:
        return Dial("persona", 10, tuple(map(DialPoint, (-1.0, 0.0, 0.5, 1.0, 3.0), values)))

    assert "against" in dial(-10, -20, -30, -40, -50).sentence
    assert "no person" in dial(-20, -10, -30, -40, -50).sentence
    assert "fainter" in dial(-20, -19, -10, -40, -50).sentence
    assert "as trained" in dial(-20, -19, -18, -10, -50).sentence
    assert "more of the person" in dial(-20, -19, -18, -17, -10).sentence
    assert "hardly matters" in dial(-10, -10, -10, -10, -10.01).sentence
    assert dial(-10, -10, -10, -10, -10).best.strength == 0


def test_tokens_that_the_decoder_would_not_write_are_counted() -> None:
    row, base = np.float32([[5, 4, 3, -9], [0, 0, 0, 9]]), np.float32([[5, 4, -9, 3], [0, 0, 0, 9]])
    said = [[barred_at(row, base, (token, 3), strength=s) for s in (-2.0, 0.0, 1.0, 3.0)] for token in range(4)]
    assert said == [[0, 0, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]]


def test_the_mark_follows_the_dial_and_nothing_else_moves(page: Page, shelf: Shelf, loading: Loading) -> None:
    verbs, chart = Strength(page, page.inside.dial.bar, shelf, loading), page.inside.dial.chart
    points = tuple(DialPoint(at, -at, 0) for at in (0.0, 1.0, 2.0))
    drawn = dial_chart(Dial("persona", 4, points), 1)
    turned = verbs.turn(drawn, 2.5)[chart]
    assert turned == dial_chart(Dial("persona", 4, points), 2.5) and turned != drawn
    assert [mark["text"] for mark in turned["marks"]] == ["control", "your dial"]
    for nothing in (empty_chart(), None, "x"):
        assert "value" not in verbs.turn(nothing, 2.5)[chart]


def test_another_seed_is_said_to_change_nothing_where_chance_has_no_say() -> None:
    assert "writes the same texts again" in chance_line(0.0)["text"]
    assert chance_line(0.3)["text"] == ""


def test_the_placebo_stands_beside_the_curve(page: Page, shelf: Shelf, loading: Loading) -> None:
    verbs, bar, parts = Strength(page, page.inside.dial.bar, shelf, loading), page.inside.dial.bar, page.inside.dial
    ada = shelf.session_of("sample:ada").as_record()
    *_, last = verbs.measure(ada, "The last train left", 1.0, 0, TYPED, TEXT, {})
    own, placebo = last[parts.chart]["series"]
    assert placebo["dash"] and not own["dash"] and len(own["points"]) == len(placebo["points"]) == len(STRENGTHS)
    at_zero = [dict(map(tuple, line["points"]))[0] for line in (own, placebo)]
    assert at_zero[0] == pytest.approx(at_zero[1], abs=1e-4)
    assert "with somebody else's persona, that of p0" in last[parts.line]["text"] and "wrote this text" not in str(last)
    assert [head["text"] for head in last[parts.table]["heads"]].count("Somebody else's") == 1
    assert last[bar.status]["of"]["text"]


def test_without_anybody_else_the_curve_stands_alone() -> None:
    dial = Dial("persona", 4, tuple(DialPoint(at, -8 + 4 * at, 0) for at in (0.0, 1.0)))
    other = Dial("persona:other", 4, tuple(DialPoint(at, -8 - 2 * at, 0) for at in (0.0, 1.0)))
    assert len(dial_chart(dial, 1)["series"]) == 1 and placebo_sentence(dial, None, "") == ""
    assert len(dial_table(dial)["heads"]) == len(dial_table(dial, other)["heads"]) - 1
    said = placebo_sentence(dial, other, "Bo")
    assert "by +1.000 nats" in said and "that of Bo, by -0.500." in said
    with pytest.raises(KeyError):
        dial.at(3)


def test_an_arm_without_a_strength_has_no_dial(runtime: Runtime, given: ArmInputs) -> None:
    with pytest.raises(UserError, match="no strength"):
        persona_likelihood(runtime.lm, given, arm_named("bm25"), TEXT)
    nobody = runtime.arm_inputs(UserHistory("Nobody"), runtime.task("blog-post"), "The last train left")
    with pytest.raises(UserError, match="no strength"):
        persona_likelihood(runtime.lm, nobody, arm_named("persona"), TEXT)
