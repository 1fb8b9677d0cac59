"""A run taken along in a real browser: as a file, as a link, and by a program."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from gradio_client import Client
from playwright.sync_api import Page, expect

from tests.ui.stage import OPENINGS, App, choose, finished, message, opening_words, press_write, written
from tests.ui.tabs import open_tab

# Gradio's own queue statistics still use what pandas is about to drop.
pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")]


def test_an_exported_run_brings_the_same_page_back(app: App, visit: Callable[..., Page], tmp_path: Path) -> None:
    page = visit(app)
    opening_words(page).fill("a smaller tin for")
    page.get_by_label("Post 1", exact=True).fill("an entirely new post")
    page.get_by_label("Post 1", exact=True).blur()
    expect(message(page).first).to_contain_text("after 1 move")
    press_write(page)
    finished(page)
    texts = [written(page, arm) for arm in ("plain", "persona", "recent")]
    weights = page.locator(".pd-cell-weight").all_inner_texts()
    open_tab(page, "Save and share")
    with page.expect_download() as download:
        page.locator("#pd-export").click()
    path = tmp_path / "run.json"
    download.value.save_as(path)
    run = json.loads(path.read_text(encoding="utf-8"))
    assert [state["note"] for state in run["states"]] == ["", "post 1 reworded"]

    other = visit(app)
    open_tab(other, "Save and share")
    other.locator("#pd-bring input[type=file]").set_input_files(path)
    expect(other.locator("#pd-caption")).to_contain_text("A run brought in, for Ada")
    expect(opening_words(other)).to_have_value("a smaller tin for")
    expect(other.get_by_label("Post 1", exact=True)).to_have_value("an entirely new post")
    assert [written(other, arm) for arm in ("plain", "persona", "recent")] == texts
    assert other.locator(".pd-cell-weight").all_inner_texts() == weights
    other.get_by_role("button", name="Undo").click()
    expect(other.get_by_label("Post 1", exact=True)).to_have_value(re.compile("^the ferry was late"))
    path.write_text('{"kind": "persona-demo run"}', encoding="utf-8")
    other.locator("#pd-bring input[type=file]").set_input_files(path)
    expect(other.locator(".pd-notice")).to_contain_text("This run is of schema")


def test_a_link_opens_the_same_state(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    choose(page, "#pd-person", "Bo")
    expect(page.locator(".pd-name")).to_have_text("Bo")
    page.get_by_label("Mute post 2", exact=True).check()
    expect(page.locator(".pd-summary")).to_have_text("6 posts, 1 muted.")
    page.get_by_role("button", name=OPENINGS[1]).click()
    expect(opening_words(page)).to_have_value(OPENINGS[1])
    field = page.locator("#pd-strength input[type=number]")
    field.fill("2")
    field.press("Tab")
    page.locator("#pd-copy-link").click()
    link = page.locator("#pd-address input")
    expect(link).to_have_value(re.compile("person=sample%3Abo"))
    address = link.input_value()
    other = visit(app, query=address[address.index("?") :])
    expect(other.locator(".pd-name")).to_have_text("Bo")
    expect(other.locator(".pd-summary")).to_have_text("6 posts, 1 muted.")
    expect(opening_words(other)).to_have_value(OPENINGS[1])
    expect(other.locator("#pd-strength input[type=number]")).to_have_value("2")
    expect(other.locator("#pd-caption")).to_contain_text("The link is open")
    assert written(other, "persona") == ""


def test_a_link_carries_typed_words_only_if_asked(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    opening_words(page).fill("my private words")
    page.locator("#pd-copy-link").click()
    expect(page.locator("#pd-address")).to_contain_text("does not carry the text you typed")
    assert "private" not in page.locator("#pd-address input").input_value()
    page.get_by_label("The link may carry the opening words I typed").check()
    page.locator("#pd-copy-link").click()
    expect(page.locator("#pd-address input")).to_have_value(re.compile("my\\+private\\+words"))
    wrong = visit(app, query="?person=nobody")
    expect(wrong.locator(".pd-notice")).to_contain_text("The link names somebody who is not here")


def test_programs_can_ask_the_same(app: App) -> None:
    client = Client(app.url, verbose=False, analytics_enabled=False, httpx_kwargs={"timeout": 120})
    history = {"name": "Me", "items": [{"text": "the ferry was late"}, {"text": "rain on the roof"}]}
    made = client.predict(history, OPENINGS[0], ["task", "persona"], 0.0, 8, api_name="/compare")
    assert [arm["arm"] for arm in made["arms"]] == ["task", "persona"]
    assert made["arms"][0]["text"] == made["arms"][1]["text"]
    vector = client.predict(history, api_name="/persona_vector")
    assert sum(weight["weight"] for weight in vector["weights"]) == pytest.approx(1, abs=1e-5)
    place = client.predict(history, api_name="/map")
    assert len(place["neighbours"]) == 15
    with pytest.raises(Exception, match="no active posts"):
        client.predict({"name": "Me", "items": []}, api_name="/map")


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


def test_a_table_is_saved_as_it_is_shown(app: App, visit: Callable[..., Page], tmp_path: Path) -> None:
    page = visit(app)
    hostile = '=HYPERLINK("x"), he said'
    page.get_by_label("Post 1", exact=True).fill(hostile)
    page.get_by_label("Post 1", exact=True).press("Tab")
    open_tab(page, "Maps")
    expect(page.locator("#pd-near-posts tbody")).to_contain_text(hostile)
    with page.expect_download() as download:
        page.locator("#pd-near-posts").get_by_role("button", name="Save this table").click()
    assert download.value.suggested_filename == "posts-of-ada-on-the-map.csv"
    download.value.save_as(tmp_path / "saved.csv")
    with (tmp_path / "saved.csv").open(encoding="utf-8-sig", newline="") as file:
        saved = list(csv.reader(file))
    heads, *kept = saved
    assert heads == page.locator("#pd-near-posts thead th").all_inner_texts()
    shown = [row.locator("th, td").all_inner_texts() for row in page.locator("#pd-near-posts tbody tr").all()]
    # A spreadsheet would run it, and shows it now.
    assert kept[0][1] == f"'{hostile}" and shown[0][1] == hostile
    assert kept[1:] == shown[1:] and len(kept) == 4
