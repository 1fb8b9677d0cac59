"""The lesson in a real browser: opened by keyboard, each step's state on the live page, and closed again."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.ui.stage import OPENINGS, App, card, choose, finished, opening_words, press_write, written

# Gradio's own queue statistics still use what pandas is about to drop.
pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")]


def opened(page: Page) -> None:
    page.locator("#pd-lesson-toggle").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#pd-lesson-show-1")).to_be_focused()


def shown(page: Page, number: int) -> None:
    page.locator(f"#pd-lesson-show-{number}").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#pd-lesson-said")).to_contain_text(f"Lesson, step {number}")


def turned(page: Page, number: int) -> None:
    page.locator(f"#pd-lesson-next-{number - 1}").focus()
    page.keyboard.press("Enter")
    expect(page.locator(f"#pd-lesson-show-{number}")).to_be_focused()


def test_the_lesson_by_keyboard_alone(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    choose(page, "#pd-person", "Bo")
    expect(page.locator(".pd-name")).to_have_text("Bo")
    opening_words(page).fill("other words")
    opened(page)
    # Reading what a step says changes nothing yet.
    expect(page.locator(".pd-name")).to_have_text("Bo")
    shown(page, 1)
    expect(page.locator(".pd-name")).to_have_text("Ada")
    expect(opening_words(page)).to_have_value(OPENINGS[0])
    for arm, there in (("plain", False), ("task", True), ("persona", True), ("persona:other", True), ("bm25", False)):
        expect(card(page, arm)).to_be_visible(visible=there)
    expect(page.locator("#pd-columns")).to_be_focused()
    expect(page.locator("#pd-columns")).to_have_attribute("aria-label", "Lesson, step 1: the columns with the texts. "
                                                          "Escape goes back to the lesson.")  # fmt: skip
    expect(page.get_by_role("tab", name="Word by word", exact=True)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Escape")
    expect(page.locator("#pd-lesson-show-1")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#pd-lesson")).to_have_count(0)
    expect(page.locator("#pd-lesson-toggle")).to_be_focused()
    expect(page.locator(".pd-pointed-at")).to_have_count(0)
    assert page.locator("#pd-columns").get_attribute("role") is None
    # The page stays as the lesson left it.
    expect(page.locator(".pd-name")).to_have_text("Ada")


def test_the_dial_is_turned_to_0_and_writing_is_stopped_first(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    opened(page)
    for number in (2, 3, 4):
        turned(page, number)
    app.models.pause = 0.2
    press_write(page)
    expect(page.locator("#pd-caption")).to_contain_text("Writing for Ada")
    shown(page, 4)
    assert app.models.closed.wait(60)
    app.models.pause = 0.0
    expect(page.locator("#pd-strength input[type=number]")).to_have_value("0")
    expect(page.locator("#pd-caption")).to_contain_text("Step 4 of the lesson is on the page")
    expect(page.locator("#pd-strength.pd-pointed-at")).to_have_count(1)
    expect(page.locator("#pd-write.pd-pointed-at")).to_have_count(1)
    press_write(page)
    finished(page)
    assert written(page, "persona") == written(page, "task") != ""


@pytest.mark.parametrize("query", ["?__theme=light", "?__theme=dark"])
def test_the_lesson_fits_a_phone(app: App, visit: Callable[..., Page], query: str) -> None:
    page = visit(app, query=query, width=390, height=844)
    opened(page)
    for number in (1, 2, 3, 4, 5):
        if number > 1:
            turned(page, number)
        shown(page, number)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, number
        button, outlined = page.locator(f"#pd-lesson-show-{number}"), page.locator(".pd-pointed-at").first
        expect(button).to_be_in_viewport()
        expect(outlined).to_be_in_viewport()
    page.locator("#pd-lesson-close").click()
    expect(page.locator("#pd-lesson")).to_have_count(0)
