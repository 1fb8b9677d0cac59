"""Taking a run along: a file says of its texts whose they are and how they were written."""

from __future__ import annotations

import base64
import json
from typing import Any, get_args

import gradio as gr
import pytest

from persona_demo.arms import KNOWN, Placebo
from persona_demo.link import LinkState, from_link
from persona_demo.states import MAX_STATES
from persona_demo.tasks import TaskName
from persona_demo.ui.inside.carry import Carry
from persona_demo.ui.inside.chosen import looked_at
from persona_demo.ui.loading import Loading
from persona_demo.ui.page import Page
from persona_demo.ui.shelf import Shelf
from persona_demo.ui.state import FILE, Session
from persona_demo.ui.writing import Writing
from persona_demo.ui.written import Outcome
from tests import tiny
from tests.unit.conftest import OPENING, SIX, USUALLY


@pytest.fixture
def carry(page: Page, shelf: Shelf, loading: Loading) -> Carry:
    return Carry(page, shelf, loading)


def event(**data: object) -> gr.EventData:
    return gr.EventData(None, data)


def write(carry: Carry, session: Session, *, strength: float = 2.0, seed: int = 5) -> dict[str, Any]:
    """What Write leaves behind."""
    writing = Writing(carry.page, carry.shelf, carry.loading)
    given = (session.as_record(), OPENING, strength, 8, 0.0, 0.95, seed, SIX, False, False)
    last = list(writing.write(*given))[-1]
    record: dict[str, Any] = last[carry.page.written]
    return record


def export(carry: Carry, session: Session, written: dict[str, Any], **changes: Any) -> tuple[dict[str, Any], str]:
    """The exported document, and what the strip says."""
    usual: dict[str, Any] = {
        "opening": OPENING,
        "strength": 1.0,
        "seed": 0,
        "length": 64,
        "temperature": 0.0,
        "top_p": 0.95,
        "arms": SIX,
        "placebo": False,
        "placebos": [],
        "allow": False,
    }
    changed = carry.export(session.as_record(), **usual | changes, written=written)
    return json.loads(changed[carry.page.download]["text"]), changed[carry.page.notice]["text"]


def test_texts_are_exported_with_the_strength_and_options_they_were_written_with(carry: Carry, shelf: Shelf) -> None:
    ada = shelf.session_of("sample:ada")
    written = write(carry, ada, strength=2.0, seed=5)
    run, said = export(carry, ada, written, strength=-1.0, seed=9, temperature=0.7)
    assert (run["strength"], run["options"]["seed"], run["options"]["temperature"]) == (2.0, 5, 0.0)
    assert [text["arm"] for text in run["outputs"]] == SIX
    assert said == ""


def test_texts_of_another_person_post_or_opening_are_left_out_and_it_is_said(carry: Carry, shelf: Shelf) -> None:
    ada, bo = shelf.session_of("sample:ada"), shelf.session_of("sample:bo")
    written = write(carry, ada)
    cases = (
        (bo, OPENING),
        (ada.edit("p00", "all new"), OPENING),
        (ada.mute("p00", True), OPENING),
        (ada, "rain on the roof"),
    )
    for session, opening in cases:
        run, said = export(carry, session, written, opening=opening, strength=-1.0, seed=9)
        assert run["outputs"] == []
        assert (run["strength"], run["options"]["seed"]) == (-1.0, 9)
        assert "without texts" in said
    assert export(carry, ada.edit("p00", "all new").undo(), written)[0]["outputs"]


def test_the_example_made_in_advance_is_of_the_person_it_is_about(carry: Carry, shelf: Shelf) -> None:
    ada = shelf.session_of("sample:ada")
    shown = Outcome.of_showcase(shelf.showcase, ada)
    assert shown.is_of(ada, OPENING) and not shown.is_of(shelf.session_of("sample:bo"), OPENING)
    assert Outcome.from_record(shown.as_record()) == shown
    assert not Outcome.of_showcase(None, ada).is_of(ada, OPENING)


def bring(carry: Carry, document: dict[str, Any], *, here: Any = None, kept: Any = None) -> dict[Any, Any]:
    data = base64.b64encode(json.dumps(document).encode()).decode()
    here = carry.shelf.session_of("sample:bo").as_record() if here is None else here
    return carry.bring(here, [] if kept is None else kept, event(data=data))


def test_texts_that_were_brought_in_are_exported_again(carry: Carry, shelf: Shelf) -> None:
    ada = shelf.session_of("sample:ada")
    run, _ = export(carry, ada, write(carry, ada))
    changes = bring(carry, run)
    session = Session.from_record(changes[carry.page.session])
    again, said = export(carry, session, changes[carry.page.written])
    assert again["outputs"] == run["outputs"] and said == ""
    changed, said = export(carry, session.mute("p01", True), changes[carry.page.written])
    assert changed["outputs"] == [] and "without texts" in said


