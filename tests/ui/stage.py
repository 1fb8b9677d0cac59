"""What the browser tests of the app share: the app on tiny models, and how to read and work its page."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from playwright.sync_api import Locator, Page, expect

from persona_demo.answers import ArmText
from persona_demo.arms import ARMS
from persona_demo.lm.memory import TextMemory
from persona_demo.runtime import Report, Runtime
from persona_demo.ui import build_demo, launch_options
from persona_demo.ui.shelf import Shelf

OPENINGS = ("the ferry was late", "rain on the roof")
HOSTILE = ("${6*7}", "{{value}}", "<img src=x onerror=alert(1)>", "<b>bold</b> &lt;i&gt; `x` \\n")
SIX = [name for name in ARMS if ":" not in name]


@dataclass
class Models:
    """A tiny runtime behind a gate, that can be made slow or broken, or told what to say, while a test looks on."""

    runtime: Runtime
    gate: threading.Event = field(default_factory=threading.Event)
    pause: float = 0.0
    says: str = ""
    broken: bool = False
    stepped: int = 0
    closed: threading.Event = field(default_factory=threading.Event)
    memory: TextMemory = field(default_factory=TextMemory)

    def load(self, report: Report) -> Runtime:
        report("fetching the tiny model", 0.5)
        self.gate.wait(60)
        # An instance of its own, because the fixture's runtime serves other tests as well.
        runtime = object.__new__(Runtime)
        runtime.__dict__.update(self.runtime.__dict__, memory=self.memory)
        compare = runtime.compare

        def watched(*args: Any, **kwargs: Any) -> Iterator[Any]:
            self.closed.clear()
            try:
                for state in compare(*args, **kwargs):
                    if self.broken:
                        raise ValueError("a secret text")
                    self.stepped += 1
                    time.sleep(self.pause)
                    yield tuple(self._saying(text) for text in state)
            finally:
                self.closed.set()

        runtime.__dict__["compare"] = watched
        return runtime

    def _saying(self, text: ArmText) -> ArmText:
        return replace(text, written=replace(text.written, text=self.says)) if self.says else text


@dataclass(frozen=True)
class App:
    """A running app."""

    url: str
    models: Models
    shelf: Shelf


def start(models: Models, shelf: Shelf, *others: Shelf) -> Iterator[App]:
    demo = build_demo(load=models.load, shelves=[shelf, *others])
    _, url, _ = demo.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **launch_options())
    yield App(url, models, shelf)
    models.gate.set()
    demo.close()


def card(page: Page, arm: str) -> Locator:
    return page.locator(f'.pd-card[data-arm="{arm}"]')


def written(page: Page, arm: str) -> str:
    return card(page, arm).locator(".pd-new").inner_text()


def tokens(page: Page, arm: str) -> int:
    found = re.search(r"Wrote\s+(\d+) token", card(page, arm).locator(".pd-costs").inner_text())
    return int(found[1]) if found else 0


def all_tokens(page: Page) -> list[int]:
    """Of all columns in sight, at one moment."""
    costs = "[...document.querySelectorAll('.pd-card:not([hidden]) .pd-costs')].map(node => node.textContent)"
    found = [re.search(r"Wrote\s*(\d+) token", text) for text in page.evaluate(costs)]
    return [int(match[1]) if match else 0 for match in found]


def rows(page: Page) -> Locator:
    return page.locator(".pd-history tbody tr")


def shares(page: Page) -> list[float]:
    texts = page.locator(".pd-cell-weight span").all_inner_texts()
    return [float(text.rstrip("%")) for text in texts if text.endswith("%")]


def message(page: Page) -> Locator:
    return page.locator(".pd-map-message")


def opening_words(page: Page) -> Locator:
    return page.locator("#pd-opening textarea")


def press_write(page: Page) -> None:
    page.get_by_role("button", name="Write", exact=True).click()


def finished(page: Page) -> None:
    expect(page.locator("#pd-caption")).to_contain_text("Written for")


def choose(page: Page, box: str, label: str) -> None:
    field = page.locator(f"{box} input")
    field.click()
    field.fill(label)
    page.get_by_role("option", name=label).first.click()


def far_away(page: Page, milliseconds: int) -> None:
    """Put the server so far away, as a Space is; everything takes at least that long."""
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    slow = {"offline": False, "latency": milliseconds, "downloadThroughput": -1, "uploadThroughput": -1}
    network.send("Network.emulateNetworkConditions", slow)
