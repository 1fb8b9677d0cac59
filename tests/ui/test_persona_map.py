"""The map in a real browser: what is drawn, clicked, said and kept, and what names cannot do."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from typing import Any

import gradio as gr
import numpy as np
import pytest
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

from persona_demo.ui.palette import NEUTRALS
from tests.ui import persona_map_page as stage
from tests.ui.chromium import launch

# Gradio's own queue statistics still use what pandas is about to drop.
pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")]

PATIENCE = 60_000  # milliseconds; a busy machine draws slowly, and what is slow is not what is wrong
PANEL = "rgb(28, 26, 24)"  # in the dark
NEAR, RING, TRAIL, NAMED, YOU = range(5)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    demo, url = stage.serve()
    yield url
    demo.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = launch(playwright)
        yield launched
        launched.close()


class Map:
    """The map on an open page."""

    def __init__(self, page: Page, url: str, *, drawn: bool = True) -> None:
        self.page = page
        self.asked: list[str] = []
        self.troubles: list[str] = []
        page.set_default_timeout(PATIENCE)
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("dialog", lambda dialog: (self.troubles.append(dialog.message), dialog.dismiss()))
        page.goto(url)
        if drawn:
            page.wait_for_selector(".pd-map-tools", state="visible")

    def read(self, expression: str) -> Any:
        """Something of the plot ``g``, in JavaScript."""
        return self.page.evaluate(
            f"(() => {{ const g = document.querySelector('.pd-map-plot'); return {expression}; }})()"
        )

    def until(self, expression: str) -> None:
        """Wait until something of the plot ``g`` is so."""
        self.page.wait_for_function(
            f"(() => {{ const g = document.querySelector('.pd-map-plot'); return {expression}; }})()"
        )

    def range(self) -> list[float]:
        """What is seen across."""
        return list(self.read("g._fullLayout.xaxis.range"))

    def spot(self, layer: int, index: int) -> tuple[float, float]:
        """Where a dot is on the screen."""
        self.page.locator(".pd-map-plot").scroll_into_view_if_needed()
        x, y = self.read(
            f"(() => {{ const r = g.getBoundingClientRect(), l = g._fullLayout, t = g.data[{layer}];"
            f" return [r.left + l.xaxis.l2p(t.x[{index}]), r.top + l.yaxis.l2p(t.y[{index}])]; }})()"
        )
        return x, y

    def ground(self) -> str:
        """The picture of everybody, under what moves."""
        return str(self.page.evaluate("document.querySelector('.pd-map-ground').toDataURL()"))

    def spot_of(self, place: Sequence[float]) -> tuple[float, float]:
        """Where on the screen a place of the map is."""
        self.page.locator(".pd-map-plot").scroll_into_view_if_needed()
        x, y = self.read(
            "(() => { const r = g.getBoundingClientRect(), l = g._fullLayout;"
            f" return [r.left + l.xaxis.l2p({float(place[0])}), r.top + l.yaxis.l2p({float(place[1])})]; }})()"
        )
        return x, y

    def dot(self, place: Sequence[float]) -> tuple[int, ...]:
        """Colour of the ground at a place, red, green and blue."""
        x, y = self.spot_of(place)
        found = self.page.evaluate(
            "([x, y]) => { const c = document.querySelector('.pd-map-ground'), r = c.getBoundingClientRect();"
            " return [...c.getContext('2d').getImageData(x - r.left, y - r.top, 1, 1).data]; }",
            [x, y],
        )
        return tuple(found[:3])

    def click(self, layer: int, index: int) -> None:
        """Click a dot."""
        self.click_at(self.spot(layer, index))

    def click_at(self, spot: tuple[float, float]) -> None:
        """Click where a dot is."""
        self.page.mouse.move(spot[0] - 1, spot[1])
        self.page.mouse.move(*spot)
        self.page.wait_for_selector(".pd-map-over")
        self.page.mouse.click(*spot)

    def labels(self) -> list[str]:
        """What is written on regions."""
        return self.page.locator(".pd-map-plot .annotation-text").evaluate_all("all => all.map(n => n.textContent)")

    def expect_report(self, text: str) -> None:
        """What Python says it was told."""
        expect(self.page.locator("#report textarea")).to_have_value(text, timeout=PATIENCE)


def lonely() -> int:
    """Row of somebody with nobody near, whom a click cannot miss."""
    gaps = [np.sort(((stage.PLACES - place) ** 2).sum(1))[1] for place in stage.PLACES]
    inside = np.abs(stage.PLACES).max(1) < 1.8
    return int(np.argmax(np.where(inside, gaps, 0)))


def near(found: tuple[int, ...], colour: str) -> bool:
    """Whether a dot, which lets a little of the ground through, has a colour."""
    wanted = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    return max(abs(one - other) for one, other in zip(found, wanted, strict=True)) < 24


@pytest.fixture
def people(browser: Browser, address: str) -> Iterator[Map]:
    page = browser.new_page(viewport={"width": 800, "height": 1000})
    drawn = Map(page, address)
    yield drawn
    page.close()
    assert not drawn.troubles
    outside = [url for url in drawn.asked if not url.startswith((address, "data:", "blob:"))]
    assert not outside


def test_a_click_on_a_dot_selects_that_person_and_moves_nobody(people: Map) -> None:
    row = lonely()
    before = people.ground()
    people.click_at(people.spot_of(stage.PLACES[row]))
    people.expect_report(stage.IDS[row])
    expect(people.page.locator(".pd-map-message")).to_contain_text(f"{stage.IDS[row]} is selected", timeout=PATIENCE)
    people.until(f"g.data[{RING}].x.length === 2")
    assert people.read(f"g.data[{RING}].x[0]") == pytest.approx(stage.PLACES[row][0], abs=1e-3)
    assert len(people.read(f"g.data[{NEAR}].x")) == 14  # of fifteen, one is the person
    assert people.ground() == before
    assert sum("plotly" in url for url in people.asked) == 1


def test_a_click_on_a_name_and_on_the_list_do_the_same(people: Map) -> None:
    people.click(NAMED, 3)
    people.expect_report("sample:person-3")
    people.page.get_by_text("Names and nearest, as a list").click()
    people.page.get_by_role("button", name="Paloma").press("Enter")
    people.expect_report("sample:person-5")
    paloma = people.page.get_by_role("button", name="Paloma")
    expect(paloma).to_have_attribute("aria-pressed", "true", timeout=PATIENCE)
    expect(paloma).to_be_focused(timeout=PATIENCE)


def test_hovering_tells_the_id_and_the_number_of_items(people: Map) -> None:
    row = lonely()
    x, y = people.spot_of(stage.PLACES[row])
    people.page.mouse.move(x - 1, y)
    people.page.mouse.move(x, y)
    expect(people.page.locator(".pd-map-hint")).to_have_text(
        f"{stage.IDS[row]} · {stage.COUNTS[row]} posts", timeout=PATIENCE
    )


def test_the_edited_person_glides_and_leaves_a_trail(people: Map) -> None:
    assert people.read(f"g.data[{TRAIL}].x.length") == 3
    people.page.evaluate(
        "() => { const old = Element.prototype.animate; window.glides = [];"
        " Element.prototype.animate = function (...given) {"
        " window.glides.push(given[1].duration); return old.apply(this, given); } }"
    )
    people.page.click("#walk")
    people.until(f"g.data[{TRAIL}].x.length === 4")
    people.page.wait_for_function("window.glides.length === 1")
    assert people.read(f"g.data[{YOU}].x[1]") == stage.WALK[3][0]


def test_nothing_moves_for_whoever_asked_for_stillness(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport={"width": 800, "height": 1000}, reduced_motion="reduce")
    people = Map(page, address)
    page.evaluate("() => { window.glides = 0; Element.prototype.animate = () => { window.glides += 1; } }")
    page.click("#walk")
    people.until(f"g.data[{TRAIL}].x.length === 4")
    page.wait_for_timeout(200)
    assert page.evaluate("window.glides") == 0
    page.close()


def test_zoom_survives_redrawing_and_the_whole_map_comes_back(people: Map) -> None:
    home = people.range()
    people.page.get_by_role("button", name="Zoom in").click()
    people.until("g._fullLayout.xaxis.range[1] < 2.5")
    near = people.range()
    people.page.click("#walk")
    people.until(f"g.data[{TRAIL}].x.length === 4")
    assert people.range() == pytest.approx(near)
    shown = people.page.locator(".pd-map-plot .textpoint, .pd-map-plot .scatterlayer text").all_text_contents()
    assert "Paloma" not in shown  # out of sight, and back below
    people.page.get_by_role("button", name="Show the whole map").click()
    people.until(f"Math.abs(g._fullLayout.xaxis.range[1] - {home[1]}) < 1e-6")
    expect(people.page.locator(".pd-map-plot .scatterlayer")).to_contain_text("Paloma", timeout=PATIENCE)


def test_regions_keep_their_labels_up_close(people: Map) -> None:
    assert "short words" in people.labels()
    for _ in range(2):
        low, high = people.range()
        people.page.get_by_role("button", name="Zoom in").click()
        people.until(f"g._fullLayout.xaxis.range[1] - g._fullLayout.xaxis.range[0] < {0.9 * (high - low)}")
    # The middle of the map is in a region whose label stays in sight.
    people.page.wait_for_function("document.querySelectorAll('.pd-map-plot .annotation-text').length > 0")
    assert set(people.labels()) <= {"short words", "small i", "long texts,many questions"}


def test_a_drag_pans_and_a_double_click_returns(people: Map) -> None:
    home = people.range()
    people.page.get_by_role("button", name="Zoom in").click()
    people.until("g._fullLayout.xaxis.range[1] < 2.5")
    box = people.page.locator(".pd-map-plot").bounding_box()
    assert box is not None
    x, y = box["x"] + 40, box["y"] + 40
    near = people.range()
    people.page.mouse.move(x, y)
    people.page.mouse.down()
    people.page.mouse.move(x + 60, y, steps=4)
    people.page.mouse.up()
    people.until(f"g._fullLayout.xaxis.range[0] < {near[0] - 0.1}")
    people.page.wait_for_timeout(600)
    people.page.mouse.dblclick(x, y)
    people.until(f"Math.abs(g._fullLayout.xaxis.range[0] - {home[0]}) < 1e-6")


def test_a_plain_wheel_scrolls_the_page_and_one_with_control_zooms(people: Map) -> None:
    people.page.set_viewport_size({"width": 800, "height": 500})
    people.until("Math.abs(g._fullLayout.height - g.offsetHeight) < 1 && g.offsetHeight < 400")
    home = people.range()
    x, y = people.spot(NAMED, 0)
    people.page.mouse.move(x, y)
    people.page.mouse.wheel(0, 80)
    people.page.wait_for_function("window.scrollY > 0")
    assert people.range() == pytest.approx(home)
    x, y = people.spot(NAMED, 0)
    people.page.mouse.move(x, y)
    people.page.keyboard.down("Control")
    people.page.mouse.wheel(0, -200)
    people.page.keyboard.up("Control")
    people.until(f"g._fullLayout.xaxis.range[1] - g._fullLayout.xaxis.range[0] < {0.99 * (home[1] - home[0])}")


def test_names_are_only_ever_text(people: Map) -> None:
    people.page.click("#attack")
    expect(people.page.locator(".pd-map-list button").first).to_have_text(stage.HOSTILE[0], timeout=PATIENCE)
    people.page.get_by_text("Names and nearest, as a list").click()
    listed = people.page.locator(".pd-map-list button").all_text_contents()
    assert tuple(listed[: len(stage.HOSTILE)]) == stage.HOSTILE
    expect(people.page.locator(".pd-map-message")).to_contain_text(stage.HOSTILE[0], timeout=PATIENCE)
    people.until(f"g.data[{NAMED}].x.length === {len(stage.HOSTILE)}")
    drawn = people.page.locator(".pd-map-plot .scatterlayer text").all_text_contents()
    assert {"${6*7}", "{{value}}", "<b>bold</b> &lt;i&gt;", "%{customdata} $x^2$"} <= set(drawn)
    for index, name in enumerate(stage.HOSTILE):
        x, y = people.spot(NAMED, index)
        people.page.mouse.move(x - 1, y)
        people.page.mouse.move(x, y)
        expect(people.page.locator(".pd-map-hint")).to_have_text(name, timeout=PATIENCE)
    assert people.page.locator(".pd-map img, .pd-map b, .pd-map script").count() == 0


def test_nobody_and_nothing_is_fine(people: Map) -> None:
    people.page.click("#nobody")
    expect(people.page.locator(".pd-map-message")).to_have_text("Nobody is selected.", timeout=PATIENCE)
    people.until(f"g.data[{YOU}].x.length === 0")
    people.page.click("#walk")
    people.until(f"g.data[{YOU}].x.length === 2")


def test_colours_follow_the_theme_while_looking(people: Map) -> None:
    place, light = stage.PLACES[lonely()], people.ground()
    assert near(people.dot(place), NEUTRALS["dot"].light)
    people.page.evaluate("document.body.classList.add('dark')")
    people.until(f"document.querySelector('.pd-map-ground').toDataURL() !== '{light}'")
    assert near(people.dot(place), NEUTRALS["dot"].dark)
    people.page.evaluate("document.body.classList.remove('dark')")
    people.until(f"document.querySelector('.pd-map-ground').toDataURL() === '{light}'")


def test_a_dark_page_starts_dark(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport={"width": 800, "height": 1000})
    people = Map(page, f"{address}?__theme=dark")
    assert near(people.dot(stage.PLACES[lonely()]), NEUTRALS["dot"].dark)
    assert people.page.evaluate("getComputedStyle(document.querySelector('.pd-map-frame')).backgroundColor") == PANEL
    page.close()


def test_a_phone_sees_the_whole_map_without_sideways_scroll(browser: Browser, address: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    people = Map(context.new_page(), address)
    assert people.page.evaluate("document.documentElement.scrollWidth") <= 390
    box = people.page.locator(".pd-map-frame").bounding_box()
    assert box is not None
    assert box["width"] <= 390
    assert 200 <= box["height"] <= 400
    assert people.read("g._fullLayout.dragmode") is False
    assert people.labels()
    people.page.touchscreen.tap(*people.spot(NAMED, 0))
    people.expect_report("sample:person-0")
    people.page.set_viewport_size({"width": 700, "height": 390})
    people.until("Math.abs(g._fullLayout.width - g.offsetWidth) < 1 && g.offsetWidth > 400")
    context.close()


def test_without_plotly_the_words_and_the_list_still_work(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport={"width": 800, "height": 1000})

    def refuse(route: Route) -> None:
        route.abort()

    page.route("**/plotly.min.js", refuse)
    people = Map(page, address, drawn=False)
    expect(page.locator(".pd-map-state")).to_contain_text("cannot be drawn", timeout=PATIENCE)
    expect(page.locator(".pd-map-message")).to_contain_text("You are nearest to", timeout=PATIENCE)
    page.get_by_role("button", name="Hester").click()
    people.expect_report("sample:person-3")
    expect(page.locator(".pd-map-message")).to_contain_text("sample:person-3 is selected", timeout=PATIENCE)
    assert not people.troubles
    page.close()


@pytest.mark.skipif(shutil.which("node") is None, reason="server-side rendering needs Node.js")
def test_behind_the_server_side_renderer(browser: Browser) -> None:
    demo, url = stage.serve(ssr_mode=True)
    page = browser.new_page(viewport={"width": 800, "height": 1000})
    people = Map(page, url)
    people.click(NAMED, 3)
    people.expect_report("sample:person-3")
    assert not people.troubles
    page.close()
    demo.close()


def test_under_a_path_of_somebody_elses_server(browser: Browser) -> None:
    gr.set_static_paths(stage.static_paths())
    app = gr.mount_gradio_app(FastAPI(), stage.page(), path="/class/demo", css=stage.stylesheet(), theme=stage.theme())
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
    thread = stage.in_background(server.run)
    try:
        page = browser.new_page(viewport={"width": 800, "height": 1000})
        people = Map(page, f"{stage.address_of(server)}/class/demo/")
        assert all("/class/demo/" in url for url in people.asked if "plotly" in url)
        page.close()
    finally:
        server.should_exit = True
        thread.join(timeout=20)
