"""The verbs of the page: what each changes, and that nothing but a sentence comes of an error."""

from __future__ import annotations

import base64
import inspect
import json
import logging
from collections.abc import Iterator
from typing import Any

import gradio as gr
import pytest

from persona_demo.arms import ARMS
from persona_demo.errors import UserError
from persona_demo.history import HistoryItem, UserHistory
from persona_demo.runtime import Report, Runtime
from persona_demo.ui import build_demo, views
from persona_demo.ui.handlers import Desk
from persona_demo.ui.kept import MOST_PEOPLE
from persona_demo.ui.loading import Loading
from persona_demo.ui.page import Page
from persona_demo.ui.shelf import Shelf
from persona_demo.ui.state import Session
from persona_demo.ui.writing import Writing, shown_arms
from tests.unit.conftest import OPENING, SIX


@pytest.fixture
def desk(page: Page, shelf: Shelf, loading: Loading) -> Desk:
    return Desk(page, shelf, loading)


@pytest.fixture
def writing(page: Page, shelf: Shelf, loading: Loading) -> Writing:
    return Writing(page, shelf, loading)


@pytest.fixture
def cold(page: Page, shelf: Shelf) -> Desk:
    """A desk whose models are not loaded."""
    return Desk(page, shelf, Loading(lambda report: pytest.fail("nobody asked for models")))


@pytest.fixture
def ada(shelf: Shelf) -> dict[str, Any]:
    return shelf.session_of("sample:ada").as_record()


def event(**data: object) -> gr.EventData:
    return gr.EventData(None, data)


def write(writing: Writing, record: dict[str, Any], **changes: Any) -> Iterator[dict[Any, Any]]:
    usual: dict[str, Any] = {
        "opening": OPENING,
        "strength": 1.0,
        "max_new_tokens": 8,
        "temperature": 0.0,
        "top_p": 0.95,
        "seed": 0,
        "arms": SIX,
        "placebo": False,
        "allow_listed_words": False,
    }
    return writing.write(record, **usual | changes)


def told(changes: dict[Any, Any], page: Page) -> str:
    return str(changes[page.notice]["text"])


def test_where_somebody_stands_is_said_beside_their_history_too(desk: Desk, shelf: Shelf) -> None:
    changes = desk.pick_person("sample:bo", shelf.first_session().as_record(), [], OPENING)
    said = changes[desk.page.people]["message"]
    assert "Bo stands nearest to" in said and changes[desk.page.history]["place"] == said


def test_the_shipped_place_and_weights_need_no_model(cold: Desk, page: Page, ada: dict[str, Any]) -> None:
    changes = cold.mute(ada, OPENING, event(id="p00", muted=False))
    assert changes[page.history]["weighed"]
    assert changes[page.people]["you"]["name"] == "Ada"
    other = cold.reword(ada, "rain on the roof")
    assert not other[page.history]["weighed"]


def test_an_edit_moves_the_person_and_keeps_the_trail(desk: Desk, page: Page, ada: dict[str, Any]) -> None:
    first = desk.tick(ada, OPENING)
    record = first[page.session]
    changes = desk.edit(record, OPENING, event(id="p00", text="GOLD!!! and 17 swans"))
    assert Session.from_record(changes[page.session]).history.items[0].text == "GOLD!!! and 17 swans"
    assert changes[page.people]["you"]["at"] != first[page.people]["you"]["at"]
    assert changes[page.people]["you"]["trail"] == [first[page.people]["you"]["at"]]
    assert told(changes, page) == ""
    back = desk.undo(changes[page.session], OPENING, event())
    assert back[page.people]["you"]["at"] == first[page.people]["you"]["at"]


def test_what_was_done_to_somebody_else_is_refused(desk: Desk, page: Page, ada: dict[str, Any]) -> None:
    late = event(id="p00", person="sample:bo", text="meant for Bo", muted=True, step="down")
    edited = Session.from_record(ada).edit("p00", "new").edit("p00", "newer").undo().as_record()
    for verb in (desk.edit, desk.mute, desk.delete, desk.move, desk.undo, desk.redo, desk.reset):
        changes = verb(edited, OPENING, late)
        assert set(changes) == {page.notice}
        assert "not on the table any more" in told(changes, page)
    added = desk.add_posts(ada, [], OPENING, event(person="sample:bo", text="meant for Bo", key="1"))
    assert set(added) == {page.notice} and "not on the table any more" in told(added, page)
    own = event(id="p00", person="sample:ada", text="meant for Ada")
    assert told(desk.edit(ada, OPENING, own), page) == ""