def test_who_stood_in_comes_back_and_can_be_looked_at(carry: Carry, shelf: Shelf) -> None:
    ada = shelf.session_of("sample:ada")
    writing = Writing(carry.page, carry.shelf, carry.loading)
    last = list(writing.write(ada.as_record(), OPENING, 2.0, 8, 0.0, 0.95, 5, ["persona"], True, False))[-1]
    run, _ = export(carry, ada, last[carry.page.written], arms=["persona"], placebo=True, placebos=["other"])
    changes = bring(carry, run)
    stood = run["outputs"][1]["stand_in"]
    assert stood and changes[carry.page.columns]["cards"]["persona:other"]["who"] == f"{stood} stands in here (seed 5)."
    parts = carry.page.inside.text
    offered = looked_at(parts, "persona:other", "", changes[carry.page.written], None)[parts.choice]
    # It is offered, and what somebody chooses meanwhile is not taken back.
    assert "persona:other" in dict(offered.choices).values() and "value" not in offered.constructor_args
    nothing = looked_at(parts, "persona:other", "", Outcome().as_record(), None)
    gone = nothing[parts.choice]
    assert nothing[parts.line]["text"] == "There is no such text yet."
    assert gone.value == "persona" and "persona:other" not in dict(gone.choices).values()
    for output in run["outputs"]:
        del output["stand_in"]
    # Runs that were exported earlier do not say who it was.
    assert bring(carry, run)[carry.page.columns]["cards"]["persona:other"]["who"] == ""


def test_what_was_loaded_survives_however_many_edits_the_file(carry: Carry, shelf: Shelf) -> None:
    own = Session.open(FILE, tiny.history("Cy"))
    for session in (shelf.session_of("sample:ada"), own):
        edited = session
        for n in range(MAX_STATES + 3):
            edited = edited.edit("p00", f"text {n}")
        assert edited.states.all[0].history != session.origin
        run, _ = export(carry, edited, write(carry, edited))
        back = Session.from_record(bring(carry, run)[carry.page.session])
        assert back.origin == session.origin and back.edited
        assert back.reset().history == session.origin
    linked = carry.copy_link(edited.as_record(), OPENING, 1.0, 0, *USUALLY, SIX, False, [], False)
    assert "posts of your own" in linked[carry.page.link.address]["left_out"]


def test_a_link_goes_by_the_person_who_is_here_and_not_by_what_a_file_says(carry: Carry, shelf: Shelf) -> None:
    edited = shelf.session_of("sample:ada").edit("p00", "all new")
    run, _ = export(carry, edited, write(carry, edited))
    # As though the edited history were the one that was loaded.
    run |= {"states": run["states"][1:], "origin": run["states"][1]["history"], "pinned": []}
    run["states"][0]["parent"] = None
    back = Session.from_record(bring(carry, run)[carry.page.session])
    linked = carry.copy_link(back.as_record(), OPENING, 1.0, 0, *USUALLY, SIX, False, [], False)
    assert "does not carry your changes" in linked[carry.page.link.address]["left_out"]


def test_the_trail_and_the_switch_come_back(carry: Carry, shelf: Shelf) -> None:
    changes = carry.edit(shelf.session_of("sample:ada").as_record(), OPENING, event(id="p00", text="all new"))
    session = Session.from_record(carry.reset(changes[carry.page.session], OPENING, event())[carry.page.session])
    assert len(session.trail) == 2
    run, _ = export(carry, session, Outcome().as_record(), allow=True)
    changes = bring(carry, run)
    assert Session.from_record(changes[carry.page.session]).trail == session.trail
    assert changes[carry.page.allow] is True
    assert "profanity lists allowed" in changes[carry.page.notice]["text"]
    run["models"]["plug_fingerprint"] = "another"
    # On another plug's map the places of a trail mean nothing.
    assert len(Session.from_record(bring(carry, run)[carry.page.session]).trail) == 1


def test_a_stored_person_is_exported_with_their_vector(carry: Carry, shelf: Shelf) -> None:
    session = shelf.session_of("p0007")
    run, _ = export(carry, session, write(carry, session))
    assert run["vectors"]["user_vector"] == pytest.approx(shelf.stored_vector(session).tolist())  # type: ignore[union-attr]
    assert run["vectors"]["weights"] == {}
    assert Session.from_record(bring(carry, run)[carry.page.session]).stored
    gone = bring(carry, run | {"who": "p9999"})
    assert not Session.from_record(gone[carry.page.session]).stored
    assert "p9999 is not on this map" in gone[carry.page.notice]["text"]


