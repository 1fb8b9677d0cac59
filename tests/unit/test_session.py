"""A run survives the file, to the last digit; whatever is broken is one sentence and never a traceback."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from persona_demo.arms import arms_named
from persona_demo.errors import UserError
from persona_demo.lm.decode import DecodeOptions
from persona_demo.runtime import Runtime
from persona_demo.session import MAX_BYTES, Models, Run, Vectors
from persona_demo.session_io import read_run
from persona_demo.states import States
from tests import tiny

PROMPT = "The last train left"


@pytest.fixture(scope="module")
def run(runtime: Runtime) -> Run:
    """A run with an edit, a mute and four arms."""
    history, task = tiny.history(items=5), runtime.task("blog-post")
    states = States.of(history).pin("s0")
    states = states.edited(history.with_items((replace(history.items[0], muted=True), *history.items[1:])), note="mute")
    arms, options = ("task", "persona", "bm25", "persona:mean"), DecodeOptions(max_new_tokens=8, seed=3)
    inputs = runtime.arm_inputs(states.here.history, task, PROMPT, seed=3)
    outputs = list(runtime.compare(inputs, arms_named(arms), strength=2.5, options=options))[-1]
    return Run(
        who="sample:ada",
        stored=False,
        states=states,
        origin=history,
        trail=((0.25, -1.5), (0.1, 0.3333333333333333)),
        allow_listed_words=True,
        task="blog-post",
        prompt=PROMPT,
        arms=arms,
        strength=2.5,
        options=options,
        models=Models.of(runtime, plug_fingerprint="f" * 64),
        vectors=Vectors.of(runtime.embed(states.here.history, task, query=PROMPT), states.here.history),
        outputs=outputs,
    )


def test_export_then_import_gives_the_same_run(run: Run) -> None:
    assert read_run(run.to_json()) == run
    assert read_run(run.to_json().encode("utf-8")).to_json() == run.to_json()
    assert read_run(b"\xef\xbb\xbf" + run.to_json().encode("utf-8")) == run
    bare = replace(run, vectors=Vectors(), outputs=())
    assert read_run(bare.to_json()) == bare


def test_the_document_says_what_it_is(run: Run) -> None:
    record = json.loads(run.to_json())
    assert (record["kind"], record["schema"]) == ("persona-demo run", 2)
    assert record["states"][1]["parent"] == "s0"
    assert record["options"]["seed"] == 3
    assert len(record["vectors"]["weights"]) == 4
    assert len(record["outputs"]) == 4


def test_a_run_of_the_former_schema_is_still_read(run: Run) -> None:
    record = json.loads(run.to_json())
    record["schema"] = 1
    for name in ("origin", "trail", "allow_listed_words"):
        del record[name]
    first = run.states.all[0].history
    assert read_run(json.dumps(record)) == replace(run, origin=first, trail=(), allow_listed_words=False)


def test_a_run_of_another_plug_is_shown_as_it_was_and_says_so(run: Run) -> None:
    assert run.fits("f" * 64) == ""
    assert "another plug" in run.fits("0" * 64)


def put(*path: str | int, to: object) -> Callable[[dict[str, Any]], None]:
    """A change of the document at a place."""

    def change(record: dict[str, Any]) -> None:
        place: Any = record
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = to

    return change


def drop(name: str) -> Callable[[dict[str, Any]], None]:
    """Leave a field out."""

    def change(record: dict[str, Any]) -> None:
        del record[name]

    return change


BROKEN: list[tuple[Callable[[dict[str, Any]], None], str]] = [
    (put("kind", to="other"), "not an exported run"),
    (drop("kind"), "not an exported run"),
    (put("schema", to=3), "schema"),
    (put("schema", to=True), "schema"),
    (put("schema", to=None), "schema"),
    *((drop(n), f"lacks '{n}'") for n in ("who", "stored", "states", "current", "pinned", "task", "prompt", "arms")),
    *((drop(n), f"lacks '{n}'") for n in ("origin", "trail", "allow_listed_words")),
    (put("origin", to=[]), "must be an object"),
    (put("origin", "items", to=[{}]), "no text"),
    (put("trail", to=[[1, 2, 3]]), "not two numbers"),
    (put("trail", to=[["x", 2]]), "plain number"),
    (put("trail", to=[[1, 2]] * 25), "at most"),
    (put("allow_listed_words", to=1), "true or false"),
    *((drop(n), f"lacks '{n}'") for n in ("strength", "options", "models", "vectors", "outputs")),
    (put("who", to=7), "who is a number"),
    (put("stored", to="yes"), "true or false"),
    (put("states", to={}), "states is an object"),
    (put("states", to=[]), "no state"),
    (put("states", to=["x"]), "must be an object"),
    (put("states", 0, "history", "items", to=[{}]), "no text"),
    (put("states", 0, "history", "items", to=[{"text": "a"}] * 600), "items"),
    (put("states", 0, "history", "name", to=["x"]), "must be text"),
    (put("states", 1, "parent", to="zzz"), "parent"),
    (put("states", 1, "id", to="s0"), "share the id"),
    (put("current", to="nowhere"), "no state"),
    (put("pinned", to=["nowhere"]), "no state"),
    (put("task", to="poem"), "no task"),
    (put("prompt", to="x" * 30_000), "prompt"),
    (put("arms", to=["magic"]), "no arm"),
    (put("arms", to="persona"), "must be a list"),
    (put("arms", to=["persona"] * 99), "at most"),
    (put("strength", to=99), "strength"),
    (put("strength", to=4.1), "from -2 to 4"),
    (put("options", "max_new_tokens", to=257), "new tokens is 257: it must lie from 8 to 256"),
    (put("options", "max_new_tokens", to=7), "new tokens"),
    (put("options", "temperature", to=1.6), "from 0 to 1.5"),
    (put("options", "top_p", to=0.01), "top-p"),
    (put("options", "seed", to=2**32), "seed"),
    (put("strength", to="1"), "plain number"),
    (put("strength", to=True), "plain number"),
    (put("options", "seed", to=-1), "seed"),
    (put("options", "seed", to=1.5), "whole number"),
    (put("options", "temperature", to=9), "temperature"),
    (put("options", "magic", to=9), "unknown option"),
    (put("models", "lm", to=None), "lm is nothing"),
    (put("vectors", "user_vector", to=["x"]), "plain number"),
    (put("vectors", "user_vector", to=3), "must be a list"),
    (put("vectors", "persona", to=[[1.0], [1.0, 2.0]]), "differ in length"),
    (put("vectors", "weights", to={"p01": 1.0}), "weights"),
    (put("vectors", "weights", to={"p01": -1, "p02": 1, "p03": 1, "p04": 0}), "weights"),
    (put("outputs", 0, "arm", to="magic"), "no arm"),
    (put("outputs", 0, "written", to=None), "must be an object"),
    (put("outputs", 0, "written", "tokens", to=[1.5]), "whole numbers"),
    (put("outputs", 0, "written", "done", to=0), "true or false"),
    (put("outputs", 0, "prompt_tokens", to=-1), "whole number"),
    (put("outputs", 0, "retrieved", to=[1]), "must be text"),
]


@pytest.mark.parametrize(("change", "said"), BROKEN, ids=[f"{n}: {said}" for n, (_, said) in enumerate(BROKEN)])
def test_each_broken_field_is_one_sentence(run: Run, change: Callable[[dict[str, Any]], None], said: str) -> None:
    record = json.loads(run.to_json())
    change(record)
    with pytest.raises(UserError, match=said) as raised:
        read_run(json.dumps(record))
    assert "\n" not in str(raised.value)
    assert str(raised.value).endswith(".")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("", "whole JSON"),
        ("{", "whole JSON"),
        ("null", "must be an object"),
        ("[1]", "must be an object"),
        (b"\xff\xfe\x00", "UTF-8"),
        ("[" * 100_000, "nested too deeply"),
        ('{"kind": NaN}', "number"),
        ('{"kind": 1' + "0" * 5000 + "}", "number"),
        ('{"kind": "a", "kind": "b"}', "twice"),
        (" " * (MAX_BYTES + 1), "larger"),
    ],
)
def test_what_is_no_run_at_all_is_one_sentence(data: str | bytes, said: str) -> None:
    with pytest.raises(UserError, match=said):
        read_run(data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_damage_gives_anything_but_a_sentence(run: Run, data: st.DataObject) -> None:
    record = json.loads(run.to_json())
    place: Any = record
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        if isinstance(place[key], dict | list) and place[key] and data.draw(st.booleans()):
            place = place[key]
            continue
        place[key] = data.draw(JSON)
        break
    try:
        read_run(json.dumps(copy.deepcopy(record)))
    except UserError as error:
        assert "\n" not in str(error)


def test_a_run_too_large_to_be_read_back_is_not_written(run: Run) -> None:
    big = replace(run, outputs=(replace(run.outputs[0], retrieved=("x" * (MAX_BYTES + 1),)),))
    with pytest.raises(UserError, match="larger"):
        big.to_json()
