"""Several visitors and one language model: who waits is told for how many, in a real browser."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.ui.stage import App, finished, opening_words, press_write, rows

# Gradio's own queue statistics still use what pandas is about to drop.
pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")]


def test_who_waits_is_told_their_place(app: App, visit: Callable[..., Page]) -> None:
    first, second, third = visit(app), visit(app), visit(app)
    app.models.pause = 0.5
    press_write(first)
    expect(first.locator("#pd-caption")).to_contain_text("Writing for Ada")
    press_write(second)
    expect(second.locator("#pd-caption")).to_contain_text("Waiting for a turn: you are number 2 in line.")
    third.locator("#pd-dial-go").click()
    expect(third.locator("#pd-dial-status")).to_contain_text("you are number 3 in line")
    # Who stops while waiting leaves the line.
    second.get_by_role("button", name="Stop").click()
    expect(second.locator("#pd-caption")).to_contain_text("Stopped")
    first.get_by_role("button", name="Stop").click()
    expect(third.locator("#pd-dial-status")).to_contain_text("For Ada")


def test_enter_pressed_again_does_not_write_twice(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    app.models.pause = 0.1
    opening = opening_words(page)
    opening.press("Enter")
    expect(page.locator("#pd-caption")).to_contain_text("Writing for Ada")
    opening.press("Enter")
    finished(page)
    page.wait_for_timeout(500)
    assert app.models.closed.is_set()
    expect(page.locator("#pd-caption")).to_contain_text("Written for")


def test_an_answer_that_found_no_listener_is_fetched(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    page.wait_for_timeout(3000)  # What the page itself asked for is over, and nothing else would fetch the answer.
    closing = 'data: {"msg": "close_stream"}\n\n'
    page.route("**/queue/data*", lambda route: route.fulfill(content_type="text/event-stream", body=closing), times=1)
    page.get_by_label("Delete post 1", exact=True).click()
    expect(rows(page)).to_have_count(3)
