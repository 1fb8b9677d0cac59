"""Fixtures of the browser tests: the app on tiny models, one browser, and pages that tell of any alarm."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Dialog, Page, expect, sync_playwright

from persona_demo.runtime import Runtime
from persona_demo.showcase import build_showcase
from persona_demo.ui.shelf import Shelf
from tests import tiny
from tests.ui.chromium import launch
from tests.ui.stage import OPENINGS, App, Models, card, start


@pytest.fixture(scope="module")
def shelf(runtime: Runtime) -> Shelf:
    samples = tiny.samples()
    case = build_showcase(runtime, samples, person="ada", opening=OPENINGS[0], plug_fingerprint="tiny")
    assert runtime.atlas is not None
    # The same people in the same places, with what a map that was built has beside them.
    atlas = tiny.labelled(runtime.atlas)
    return Shelf(
        samples=samples,
        openings=OPENINGS,
        atlas=atlas,
        showcase=case,
        items=tiny.item_map(atlas),
        subjects=tiny.subject_map(atlas),
    )


@pytest.fixture(scope="module")
def app(runtime: Runtime, shelf: Shelf) -> Iterator[App]:
    models = Models(runtime)
    models.gate.set()
    yield from start(models, shelf)


@pytest.fixture
def waiting_app(runtime: Runtime, shelf: Shelf) -> Iterator[App]:
    yield from start(Models(runtime), shelf)


@pytest.fixture(autouse=True)
def _usual_models(request: pytest.FixtureRequest) -> None:
    if "app" in request.fixturenames:
        models = request.getfixturevalue("app").models
        models.pause, models.broken, models.says = 0.0, False, ""
        models.memory.forget()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # Machines that test may be busy; what must be quick is timed where it matters.
        expect.set_options(timeout=60_000)
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Page]]:
    pages: list[Page] = []
    alarms: list[str] = []

    def alarmed(what: str) -> None:
        alarms.append(what)

    def asked(dialog: Dialog) -> None:
        if dialog.type != "beforeunload":
            alarmed(f"dialog {dialog.message}")
        dialog.accept()

    def local(url: str, app: App) -> bool:
        return url.startswith((app.url, "data:", "blob:"))

    def opened(app: App, *, query: str = "", width: int = 1360, height: int = 900, ready: bool = True) -> Page:
        page = browser.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(60_000)
        page.on("dialog", asked)
        page.on("pageerror", lambda error: alarmed(f"script error {error}"))
        page.on("request", lambda request: None if local(request.url, app) else alarmed(f"request {request.url}"))
        page.goto(app.url + query)
        expect(card(page, "persona")).to_be_visible()
        if ready:
            expect(page.locator("#pd-status")).to_contain_text("Models ready")
        pages.append(page)
        return page

    yield opened
    for page in pages:
        page.close()
    assert not alarms
