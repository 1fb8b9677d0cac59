"""The tab of maps in a real browser: colours, search, and one selection on every map."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.ui import dots
from tests.ui.stage import App, choose, message, rows
from tests.ui.tabs import body_rows, open_tab

# Gradio's own queue statistics still use what pandas is about to drop.
pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")]


def test_a_map_is_coloured_searched_isolated_and_cleared(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    open_tab(page, "Maps")
    people, posts = page.locator("#pd-map-people"), page.locator("#pd-map-posts")
    expect(people.locator(".pd-map-tools")).to_be_visible()
    choose(page, "#pd-colour", "How many posts")
    expect(people.locator(".pd-map-tint")).to_contain_text("Posts they stand for")
    assert people.locator(".pd-map-tint-list li").count() == 5
    page.locator("#pd-sentence textarea").fill("nine swans on the lock")
    page.locator("#pd-sentence textarea").press("Enter")
    expect(people.locator(".pd-map-tint")).to_contain_text("Distance from your sentence")
    expect(page.locator("#pd-near")).to_contain_text("Most like your sentence")
    people.get_by_role("button", name="Only the nearest").click()
    expect(people.get_by_role("button", name="Only the nearest")).to_have_attribute("aria-pressed", "true")
    people.get_by_role("button", name="Clear").click()
    expect(people.locator(".pd-map-tint")).to_be_hidden()
    expect(page.locator("#pd-sentence textarea")).to_have_value("")
    search = page.locator("#pd-find-posts input")
    search.fill("swans nine")
    search.press("Enter")
    expect(posts.locator(".pd-map-message")).to_have_text("Found: 1 post of Ada, 0 posts of other people.")
    expect(body_rows(page, "pd-near-posts")).to_have_count(1)
    expect(page.locator("#pd-near-posts")).to_contain_text("nine swans on the lock")
    search.fill("P0007")
    search.press("Enter")
    expect(posts.locator(".pd-map-message")).to_contain_text("2 posts of other people")
    expect(posts.locator(".pd-map-list li")).to_have_text(["p0007.1 · a post of p0007", "p0007.2 · a post of p0007"])
    search.fill("no such words anywhere")
    search.press("Enter")
    expect(page.locator(".pd-notice")).to_contain_text("No post on the map has these words")
    posts.get_by_role("button", name="Clear").click()
    expect(search).to_have_value("")
    expect(posts.locator(".pd-map-message")).to_contain_text("4 posts of Ada")


def test_both_maps_share_one_selection(app: App, visit: Callable[..., Page]) -> None:
    page, atlas, items = visit(app), app.shelf.atlas, app.shelf.items
    assert atlas is not None and items is not None
    open_tab(page, "Maps")
    for name in ("pd-map-people", "pd-map-posts"):
        dots.drawn(page, name)
    for name, regions in (("pd-map-people", atlas.regions), ("pd-map-posts", items.regions)):
        assert set(dots.labels(page, name)) & {region.label.replace(", ", ",") for region in regions}, name
    # A point of one's own leads to its row, and takes nobody.
    page.wait_for_function(f"document.querySelector('#pd-map-posts .pd-map-plot').data[{dots.NAMED}].x.length === 4")
    dots.click(page, "pd-map-posts", dots.named(page, "pd-map-posts")[0])
    expect(rows(page).nth(0)).to_have_class(re.compile("pd-pointed"))
    expect(page.locator(".pd-name")).to_have_text("Ada")
    # A person taken on one map is on the other.
    row = dots.loneliest(atlas.coordinates, dots.named(page, "pd-map-people"))
    dots.click(page, "pd-map-people", atlas.coordinates[row])
    expect(page.locator(".pd-name")).to_have_text(atlas.ids[row])
    expect(page.locator("#pd-map-posts .pd-map-message")).to_contain_text(f"2 posts of {atlas.ids[row]} on this map")
    page.wait_for_function(f"document.querySelector('#pd-map-posts .pd-map-plot').data[{dots.NAMED}].x.length === 2")
    assert np.allclose(dots.named(page, "pd-map-posts"), items.coordinates[items.items_of(atlas.ids[row])], atol=1e-3)
    # Of somebody's item, its person is taken.
    row = dots.loneliest(items.coordinates, dots.named(page, "pd-map-posts"))
    dots.click(page, "pd-map-posts", items.coordinates[row])
    expect(page.locator(".pd-name")).to_have_text(items.people[row])
    expect(page.locator("#pd-map-people .pd-map-message")).to_contain_text(f"{items.people[row]} stands nearest to")
    # The same people by subject: who moves most is listed, and taken on every map.
    page.get_by_label("People, and people by subject").check()
    expect(page.locator("#pd-map-posts")).to_be_hidden()
    expect(page.locator("#pd-map-subjects .pd-map-message")).to_have_text(f"{items.people[row]} by subject.")
    assert app.shelf.subjects is not None
    mover = app.shelf.subjects.movers[0].id
    page.locator("#pd-map-movers").get_by_role("button", name=mover).press("Enter")
    expect(page.locator(".pd-name")).to_have_text(mover)
    expect(page.locator("#pd-map-subjects .pd-map-message")).to_have_text(f"{mover} by subject.")
    expect(page.locator("#pd-map-people .pd-map-message")).to_contain_text(f"{mover} stands nearest to")


def test_a_neighbour_is_taken_everywhere_from_the_table(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    open_tab(page, "Maps")
    first = page.locator("#pd-near tbody button").first
    who = first.inner_text()
    first.press("Enter")
    expect(page.locator(".pd-name")).to_have_text(who)
    expect(page.locator("#pd-history .pd-empty")).to_contain_text("texts are not shipped")
    expect(page.locator("#pd-map-people .pd-map-message")).to_contain_text(f"{who} stands nearest to")
    expect(message(page).first).to_contain_text(who)
