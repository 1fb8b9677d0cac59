"""The endpoints for programs: what they take, what they print, and that they keep nobody waiting."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from persona_demo.runtime import Runtime
from persona_demo.ui import build_demo
from persona_demo.ui.endpoints import Endpoints
from persona_demo.ui.loading import Loading
from persona_demo.ui.shelf import Shelf
from tests.pages import other_shelf
from tests.unit.conftest import OPENING

TEXTS = ["the ferry was late again", "rain on the roof"]
HISTORY = {"name": "Somebody", "items": [{"text": text} for text in TEXTS]}


@pytest.fixture
def endpoints(shelf: Shelf, runtime: Runtime) -> Endpoints:
    return Endpoints((shelf, Loading(lambda report: runtime)))


def test_a_list_of_texts_is_a_history(endpoints: Endpoints) -> None:
    assert endpoints.persona_vector(TEXTS) == endpoints.persona_vector(HISTORY)
    assert endpoints.map(TEXTS) == endpoints.map(HISTORY)
    made = endpoints.compare(TEXTS, OPENING, max_new_tokens=8)
    assert [arm["arm"] for arm in made["arms"]] == ["task", "persona"]
    assert made["arms"][1]["text"] == endpoints.compare(HISTORY, OPENING, max_new_tokens=8)["arms"][1]["text"]


def test_compare_says_what_generate_says(endpoints: Endpoints, runtime: Runtime) -> None:
    made = endpoints.compare(TEXTS, OPENING, ["plain"], max_new_tokens=8)
    assert list(made) == ["task", "prompt", "strength", "engine", "arms"]
    assert made["engine"] == runtime.lm.info.engine


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"history": "my posts"}, "The history is a text: give a list of texts"),
        ({"history": None}, "The history is nothing"),
        ({"history": ["one", 2]}, "text 2 of the history is a number"),
        ({"history": {"items": "x"}}, "items"),
        ({"prompt": 7}, "The prompt is a number"),
        ({"arms": "persona"}, "The arms are a text: give a list of names"),
        ({"arms": [1]}, "name of an arm is a number"),
        ({"arms": ["magic"]}, "no arm"),
        ({"strength": "2"}, "The strength is a text"),
        ({"max_new_tokens": 2.5}, "max_new_tokens is 2.5: it must be a whole number"),
        ({"temperature": True}, "temperature is true or false"),
        ({"seed": None}, "The seed is nothing"),
        ({"seed": -1}, "The seed is -1"),
        ({"task": "headline"}, "no page for the task 'headline': choose one of blog-post"),
        ({"task": 5}, "The task is a number"),
    ],
)
def test_whatever_is_no_such_thing_is_one_sentence(shelf: Shelf, given: dict[str, Any], said: str) -> None:
    # It is said at once, without waiting for any model.
    cold = Endpoints((shelf, Loading(lambda report: pytest.fail("nobody asked for models"))))
    with pytest.raises(gr.Error, match=said) as raised:
        cold.compare(**{"history": TEXTS, "prompt": OPENING} | given)
    assert "\n" not in str(raised.value.message)


def test_a_task_is_asked_of_its_own_plug(shelf: Shelf, runtime: Runtime, tmp_path: Path) -> None:
    other, plugged = other_shelf(runtime, tmp_path, "headline")
    both = Endpoints((shelf, Loading(lambda report: runtime)), (other, Loading(lambda report: plugged)))
    made = both.compare(TEXTS, "a ferry is late", ["persona"], max_new_tokens=8, task="headline")
    usual = both.compare(TEXTS, "a ferry is late", ["persona"], max_new_tokens=8)
    assert (made["task"], usual["task"]) == ("headline", "blog-post")
    assert made["arms"][0]["text"] != usual["arms"][0]["text"]
    assert both.map(TEXTS, task="headline") != both.map(TEXTS)
    own = both.persona_vector(TEXTS, "rain", task="headline")
    assert own["persona"] != both.persona_vector(TEXTS, "rain")["persona"]


def test_vectors_and_places_wait_in_a_lane_of_their_own(shelf: Shelf, runtime: Runtime) -> None:
    demo = build_demo(load=lambda report: runtime, shelves=[shelf])
    lanes = {fn.api_name: fn.concurrency_id for fn in demo.fns.values() if fn.api_visibility == "public"}
    assert lanes == {"compare": "lm", "persona_vector": "vectors", "map": "vectors"}
    assert "vectors" not in {fn.concurrency_id for fn in demo.fns.values() if fn.api_visibility != "public"}
