"""The page where the server is far away, as a Space is: every answer is late, and what a visitor does is not lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.ui.stage import App, card, choose, far_away, finished, opening_words, press_write

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
