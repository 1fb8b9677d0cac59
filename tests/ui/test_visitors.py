"""A class of thirty at once: six read the page, the others ask as programs do, and nobody gets another's text."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from gradio_client import Client
from playwright.sync_api import Page, expect

from persona_demo.ui.endpoints import Endpoints
from persona_demo.ui.loading import Loading
from tests.ui.stage import SIX, App, card, finished, opening_words, press_write, rows, written

# Gradio's own queue statistics still use what pandas is about to drop.
pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")]

PAGES, PROGRAMS = 6, 24
WORDS = ("ferry", "kettle", "swans", "gate", "rain", "flour")
ARMS = ["task", "persona", "recent"]


def asked(visitor: int) -> tuple[list[str], str]:
    """History and opening words of a visitor, like nobody else's."""
    word = WORDS[visitor % len(WORDS)]
    history = [f"the {word} was late {visitor} times", f"I counted {visitor} on the roof"]
    return history, f"visitor {visitor} saw the {word}"


def ask(app: App, visitor: int) -> dict[str, Any]:
    history, opening = asked(visitor)
    # A visitor is patient, and so is this one: by itself the client gives up after five seconds.
    client = Client(app.url, verbose=False, analytics_enabled=False, httpx_kwargs={"timeout": 600})
    made: dict[str, Any] = client.predict(history, opening, ARMS, 2.0, 12, api_name="/compare")
    return made


def texts(made: dict[str, Any]) -> dict[str, str]:
    return {arm["arm"]: arm["text"] for arm in made["arms"]}


def test_thirty_visitors_at_once_each_get_their_own(app: App, visit: Callable[..., Page]) -> None:
    pages = [visit(app) for _ in range(PAGES)]
    for place, page in enumerate(pages):
        (first, _), opening = asked(place)
        page.locator(".pd-add textarea").fill(first)
        page.locator(".pd-add button").click()
        expect(rows(page).last.locator("textarea")).to_have_value(first)
        opening_words(page).fill(opening)
    with ThreadPoolExecutor(PROGRAMS) as pool:
        waiting: list[Future[dict[str, Any]]] = [
            pool.submit(ask, app, visitor) for visitor in range(PAGES, PAGES + PROGRAMS)
        ]
        for page in pages:
            press_write(page)
        made = [future.result(timeout=600) for future in waiting]
    for page in pages:
        finished(page)
    alone = Endpoints((app.shelf, Loading(lambda report: app.models.runtime)))
    for visitor, got in enumerate(made, start=PAGES):
        history, opening = asked(visitor)
        assert got["prompt"] == opening
        assert texts(got) == texts(alone.compare(history, opening, ARMS, 2.0, 12))
    for place, page in enumerate(pages):
        (first, _), opening = asked(place)
        expect(rows(page).last.locator("textarea")).to_have_value(first)
        expect(card(page, "task")).to_contain_text(opening)
        assert all(written(page, arm) for arm in SIX)
    # What reads texts differs from page to page, and what reads none of them is the same for the same opening words.
    assert len({written(page, "recent") for page in pages}) > 1
    # The line is empty again: the next visitor has their turn at once.
    press_write(pages[0])
    finished(pages[0])
