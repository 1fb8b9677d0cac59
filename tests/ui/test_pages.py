"""Two pages in a real browser: each its own task, people and state, over one set of models."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from persona_demo.runtime import Runtime
from persona_demo.ui.shelf import Shelf
from tests.pages import FOREIGN, other_shelf
from tests.ui.stage import (
    App,
    Models,
    card,
    choose,
    finished,
    message,
    opening_words,
    press_write,
    rows,
    start,
    written,
)
from tests.ui.tabs import measure, open_tab, said

# Gradio's own queue statistics still use what pandas is about to drop.
pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")]

SEEN = """() => [document.querySelector('.gradio-container main').innerText,
    ...[...document.querySelectorAll('main [aria-label], main [placeholder], main [title]')]
        .flatMap(node => ['aria-label', 'placeholder', 'title'].map(name => node.getAttribute(name) || ''))]"""


@pytest.fixture(scope="module")
def other(runtime: Runtime, tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    return other_shelf(runtime, tmp_path_factory.mktemp("plug"), "paper-title")[0]


@pytest.fixture(scope="module")
def two(runtime: Runtime, shelf: Shelf, other: Shelf) -> Iterator[App]:
    models = Models(runtime)
    models.gate.set()
    yield from start(models, shelf, other)


def nothing_foreign(page: Page) -> None:
    assert [text for text in page.evaluate(SEEN) if FOREIGN.search(text)] == []


def test_each_page_has_its_own_people_and_words(two: App, other: Shelf, visit: Callable[..., Page]) -> None:
    page = visit(two)
    expect(page.locator(".pd-name")).to_have_text("Ada")
    bar = page.locator(".nav-holder")
    expect(bar.get_by_role("link")).to_have_text(["Blog posts", "Paper titles"])
    opening_words(page).fill("typed on the first page")
    page.get_by_label("Mute post 1", exact=True).check()
    expect(page.locator(".pd-summary")).to_have_text("4 posts, 1 muted.")
    bar.get_by_role("link", name="Paper titles").click()
    expect(page).to_have_url(re.compile("/paper-title$"))
    expect(page.locator(".pd-name")).to_have_text("Nell")
    expect(page.locator("#pd-status")).to_contain_text("Models ready")
    expect(page.locator(".pd-summary")).to_have_text("6 titles.")
    expect(opening_words(page)).to_have_value(other.opening)
    expect(page.locator("#pd-person")).to_contain_text("Whose titles")
    expect(page.locator("#pd-opening")).to_contain_text("Abstract")
    expect(rows(page).first.locator(".pd-given")).to_be_visible()
    # The example that was made in advance is here, without the abstract before each title.
    assert written(page, "persona") and card(page, "persona").locator(".pd-opening").inner_text() == ""
    nothing_foreign(page)
    page.get_by_label("Title 1", exact=True).fill("A Title That Is Entirely New")
    page.get_by_label("Title 1", exact=True).blur()
    expect(message(page)).to_contain_text("after 1 move")
    page.get_by_role("button", name=other.openings[1][:40]).click()
    expect(opening_words(page)).to_have_value(other.openings[1])
    press_write(page)
    expect(page.locator("#pd-caption")).to_contain_text("Written for Nell")
    for arm in ("plain", "task", "persona", "bm25"):
        assert written(page, arm)
    expect(card(page, "recent").locator(".pd-posts")).to_contain_text("titles it was given")
    nothing_foreign(page)
    bar.get_by_role("link", name="Blog posts").click()
    expect(page.locator(".pd-name")).to_have_text("Ada")
    expect(page.locator("#pd-status")).to_contain_text("Models ready")
    expect(opening_words(page)).not_to_have_value(other.openings[1])
    press_write(page)
    finished(page)
    assert written(page, "persona")


def test_the_tabs_speak_of_titles(two: App, visit: Callable[..., Page]) -> None:
    page = visit(two, query="paper-title")
    for tab, name in (
        ("Placebos", "score"),
        ("Single titles", "posts"),
        ("In words", "words"),
        ("Few and many titles", "growth"),
        ("Guess blind", "guess"),
    ):
        open_tab(page, tab)
        measure(page, name, who="Nell")
        expect(said(page, name)).to_contain_text("6 titles")
        nothing_foreign(page)
    for tab in ("Maps", "Mix people", "States", "Save and share", "Word by word", "Strength"):
        open_tab(page, tab)
        page.wait_for_timeout(200)
        nothing_foreign(page)
    page.get_by_role("button", name="Take the lesson").click()
    page.locator("#pd-lesson-show-1").click()
    # What the first step is about is the example.
    expect(page.locator("#pd-caption")).to_contain_text("An example made in advance, for Nell")
    nothing_foreign(page)


def test_a_title_typed_here_says_what_it_lacks(two: App, visit: Callable[..., Page]) -> None:
    page = visit(two, query="paper-title")
    choose(page, "#pd-person", "Someone new")
    expect(page.locator("#pd-history .pd-empty")).to_contain_text("No titles yet")
    expect(page.locator(".pd-bare")).to_contain_text("A title typed here has no abstract")
    page.get_by_label("Add titles").fill("a first title\na second one")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(rows(page)).to_have_count(2)
    press_write(page)
    expect(page.locator("#pd-caption")).to_contain_text("Written for Someone new")
    expect(card(page, "bm25")).to_contain_text("none of these titles has its abstract")
    assert written(page, "persona") and written(page, "persona") != written(page, "task")


def test_links_and_files_know_their_page(two: App, visit: Callable[..., Page], tmp_path: Path) -> None:
    page = visit(two, query="paper-title")
    choose(page, "#pd-person", "Otto")
    expect(page.locator(".pd-name")).to_have_text("Otto")
    page.get_by_label("Mute title 2", exact=True).check()
    expect(page.locator(".pd-summary")).to_have_text("6 titles, 1 muted.")
    open_tab(page, "Save and share")
    page.locator("#pd-copy-link").click()
    address = page.locator("#pd-address input")
    expect(address).to_have_value(re.compile("/paper-title[?]person=sample%3Aotto&mute=i1&opening=1"))
    linked = visit(two, query=address.input_value().removeprefix(two.url))
    expect(linked.locator(".pd-name")).to_have_text("Otto")
    expect(linked.locator(".pd-summary")).to_have_text("6 titles, 1 muted.")
    with page.expect_download() as download:
        page.locator("#pd-export").click()
    assert json.loads(Path(download.value.path()).read_text(encoding="utf-8"))["task"] == "paper-title"
    first = visit(two)
    open_tab(first, "Save and share")
    first.locator("#pd-bring input[type=file]").set_input_files(download.value.path())
    expect(first.locator(".pd-notice")).to_contain_text("open it on the page Paper titles (/paper-title).")
    expect(first.locator(".pd-name")).to_have_text("Ada")


@pytest.mark.parametrize("query", ["paper-title?__theme=light", "paper-title?__theme=dark"])
def test_the_bar_and_the_inputs_fit_a_phone(two: App, visit: Callable[..., Page], query: str) -> None:
    page = visit(two, query=query, width=390, height=844)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
