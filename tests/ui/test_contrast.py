"""Dark and light: what is drawn on the page can be read, by its contrast with what it stands on."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.ui.stage import App, choose
from tests.ui.tabs import measure, open_tab

# Gradio's own queue statistics still use what pandas is about to drop.
pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")]

TEXT = 4.5
"""Least contrast of small letters (WCAG 2.1, AA)."""
SHAPE = 3.0
"""Least contrast of a line or a dot that must be seen."""

# A canvas turns any colour of CSS into bytes; grounds are laid over each other from the page up.
RATIOS = """([selector, property]) => {
  const pen = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const bytes = (...colours) => {
    pen.clearRect(0, 0, 1, 1);
    for (const colour of colours) { pen.fillStyle = colour; pen.fillRect(0, 0, 1, 1); }
    return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (rgb) => rgb
    .map((byte) => byte / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
  return [...document.querySelectorAll(selector)].filter((node) => node.getClientRects().length).map((node) => {
    const grounds = [];
    for (let at = node; at; at = at.parentElement) grounds.unshift(getComputedStyle(at).backgroundColor);
    const own = property === "backgroundColor";
    const under = bytes("white", ...(own ? grounds.slice(0, -1) : grounds));
    const over = bytes("white", ...grounds, getComputedStyle(node)[property]);
    const [low, high] = [light(under), light(over)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  });
}"""


def readable(page: Page, selector: str, *, by: str = "color", least: float = TEXT) -> None:
    """What a selector finds is there, and stands out from its ground."""
    ratios = page.evaluate(RATIOS, [selector, by])
    assert ratios, f"nothing to see of {selector}"
    assert min(ratios) >= least, f"{selector} has a contrast of {min(ratios):.2f}"


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_charts_tables_tints_and_labels_can_be_read(app: App, visit: Callable[..., Page], theme: str) -> None:
    page = visit(app, query=f"?__theme={theme}")
    measure(page, "dial")
    readable(page, "#pd-dial-chart svg text", by="fill")
    readable(page, "#pd-dial-chart svg polyline", by="stroke", least=SHAPE)
    readable(page, "#pd-dial-chart figcaption, #pd-dial-chart .pd-chart-key li")
    readable(page, "#pd-dial-table th, #pd-dial-table td span")
    open_tab(page, "Word by word")
    measure(page, "tokens")
    readable(page, "#pd-tokens .pd-run span, #pd-tokens .pd-swatch, #pd-tokens .pd-legend")
    open_tab(page, "Maps")
    choose(page, "#pd-colour", "Who of the sample people is nearest")
    legend = page.locator("#pd-map-people .pd-map-tint-list li")
    expect(legend.first).to_be_visible()
    readable(page, "#pd-map-people .pd-map-tint-list li, #pd-map-people .pd-map-message")
    readable(page, "#pd-near td span, #pd-near th")
    labels = page.locator("#pd-map-people .annotation-text")
    expect(labels.first).to_be_visible()
    readable(page, "#pd-map-people .annotation-text", by="fill")
