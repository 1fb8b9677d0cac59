"""The benchmarks keep up with the app they measure."""

from __future__ import annotations

from benchmarks.map import PEOPLE, crowded
from persona_demo.ui import build_demo
from persona_demo.ui.shelf import load_shelf


def test_the_page_can_be_built_around_a_crowded_map() -> None:
    shelf = crowded(load_shelf())
    assert shelf.atlas is not None and len(shelf.atlas.ids) == PEOPLE
    assert build_demo(shelves=[shelf]).blocks
