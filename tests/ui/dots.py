"""Where the dots of a map are on the screen, and clicking them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Page, expect

NAMED = 3
"""The layer of those who have a name on the map."""


def drawn(page: Page, name: str) -> None:
    """Scroll to a map and wait until it is drawn."""
    page.locator(f"#{name} .pd-map-plot").scroll_into_view_if_needed()
    expect(page.locator(f"#{name} .pd-map-tools")).to_be_visible()
    page.wait_for_function(f"document.querySelector('#{name} .pd-map-plot')._fullLayout")


def read(page: Page, name: str, expression: str) -> Any:
    """Something of the plot ``g`` of a map, in JavaScript."""
    return page.evaluate(
        f"(() => {{ const g = document.querySelector('#{name} .pd-map-plot'); return {expression}; }})()"
    )


def named(page: Page, name: str) -> list[tuple[float, float]]:
    """Places of those who have a name on a map."""
    xs, ys = read(page, name, f"[[...g.data[{NAMED}].x], [...g.data[{NAMED}].y]]")
    return list(zip(xs, ys, strict=True))


def labels(page: Page, name: str) -> list[str]:
    """What is written on a map that is no name: labels of regions, and marks."""
    found = page.locator(f"#{name} .pd-map-plot .annotation-text")
    return found.evaluate_all("nodes => nodes.map(node => node.textContent)")


def loneliest(places: NDArray[np.floating], others: Sequence[tuple[float, float]]) -> int:
    """Row of the place with nobody near, which a click cannot miss."""
    everybody = np.concatenate([places, np.reshape(others, (-1, 2))])
    gaps = np.sort(np.linalg.norm(places[:, None] - everybody[None], axis=2), axis=1)[:, 1]
    # Buttons stand in the lower corners.
    return int(np.argmax(np.where(places[:, 1] > np.quantile(places[:, 1], 0.3), gaps, 0)))


def click(page: Page, name: str, place: Sequence[float]) -> None:
    """Click the dot at a place of a map."""
    drawn(page, name)
    x, y = read(
        page, name,
        "(() => { const r = g.getBoundingClientRect(), l = g._fullLayout;"
        f" return [r.left + l.xaxis.l2p({float(place[0])}), r.top + l.yaxis.l2p({float(place[1])})]; }})()",
    )  # fmt: skip
    page.mouse.move(x - 1, y)
    page.mouse.move(x, y)
    page.wait_for_selector(f"#{name} .pd-map-over")
    page.mouse.click(x, y)
