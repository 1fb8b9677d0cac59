"""The order of posts, changed by mouse and by keyboard, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.ui.stage import App, message, rows, shares

# Gradio's own queue statistics still use what pandas is about to drop.
pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")]


def posts(page: Page) -> list[str]:
    return [area.input_value() for area in page.locator(".pd-cell-post textarea").all()]


def weights(page: Page) -> dict[str, str]:
    return dict(zip(posts(page), page.locator(".pd-cell-weight span").all_inner_texts(), strict=True))


def test_a_post_is_moved_by_mouse_and_takes_its_weight_along(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    before, weighed = posts(page), weights(page)
    page.get_by_label("Move post 3 up").click()
    expect(page.get_by_label("Post 2", exact=True)).to_have_value(before[2])
    assert posts(page) == [before[0], before[2], before[1], before[3]]
    assert weights(page) == weighed
    assert sum(shares(page)) == pytest.approx(100, abs=0.5)
    # Nobody moved on the map: the same posts are the same person.
    expect(message(page).first).not_to_contain_text("move")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_label("Post 3", exact=True)).to_have_value(before[2])
    assert posts(page) == before


def test_a_post_is_moved_by_keyboard_and_keeps_the_focus(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    before = posts(page)
    page.get_by_label("Post 3", exact=True).focus()
    page.keyboard.press("Alt+ArrowUp")
    expect(page.get_by_label("Post 2", exact=True)).to_have_value(before[2])
    expect(page.get_by_label("Post 2", exact=True)).to_be_focused()
    page.keyboard.press("Alt+ArrowDown")
    expect(page.get_by_label("Post 3", exact=True)).to_have_value(before[2])
    expect(page.get_by_label("Post 3", exact=True)).to_be_focused()
    expect(page.get_by_label("Move post 1 up")).to_be_disabled()
    expect(page.get_by_label("Move post 4 down")).to_be_disabled()
    up = page.get_by_label("Move post 2 up")
    up.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Post 1", exact=True)).to_have_value(before[1])
    # It can go no further up, so the way back is at hand.
    expect(page.get_by_label("Move post 1 down")).to_be_focused()


def test_what_was_typed_goes_along(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    page.get_by_label("Post 2", exact=True).fill("typed a moment ago")
    page.keyboard.press("Alt+ArrowDown")
    expect(page.get_by_label("Post 3", exact=True)).to_have_value("typed a moment ago")
    expect(page.get_by_label("Post 3", exact=True)).to_be_focused()
    expect(rows(page).nth(2)).not_to_have_class(re.compile("pd-unsaved"))
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_label("Post 2", exact=True)).to_have_value("typed a moment ago")


def test_an_answer_that_comes_late_does_not_undo_a_later_one(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    # What the first question's number comes back with is held up; that of the second is not.
    page.evaluate(
        """() => {
          const fetched = window.fetch;
          let first = true;
          window.fetch = async (...asked) => {
            const answer = await fetched(...asked);
            if (first && String(asked[0].url ?? asked[0]).includes("/queue/join")) {
              first = false;
              await new Promise((done) => setTimeout(done, 1000));
            }
            return answer;
          };
        }"""
    )
    page.get_by_label("Post 2", exact=True).fill("typed a moment ago")
    page.keyboard.press("Alt+ArrowDown")
    page.wait_for_timeout(2500)
    expect(page.get_by_label("Post 3", exact=True)).to_have_value("typed a moment ago")
