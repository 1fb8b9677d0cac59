"""How the browser tests open the tabs, run their measurements and read their tables."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect


def open_tab(page: Page, name: str) -> None:
    # Which tabs find room is sorted out a frame after whatever changed it.
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    tab = page.get_by_role("tab", name=name, exact=True)
    if not tab.is_visible():
        page.locator("#pd-inside .overflow-menu button").first.click()
        page.locator("#pd-inside .overflow-dropdown").get_by_text(name, exact=True).click()
    else:
        tab.click()


def said(page: Page, name: str) -> Locator:
    return page.locator(f"#pd-{name}-status .pd-status span")


def measure(page: Page, name: str, *, who: str = "Ada") -> None:
    page.locator(f"#pd-{name}-go").click()
    expect(said(page, name)).to_contain_text(f"For {who}")


def body_rows(page: Page, table: str) -> Locator:
    return page.locator(f"#{table} tbody tr")
