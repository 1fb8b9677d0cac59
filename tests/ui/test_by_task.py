"""The map of everybody a plug for several tasks has learned from, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect

from persona_demo.runtime import Runtime
from persona_demo.ui.shelf import Shelf
from tests import tiny
from tests.ui import dots
from tests.ui.stage import App, Models, start
from tests.ui.tabs import body_rows, open_tab

# Gradio's own queue statistics still use what pandas is about to drop.
pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")]


@pytest.fixture(scope="module")
def joint(runtime: Runtime, shelf: Shelf) -> Iterator[App]:
    assert shelf.atlas is not None
    models = Models(runtime)
    models.gate.set()
    yield from start(models, replace(shelf, everybody=tiny.task_map(shelf.atlas, here="blog-post", other="headline")))


def test_everybody_of_a_plug_is_coloured_by_task_and_taken_on_their_own_page(
    joint: App, visit: Callable[..., Page]
) -> None:
    page, everybody = visit(joint), joint.shelf.everybody
    assert everybody is not None
    open_tab(page, "Maps")
    expect(page.locator("#pd-map-tasks")).to_be_hidden()
    page.get_by_label("People of all tasks").check()
    expect(page.locator("#pd-map-people")).to_be_hidden()
    expect(page.locator("#pd-map-tasks .pd-map-message")).to_contain_text("Ada: the 15 nearest people are")
    expect(page.locator("#pd-map-tasks .pd-map-tint-list")).to_contain_text("Headlines")
    marks = page.locator("#pd-map-tasks .pd-map-key li").filter(visible=True)
    expect(marks).to_have_text(["you are here, and were", "nearest"])
    expect(body_rows(page, "pd-map-shares")).to_have_text([re.compile("Blog posts.*75%"), re.compile("Headlines.*50%")])
    apart = dots.loneliest(everybody.coordinates[40:], everybody.coordinates[:40])
    dots.click(page, "pd-map-tasks", everybody.coordinates[40 + apart])
    expect(page.locator(".pd-notice")).to_contain_text("behind “Headlines”: open that page")
    expect(page.locator(".pd-name")).to_have_text("Ada")
    own = dots.loneliest(everybody.coordinates[:40], everybody.coordinates[40:])
    dots.click(page, "pd-map-tasks", everybody.coordinates[own])
    expect(page.locator(".pd-name")).to_have_text(f"p{own:04d}")
