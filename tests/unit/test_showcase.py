"""The showcase: made once, shipped as JSON, read back the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from persona_demo.arms import ARMS
from persona_demo.errors import UserError
from persona_demo.lm.decode import DecodeOptions
from persona_demo.runtime import Runtime
from persona_demo.samples import load_openings, load_samples, strangers
from persona_demo.showcase import FIRST_PERSON, SHOWCASE, Showcase, build_showcase, load_showcase, save_showcase
from persona_demo.tasks import TaskName, task_named
from tests import tiny


@pytest.fixture(scope="module")
def showcase(runtime: Runtime) -> Showcase:
    options = DecodeOptions(max_new_tokens=12)
    return build_showcase(
        runtime, tiny.samples(), person="bo", opening="the ferry", plug_fingerprint="tiny", options=options
    )


def test_it_holds_every_arm_and_everybody(showcase: Showcase) -> None:
    assert [text.arm for text in showcase.texts] == list(ARMS)
    assert all(text.written.done and text.written.tokens for text in showcase.texts)
    assert sum(showcase.weights) == pytest.approx(1, abs=1e-4)
    assert len(showcase.weights) == 6
    assert set(showcase.places) == {"ada", "bo"}
    assert all(place.neighbours for place in showcase.places.values())


def test_it_survives_its_file(showcase: Showcase, tmp_path: Path) -> None:
    save_showcase(showcase, tmp_path / "case.json")
    assert load_showcase(tmp_path / "case.json") == showcase
    assert [path.name for path in tmp_path.glob("*")].count("case.json") == 1


def test_without_a_map_it_does_without(tmp_path: Path) -> None:
    runtime = tiny.runtime(tmp_path)
    runtime.atlas = None
    made = build_showcase(runtime, tiny.samples(), person="ada", opening="rain", plug_fingerprint="tiny")
    assert made.places == {}
    assert "persona:other" not in [text.arm for text in made.texts]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": 2}', '{"schema": 1, "texts": 3}', "nonsense"])
def test_damage_is_said_in_one_sentence(text: str) -> None:
    with pytest.raises(UserError, match="showcase is damaged"):
        Showcase.from_json(text)


def test_a_missing_file_and_an_unknown_person_are_said(runtime: Runtime, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no readable showcase"):
        load_showcase(tmp_path / "none.json")
    with pytest.raises(UserError, match="no sample person 'cy'"):
        build_showcase(runtime, tiny.samples(), person="cy", opening="rain", plug_fingerprint="tiny")


def test_what_ships_fits_together() -> None:
    samples, openings = load_samples(), load_openings("blog-post")
    assert len(samples) >= 10
    assert all(sample.history.about and len(sample.history) >= 10 for sample in samples)
    assert len(openings) >= 12
    if SHOWCASE.is_file():
        shipped = load_showcase()
        person = {sample.slug: sample.history for sample in samples}[shipped.person]
        assert len(shipped.weights) == len(person)
        assert set(shipped.places) == {sample.slug for sample in samples}
        assert [text.arm for text in shipped.texts] == list(ARMS)


def test_openings_that_are_missing_are_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no opening words"):
        load_openings("blog-post", tmp_path / "none.json")
    (tmp_path / "odd.json").write_text('{"inputs": []}')
    with pytest.raises(UserError, match="no opening words"):
        load_openings("blog-post", tmp_path / "odd.json")


@pytest.mark.parametrize("name", FIRST_PERSON)
def test_every_task_of_ours_has_people_and_inputs(name: TaskName) -> None:
    task, people, given = task_named(name), load_samples(name), load_openings(name)
    assert FIRST_PERSON[name] in {person.slug for person in people}
    assert all(task.serves(item) for person in people for item in person.history)
    assert strangers(task) == tuple(person.history for person in people)
    assert len(people) >= 3 and len(given) >= 8
    assert all(task.prompt(text).context for text in given)


def test_a_task_may_have_nobody() -> None:
    assert load_samples("lamp-5") == () and load_openings("lamp-5") == ()
