"""The ranges of the page: what its sliders reach, links and files may bring, and nothing else."""

from __future__ import annotations

import math

import gradio as gr
import pytest

from persona_demo.errors import UserError
from persona_demo.ranges import NEW_TOKENS, SEED, STRENGTH, TEMPERATURE, TOP_P, Range
from persona_demo.ui.layout import lay_out
from persona_demo.ui.shelf import Shelf
from persona_demo.ui.verbs import seed_of


def test_both_ends_are_within_and_nothing_beyond_is() -> None:
    assert STRENGTH.low in STRENGTH and STRENGTH.high in STRENGTH
    assert math.nan not in STRENGTH and math.inf not in STRENGTH
    with pytest.raises(UserError, match=r"^The strength is 4.5: it must lie from -2 to 4\.$"):
        Range(-2, 4).check(4.5, "The strength")


def test_the_sliders_reach_exactly_that_far() -> None:
    with gr.Blocks():
        page = lay_out(Shelf(samples=(), openings=()))
    dials = (page.strength, page.max_new_tokens, page.temperature, page.top_p)
    ranges = (STRENGTH, NEW_TOKENS, TEMPERATURE, TOP_P)
    assert [(dial.minimum, dial.maximum) for dial in dials] == [(each.low, each.high) for each in ranges]


@pytest.mark.parametrize("wrong", [None, -1, 2.5, SEED.high + 1])
def test_what_is_no_seed_is_a_sentence(wrong: float | None) -> None:
    with pytest.raises(UserError, match="seed"):
        seed_of(wrong)
    assert seed_of(7.0) == 7
