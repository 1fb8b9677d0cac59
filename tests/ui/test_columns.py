"""Tabs that measure the ticked columns, in a real browser."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.ui.stage import SIX, App

# Gradio's own queue statistics still use what pandas is about to drop.
pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")]


def open_tab(page: Page, name: str) -> None:
    tab = page.get_by_role("tab", name=name, exact=True)
    if tab.is_visible():
        return tab.click()
    page.locator("#pd-inside .overflow-menu button").first.click()
    page.locator("#pd-inside .overflow-dropdown").get_by_text(name, exact=True).click()


def untick(page: Page, *names: str) -> None:
    page.locator("#pd-advanced button.label-wrap").click()
    for name in names:
        page.locator("#pd-arms").get_by_label(f"({name})").uncheck()


def test_the_scorecard_scores_what_is_ticked(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    untick(page, "plain", "dense", "recent")
    open_tab(page, "Placebos")
    page.locator("#pd-score-go").click()
    expect(page.locator("#pd-score-status")).to_contain_text("For Ada")
    expect(page.locator("#pd-score-table tbody tr")).to_have_count(3)


def test_every_column_writes_with_each_number_of_posts(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    open_tab(page, "Few and many posts")
    page.locator("#pd-growth-texts-go").click()
    expect(page.locator("#pd-growth-texts-status")).to_contain_text("For Ada")
    shown = page.locator("#pd-growth-texts .pd-card h3")
    # Ada has four posts: 0, 1, 2 and 4 are read.
    expect(shown).to_have_text(["Persona, 0 posts", "Persona, 1 post", "Persona, 2 posts", "Persona, 4 posts"])
    page.locator("#pd-growth-texts select").select_option("2 posts")
    expect(shown).to_have_count(len(SIX))
    expect(shown.first).to_have_text("Persona, 2 posts")


def test_stop_keeps_the_columns_that_were_written(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    app.models.pause = 0.1
    open_tab(page, "Few and many posts")
    page.locator("#pd-growth-texts-go").click()
    expect(page.locator("#pd-growth-texts-status")).to_contain_text("Column 2 of 6")
    page.locator("#pd-growth-texts-stop").click()
    expect(page.locator("#pd-growth-texts-status")).to_contain_text("Stopped")
    assert app.models.closed.wait(60)
    expect(page.locator("#pd-growth-texts .pd-card h3")).to_have_count(4)
    expect(page.locator("#pd-growth-texts-go")).to_be_enabled()