def test_weights_sum_to_1_over_posts_that_are_not_muted(desk: Desk, page: Page, ada: dict[str, Any]) -> None:
    rows = desk.mute(ada, OPENING, event(id="p01", muted=True))[page.history]["rows"]
    assert [row["muted"] for row in rows] == [False, True, False, False]
    shares = [float(row["share"].rstrip("%")) for row in rows if not row["muted"]]
    assert sum(shares) == pytest.approx(100, abs=0.5)


def test_posts_are_added_and_deleted(desk: Desk, page: Page, ada: dict[str, Any]) -> None:
    more = desk.add_posts(ada, [], OPENING, event(text="one more\nand another", key="7"))
    assert len(more[page.history]["rows"]) == 6
    assert more[page.history]["took"] == "7"
    fewer = desk.delete(more[page.session], OPENING, event(id="p00"))
    assert len(fewer[page.history]["rows"]) == 5
    assert len(desk.reset(fewer[page.session], OPENING, event())[page.history]["rows"]) == 4


def test_a_stored_person_has_a_place_and_no_posts(desk: Desk, page: Page, ada: dict[str, Any]) -> None:
    changes = desk.pick_person("p0007", ada, [], OPENING)
    assert changes[page.people]["selected"] == "p0007"
    assert changes[page.people]["you"] is None
    assert "p0007" not in changes[page.people]["neighbours"]
    assert "not shipped" in changes[page.history]["empty"]
    begun = desk.add_posts(changes[page.session], [], OPENING, event(text="mine", key="1"))
    assert Session.from_record(begun[page.session]).who == "new"
    assert len(begun[page.history]["rows"]) == 1


def test_a_click_is_checked_before_it_is_believed(desk: Desk, page: Page, ada: dict[str, Any]) -> None:
    assert desk.pick_on_map(ada, [], OPENING, event(id="sample:bo"))[page.history]["name"] == "Bo"
    for junk in ("p9999", "sample:nobody", "../etc", 7, None):
        changes = desk.pick_on_map(ada, [], OPENING, event(id=junk))
        assert set(changes) == {page.notice}
        assert "nobody of that name" in told(changes, page)
    assert set(desk.pick_person(None, ada, [], OPENING)) == {page.notice}


def test_files_are_opened_and_saved(desk: Desk, page: Page, ada: dict[str, Any]) -> None:
    document = {"schema": 1, "name": "Cy's <b>", "about": "x", "items": [{"id": "a", "text": "swam"}]}
    data = base64.b64encode(json.dumps(document).encode()).decode()
    opened = desk.open_file(ada, [], OPENING, event(name="cy.json", data=data))
    assert opened[page.history]["name"] == "Cy's <b>"
    saved = desk.save(opened[page.session])[page.download]
    assert saved["name"] == "cy-s-b.json"
    assert json.loads(saved["text"])["items"] == document["items"]
    for junk in ("%%%", base64.b64encode(b"{").decode()):
        assert told(desk.open_file(ada, [], OPENING, event(name="x.json", data=junk)), page)


@pytest.mark.parametrize("data", [None, 3, [], {"id": 3}, {"id": "p00"}, {"id": "p99", "text": "x"}])
def test_whatever_a_browser_sends_ends_in_a_sentence(desk: Desk, page: Page, ada: dict[str, Any], data: object) -> None:
    for verb in (desk.edit, desk.delete, desk.undo, desk.mute):
        changes = verb(ada, OPENING, gr.EventData(None, data))
        assert page.notice in changes
    assert page.notice in desk.add_posts(ada, [], OPENING, gr.EventData(None, data))


def test_arms_stream_together_and_end_idle(writing: Writing, page: Page, ada: dict[str, Any]) -> None:
    changes = list(write(writing, ada, placebo=True))
    last = changes[-1][page.columns]
    assert last["shown"] == list(ARMS)
    assert set(last["cards"]) == set(ARMS)
    assert not last["running"]
    assert all(card["text"] for card in last["cards"].values())
    assert changes[-1][page.write].interactive
    assert not changes[-1][page.stop].interactive
    assert any(change.get(page.columns, {}).get("running") for change in changes)


