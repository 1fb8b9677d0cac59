"""The page where the server is far away, as a Space is: every answer is late, and what a visitor does is not lost."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.ui.stage import App, card, choose, far_away, finished, opening_words, press_write, rows
from tests.ui.tabs import open_tab, said

# Gradio's own queue statistics still use what pandas is about to drop.
pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")]


def test_a_page_at_rest_asks_for_nothing(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    far_away(page, 150)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.method == "POST" else None)
    opening_words(page).fill("")
    opening_words(page).press_sequentially("a smaller tin", delay=60)
    expect(page.locator("#pd-caption")).to_contain_text("before your last change")
    press_write(page)
    finished(page)
    choose(page, "#pd-look-text", "A text I type")
    line = page.locator("#pd-look-line")
    expect(line).to_have_text("There is no such text yet.")
    page.locator("#pd-typed textarea").press_sequentially(" and the gulls", delay=60)
    expect(line).to_have_text("Text: “and the gulls”, typed by you.")
    page.wait_for_timeout(4000)  # Whatever was under way is over, and what fetches answers nobody heard as well.
    asked.clear()
    page.wait_for_timeout(1500)
    assert asked == []


def test_two_ticks_in_a_row_both_count(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    far_away(page, 300)
    page.get_by_role("button", name="Advanced").click()
    for name in ("bm25", "dense"):
        page.locator(f'#pd-arms input[name="{name}"]').uncheck()
    expect(card(page, "bm25")).to_be_hidden()
    expect(card(page, "dense")).to_be_hidden()


def test_what_is_typed_while_a_post_is_added_is_the_next_draft(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    far_away(page, 500)
    draft = page.get_by_label("Add posts")
    draft.fill("a first post about a ferry")
    for _ in range(2):
        # Pressed again before the first is answered.
        draft.press("Control+Enter")
    draft.press_sequentially(" and so on")
    expect(rows(page)).to_have_count(5)
    expect(draft).to_have_value(re.compile(r"^\s*and so on$"))
    page.wait_for_timeout(1500)
    expect(rows(page)).to_have_count(5)


def test_save_takes_what_was_typed_last(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    far_away(page, 500)
    page.get_by_label("Post 1", exact=True).fill("typed just now")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as JSON").click()
    saved = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    assert saved["items"][0]["text"] == "typed just now"


def test_columns_ticked_while_they_are_written_are_as_they_were_ticked(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    page.get_by_role("button", name="Advanced").click()
    app.models.pause = 0.15
    press_write(page)
    expect(page.locator("#pd-caption")).to_contain_text("Writing for Ada")
    # Neither a second run nor another seed is begun meanwhile.
    expect(page.locator("#pd-next-seed")).to_be_disabled()
    page.locator('#pd-arms input[name="bm25"]').uncheck()
    finished(page)
    expect(page.locator("#pd-next-seed")).to_be_enabled()
    expect(card(page, "bm25")).to_be_hidden()


def test_stop_pressed_at_once_stops(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    far_away(page, 300)
    app.models.pause = 0.1
    press_write(page)
    # Before the page knows the number of the run that it has asked for.
    page.locator("#pd-stop").click()
    expect(page.locator("#pd-caption")).to_contain_text("Stopped")
    stepped = app.models.stepped
    page.wait_for_timeout(2500)
    expect(page.locator("#pd-caption")).to_contain_text("Stopped")
    expect(page.locator(".pd-writing")).to_have_count(0)
    assert app.models.stepped - stepped <= 3
    app.models.pause = 0.0
    press_write(page)
    finished(page)


def test_nothing_arrives_after_clear(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    far_away(page, 300)
    app.models.pause = 0.1
    opening_words(page).fill("words of my own")
    press_write(page)
    # As soon as the button has answered, and before the page knows the number of the run.
    expect(page.locator("#pd-stop")).to_be_enabled()
    page.get_by_role("button", name="Clear my data").click()
    expect(page.locator(".pd-notice")).to_contain_text("cleared")
    page.wait_for_timeout(2500)
    expect(page.locator("#pd-caption")).to_contain_text("An example made in advance")
    assert "words of my own" not in page.content()
    expect(page.locator("#pd-write")).to_be_enabled()


def test_a_measurement_stopped_at_once_stops(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    far_away(page, 300)
    app.models.pause = 0.1
    open_tab(page, "Mix people")
    page.locator("#pd-mix-go").click()
    page.locator("#pd-mix-stop").click()
    expect(said(page, "mix")).to_contain_text("Stopped.")
    stepped = app.models.stepped
    page.wait_for_timeout(2500)
    expect(said(page, "mix")).to_contain_text("Stopped.")
    assert app.models.stepped - stepped <= 3
    expect(page.locator("#pd-mix-stop")).to_be_hidden()
    expect(page.locator("#pd-mix-go")).to_be_enabled()
