"""Pages: one for each task that a shipped plug serves, over models that are loaded once."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path

import gradio as gr
import pytest

from persona_demo import commands, showcase
from persona_demo.errors import UserError
from persona_demo.plug.storage import WEIGHTS, load_plug, plug_fingerprint, save_plug
from persona_demo.runtime import Runtime
from persona_demo.shipped import atlas_of, plug_for, shipped_plugs
from persona_demo.tasks import TASKS, TaskName
from persona_demo.terminal import ProgressLine
from persona_demo.ui import build_demo
from persona_demo.ui.handlers import Desk
from persona_demo.ui.layout import lay_out
from persona_demo.ui.loading import Loading, PluggedIn
from persona_demo.ui.pages import _plugged, load_runtime
from persona_demo.ui.shelf import Shelf, load_shelf, load_shelves
from persona_demo.ui.words import about
from tests import tiny
from tests.pages import inputs, people, save_other


def plug_serving(runtime: Runtime, folder: Path, *tasks: TaskName) -> Path:
    config = dataclasses.replace(runtime.plug.config, tasks=tasks)
    save_plug(tiny.plug(config, runtime.encoder), folder, card="")
    return folder


def test_there_is_a_shelf_for_every_task_of_a_plug(runtime: Runtime, tmp_path: Path) -> None:
    joint = plug_serving(runtime, tmp_path / "joint", "paper-title", "blog-post")
    own = plug_serving(runtime, tmp_path / "film-rating", "film-rating")
    shelves = load_shelves(tmp_path)
    assert [shelf.task.name for shelf in shelves] == ["blog-post", "film-rating", "paper-title"]
    assert [shelf.plug for shelf in shelves] == [joint, own, joint]
    assert all(shelf.samples and shelf.openings for shelf in shelves)
    # What is shown first was made with other plugs, and is left out.
    assert all(shelf.showcase is None and shelf.atlas is None for shelf in shelves)
    assert {person.slug for person in shelves[1].samples} == {"ambrose", "verity", "zofia"}
    assert all(item.label for person in shelves[1].samples for item in person.history)


def test_a_page_says_what_its_plug_copies_word_for_word(runtime: Runtime, tmp_path: Path) -> None:
    form = {"tasks": ("headline",), "keyword_tokens": 0, "excerpt_items": 4, "excerpt_tokens": 6}
    config = dataclasses.replace(runtime.plug.config, **form)
    save_plug(tiny.plug(config, runtime.encoder), tmp_path / "headline", card="")
    plain = dataclasses.replace(config, excerpt_items=0)
    shelf = load_shelf("headline", plug=tmp_path / "headline")
    assert "copies the first 6 tokens of the 4 headlines" in about(shelf.wording, form=shelf.form)
    assert "copies" not in about(shelf.wording, form=plain)
    assert load_shelf("headline", plug=tmp_path / "nowhere").form is None


def test_a_damaged_plug_keeps_its_page_and_no_other(runtime: Runtime, tmp_path: Path) -> None:
    good = plug_serving(runtime, tmp_path / "a joint one", "blog-post", "headline")
    (tmp_path / "film-review").mkdir()
    (tmp_path / "film-review" / "config.json").write_bytes(b"\xff{")
    (tmp_path / "film-review" / WEIGHTS).write_bytes(b"no")
    (tmp_path / "headline").mkdir()
    (tmp_path / "headline" / "config.json").write_text("{}")
    assert shipped_plugs(tmp_path) == {
        "blog-post": good,
        "film-review": tmp_path / "film-review",
        "headline": good,
    }
    assert plug_for("headline", plugs=tmp_path) == good
    with pytest.raises(UserError, match="cannot be read"):
        plug_for("film-review", plugs=tmp_path)
    (tmp_path / "film-review").rename(tmp_path / "film-review+film-rating")
    assert set(shipped_plugs(tmp_path)) == {"blog-post", "film-review", "film-rating", "headline"}
    assert load_shelves(tmp_path / "nothing")[0].task.name == "blog-post"


def test_what_ships_has_a_page(runtime: Runtime) -> None:
    shelves = load_shelves()
    assert [shelf.task.name for shelf in shelves] == list(shipped_plugs())
    assert shelves[0].task.name == "blog-post" and shelves[0].showcase is not None


def test_one_page_has_no_bar_and_two_have_one_each(runtime: Runtime, shelf: Shelf) -> None:
    other = Shelf(people("headline"), inputs(), task=TASKS["headline"])

    def bars(demo: gr.Blocks) -> list[str]:
        return [block.page for block in demo.blocks.values() if isinstance(block, gr.components.Navbar)]

    alone = build_demo(load=lambda report: runtime, shelves=[shelf])
    assert bars(alone) == [] and len(alone.pages) == 1
    demo = build_demo(load=lambda report: runtime, shelves=[shelf, other])
    assert bars(demo) == ["", "headline"]
    assert [page[:2] for page in demo.pages] == [("", "Home"), ("headline", "Headlines")]
    # Whatever a page listens to lies on it, and nobody waits in a lane of their own.
    sizes = [len(demo.config["page"][name]["dependencies"]) for name in ("", "headline")]
    assert sizes[0] == sizes[1] + 3 == len(alone.config["dependencies"])
    lanes = {fn.concurrency_id for fn in demo.fns.values() if fn.queue}
    assert lanes == {fn.concurrency_id for fn in alone.fns.values() if fn.queue}


def test_no_event_has_two_listeners_that_wait_for_its_end(runtime: Runtime, shelf: Shelf) -> None:
    demo = build_demo(load=lambda report: runtime, shelves=[shelf])
    # Gradio's page raises the whole event anew for each that waited, so that two of them wake each other for ever; a
    # change of a state is told to each of its listeners alone.
    states = {block["id"] for block in demo.config["components"] if block["type"] == "state"}
    waiting = Counter(
        (target, event)
        for listener in demo.config["dependencies"]
        if listener["trigger_mode"] == "always_last"
        for target, event in listener["targets"]
        if target not in states
    )
    assert waiting and set(waiting.values()) == {1}
    api = demo.get_api_info()
    assert set(api["named_endpoints"]) == {"/compare", "/persona_vector", "/map"}


def test_pages_share_the_models_and_a_damaged_plug_is_said_on_its_own(
    runtime: Runtime, shelf: Shelf, tmp_path: Path
) -> None:
    plug = save_other(runtime, tmp_path / "plug", "headline")
    other = Shelf(people("headline"), inputs(), task=TASKS["headline"], plug=plug)
    first = Loading(lambda report: runtime)
    loading = PluggedIn(first, lambda loaded: loaded.with_plug(plug, atlas_folder=atlas_of(plug, "headline")))
    assert loading.progress.stage == "idle" and loading.runtime is None
    whole = (plug / WEIGHTS).read_bytes()
    (plug / WEIGHTS).write_bytes(b"no")
    with gr.Blocks():
        page = lay_out(other)
    loading.start()
    with pytest.raises(UserError, match="does not fit its config"):
        loading.wait(10)
    told = Desk(page, other, loading).tick(other.first_session().as_record(), other.opening)
    assert "restore the plug's folder" in told[page.notice]["text"]
    assert told[page.status]["words"] == "The models are not available."
    # The first page knows nothing of it.
    assert first.wait(10) is runtime and first.progress.stage == "ready"
    (plug / WEIGHTS).write_bytes(whole)
    loading.start()
    made = loading.wait(10)
    assert made is not None and made.lm is runtime.lm and made.atlas is not None
    assert loading.wait(10) is made and loading.progress.stage == "ready"
    told = Desk(page, other, loading).tick(other.first_session().as_record(), other.opening)
    assert told[page.status]["stage"] == "ready" and told[page.history]["weighed"]


def test_what_nobody_foresaw_is_one_sentence_too(runtime: Runtime) -> None:
    def broken(loaded: Runtime) -> Runtime:
        raise RuntimeError("boom")

    loading = PluggedIn(Loading(lambda report: runtime), broken)
    loading.start()
    with pytest.raises(UserError, match="plug of this page could not be loaded"):
        loading.wait(10)


def test_the_models_come_with_the_first_plug_that_can_be_read(
    runtime: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = plug_serving(runtime, tmp_path / "good", "headline")
    bad = plug_serving(runtime, tmp_path / "bad", "blog-post")
    (bad / WEIGHTS).write_bytes(b"no")
    asked = []
    monkeypatch.setattr("persona_demo.ui.pages.shipped_plugs", lambda: {"blog-post": bad, "headline": good})
    monkeypatch.setattr(Runtime, "load", lambda **given: asked.append(given["plug_folder"]) or runtime)
    assert load_runtime(lambda words, share: None) is runtime
    assert asked == [good]


def test_a_page_has_its_own_plug_even_where_another_serves_its_task(runtime: Runtime, tmp_path: Path) -> None:
    own = save_other(runtime, tmp_path / "own", "headline", seed=3)
    other = save_other(runtime, tmp_path / "other", "headline", seed=4)
    loaded = runtime.with_plug(other, atlas_folder=atlas_of(other, "headline"))
    made = _plugged(own, "headline", loaded)
    assert made.lm is loaded.lm and made.atlas is not None and loaded.atlas is not None
    assert made.atlas.plug_fingerprint != loaded.atlas.plug_fingerprint


def test_pages_of_one_plug_have_a_map_each(runtime: Runtime, tmp_path: Path) -> None:
    joint = plug_serving(runtime, tmp_path / "joint", "blog-post", "headline")
    made = tiny.atlas(runtime.plug.config.user_width, people=12)
    dataclasses.replace(made, plug_fingerprint=plug_fingerprint(joint)).save(atlas_of(joint, "headline"))
    here, there = (_plugged(joint, task, runtime) for task in ("blog-post", "headline"))
    assert here.atlas is None and there.atlas is not None and len(there.atlas.ids) == 12
    assert load_shelf("blog-post", plug=joint).atlas is None
    shelf = load_shelf("headline", plug=joint)
    assert shelf.atlas is not None and shelf.atlas.ids == there.atlas.ids


@pytest.mark.parametrize("task", ["blog-post", "headline", "film-rating"])
def test_the_example_of_a_page_is_made_with_its_map(
    runtime: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, task: TaskName
) -> None:
    plug = save_other(runtime, tmp_path / "plug", task)
    other = runtime.with_plug(plug)
    monkeypatch.setattr(showcase, "SHOWCASES", tmp_path)
    atlas = tiny.atlas(other.plug.config.user_width)
    commands._showcase(other, atlas, plug, task, ProgressLine())
    shelf = load_shelf(task, plug=plug, maps=atlas_of(plug, task))
    assert shelf.showcase is not None and shelf.showcase.task == task
    assert shelf.showcase.person == showcase.FIRST_PERSON[task]
    assert shelf.first_session().history.name.lower() == shelf.showcase.person
    assert shelf.shipped_weights(shelf.first_session(), shelf.opening) is not None
    # For a task nobody was invented for, none is made.
    commands._showcase(other, atlas, plug, "movie-stars", ProgressLine())
    assert not (tmp_path / "movie-stars.json").exists()


def test_a_shipped_plug_can_be_read() -> None:
    assert all(task in load_plug(plug).config.tasks for task, plug in shipped_plugs().items())
