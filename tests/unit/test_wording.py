"""Words of a task: its page speaks of titles, headlines, reviews, and never of posts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from gradio.blocks import Block

from persona_demo.arms import EVERY
from persona_demo.history import HistoryItem
from persona_demo.runtime import Runtime
from persona_demo.tasks import BLOG_POST, TASKS, Task
from persona_demo.tasks.wording import capital, plural
from persona_demo.ui.inside import growth, guess, inwords, maps, mix, pins, placebo, posts
from persona_demo.ui.inside.carry import Carry
from persona_demo.ui.layout import lay_out
from persona_demo.ui.lesson_steps import lesson_steps
from persona_demo.ui.loading import Loading
from persona_demo.ui.page import Page
from persona_demo.ui.shelf import Shelf
from persona_demo.ui.state import Session
from persona_demo.ui.writing import Writing
from persona_demo.ui.written import Outcome
from tests.pages import foreign, inputs, other_shelf, people
from tests.unit.conftest import SIX, USUALLY

OTHERS = [task for task in TASKS.values() if task is not BLOG_POST]


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
def test_every_task_has_nouns_that_make_sentences(task: Task) -> None:
    of = task.wording
    assert of.count(1) == f"1 {of.one}" and of.count(1200) == f"1,200 {of.many}"
    assert of.a.endswith(f" {of.one}") and of.a.startswith(("a ", "an "))
    assert of.given in of.this and of.given in of.other
    assert all(words == words.strip() and not words.endswith(".") for words in (of.page, of.one, of.many, of.given))
    assert (task.lacks == "") == task.serves(HistoryItem("x", "a bare text"))


def test_small_words() -> None:
    assert capital("a title") == "A title" and capital("") == ""
    assert plural(2, "subject line") == "2 subject lines" and plural(2, "story", "stories") == "2 stories"
    assert BLOG_POST.wording.this == "these opening words" and BLOG_POST.wording.other == "other opening words"
    assert TASKS["paper-title"].wording.this == "this abstract"


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
def test_only_opening_words_are_part_of_the_text(task: Task) -> None:
    assert task.begun(" so it began ") == ("so it began" if task is BLOG_POST else "")


@pytest.mark.parametrize("task", OTHERS, ids=lambda task: task.name)
def test_no_page_of_another_task_speaks_of_posts(task: Task) -> None:
    shelf = Shelf(people(task.name), inputs(), task=task)
    with gr.Blocks() as demo:
        lay_out(shelf)
    assert demo.config["components"]
    for component in demo.config["components"]:
        assert foreign(component["props"]) == []
    steps = lesson_steps(shelf)
    assert foreign([(step.title, step.look, step.ask, step.where) for step in steps]) == []
    assert foreign([(arm.title, arm.explanation) for arm in EVERY]) == []


def test_the_page_of_blog_posts_does() -> None:
    with gr.Blocks() as demo:
        lay_out(Shelf((), ("so it began",)))
    assert len([c for c in demo.config["components"] if foreign(c["props"])]) > 10


@pytest.fixture(scope="module")
def headlines(runtime: Runtime, tmp_path_factory: pytest.TempPathFactory) -> tuple[Shelf, Page, Loading]:
    shelf, other = other_shelf(runtime, tmp_path_factory.mktemp("plug"), "headline")
    loading = Loading(lambda report: other)
    loading.start()
    assert loading.wait(10) is other
    with gr.Blocks():
        return shelf, lay_out(shelf), loading


def event(**data: object) -> gr.EventData:
    return gr.EventData(None, data)


def checked(changes: dict[Any, Any] | Iterator[dict[Any, Any]]) -> dict[Any, Any]:
    """All changes together, none of which speaks of posts."""
    last: dict[Any, Any] = {}
    for each in [changes] if isinstance(changes, dict) else changes:
        values = [value.constructor_args if isinstance(value, Block) else value for value in each.values()]
        assert foreign(values) == []
        last |= each
    return last


def test_nothing_that_happens_on_another_page_speaks_of_posts(headlines: tuple[Shelf, Page, Loading]) -> None:
    shelf, page, loading = headlines
    desk, given = Carry(page, shelf, loading), shelf.openings[0]
    record = shelf.first_session().as_record()
    checked(desk.tick(record, given))
    edited = checked(desk.edit(record, given, event(id="i0", text="all new")))
    assert edited[page.history]["rows"][0]["given"]
    assert edited[page.history]["summary"] == "6 headlines"
    for verb in (desk.mute, desk.delete, desk.edit):
        checked(verb(record, given, event(id="i1", muted=True, text=" ")))
        checked(verb(record, given, event(id="nobody", muted=True, text="x")))
    moved = checked(desk.move(edited[page.session], given, event(id="i0", step="down")))
    session = Session.from_record(moved[page.session])
    assert [state.note for state in session.states.all] == ["", "headline 1 reworded", "headline 1 moved down"]
    for who in ("p0003", "new"):
        checked(desk.pick_person(who, edited[page.session], [], given))
    new = checked(desk.add_posts(shelf.session_of("new").as_record(), [], given, event(text="mine\nand mine", key="1")))
    assert Session.from_record(new[page.session]).task == "headline"
    checked(desk.copy_link(edited[page.session], "typed by me", 1.0, 0, *USUALLY, SIX, True, ["other"], False))
    checked(desk.export(record, given, 1.0, 0, 8, 0.0, 0.95, SIX, False, [], False, Outcome().as_record()))
    checked(desk.clear(SIX, False))


def write(shelf: Shelf, page: Page, loading: Loading, record: dict[str, Any]) -> dict[Any, Any]:
    given = (record, shelf.openings[0], 1.0, 8, 0.0, 0.95, 0, SIX, True, False)
    return checked(Writing(page, shelf, loading).write(*given))


def test_columns_show_what_was_written_and_not_the_whole_input(headlines: tuple[Shelf, Page, Loading]) -> None:
    shelf, page, loading = headlines
    columns = write(shelf, page, loading, shelf.first_session().as_record())[page.columns]
    assert columns["opening"] == "" and set(columns["cards"]) == {*SIX, "persona:other"}
    assert columns["cards"]["recent"]["retrieved"]


def test_what_was_typed_without_an_input_is_read_and_not_retrieved(headlines: tuple[Shelf, Page, Loading]) -> None:
    shelf, page, loading = headlines
    desk = Carry(page, shelf, loading)
    typed = desk.add_posts(shelf.session_of("new").as_record(), [], "", event(text="mine\nand mine again", key="1"))
    columns = write(shelf, page, loading, typed[page.session])[page.columns]
    assert set(columns["cards"]) == {"plain", "task", "persona", "persona:other"}
    assert columns["cards"]["persona"]["text"] != columns["cards"]["task"]["text"]
    assert "none of these headlines has its description" in columns["notes"]["bm25"]
    # Beside others that have one, it is passed over.
    both = desk.add_posts(shelf.first_session().as_record(), [], "", event(text="mine", key="2"))
    cards = write(shelf, page, loading, both[page.session])[page.columns]["cards"]
    assert not any("mine" in text for text in cards["recent"]["retrieved"])
    assert cards["recent"]["retrieved"]


def test_no_tab_of_another_page_speaks_of_posts(headlines: tuple[Shelf, Page, Loading]) -> None:
    shelf, page, loading = headlines
    tabs, record, given = page.inside, shelf.first_session().as_record(), shelf.openings[0]
    written = write(shelf, page, loading, record)[page.written]

    def verbs(kind: Callable[..., Any], bar: Any) -> Any:
        return kind(page, bar, shelf, loading)

    text = ("persona", "", written)
    single = verbs(posts.Posts, tabs.posts.bar)
    found = checked(single.measure(record, given, 0, *text, "persona", "effect"))
    assert found[tabs.posts.table]["heads"][0]["text"] == "Headline"
    checked(single.measure(record, "another description", 0, *text, "persona", "effect"))
    checked(verbs(placebo.Placebos, tabs.placebo.bar).score(record, 0, SIX))
    grown = verbs(growth.Growth, tabs.growth.curve.bar)
    checked(grown.measure(record, 0, SIX))
    columns = ["persona", "plain"]
    cold, warm, other = (
        checked(grown.write(record, given, 1.5, seed, 8, *how, False, columns))[tabs.growth.texts]["cards"]
        for seed, how in ((0, (0.0, 0.95)), (0, (2.0, 1.0)), (1, (2.0, 1.0)))
    )
    # The page's own settings are those that are written with.
    assert [card["text"] for card in cold] != [card["text"] for card in warm] != [card["text"] for card in other]
    checked(verbs(inwords.Words, tabs.words.bar).say(record, given))
    checked(verbs(maps.Maps, None).follow(record, [], given))
    mixes = verbs(mix.Mix, tabs.mix.bar)
    for what in ("blend", "apart", "alone", "times", "swap"):
        checked(mixes.choose(what))
        checked(mixes.move(record, [], what, "sample:otto", 0.5, 2.0, 1))
        checked(mixes.write(record, [], given, 1.0, 0, 8, 0.0, 0.95, False, what, "sample:otto", 0.5, 2.0))
    checked(mixes.write(record, [], given, 1.0, 0, 8, 0.0, 0.95, False, "swap", "p0003", 0.5, 2.0))
    dealt = verbs(guess.Guess, tabs.guess.bar)
    checked(dealt.deal(shelf.session_of("new").as_record(), given, 2.0, 8, 0.7, 0.95, False, 2, {}, None, {}))
    checked(dealt.deal(record, given, 2.0, 12, 0.9, 0.95, False, 2, {}, None, {}))
    both = Session.from_record(record).mute("i1", True).pin("s0", True)
    both = both.pin("s1", True)
    pinned = verbs(pins.Pins, tabs.pins.bar)
    checked(pinned.follow(record, [], given, []))
    checked(pinned.follow(both.as_record(), [], given, []))
    left = [Session.from_record(record).pin("s0", True).as_record()]
    pair = shelf.session_of("sample:otto").pin("s0", True).as_record()
    checked(pinned.follow(pair, left, given, []))
    of_two = checked(pinned.write(pair, left, given, 1.0, 0, 8, 0.0, 0.95, False))
    assert len(of_two[tabs.pins.texts]["cards"]) == 1 + 2
    cold = checked(pinned.write(both.as_record(), [], given, 1.5, 0, 8, 0.0, 0.95, False))[tabs.pins.texts]["cards"]
    warm = checked(pinned.write(both.as_record(), [], given, 1.5, 3, 8, 2.0, 1.0, False))
    assert [card["text"] for card in cold] != [card["text"] for card in warm[tabs.pins.texts]["cards"]]
    how = "At strength 1.5, temperature 2, top-p 1, seed 3, at most 8 tokens."
    assert how in str(warm[tabs.pins.bar.status])
    for card in cold[1:]:
        assert "".join(piece["text"] for piece in card["pieces"]) == card["text"]
        assert any(piece["differs"] for piece in card["pieces"]) is ("underlined" in card["note"])


@pytest.mark.parametrize("verb", ["write", "say", "score", "grow", "deal"])
def test_scores_are_written_like_any_text(runtime: Runtime, tmp_path: Path, verb: str) -> None:
    shelf, other = other_shelf(runtime, tmp_path, "film-rating")
    loading = Loading(lambda report: other)
    loading.start()
    loading.wait(10)
    with gr.Blocks():
        page = lay_out(shelf)
    record, given, tabs = shelf.first_session().as_record(), shelf.openings[0], page.inside
    assert "of 5" in Carry(page, shelf, loading).reword(record, given)[page.history]["rows"][0]["label"]
    match verb:
        case "write":
            columns = write(shelf, page, loading, record)[page.columns]
            assert len(columns["cards"]) == 7
        case "say":
            changes = checked(inwords.Words(page, tabs.words.bar, shelf, loading).say(record, given))
            assert changes[tabs.words.line]["text"]
        case "score":
            changes = checked(placebo.Placebos(page, tabs.placebo.bar, shelf, loading).score(record, 0, SIX))
            assert len(changes[tabs.placebo.table]["rows"]) == 6
        case "grow":
            changes = checked(
                growth.Growth(page, tabs.growth.curve.bar, shelf, loading).measure(record, 0, ["persona"])
            )
            assert changes[tabs.growth.curve.line]["text"].startswith("The score for the review")
        case "deal":
            # Two scores are often the same: then it is said, and nothing breaks.
            changes = checked(
                guess.Guess(page, tabs.guess.bar, shelf, loading).deal(
                    record, given, 2.0, 8, 1.0, 1.0, True, 2, {}, None, {}
                )
            )
            assert changes.get(tabs.guess.round) or "come out the same" in changes[page.notice]["text"]