def test_strength_0_is_the_control(writing: Writing, page: Page, ada: dict[str, Any]) -> None:
    cards = list(write(writing, ada, strength=0))[-1][page.columns]["cards"]
    assert cards["persona"]["text"] == cards["task"]["text"]
    assert cards["persona"]["text"] != list(write(writing, ada))[-1][page.columns]["cards"]["persona"]["text"]


def test_a_stored_vector_writes_and_text_arms_say_why_not(writing: Writing, page: Page, shelf: Shelf) -> None:
    record = shelf.session_of("p0003").as_record()
    last = list(write(writing, record))[-1][page.columns]
    assert set(last["cards"]) == {"plain", "task", "persona"}
    assert last["cards"]["persona"]["text"] != last["cards"]["task"]["text"]
    assert {name for name, note in last["notes"].items() if note.startswith("Nothing to retrieve")} == {
        "bm25",
        "dense",
        "recent",
    }


@pytest.mark.parametrize(
    "wrong",
    [{"opening": "  "}, {"arms": []}, {"seed": None}, {"max_new_tokens": 2.5}, {"temperature": 9}, {"strength": 99}],
)
def test_what_cannot_be_written_is_said(
    writing: Writing, page: Page, ada: dict[str, Any], wrong: dict[str, Any]
) -> None:
    last = list(write(writing, ada, **wrong))[-1]
    assert told(last, page)
    assert last[page.write].interactive


