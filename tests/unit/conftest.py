"""A page on tiny models, for tests of what its verbs do."""

from __future__ import annotations

import gradio as gr
import pytest

from persona_demo.arms import ARMS
from persona_demo.runtime import Runtime
from persona_demo.showcase import build_showcase
from persona_demo.ui.layout import lay_out
from persona_demo.ui.loading import Loading
from persona_demo.ui.page import Page
from persona_demo.ui.shelf import Shelf
from tests import tiny

OPENING = "the ferry was late"
SIX = [name for name in ARMS if ":" not in name]
USUALLY = (64, 0.0, 0.95)
"""Length, temperature and top-p that a page starts with."""


@pytest.fixture(scope="module")
def shelf(runtime: Runtime) -> Shelf:
    samples = tiny.samples()
    case = build_showcase(runtime, samples, person="ada", opening=OPENING, plug_fingerprint="tiny")
    return Shelf(samples=samples, openings=(OPENING,), atlas=runtime.atlas, showcase=case)


@pytest.fixture(scope="module")
def page(shelf: Shelf) -> Page:
    with gr.Blocks():
        return lay_out(shelf)


@pytest.fixture(scope="module")
def loading(runtime: Runtime) -> Loading:
    loading = Loading(lambda report: runtime)
    loading.start()
    assert loading.wait(10) is runtime
    return loading
