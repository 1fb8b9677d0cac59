"""The page in a real browser, on tiny models: what a visitor sees, does and is told."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.ui import dots
from tests.ui.stage import (
    HOSTILE,
    OPENINGS,
    SIX,
    App,
    all_tokens,
    card,
    choose,
    finished,
    message,
    opening_words,
    press_write,
    rows,
    shares,
    tokens,
    written,
)

# Gradio's own queue statistics still use what pandas is about to drop.
pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")]


def test_the_example_is_there_before_any_model(waiting_app: App, visit: Callable[..., Page]) -> None:
    page = visit(waiting_app, ready=False)
    for text in waiting_app.shelf.showcase.texts:  # type: ignore[union-attr]
        if text.arm in SIX:
            shown = card(page, text.arm).locator(".pd-new").evaluate("node => node.textContent")
            assert shown == text.written.text
            assert tokens(page, text.arm) == len(text.written.tokens)
    expect(rows(page)).to_have_count(4)
    assert sum(shares(page)) == pytest.approx(100, abs=0.5)
    expect(page.locator("#pd-status")).to_contain_text("Fetching the tiny model")


def test_write_waits_for_the_models_and_says_so(waiting_app: App, visit: Callable[..., Page]) -> None:
    page = visit(waiting_app, ready=False)
    press_write(page)
    expect(page.locator("#pd-caption")).to_contain_text("Your text is next")
    waiting_app.models.gate.set()
    finished(page)
    expect(page.locator("#pd-status")).to_contain_text("Models ready")
    expect(page.locator("#pd-status .pd-status")).to_have_attribute("data-stage", "ready")


def test_arms_write_in_lockstep_with_their_costs(app: App, visit: Callable[..., Page]) -> None:
    app.models.pause = 0.1
    page = visit(app)
    press_write(page)
    expect(page.locator("#pd-caption")).to_contain_text("Writing for Ada")
    page.wait_for_function(
        "[...document.querySelectorAll('.pd-writing .pd-new')].filter(n => n.textContent).length > 3"
    )
    counts = all_tokens(page)
    assert max(counts) - min(counts) <= 1
    finished(page)
    for arm in SIX:
        assert written(page, arm)
        assert re.search(r"ms|s\b", card(page, arm).locator(".pd-costs").inner_text())
    expect(card(page, "persona").locator(".pd-costs")).to_contain_text(re.compile(r"\d vectors"))
    expect(card(page, "plain").locator(".pd-costs")).not_to_contain_text("vectors")
    expect(card(page, "recent").locator(".pd-posts")).to_contain_text("The 4 posts it was given")
    expect(card(page, "recent").locator(".pd-copied")).to_be_hidden()
    # What a plug copies word for word is there to be read.
    copied = card(page, "persona").locator(".pd-copied")
    copied.locator("summary").click()
    words = copied.locator("li").first.inner_text().split()
    posts = page.get_by_label(re.compile(r"^Post \d+$")).evaluate_all("nodes => nodes.map(node => node.value)")
    assert words and all(word in " ".join(posts) for word in words)
    expect(card(page, "task").locator(".pd-copied")).to_be_hidden()
    expect(page.locator("#pd-write")).to_be_enabled()
    expect(page.locator("#pd-stop")).to_be_disabled()


def test_enter_submits_and_the_same_again_is_the_same_text(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    opening = opening_words(page)
    opening.fill("a smaller tin for")
    opening.press("Enter")
    finished(page)
    expect(card(page, "task").locator(".pd-opening")).to_have_text("a smaller tin for")
    first = [written(page, arm) for arm in SIX]
    expect(card(page, "task").locator(".pd-costs")).not_to_contain_text("when first asked for")
    opening.press("Enter")
    expect(card(page, "task").locator(".pd-costs")).to_contain_text("when first asked for")
    finished(page)
    assert [written(page, arm) for arm in SIX] == first
    # Who clears their data leaves nothing behind: the next time it is written anew.
    page.locator("#pd-clear").click()
    expect(page.locator("#pd-notice")).to_contain_text("Your data is cleared")
    opening.fill("a smaller tin for")
    opening.press("Enter")
    finished(page)
    expect(card(page, "task").locator(".pd-costs")).not_to_contain_text("when first asked for")


def test_strength_0_is_the_control(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    page.locator("#pd-strength input[type=number]").fill("0")
    page.locator("#pd-strength input[type=number]").press("Tab")
    press_write(page)
    expect(page.locator("#pd-caption")).to_contain_text("Written for Ada at strength 0.")
    assert written(page, "persona") == written(page, "task")


def test_stop_stops(app: App, visit: Callable[..., Page]) -> None:
    app.models.pause = 0.5
    page = visit(app)
    press_write(page)
    page.wait_for_function("document.querySelectorAll('.pd-writing .pd-new:not(:empty)').length > 3")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#pd-caption")).to_contain_text("Stopped")
    assert app.models.closed.wait(60)
    frozen, stepped = all_tokens(page), app.models.stepped
    page.wait_for_timeout(1200)
    assert all_tokens(page) == frozen
    assert app.models.stepped == stepped
    assert 0 < max(frozen) < 40
    expect(page.locator("#pd-write")).to_be_enabled()
    expect(page.locator("#pd-stop")).to_be_disabled()
    expect(page.locator(".pd-writing")).to_have_count(0)
    app.models.pause = 0.0
    press_write(page)
    finished(page)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_text_is_never_code(app: App, visit: Callable[..., Page], tmp_path: Path, hostile: str) -> None:
    page = visit(app)
    opening = opening_words(page)
    opening.fill(hostile)
    page.get_by_label("Post 1", exact=True).fill(hostile)
    page.get_by_label("Post 1", exact=True).blur()
    page.get_by_label("Add posts").fill(hostile)
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_label("Post 5", exact=True)).to_have_value(hostile)
    press_write(page)
    finished(page)
    assert card(page, "persona").locator(".pd-opening").inner_text() == hostile
    given = card(page, "recent").locator(".pd-posts li")
    assert hostile in given.evaluate_all("nodes => nodes.map(node => node.textContent)")
    path = tmp_path / "person.json"
    person = {"schema": 1, "name": hostile, "about": hostile, "items": [{"id": hostile, "text": hostile}]}
    path.write_text(json.dumps(person), encoding="utf-8")
    page.locator(".pd-tools input[type=file]").set_input_files(path)
    expect(page.locator(".pd-name")).to_have_text(hostile)
    expect(page.locator(".pd-about")).to_have_text(hostile)
    expect(message(page)).to_contain_text(hostile)
    press_write(page)
    expect(page.locator("#pd-caption")).to_contain_text(f"Written for {hostile}")
    path.rename(tmp_path / "<img src=x onerror=alert(1)>.json")
    (tmp_path / "<img src=x onerror=alert(1)>.json").write_text("{", encoding="utf-8")
    page.locator(".pd-tools input[type=file]").set_input_files(tmp_path / "<img src=x onerror=alert(1)>.json")
    expect(page.locator(".pd-notice")).to_contain_text("<img src=x onerror=alert(1)>")
    assert page.locator("img[src=x]").count() == 0
    assert page.locator(".pd-history b:text-is('bold'), .pd-card b").count() == 0


def test_somebody_whose_texts_are_not_shipped(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    choose(page, "#pd-find", "p0007")
    expect(page.locator("#pd-history .pd-empty")).to_contain_text("This person's texts are not shipped")
    expect(message(page)).to_contain_text("p0007 stands nearest to")
    press_write(page)
    expect(page.locator("#pd-caption")).to_contain_text("Written for p0007")
    assert written(page, "persona")
    assert written(page, "persona") != written(page, "task")
    for arm in ("bm25", "dense", "recent"):
        expect(card(page, arm)).to_contain_text("Nothing to retrieve")
        expect(card(page, arm).locator(".pd-new")).to_be_hidden()


def test_someone_new_starts_empty(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    choose(page, "#pd-person", "Someone new")
    expect(page.locator("#pd-history .pd-empty")).to_contain_text("No posts yet")
    expect(message(page)).to_contain_text("no place on the map yet")
    press_write(page)
    finished(page)
    expect(card(page, "persona")).to_contain_text("No posts, so no persona")
    assert written(page, "persona") == written(page, "task")
    page.get_by_label("Add posts").fill("a first post about a ferry")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(message(page)).to_contain_text("Someone new stands nearest to")


def test_a_click_on_a_point_of_the_map_takes_that_person(app: App, visit: Callable[..., Page]) -> None:
    page, atlas = visit(app), app.shelf.atlas
    assert atlas is not None
    dots.drawn(page, "pd-map")
    assert set(dots.labels(page, "pd-map")) & {region.label.replace(", ", ",") for region in atlas.regions}
    row = dots.loneliest(atlas.coordinates, dots.named(page, "pd-map"))
    dots.click(page, "pd-map", atlas.coordinates[row])
    expect(page.locator(".pd-name")).to_have_text(atlas.ids[row])
    expect(message(page)).to_contain_text(f"{atlas.ids[row]} stands nearest to")
    page.locator(".pd-map-people summary").click()
    page.locator(".pd-map-list").get_by_text("Bo").first.click()
    expect(page.locator(".pd-name")).to_have_text("Bo")
    expect(page.locator("#pd-person input")).to_have_value(re.compile("Bo"))


def test_the_placebo_can_be_switched_on(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    expect(card(page, "persona:other")).to_be_hidden()
    page.get_by_label("Could this be placebo?").check()
    expect(card(page, "persona:other")).to_be_visible()
    press_write(page)
    finished(page)
    assert written(page, "persona:other")
    page.get_by_label("Could this be placebo?").uncheck()
    expect(card(page, "persona:other")).to_be_hidden()


def test_errors_say_what_to_do_and_lose_nothing(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    opening = opening_words(page)
    opening.fill("   ")
    press_write(page)
    expect(page.locator(".pd-notice")).to_contain_text("There are no opening words")
    expect(page.locator("#pd-write")).to_be_enabled()
    opening.fill("the gulls did")
    app.models.broken = True
    press_write(page)
    expect(page.locator(".pd-notice")).to_contain_text("Something went wrong on our side")
    assert "secret" not in page.content()
    assert "Traceback" not in page.content()
    expect(opening).to_have_value("the gulls did")
    expect(page.locator("#pd-write")).to_be_enabled()
    app.models.broken = False
    press_write(page)
    finished(page)
    expect(page.locator(".pd-notice")).to_be_hidden()


def test_clear_forgets_everything(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    opening_words(page).fill("my own words")
    page.get_by_label("Add posts").fill("a draft of mine")
    page.get_by_label("Post 1", exact=True).fill("my own post")
    page.get_by_label("Post 1", exact=True).blur()
    expect(message(page)).to_contain_text("after 1 move")
    press_write(page)
    finished(page)
    page.get_by_role("button", name="Clear my data").click()
    expect(page.locator(".pd-notice")).to_contain_text("cleared")
    expect(opening_words(page)).to_have_value(OPENINGS[0])
    expect(page.get_by_label("Add posts")).to_have_value("")
    expect(page.get_by_label("Post 1", exact=True)).to_have_value(re.compile("^the ferry was late"))
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()
    assert "my own" not in page.content()


def test_opening_words_can_be_picked_and_reweigh(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    held: list[Route] = []
    holding = True
    page.route("**/gradio_api/**", lambda route: held.append(route) if holding else route.continue_())
    page.get_by_role("button", name=OPENINGS[1]).click()
    # The browser puts them in by itself, so that what is pressed right after finds them.
    expect(opening_words(page)).to_have_value(OPENINGS[1])
    holding = False
    for route in held:
        route.continue_()
    opening_words(page).fill("")
    expect(page.locator(".pd-caveat")).to_be_hidden()


@pytest.mark.parametrize("query", ["?__theme=light", "?__theme=dark"])
@pytest.mark.parametrize("width", [390, 820, 1360])
def test_no_sideways_scroll(app: App, visit: Callable[..., Page], query: str, width: int) -> None:
    page = visit(app, query=query, width=width, height=844)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for name in SIX:
        box = card(page, name).bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width


def test_every_control_has_a_name_and_takes_focus(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    for summary in page.locator("button.label-wrap").all():
        summary.click()
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('main input, main textarea, main button, main select')]
        .filter(node => node.offsetParent !== null)
        .filter(node => !(node.getAttribute('aria-label') || node.getAttribute('title') || node.textContent.trim()
            || node.getAttribute('aria-labelledby') || [...(node.labels || [])].some(l => l.textContent.trim())))
        .map(node => node.outerHTML.slice(0, 120))"""
    )
    assert nameless == []
    opening_words(page).focus()
    page.keyboard.press("Tab")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"