def test_closing_the_handler_closes_the_stream(
    writing: Writing, ada: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = []

    def endless(*args: object) -> Iterator[tuple[()]]:
        try:
            while True:
                yield ()
        finally:
            closed.append(True)

    monkeypatch.setattr(writing, "_stream", endless)
    handler = write(writing, ada)
    next(handler)
    next(handler)
    assert not closed
    handler.close()  # type: ignore[attr-defined]
    assert closed


def test_our_own_mistakes_are_calm_and_no_text_is_logged(
    desk: Desk, page: Page, ada: dict[str, Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    text = "another secret"

    def broken(*args: object, **kwargs: object) -> None:
        raise ValueError(text)

    monkeypatch.setattr(Desk, "_shown", broken)
    with caplog.at_level(logging.DEBUG):
        changes = desk.edit(ada, OPENING, event(id="p00", text=text))
    assert set(changes) == {page.notice}
    assert told(changes, page) == views.CALM
    assert "ValueError in edit" in caplog.text
    assert text not in caplog.text


def test_what_was_done_to_somebody_waits_for_them(desk: Desk, page: Page, ada: dict[str, Any]) -> None:
    edited = desk.edit(ada, OPENING, event(id="p00", text="mine"))
    away = desk.pick_on_map(edited[page.session], [], OPENING, event(id="sample:bo"))
    assert away[page.history]["name"] == "Bo" and len(away[page.kept]) == 1
    labels = dict((who, label) for label, who in away[page.person].choices)
    assert labels["sample:ada"].startswith("Ada, with your changes: ") and "changes" not in labels["sample:bo"]
    back = desk.pick_person("sample:ada", away[page.session], away[page.kept], OPENING)
    assert back[page.history]["rows"][0]["text"] == "mine" and back[page.history]["undo"]
    # Bo was looked at, and nothing was done to them.
    assert back[page.kept] == []
    # Whoever is on the table is not taken afresh.
    again = desk.pick_on_map(back[page.session], back[page.kept], OPENING, event(id="sample:ada"))
    assert Session.from_record(again[page.session]) == Session.from_record(back[page.session])
    assert desk.clear(SIX, False)[page.kept] == []


def test_posts_added_beside_a_stored_person_join_those_of_someone_new(desk: Desk, page: Page, shelf: Shelf) -> None:
    new = desk.add_posts(shelf.session_of("new").as_record(), [], OPENING, event(text="first", key="1"))
    away = desk.pick_person("p0007", new[page.session], [], OPENING)
    more = desk.add_posts(away[page.session], away[page.kept], OPENING, event(person="p0007", text="second", key="2"))
    assert [row["text"] for row in more[page.history]["rows"]] == ["first", "second"]
    assert more[page.history]["took"] == "2" and more[page.kept] == []


def test_every_file_is_somebody_of_their_own(desk: Desk, page: Page, ada: dict[str, Any]) -> None:
    def opened(name: str, record: Any, kept: Any) -> dict[Any, Any]:
        data = base64.b64encode(f"text\n{name} swam".encode()).decode()
        return desk.open_file(record, kept, OPENING, event(name=f"{name}.csv", data=data))

    one = opened("cy", ada, [])
    two = opened("di", one[page.session], one[page.kept])
    assert [(label, who) for label, who in two[page.person].choices if "your file" in label] == [
        ("cy: from your file", "file"),
        ("di: from your file", "file:2"),
    ]
    back = desk.pick_person("file", two[page.session], two[page.kept], OPENING)
    assert back[page.history]["rows"][0]["text"] == "cy swam"
    assert [record["who"] for record in back[page.kept]] == ["file:2"]


def test_who_makes_room_is_named(desk: Desk, page: Page, shelf: Shelf) -> None:
    kept = [
        Session.open(f"file:{n}", UserHistory(f"Cy {n}", (HistoryItem("a", "swam"),))).as_record()
        for n in range(2, MOST_PEOPLE + 2)
    ]
    edited = shelf.session_of("sample:ada").edit("p00", "mine").as_record()
    away = desk.pick_person("sample:bo", edited, kept, OPENING)
    assert "what you did to Cy 2, whom you left first, is gone" in told(away, page)
    assert [record["who"] for record in away[page.kept]][-1] == "sample:ada"
    assert len(away[page.kept]) == MOST_PEOPLE


def test_clear_goes_back_to_the_first_sight(desk: Desk, page: Page) -> None:
    assert "Your data is cleared" in told(desk.clear([], False), page)
    changes = desk.clear(SIX, False)
    assert Session.from_record(changes[page.session]).who == "sample:ada"
    assert changes[page.history]["took"] == "*"
    assert changes[page.opening] == OPENING
    assert changes[page.download]["text"] == ""
    assert set(changes[page.columns]["cards"]) == set(ARMS)


def test_a_failure_to_load_is_said_and_the_page_stops_asking(page: Page, shelf: Shelf, ada: dict[str, Any]) -> None:
    tries = []

    def load(report: Report) -> Runtime:
        tries.append(1)
        raise UserError("There is no network: connect and try again.")

    loading = Loading(load)
    desk = Desk(page, shelf, loading)
    desk.arrive(ada, OPENING)
    with pytest.raises(UserError, match="no network"):
        loading.wait(10)
    failed = desk.tick(ada, OPENING)
    assert told(failed, page) == "There is no network: connect and try again."
    assert failed[page.status]["stage"] == "failed"
    assert not failed[page.timer].active
    assert len(tries) == 1


def test_once_the_models_are_ready_the_page_stops_asking(desk: Desk, page: Page, ada: dict[str, Any]) -> None:
    ready = desk.tick(ada, OPENING)
    assert ready[page.status]["stage"] == "ready"
    assert "tiny" in ready[page.engine]["text"]
    assert not ready[page.timer].active


def test_loading_can_be_tried_again(runtime: Runtime) -> None:
    tries = []

    def load(report: Report) -> Runtime:
        tries.append(1)
        report("fetching", 0.5)
        if len(tries) == 1:
            raise RuntimeError("boom")
        return runtime

    loading = Loading(load)
    loading.start()
    with pytest.raises(UserError, match="could not be loaded"):
        loading.wait(10)
    loading.start()
    assert loading.wait(10) is runtime
    loading.start()
    assert len(tries) == 2


def test_columns_are_chosen_in_the_order_of_the_registry(writing: Writing, page: Page) -> None:
    assert shown_arms(["recent", "plain"], True) == ["plain", "recent", "persona:other"]
    assert writing.choose_arms({}, ["task"], False)[page.columns]["shown"] == ["task"]
    assert page.notice in writing.choose_arms({}, [], False)
    assert writing.next_seed(None) == 1


def test_three_endpoints_are_public_and_no_more(shelf: Shelf, runtime: Runtime) -> None:
    demo = build_demo(load=lambda report: runtime, shelves=[shelf])
    api = demo.get_api_info()
    assert set(api["named_endpoints"]) == {"/compare", "/persona_vector", "/map"}
    assert api["unnamed_endpoints"] == {}
    assert not demo.analytics_enabled


def test_a_lent_gpu_decorates_what_writes(page: Page, shelf: Shelf, loading: Loading, ada: dict[str, Any]) -> None:
    lent = []

    def gpu(fn: Any) -> Any:
        lent.append(fn)
        return fn

    list(write(Writing(page, shelf, loading, gpu=gpu), ada))
    assert len(lent) == 1
    assert inspect.isgeneratorfunction(lent[0])
