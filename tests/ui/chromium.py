"""The one browser that the tests of the app use."""

from __future__ import annotations

import shutil

from playwright.sync_api import Browser, Playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
)


def launch(playwright: Playwright) -> Browser:
    """Start a headless Chromium that asks nothing of the outside."""
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    assert path is not None, "the browser tests need Chromium: install it, for example with 'apt install chromium'"
    return playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
