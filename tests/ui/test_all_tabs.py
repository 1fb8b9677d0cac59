"""All tabs in a real browser: hostile text, errors, clearing, a phone, and no mouse."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests import tiny
from tests.ui.stage import App, choose, finished, opening_words
from tests.ui.tabs import measure, open_tab, said

# Gradio's own queue statistics still use what pandas is about to drop.
pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")]


TABS = (
    "Strength",
    "Placebos",
    "Single posts",
    "Word by word",
    "In words",
    "Maps",
    "Mix people",
    "Few and many posts",
    "States",
    "Guess blind",
    "Save and share",
)
INJECTIONS = ("${7919*13}", "<img src=x onerror=alert(1)>")
PRODUCT = str(7919 * 13)
"""What the first of them becomes where it is run; no page says this number otherwise."""


def test_hostile_text_does_nothing_in_any_tab(app: App, visit: Callable[..., Page], tmp_path: Path) -> None:
    page = visit(app)
    hostile = " ".join(INJECTIONS)
    path = tmp_path / "person.json"
    # Nothing is predicted from a near copy of itself, so the posts differ.
    # What is no day is refused as a date, so that none can hold more.
    fields = {"date": "2024-05-01", "input": hostile, "label": hostile}
    items = [
        {"id": f"{hostile} {n}", "text": f"{text} {hostile} {n}", **fields} for n, text in enumerate(tiny.SENTENCES)
    ]
    path.write_text(json.dumps({"schema": 1, "name": hostile, "about": hostile, "items": items}), encoding="utf-8")
    page.locator(".pd-tools input[type=file]").set_input_files(path)
    expect(page.locator(".pd-name")).to_have_text(hostile)
    opening_words(page).fill(hostile)
    choose(page, "#pd-look-text", "A text I type")
    page.locator("#pd-typed textarea").fill(hostile)
    for tab, name in (
        ("Strength", "dial"),
        ("Placebos", "score"),
        ("Single posts", "posts"),
        ("Word by word", "tokens"),
        ("In words", "words"),
        ("Mix people", "mix"),
        ("Few and many posts", "growth"),
        ("Guess blind", "guess"),
    ):
        open_tab(page, tab)
        measure(page, name, who="")
        expect(said(page, name)).to_contain_text(hostile[:20])
    page.locator("#pd-guess-A").click()
    expect(page.locator("#pd-guess-line")).to_contain_text(hostile)
    open_tab(page, "Maps")
    page.locator("#pd-sentence textarea").fill(hostile)
    page.locator("#pd-sentence textarea").press("Enter")
    expect(page.locator("#pd-map-people .pd-map-tint")).to_contain_text("Distance from your sentence")
    page.locator("#pd-find-posts input").fill(hostile)
    page.locator("#pd-find-posts input").press("Enter")
    expect(page.locator("#pd-near-posts")).to_contain_text("that were found")
    page.get_by_label("Mute post 1", exact=True).check()
    open_tab(page, "States")
    expect(page.locator("#pd-pinned input")).to_have_count(2)
    for state in ("s1", "s0"):
        box = page.locator(f'#pd-pinned input[name="file/{state}"]')
        box.check()
        expect(box).to_be_checked()
    # Both ticks have arrived.
    expect(page.locator("#pd-pins-line")).to_contain_text("apart")
    measure(page, "pins", who="")
    open_tab(page, "Save and share")
    page.get_by_label("The link may carry the opening words I typed").check()
    page.locator("#pd-copy-link").click()
    expect(page.locator("#pd-address")).to_contain_text("Cop")
    address = page.locator("#pd-address input").input_value()
    with page.expect_download() as download:
        page.locator("#pd-export").click()
    run = tmp_path / "run.json"
    download.value.save_as(run)
    # Long words without a blank, in every tab, are what a narrow page breaks on.
    page.set_viewport_size({"width": 390, "height": 844})
    for tab in TABS:
        open_tab(page, tab)
        page.wait_for_timeout(150)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, tab
    harmless(page)
    other = visit(app, query=address[address.index("?") :])
    expect(opening_words(other)).to_have_value(hostile)
    open_tab(other, "Save and share")
    other.locator("#pd-bring input[type=file]").set_input_files(run)
    expect(other.locator("#pd-caption")).to_contain_text("A run brought in")
    expect(other.locator(".pd-name")).to_have_text(hostile)
    harmless(other)


def harmless(page: Page) -> None:
    """Nothing of a hostile text became an element or a product, in any text, attribute or field of the page."""
    assert page.locator("img[src=x]").count() == 0
    assert PRODUCT not in page.evaluate("document.documentElement.outerHTML")
    fields = "[...document.querySelectorAll('input, textarea, select')].map(node => node.value).join('\\n')"
    assert PRODUCT not in page.evaluate(fields)


def test_errors_stay_one_sentence_in_the_strip(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    choose(page, "#pd-find", "p0007")
    expect(page.locator(".pd-name")).to_have_text("p0007")
    open_tab(page, "Single posts")
    page.locator("#pd-posts-go").click()
    expect(page.locator(".pd-notice")).to_contain_text("Only a list of numbers is kept of")
    expect(page.locator("#pd-posts-go")).to_be_enabled()
    open_tab(page, "Placebos")
    page.locator("#pd-score-go").click()
    expect(page.locator(".pd-notice")).to_contain_text("Only a list of numbers is kept of")
    opening_words(page).fill("other words")
    open_tab(page, "Strength")
    page.locator("#pd-dial-go").click()
    expect(page.locator(".pd-notice")).to_contain_text("written after other opening words")


def test_clear_empties_the_tabs(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    choose(page, "#pd-look-text", "A text I type")
    page.locator("#pd-typed textarea").fill("my own secret")
    measure(page, "dial")
    open_tab(page, "Maps")
    page.locator("#pd-sentence textarea").fill("my own secret")
    page.locator("#pd-sentence textarea").press("Enter")
    expect(page.locator("#pd-map-people .pd-map-tint")).to_contain_text("Distance from your sentence")
    # The person changes with the clearing, and no mixture follows.
    page.get_by_label("Mute post 1", exact=True).check()
    open_tab(page, "Mix people")
    page.locator("#pd-mix-share input[type=range]").press("ArrowRight")
    mixed = page.locator("#pd-inside").get_by_text("Here the mixture stands nearest to")
    expect(mixed).to_be_visible()
    page.get_by_role("button", name="Clear my data").click()
    expect(page.locator(".pd-notice")).to_contain_text("cleared")
    expect(page.locator("#pd-typed textarea")).to_have_value("")
    expect(page.locator("#pd-dial-chart svg")).to_have_count(0)
    expect(said(page, "dial")).to_have_text("")
    # Where the visitor stood, and what they compared with, is on no map any more.
    expect(mixed).to_have_count(0)
    open_tab(page, "Maps")
    expect(page.locator("#pd-map-people .pd-map-tint")).to_be_hidden()
    expect(page.locator("#pd-colour input")).to_have_value("One colour")
    expect(page.locator("#pd-near")).not_to_contain_text("your sentence")


def tab_to(page: Page, place: Locator, *, most: int = 150) -> None:
    """Press Tab, as somebody without a mouse does, until the focus is in a place."""
    node = place.first.element_handle()
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("node => node.contains(document.activeElement)", node):
            return
    pytest.fail(f"{most} presses of Tab do not lead to {place}")


def test_on_a_phone_the_history_says_where_the_point_moved(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    page.get_by_label("Mute post 2", exact=True).check()
    said = page.locator("#pd-history .pd-place")
    expect(said).to_contain_text("after 1 move")
    # The map beside it says the same.
    expect(said).to_be_hidden()
    page.set_viewport_size({"width": 390, "height": 844})
    expect(said).to_be_visible()


def test_on_a_phone_no_table_hides_what_it_has_to_say(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app, width=390, height=844)
    tabs = {
        "Strength": "dial",
        "Placebos": "score",
        "Single posts": "posts",
        "Word by word": "tokens",
        "In words": "words",
    }
    for tab, name in tabs.items():
        open_tab(page, tab)
        measure(page, name)
        tables = page.locator("#pd-inside .pd-scroll").filter(visible=True)
        expect(tables).to_have_count(4 if tab == "In words" else 1)
        for table in tables.all():
            name = table.get_attribute("aria-label")
            assert table.evaluate("node => node.scrollWidth <= node.clientWidth"), (tab, name)
            # To those who hear it, it is still a table.
            assert table.get_by_role("rowheader").count() == table.locator("tbody tr").count(), (tab, name)


def test_the_keyboard_goes_past_a_long_history(app: App, visit: Callable[..., Page], tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    path.write_text("\n".join(f"post number {n} about the ferry" for n in range(20)), encoding="utf-8")
    page = visit(app)
    page.locator(".pd-tools input[type=file]").set_input_files(path)
    expect(page.locator(".pd-summary")).to_have_text("20 posts.")
    for name, place, then in (
        ("To the map", "#pd-map", page.locator("#pd-map")),
        ("Look inside", "#pd-inside-title", page.locator("#pd-look")),
    ):
        page.locator("#pd-write").focus()
        tab_to(page, page.get_by_role("link", name=name), most=30)
        page.keyboard.press("Enter")
        expect(page.locator(place)).to_be_focused()
        page.keyboard.press("Tab")
        assert then.evaluate("node => node.contains(document.activeElement)"), name


def test_the_main_job_by_keyboard_alone(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    tab_to(page, page.locator("#pd-person input"))
    page.keyboard.press("Control+A")
    page.keyboard.type("Bo")
    page.keyboard.press("Enter")
    expect(page.locator(".pd-name")).to_have_text("Bo")
    tab_to(page, opening_words(page))
    page.keyboard.press("Control+A")
    page.keyboard.type("the gulls did")
    page.keyboard.press("Enter")
    finished(page)
    tab_to(page, page.get_by_label("Mute post 2", exact=True))
    page.keyboard.press("Space")
    expect(page.locator(".pd-summary")).to_have_text("6 posts, 1 muted.")
    tab_to(page, page.get_by_role("button", name="Undo"))
    page.keyboard.press("Enter")
    expect(page.locator(".pd-summary")).to_have_text("6 posts.")
    tab_to(page, page.get_by_role("tab", name="Strength", exact=True))
    page.keyboard.press("Enter")
    tab_to(page, page.locator("#pd-dial-go"))
    page.keyboard.press("Enter")
    expect(said(page, "dial")).to_contain_text("For Bo")