def test_a_run_takes_the_place_of_what_was_done_to_its_person_and_says_so(carry: Carry, shelf: Shelf) -> None:
    ada = shelf.session_of("sample:ada")
    run, _ = export(carry, ada.edit("p00", "exported"), Outcome().as_record())
    mine = ada.edit("p00", "mine").as_record()
    for here, kept in ((mine, []), (shelf.session_of("sample:bo").as_record(), [mine])):
        changes = bring(carry, run, here=here, kept=kept)
        assert changes[carry.page.history]["rows"][0]["text"] == "exported"
        assert "What you had done to Ada gave way" in changes[carry.page.notice]["text"]
        assert changes[carry.page.kept] == []
    other = bring(carry, run, here=shelf.session_of("sample:bo").edit("p00", "mine").as_record())
    assert other[carry.page.notice]["text"] == ""
    assert [record["who"] for record in other[carry.page.kept]] == ["sample:bo"]


def test_a_link_shows_somebody_as_loaded_and_undo_leads_back(carry: Carry, shelf: Shelf) -> None:
    mine = shelf.session_of("sample:ada").edit("p00", "mine").as_record()
    bo = shelf.session_of("sample:bo").as_record()
    for here, kept in ((mine, []), (bo, [mine])):
        changes = carry.opened(LinkState("sample:ada", muted=("p01",)), here, kept, OPENING)
        session = Session.from_record(changes[carry.page.session])
        assert session.history == shelf.session_of("sample:ada").mute("p01", True).history
        assert session.undo().undo().history.items[0].text == "mine"


def test_a_state_of_somebody_else_is_not_gone_back_to(carry: Carry, shelf: Shelf) -> None:
    record = shelf.session_of("sample:ada").edit("p00", "mine").as_record()
    late = carry.go_back(record, OPENING, event(id="sample:bo/s0"))
    assert set(late) == {carry.page.notice} and "not on the table any more" in late[carry.page.notice]["text"]
    back = carry.go_back(record, OPENING, event(id="sample:ada/s0"))
    assert Session.from_record(back[carry.page.session]).states.current == "s0"


def test_a_run_of_another_task_is_sent_to_its_page(carry: Carry, page: Page, shelf: Shelf, loading: Loading) -> None:
    ada = shelf.session_of("sample:ada")
    run, _ = export(carry, ada, Outcome().as_record())
    said = bring(carry, run | {"task": "headline"})[page.notice]["text"]
    assert said == "This run is of the task headline, and this page is about blog-post: no page here has a plug for it."
    paths: dict[TaskName, str] = {"blog-post": "", "headline": "headline"}
    among = Carry(page, shelf, loading, paths=paths)
    changes = bring(among, run | {"task": "headline"})
    assert set(changes) == {page.notice}
    assert changes[page.notice]["text"].endswith("open it on the page Headlines (/headline).")


def test_the_page_opens_its_own_link_with_every_column_ticked(carry: Carry, shelf: Shelf) -> None:
    record = shelf.session_of("sample:ada").as_record()
    made = carry.copy_link(record, OPENING, 1.0, 0, *USUALLY, list(KNOWN), True, list(get_args(Placebo)), False)
    state = from_link(made[carry.page.link.address]["query"], people={"sample:ada": ()}, openings=shelf.openings)
    assert state is not None and len(state.arms) > 12
    assert carry.opened(state, record, [], OPENING)[carry.page.columns]["shown"] == list(state.arms)


def test_a_link_carries_how_is_written(carry: Carry, shelf: Shelf) -> None:
    record = shelf.session_of("sample:ada").as_record()
    made = carry.copy_link(record, OPENING, 1.0, 3, 32, 0.3, 0.5, SIX, False, [], False)
    query = made[carry.page.link.address]["query"]
    state = from_link(query, people={"sample:ada": ()}, openings=shelf.openings)
    assert state is not None
    opened = carry.opened(state, record, [], OPENING)
    dials = (carry.page.seed, carry.page.max_new_tokens, carry.page.temperature, carry.page.top_p)
    assert [opened[dial] for dial in dials] == [3, 32, 0.3, 0.5]
    # The example on the page was written otherwise than the dials say now.
    assert opened[carry.page.columns]["cards"] == {}
    assert carry.opened(LinkState("sample:ada"), record, [], OPENING)[carry.page.columns]["cards"]


def test_a_link_on_a_space_leads_to_its_page(
    carry: Carry, page: Page, shelf: Shelf, loading: Loading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPACE_ID", "me/demo")
    monkeypatch.setenv("SPACE_HOST", "me-demo.hf.space")
    given = (shelf.session_of("sample:ada").as_record(), OPENING, 1.0, 0, *USUALLY, SIX, False, [], False)
    assert carry.copy_link(*given)[page.link.address]["base"] == "https://huggingface.co/spaces/me/demo"
    other = Carry(page, shelf, loading, paths={"headline": "", "blog-post": "blog-post"})
    assert other.copy_link(*given)[page.link.address]["base"] == "https://me-demo.hf.space/blog-post"
