"""People algebra on the page: nobody reads the item whose input they write on, and the average can be taken away."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

import numpy as np
import pytest

from persona_demo.arms import Arm, arm_named
from persona_demo.history import HistoryItem, UserHistory
from persona_demo.lm.decode import DecodeOptions
from persona_demo.ui.handlers import Desk
from persona_demo.ui.inside import mix
from persona_demo.ui.inside.map_views import COUNT
from persona_demo.ui.inside.maps import Maps
from persona_demo.ui.inside.mix import Mix
from persona_demo.ui.kept import Kept
from persona_demo.ui.loading import Loading
from persona_demo.ui.page import Page
from persona_demo.ui.shelf import Shelf
from persona_demo.ui.state import FILE, NEW, Session, key_of
from tests.unit.conftest import OPENING

OPTIONS = DecodeOptions(max_new_tokens=4, temperature=0.0)


@pytest.fixture
def mixing(page: Page, shelf: Shelf, loading: Loading) -> Mix:
    return Mix(page, page.inside.mix.bar, shelf, loading)


def write(mixing: Mix, session: Session, what: str, other: str | None = "sample:bo") -> list[dict[Any, Any]]:
    given = (session.as_record(), [], OPENING, 1.0, 0, 4, 0.0, 0.95, False, what, other, 0.5, 2.0)
    return list(mixing.write(*given))


def on_maps(page: Page) -> tuple[Any, Any]:
    return page.people, page.inside.maps.people


def test_nobody_reads_the_item_whose_input_is_written_on(
    mixing: Mix, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[dict[str, Any]] = []
    standing_in = mix.standing_in

    def watched(arm: Arm, name: str, title: str, **fields: Any) -> Arm:
        given.append(fields)
        return standing_in(arm, name, title, **fields)

    monkeypatch.setattr(mix, "standing_in", watched)
    bo = shelf.session_of("sample:bo")
    ada = shelf.session_of("sample:ada").add([bo.history.items[-1]])
    _, opening, _ = next(
        iter(mixing.written(ada.as_record(), [], OPENING, 1.0, OPTIONS, False, "swap", bo.who, 0.5, 2.0))
    )
    held = [item for item in bo.history if item.text.startswith(opening)]
    assert len(held) == 1
    own, theirs = ([item.text for item in fields["items"]] for fields in given)
    assert held[0].text not in own and held[0].text not in theirs
    assert len(own) == len(ada.history) - 1 and len(theirs) == len(bo.history) - 1


def test_a_swap_is_of_the_two_people_and_not_of_the_input_of_the_page(mixing: Mix, page: Page, shelf: Shelf) -> None:
    ada = shelf.session_of("sample:ada")
    last = write(mixing, ada, "swap")[-1][page.inside.mix.bar.status]["of"]
    assert key_of(ada, OPENING).startswith(last["key"]) and key_of(ada, "another").startswith(last["key"])
    blended = write(mixing, ada, "blend")[-1][page.inside.mix.bar.status]["of"]
    assert blended["key"] == key_of(ada, OPENING)


def test_without_the_item_there_must_be_something_left(mixing: Mix, page: Page, shelf: Shelf, loading: Loading) -> None:
    ada = shelf.session_of("sample:ada")
    said = write(mixing, ada, "swap", "p0003")[-1][page.notice]["text"]
    assert said == "No opening of p0003 is at hand: choose somebody whose posts are shown here."
    first, second = shelf.samples
    alone = dataclasses.replace(second, history=second.history.with_items(second.history.items[:1]))
    few = Mix(page, page.inside.mix.bar, dataclasses.replace(shelf, samples=(first, alone)), loading)
    said = write(few, ada, "swap")[-1][page.notice]["text"]
    assert said == "Bo has one post only, and nothing is left without it: choose somebody with more."


def test_the_average_is_taken_away_and_it_is_said_how_much_that_was(mixing: Mix, page: Page, shelf: Shelf) -> None:
    record = shelf.session_of("sample:ada").as_record()
    moved = mixing.move(record, [], "alone", None, 0.5, 2.0)
    assert "The average that was taken away is" in moved[page.inside.mix.line]["text"]
    line = np.array(moved[page.people]["line"])
    assert line.shape == (21, 2)
    cards = write(mixing, shelf.session_of("sample:ada"), "alone")[-2][page.inside.mix.texts]["cards"]
    # Nobody's effect is shown without what the control writes.
    assert [card["title"] for card in cards] == [arm_named("task").title, "Ada", "Ada, minus the average"]


def test_clearing_the_maps_takes_the_line_of_a_mixture_from_both(
    mixing: Mix, page: Page, shelf: Shelf, loading: Loading
) -> None:
    record = shelf.session_of("sample:ada").as_record()
    both = on_maps(page)
    moved = mixing.move(record, [], "blend", "sample:bo", 0.5, 2.0)
    assert all(moved[each]["line"] and moved[each]["mixed"] for each in both)
    cleared = Maps(page, None, shelf, loading).clear_marks(record)
    assert not any("line" in cleared[each] or "mixed" in cleared[each] for each in both)
    assert all(cleared[each]["you"] == moved[each]["you"] for each in both)


def test_what_has_no_place_on_the_maps_takes_the_last_line_away(mixing: Mix, page: Page, shelf: Shelf) -> None:
    record = shelf.session_of("sample:ada").as_record()
    moved = mixing.move(record, [], "swap", "sample:bo", 0.5, 2.0)
    assert not any("line" in moved[each] or "mixed" in moved[each] for each in on_maps(page))
    assert "Here the mixture" not in moved[page.inside.mix.line]["text"]
    assert moved[page.inside.mix.drawn] is not None


def test_early_and_late_are_two_marks_on_a_line(mixing: Mix, page: Page, shelf: Shelf) -> None:
    moved = mixing.move(shelf.session_of("sample:ada").as_record(), [], "times", None, 0.5, 2.0)
    for each in on_maps(page):
        names, ends = zip(*((mark["name"], mark["at"]) for mark in moved[each]["pinned"]), strict=True)
        assert names == ("early", "late") and list(ends) == moved[each]["line"]
        assert "mixed" not in moved[each] and "Ada, early" in moved[each]["message"]
    said = moved[page.inside.mix.line]["text"]
    assert "Early stands nearest to" in said
    # How far apart time sets them is said beside how far apart halves are that time does not divide.
    apart = [float(figure) for figure in re.findall(r"\d\.\d{3}", said)]
    assert len(apart) == 2 and all(0 <= figure <= 2 for figure in apart)
    cards = write(mixing, shelf.session_of("sample:ada"), "times")[-2][page.inside.mix.texts]["cards"]
    titles = [card["title"] for card in cards]
    assert (
        len(titles) == 5 and [title.startswith("Ada, every other post") for title in titles] == [False] * 3 + [True] * 2
    )


def test_of_three_posts_no_halves_take_turns(mixing: Mix, page: Page, shelf: Shelf) -> None:
    three = shelf.session_of("sample:ada").mute("p00", True)
    said = mixing.move(three.as_record(), [], "times", None, 0.5, 2.0)[page.inside.mix.line]["text"]
    assert "apart, where 0 is the same direction. Fewer than 4 posts make no halves" in said
    cards = write(mixing, three, "times")[-2][page.inside.mix.texts]["cards"]
    assert len(cards) == 3


def test_a_mixture_is_that_of_whoever_is_on_the_table(mixing: Mix, page: Page, shelf: Shelf) -> None:
    parts, given = page.inside.mix, ("blend", "sample:bo", 0.5, 2.0)
    ada = shelf.session_of("sample:ada")
    # Nobody asked for one yet.
    assert mixing.follow(ada.as_record(), [], None, [], *given) == {}
    moved = mixing.move(ada.as_record(), [], *given)
    assert moved[page.people]["line"][0] == moved[page.people]["you"]["at"]
    assert "from Ada to Bo" in moved[page.people]["message"]
    assert moved[parts.line]["key"] == key_of(ada, None)
    edited = ada.edit("p00", "QUITE ANOTHER TEXT!!! SHOUTED")
    for session in (edited, shelf.session_of("p0003")):
        followed = mixing.follow(session.as_record(), [], moved[parts.drawn], [], *given)
        assert all(followed[each]["line"][0] != moved[each]["line"][0] for each in on_maps(page))
        assert f"from {session.history.name} to Bo" in followed[page.people]["message"]
        assert followed[parts.line]["key"] == key_of(session, None)
        assert page.notice not in followed


def test_states_that_are_pinned_stay_marked_beside_a_mixture(mixing: Mix, page: Page, shelf: Shelf) -> None:
    session = shelf.session_of("sample:ada").pin("s0", True).edit("p00", "another text")
    value = mixing.move(session.as_record(), [], "blend", "sample:bo", 0.5, 2.0)[page.inside.maps.people]
    assert [mark["name"] for mark in value["pinned"]] == ["s0"] and value["mixed"]


def test_colours_leave_a_mixture_on_the_map(mixing: Mix, page: Page, shelf: Shelf, loading: Loading) -> None:
    record = shelf.session_of("sample:ada").as_record()
    moved = mixing.move(record, [], "blend", "sample:bo", 0.5, 2.0)
    drawn = json.loads(json.dumps(moved[page.inside.mix.drawn]))
    people = page.inside.maps.people
    coloured = Maps(page, None, shelf, loading).recolour(record, COUNT, "", drawn)[people]
    assert (coloured["line"], coloured["mixed"]) == (moved[people]["line"], moved[people]["mixed"])


def test_an_input_that_is_reworded_leaves_a_mixture_on_the_map(page: Page, shelf: Shelf, loading: Loading) -> None:
    reworded = Desk(page, shelf, loading).reword(shelf.session_of("sample:ada").as_record(), "another opening")
    assert page.people not in reworded and reworded[page.history]["rows"]


def test_a_mixture_waits_for_the_models(page: Page, shelf: Shelf) -> None:
    early = Mix(page, page.inside.mix.bar, shelf, Loading(lambda report: pytest.fail("nobody asked for models")))
    moved = early.move(shelf.session_of("sample:ada").as_record(), [], "blend", "sample:bo", 0.5, 2.0)
    assert "still loading" in moved[page.inside.mix.line]["text"] and "line" not in moved[page.people]
    # It is drawn as soon as they are there.
    assert moved[page.inside.mix.drawn] is not None


def test_the_second_person_is_as_the_visitor_left_them(mixing: Mix, page: Page, shelf: Shelf) -> None:
    record, given = shelf.session_of("sample:ada").as_record(), ("blend", "sample:bo", 0.5, 2.0)
    edited = shelf.session_of("sample:bo").edit("p00", "QUITE ANOTHER TEXT!!! SHOUTED").mute("p03", True)
    kept = Kept().leaving(edited).as_record()
    shipped, left = (mixing.move(record, each, *given)[page.people]["line"] for each in ([], kept))
    assert shipped[0] == left[0] and shipped[-1] != left[-1]
    # Of what they muted, no input is taken.
    swapped = mixing.move(record, Kept().leaving(edited.mute("p05", True)).as_record(), "swap", "sample:bo")
    assert edited.history.items[4].text[:10] in swapped[page.inside.mix.line]["text"]


def test_people_of_files_and_somebody_new_can_be_second(mixing: Mix, page: Page, shelf: Shelf) -> None:
    ada, parts = shelf.session_of("sample:ada"), page.inside.mix
    cy = Session.open(FILE, UserHistory("Cy", (HistoryItem("a", "nine gulls and a swan on the lock today"),)))
    new = shelf.session_of(NEW).add([HistoryItem("x", "my own words")])
    kept = Kept().leaving(cy).leaving(new).leaving(shelf.session_of("sample:bo").mute("p00", True))
    offered = mixing.follow(ada.as_record(), kept.as_record(), None, [], "blend", "sample:bo")
    choices = {who: label for label, who in offered[parts.other].choices}
    assert choices[FILE] == "Cy: from your file" and choices[NEW] == "Someone new: as you left them"
    assert choices["sample:bo"] == "Bo, with your changes" and "p0003" in choices
    assert "value" not in offered[parts.other].constructor_args
    for who, name in ((FILE, "Cy"), (NEW, "Someone new")):
        moved = mixing.move(ada.as_record(), kept.as_record(), "blend", who)
        assert f"from Ada to {name}" in moved[page.people]["message"]
    # The list is long, so it is sent only where it has changed.
    told = offered[parts.offered]
    assert mixing.follow(ada.as_record(), kept.as_record(), None, told, "blend", FILE) == {}
    gone = mixing.follow(ada.as_record(), [], {}, told, "blend", FILE)
    assert gone[parts.other].value == "sample:bo" and gone[parts.offered] == []
    assert "from Ada to Bo" in gone[page.people]["message"]


def test_nobody_is_mixed_with_themself(mixing: Mix, page: Page, shelf: Shelf) -> None:
    bo = shelf.session_of("sample:bo")
    said = "Bo is on the table already: choose somebody else as second person."
    for what in ("blend", "swap"):
        moved = mixing.move(bo.as_record(), [], what, "sample:bo")
        assert moved[page.inside.mix.line]["text"].endswith(said)
        assert not any("line" in moved[each] for each in on_maps(page))
        assert write(mixing, bo, what)[-1][page.notice]["text"] == said


def test_the_input_of_another_can_be_chosen(mixing: Mix, page: Page, shelf: Shelf) -> None:
    record, bo = shelf.session_of("sample:ada").as_record(), shelf.session_of("sample:bo")
    for back in (1, 2):
        given = (record, [], OPENING, 1.0, OPTIONS, False, "swap", bo.who, 0.5, 2.0, back)
        _, opening, _ = next(iter(mixing.written(*given)))  # type: ignore[arg-type]
        assert bo.history.items[-back].text.startswith(opening)
        said = mixing.move(record, [], "swap", bo.who, 0.5, 2.0, back)[page.inside.mix.line]["text"]
        assert f"Taken from Bo: “{opening}" in said
    far = mixing.move(record, [], "swap", bo.who, 0.5, 2.0, 7)[page.inside.mix.line]["text"]
    assert far.endswith("Bo has 6 posts to choose from: set the slider to 6 or less.")
