"""The tabs take the columns that are ticked, and offer every arm the page has."""

from __future__ import annotations

from dataclasses import replace

import gradio as gr
import pytest

from persona_demo.answers import ArmText
from persona_demo.arms import EVERY, KNOWN, arm_named
from persona_demo.explain.cold_start import ColdStart, texts_by_items
from persona_demo.explain.token_view import TokenView, ViewedToken
from persona_demo.lm.decode import DecodeOptions, Written
from persona_demo.runtime import Runtime
from persona_demo.tasks import BLOG_POST
from persona_demo.ui.inside import growth, tokens
from tests import tiny

POSTS = BLOG_POST.wording


def written(arm: str, text: str) -> ArmText:
    return ArmText(arm, Written(text=text, done=True), prompt_tokens=1, soft_vectors=0, bytes_per_user=0, retrieved=())


def test_the_token_view_offers_every_arm_there_is() -> None:
    with gr.Blocks():
        parts = tokens.lay_out()
    names = [name for _, name in parts.left.choices]
    assert names == [name for _, name in parts.right.choices] == [arm.name for arm in EVERY]
    assert set(KNOWN) <= set(names) and {"persona:zero", "bm25:other", "persona+bm25:other"} <= set(names)
    assert len({title for title, _ in parts.left.choices}) == len(EVERY)


def test_texts_are_looked_at_by_column_and_by_number_of_posts() -> None:
    found = {
        "persona": [written("persona@0", "a"), written("persona@1", "b"), written("persona@3", "c")],
        "task": [written("task", "d")],
    }
    view = growth.growth_texts((0, 1, 3), "The ferry", ["persona", "task", "bm25"], found, of=POSTS)
    groups = [choice["group"] for choice in view["choices"]]
    assert groups == ["persona", "task", "bm25", "0 posts", "1 post", "3 posts"]
    shown = {group: [card["text"] for card in view["cards"] if group in card["groups"]] for group in groups}
    assert shown["persona"] == ["a", "b", "c"]
    assert shown["1 post"] == ["b", "d"]
    # What reads no posts is written once; what has not come yet is not there.
    assert shown["task"] == ["d"] and shown["bm25"] == []
    assert "reads no posts" in view["cards"][-1]["title"]


def test_only_what_a_strength_applies_to_is_said_to_have_collapsed() -> None:
    noise = "!!! ### 123 456 ,,, ;;; 7 8 9 ??? ... 000"
    found = {"persona": [written("persona@0", noise)] * 2, "bm25": [written("bm25@0", noise)] * 2}
    cards = growth.growth_texts((0, 1), "The ferry", list(found), found, of=POSTS)["cards"]
    assert [bool(card["warning"]) for card in cards] == [True, True, False, False]


@pytest.mark.parametrize("name", ["plain", "task"])
def test_an_arm_that_reads_no_posts_writes_once(runtime: Runtime, name: str) -> None:
    inputs = runtime.arm_inputs(tiny.history(items=6), runtime.task("blog-post"), "The last train left")
    last = list(texts_by_items(runtime, inputs, arm_named(name), options=DecodeOptions(max_new_tokens=6)))[-1]
    assert [text.arm for text in last] == [name]


def test_the_sentence_speaks_of_columns_that_are_there() -> None:
    found = ColdStart(("plain", "persona", "bm25"), (0, 1), 5, ((2.0, 2.0), (2.0, 1.0), (2.0, 0.5)))
    assert KNOWN["bm25"].title in growth.crossings(found, POSTS)
    assert KNOWN["task"].title not in growth.crossings(found, POSTS)
    # Each column is compared with the same without the person: nothing that was not trained with what was.
    both = replace(found, arms=("task", *found.arms), nll=((1.5, 1.5), *found.nll))
    assert "over the same without the person, nats a token: " in growth.crossings(both, POSTS)
    assert f"“{KNOWN['persona'].title}” +0.500" in growth.crossings(both, POSTS)
    assert f"“{KNOWN['bm25'].title}” +1.500" in growth.crossings(both, POSTS)
    assert KNOWN["plain"].title not in growth.crossings(both, POSTS)
    alone = growth.crossings(ColdStart(("plain",), (0, 1), 5, ((2.0, 2.0),)), POSTS)
    assert alone == "One post proves nothing: the scorecard under Placebos looks at more."


def test_a_mover_is_named_whatever_it_is() -> None:
    read = [
        ViewedToken(text, 0.0, change, (), ()) for text, change in (("", 3.0), (" \n", -2.0), ("ly", 1.0), (" a", 0.5))
    ]
    view = TokenView("task", "persona", 1.0, tuple(read), "")
    rows = tokens.movers_table(view)["rows"]
    assert [row["cells"][0]["text"] for row in rows] == ["(part of a sign)", "↵", "…ly", "a"]
    assert [row["id"] for row in rows] == ["0", "1", "2", "3"]
    assert [row["cells"][2]["text"] for row in rows] == ["+3.00", "-2.00", "+1.00", "+0.50"]
    assert [row["cells"][2]["bar"] for row in rows][:2] == [1.0, -0.6667]
