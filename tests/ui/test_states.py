"""The tab of states in a real browser: kept, pinned beside each other, and gone back to."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.ui import dots
from tests.ui.stage import App, choose
from tests.ui.tabs import body_rows, measure, open_tab, said

# Gradio's own queue statistics still use what pandas is about to drop.
pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")]


def test_states_are_kept_pinned_and_gone_back_to(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    page.get_by_label("Mute post 1", exact=True).check()
    expect(page.locator(".pd-summary")).to_have_text("4 posts, 1 muted.")
    open_tab(page, "States")
    expect(body_rows(page, "pd-states")).to_have_count(2)
    expect(body_rows(page, "pd-states").first).to_contain_text("post 1 muted")
    for box in ("s1: post 1 muted", "s0: as it was loaded"):
        # At once, one after the other: neither may undo the other.
        page.locator("#pd-pinned").get_by_label(box).check()
    expect(page.locator("#pd-pins-line")).to_contain_text("apart")
    expect(page.locator("#pd-pinned input:checked")).to_have_count(2)
    expect(body_rows(page, "pd-pins-table").first).to_contain_text("muted")
    measure(page, "pins")
    expect(page.locator("#pd-pins-texts .pd-new")).to_have_count(3)
    expect(said(page, "pins")).to_contain_text(
        re.compile(r"At strength 1, temperature 0, seed \d+, at most \d+ tokens")
    )
    # The first is the control, which is compared with neither.
    for text in page.locator("#pd-pins-texts .pd-card").all()[1:]:
        note, marks = text.locator(".pd-note").inner_text(), text.locator("mark")
        assert bool(marks.count()) is ("underlined" in note)
    # The texts are of the two states: of one state alone they are old, and of both again not.
    page.locator("#pd-pinned").get_by_label("s1: post 1 muted").uncheck()
    expect(said(page, "pins")).to_contain_text("Measured before your last change")
    page.locator("#pd-pinned").get_by_label("s1: post 1 muted").check()
    expect(said(page, "pins")).not_to_contain_text("before your last change")
    open_tab(page, "Maps")
    dots.drawn(page, "pd-map-people")
    page.wait_for_function("document.querySelector('#pd-map-people .pd-map-plot').textContent.includes('◆ s0')")
    open_tab(page, "States")
    page.locator("#pd-states").get_by_role("button", name="s0").click()
    expect(page.locator(".pd-summary")).to_have_text("4 posts.")
    page.get_by_role("button", name="Redo").click()
    expect(page.locator(".pd-summary")).to_have_text("4 posts, 1 muted.")


def test_a_pinned_person_stays_pinned_beside_the_next(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    page.get_by_label("Mute post 1", exact=True).check()
    open_tab(page, "States")
    ticked = page.locator("#pd-pinned")
    ticked.get_by_label("s1: post 1 muted").check()
    expect(page.locator("#pd-pins-line")).to_contain_text("Tick two states")
    choose(page, "#pd-person", "Bo")
    expect(ticked.get_by_label("Ada, s1: post 1 muted")).to_be_checked()
    ticked.get_by_label("s0: as it was loaded").check()
    expect(page.locator("#pd-pins-line")).to_contain_text("The two people are")
    expect(page.locator("#pd-pins-table thead")).to_contain_text("Ada, s1")
    # What was done to Ada waits for her, and so does the way back.
    choose(page, "#pd-person", "Ada, with your changes")
    expect(page.locator(".pd-summary")).to_have_text("4 posts, 1 muted.")
    expect(ticked.locator("input:checked")).to_have_count(2)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".pd-summary")).to_have_text("4 posts.")
