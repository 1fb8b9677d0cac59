"""The tokens that change most, in a real browser."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.ui.stage import App

# Gradio's own queue statistics still use what pandas is about to drop.
pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")]


def test_the_tokens_that_change_most_lead_to_their_places(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    page.get_by_role("tab", name="Word by word", exact=True).click()
    page.locator("#pd-tokens-go").click()
    expect(page.locator("#pd-tokens-status")).to_contain_text("For Ada")
    movers = page.locator("#pd-movers tbody tr")
    expect(movers).to_have_count(8)
    sizes = [abs(float(text)) for text in page.locator("#pd-movers .pd-as-signed span").all_inner_texts()]
    assert sizes == sorted(sizes, reverse=True)
    place = movers.first.locator("td").first.inner_text()
    movers.first.get_by_role("button").press("Enter")
    expect(page.locator(".pd-alternatives")).to_contain_text(f"Token {place},")
    expect(page.locator('.pd-run span[aria-selected="true"]')).to_be_focused()
