"""The history in a real browser: edited, taken back, pasted, opened and saved."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.ui.stage import (
    App,
    choose,
    message,
    press_write,
    rows,
    shares,
)

# Gradio's own queue statistics still use what pandas is about to drop.
pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")]


def test_an_edit_moves_the_person(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    before = message(page).inner_text()
    page.get_by_label("Post 1", exact=True).fill("GOLD!!! three cheers and 17 swans")
    page.get_by_label("Post 1", exact=True).blur()
    expect(message(page)).to_contain_text("after 1 move")
    assert message(page).inner_text() != before
    expect(page.locator("#pd-caption")).to_contain_text("before your last change")
    assert sum(shares(page)) == pytest.approx(100, abs=0.5)


def test_an_edit_does_not_wait_behind_writing(app: App, visit: Callable[..., Page]) -> None:
    app.models.pause = 0.5
    page = visit(app)
    press_write(page)
    expect(page.locator("#pd-caption")).to_contain_text("Writing for Ada")
    page.get_by_label("Mute post 2").check()
    expect(message(page)).to_contain_text("after 1 move")
    # It is still being written.
    expect(page.locator("#pd-stop")).to_be_enabled()
    page.get_by_role("button", name="Stop").click()
    caption = page.locator("#pd-caption")
    expect(caption).to_contain_text("Stopped. What was written so far stays. That was before your last change")
    page.get_by_role("button", name="Undo").click()
    expect(caption).not_to_contain_text("before your last change")


def test_the_browser_asks_before_edits_are_lost(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    asked: list[str] = []
    page.on("dialog", lambda dialog: asked.append(dialog.type))
    page.reload()
    expect(page.locator("#pd-status")).to_contain_text("Models ready")
    assert not asked
    page.get_by_label("Mute post 2").check()
    expect(page.get_by_role("button", name="Reset", exact=True)).to_be_enabled()
    page.reload()
    assert asked == ["beforeunload"]
    expect(page.locator("#pd-status")).to_contain_text("Models ready")
    page.get_by_label("Mute post 2").check()
    expect(page.get_by_role("button", name="Reset", exact=True)).to_be_enabled()
    choose(page, "#pd-person", "Bo")
    expect(page.locator(".pd-name")).to_have_text("Bo")
    # Ada is out of sight, and her edits would go all the same.
    page.wait_for_function("window.personaDemoOthers === true")
    page.reload()
    assert asked == ["beforeunload"] * 2


def test_posts_are_muted_deleted_undone_and_reset(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    page.get_by_label("Mute post 1").check()
    expect(page.locator(".pd-summary")).to_have_text("4 posts, 1 muted.")
    expect(rows(page).nth(0).locator(".pd-cell-weight")).to_contain_text("muted")
    assert sum(shares(page)) == pytest.approx(100, abs=0.5)
    page.get_by_label("Delete post 4").click()
    expect(rows(page)).to_have_count(3)
    # It is said who is meant, so that an answer that comes late hits nobody else.
    with page.expect_request(lambda request: '"person":"sample:ada"' in (request.post_data or "")):
        page.get_by_role("button", name="Undo").click()
    expect(rows(page)).to_have_count(4)
    expect(page.get_by_label("Mute post 1")).to_be_checked()
    page.locator(".pd-tools").get_by_role("button", name="Reset").click()
    expect(page.get_by_label("Mute post 1")).not_to_be_checked()
    expect(page.locator(".pd-tools").get_by_role("button", name="Reset", exact=True)).to_be_disabled()


def test_many_posts_are_pasted(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    draft = page.get_by_label("Add posts")
    draft.fill("one more thing\nand another\n\nafter a blank line")
    with page.expect_request(lambda request: '"person":"sample:ada"' in (request.post_data or "")):
        page.get_by_role("button", name="Add", exact=True).click()
    expect(rows(page)).to_have_count(6)
    expect(page.get_by_label("Post 6", exact=True)).to_have_value("after a blank line")
    expect(draft).to_have_value("")


def test_what_is_refused_stays_where_it_was_typed(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    page.get_by_label("Post 2", exact=True).fill("  ")
    page.get_by_label("Post 2", exact=True).blur()
    notice = page.locator(".pd-notice")
    expect(notice).to_contain_text("Post 2 has no text any more")
    page.wait_for_timeout(500)
    expect(notice).to_be_visible()
    page.get_by_label("Mute post 1").check()
    expect(notice).to_be_hidden()
    expect(page.get_by_label("Post 2", exact=True)).to_have_value("  ")


def test_files_come_and_go(app: App, visit: Callable[..., Page], tmp_path: Path) -> None:
    page = visit(app)
    for name, content in (
        ("mine.csv", "id,text,date\na,swam in the sea,2010-01-02\nb,swam again,\n"),
        ("mine.jsonl", '{"text": "swam in the sea"}\n{"text": "swam again"}\n'),
        (
            "mine.json",
            json.dumps({"schema": 1, "name": "Cy", "items": [{"id": "a", "text": "swam"}, {"text": "again"}]}),
        ),
    ):
        path = tmp_path / name
        path.write_text(content, encoding="utf-8")
        page.locator(".pd-tools input[type=file]").set_input_files(path)
        expect(rows(page)).to_have_count(2)
        expect(page.locator(".pd-name")).to_have_text("Cy" if name.endswith("json") else "mine")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as JSON").click()
    assert download.value.suggested_filename == "cy.json"
    saved = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    assert [item["text"] for item in saved["items"]] == ["swam", "again"]
    broken = tmp_path / "broken.json"
    broken.write_text("[", encoding="utf-8")
    page.locator(".pd-tools input[type=file]").set_input_files(broken)
    expect(page.locator(".pd-notice")).to_contain_text("broken.json")
    expect(rows(page)).to_have_count(2)
