"""Links and runs that are brought to the page, in a real browser: nothing that comes in leaves it dead."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.ui.stage import App, finished, press_write

# Gradio's own queue statistics still use what pandas is about to drop.
pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")]


def test_a_link_beyond_the_dials_is_refused_and_write_still_writes(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app, query="?person=sample:bo&strength=6")
    expect(page.locator(".pd-notice")).to_contain_text("it must be a number from -2 to 4")
    press_write(page)
    finished(page)


def test_a_setting_that_cannot_be_is_said_and_the_buttons_come_back(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    page.locator("#pd-advanced button.label-wrap").click()
    seed = page.get_by_label("Seed", exact=True)
    seed.fill("-1")
    press_write(page)
    expect(page.locator(".pd-notice")).to_contain_text("The seed is -1")
    expect(page.locator("#pd-write")).to_be_enabled()
    seed.fill("0")
    press_write(page)
    finished(page)
