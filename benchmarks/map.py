"""How long the map takes to draw 3,000 people, and how soon a point has moved after an edit, in a real browser.

The page is the app itself, in headless Chromium on the same machine. Everybody is painted first, which counts from
the moment the empty frame is on the page; then Plotly adds names, the person and what answers the pointer, which
counts from the moment its script has arrived; and a move counts from the end of the edit to the new place in words
and on the map.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.common import Figures, load, long_history
from persona_demo.errors import UserError
from persona_demo.history_io import to_json
from persona_demo.maps.atlas import Atlas
from persona_demo.ui import build_demo, launch_options
from persona_demo.ui.shelf import Shelf, load_shelf

PEOPLE = 3000
ITEMS = 200
ROUNDS = 5
EDITS = 10
WATCH = """
document.addEventListener("DOMContentLoaded", () => new MutationObserver(() => {
  const ground = document.querySelector("#pd-map canvas");
  if (ground) window.framedAt ??= performance.now();
  if (ground?.hasAttribute("width")) window.paintedAt ??= performance.now();
  const tools = document.querySelector("#pd-map .pd-map-tools");
  if (tools && !tools.hidden) window.drawnAt ??= performance.now();
}).observe(document.body, { subtree: true, attributes: true, attributeFilter: ["hidden", "width"], childList: true }));
"""
DRAWN = """() => {
  const script = performance.getEntriesByType("resource").find((entry) => /plotly[^/]*\\.js/.test(entry.name));
  return [window.paintedAt - window.framedAt, window.drawnAt - script.responseEnd];
}"""
EDIT = """(text) => new Promise((resolve) => {
  const said = document.querySelector("#pd-map .pd-map-message");
  const area = document.querySelector(".pd-history textarea");
  area.value = text;
  const begun = performance.now();
  const watch = new MutationObserver(() => { watch.disconnect(); resolve(performance.now() - begun); });
  watch.observe(said, { childList: true, characterData: true, subtree: true });
  area.dispatchEvent(new Event("change"));
})"""


def run() -> Figures:
    """Measure all three.

    Raises:
        UserError: If there is no Chromium.
    """
    path = next((found for name in ("chromium", "chromium-browser") if (found := shutil.which(name))), None)
    if path is None:
        raise UserError("This benchmark needs Chromium: install it, for example with 'apt install chromium'.")
    runtime, shelf = load(), crowded(load_shelf())
    demo = build_demo(load=lambda report: runtime, shelves=[shelf])
    _, url, _ = demo.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **launch_options())
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
            painted, drawn = zip(*(_drawn(browser, url) for _ in range(ROUNDS)), strict=True)
            moved = _moved(browser, url)
            browser.close()
    finally:
        demo.close()
    return {
        "people": float(PEOPLE),
        "painted_ms": median(painted),
        "painted_ms_each": [round(value, 1) for value in painted],
        "drawn_ms": median(drawn),
        "drawn_ms_each": [round(value, 1) for value in drawn],
        "items": float(ITEMS),
        "moved_ms": median(moved),
        "moved_ms_each": [round(value, 1) for value in moved],
    }


def crowded(shelf: Shelf) -> Shelf:
    """Put 3,000 people on its maps, around those of the shipped ones.

    Raises:
        UserError: If there is no map.
    """
    atlas = shelf.atlas
    if atlas is None:
        raise UserError("There is no map: run 'python -m persona_demo atlas build'.")
    rng = np.random.default_rng(0)
    rows = rng.integers(len(atlas.ids), size=PEOPLE)
    crowd: Atlas = replace(
        atlas,
        ids=tuple(f"p{n:04d}" for n in range(PEOPLE)),
        vectors=atlas.vectors[rows],
        coordinates=(atlas.coordinates[rows] + rng.normal(scale=0.05, size=(PEOPLE, 2))).astype(np.float32),
        counts=atlas.counts[rows],
        style=None if atlas.style is None else atlas.style[rows],
    )
    # The map by subject has the same people in the same order.
    subjects = shelf.subjects
    if subjects is not None:
        subjects = replace(subjects, vectors=subjects.vectors[rows], coordinates=subjects.coordinates[rows])
    return replace(shelf, atlas=crowd, subjects=subjects)


@contextmanager
def _opened(browser: Browser, url: str) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1360, "height": 2600})
    page.add_init_script(WATCH)
    page.goto(url)
    page.wait_for_function("window.drawnAt && document.body.innerText.includes('Models ready')", timeout=120_000)
    yield page
    page.close()


def _drawn(browser: Browser, url: str) -> tuple[float, float]:
    """Milliseconds until everybody is painted, and until Plotly has drawn the rest."""
    with _opened(browser, url) as page:
        painted, drawn = page.evaluate(DRAWN)
    return float(painted), float(drawn)


def _moved(browser: Browser, url: str) -> list[float]:
    """Milliseconds from each of a few edits of one of 200 items to the new place."""
    with tempfile.TemporaryDirectory() as folder, _opened(browser, url) as page:
        file = Path(folder) / "long.json"
        file.write_text(to_json(long_history(ITEMS)), encoding="utf-8")
        page.locator(".pd-tools input[type=file]").set_input_files(file)
        page.wait_for_function(f"document.querySelectorAll('.pd-history tbody tr').length === {ITEMS}", timeout=120_000)
        times = []
        for turn in range(EDITS):
            time.sleep(1.5)  # what follows an edit behind the scenes is not what is measured
            times.append(
                float(page.evaluate(EDIT, f"Something else altogether, number {turn}: the tide took the sign."))
            )
        return times
