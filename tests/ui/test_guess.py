"""The blind guess in a real browser: dealt, voted, named and counted, by keyboard alone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from persona_demo.arms import KNOWN
from tests.ui.stage import App, card, rows, written
from tests.ui.tabs import measure, open_tab, said

# Gradio's own queue statistics still use what pandas is about to drop.
pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")]


def test_a_round_by_keyboard_names_nothing_before_the_vote(
    app: App, visit: Callable[..., Page], tmp_path: Path
) -> None:
    page = visit(app)
    before = written(page, "persona")
    open_tab(page, "Guess blind")
    page.locator("#pd-guess-go").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#pd-guess-votes button")).to_have_count(3)
    expect(page.locator("#pd-guess-texts h3")).to_have_text(["Text A", "Text B", "Text C"])
    markup = page.locator("#pd-guess-texts").inner_html()
    assert not any(arm.title in markup or arm.explanation in markup for arm in KNOWN.values())
    expect(card(page, "persona").locator(".pd-new")).to_have_text("")
    expect(page.locator("#pd-caption")).to_contain_text("A blind guess is open")
    page.locator("#pd-guess-B").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#pd-guess-line .pd-line")).to_have_text(
        re.compile(r"^(Right|No): text [ABC] was written for Ada\.$")
    )
    expect(page.locator("#pd-guess-texts .pd-note")).to_have_text("This one you chose.")
    heads = page.locator("#pd-guess-texts h3").all_inner_texts()
    assert sorted(head[8:] for head in heads) == ["Persona", "Someone else's persona", "Trained, no person"]
    expect(page.locator("#pd-guess-tally .pd-line")).to_contain_text(
        re.compile(r"^[01] of 1 right\. Chance alone gets 0\.3")
    )
    expect(page.locator("#pd-caption")).to_contain_text("as they were before the guess")
    expect(card(page, "persona").locator(".pd-new")).not_to_have_text("")
    assert written(page, "persona") == before
    with page.expect_download() as download:
        page.locator("#pd-guess-save").click()
    path = tmp_path / "guesses.json"
    download.value.save_as(path)
    saved = json.loads(path.read_text(encoding="utf-8"))
    assert saved["rounds"] == 1 and saved["each"][0]["texts"] == 3


def test_a_stopped_deal_holds_no_column_back(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    before = written(page, "persona")
    open_tab(page, "Guess blind")
    measure(page, "guess")
    expect(card(page, "persona").locator(".pd-new")).to_have_text("")
    # The round is open when one can vote, and not before.
    expect(page.locator("#pd-guess-votes button")).to_have_count(3)
    app.models.pause = 0.3
    page.locator("#pd-guess-go").click()
    expect(card(page, "persona").locator(".pd-new")).not_to_have_text("")
    page.locator("#pd-guess-stop").click()
    expect(said(page, "guess")).to_contain_text("Stopped")
    expect(page.locator("#pd-guess-A")).to_be_hidden()
    assert written(page, "persona") == before


def test_a_round_is_about_the_person_it_was_dealt_for(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    open_tab(page, "Guess blind")
    page.get_by_label("Two: the persona and its control").check()
    measure(page, "guess")
    expect(page.locator("#pd-guess-votes button")).to_have_count(2)
    page.get_by_label("Mute post 2", exact=True).check()
    expect(rows(page).nth(1)).to_have_class(re.compile("pd-muted"))
    page.locator("#pd-guess-A").click()
    expect(page.locator(".pd-notice")).to_contain_text("deal again")
    expect(page.locator("#pd-guess-tally .pd-line")).to_have_text("No guess yet.")
    expect(page.locator("#pd-guess-A")).to_be_hidden()
    page.get_by_role("button", name="Clear my data").click()
    expect(page.locator("#pd-guess-texts .pd-card")).to_have_count(0)
