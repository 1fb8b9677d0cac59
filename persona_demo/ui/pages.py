"""The app: a page for each task that a shipped plug serves, over models that are loaded once.

All pages wait in the same lanes, because there is one language model.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Navbar

from persona_demo.errors import UserError
from persona_demo.lm.memory import TextMemory
from persona_demo.plug.storage import load_plug
from persona_demo.runtime import Report, Runtime
from persona_demo.shipped import DEFAULT_PLUG, atlas_of, shipped_plugs
from persona_demo.tasks import TaskName
from persona_demo.ui import palette
from persona_demo.ui.endpoints import Endpoints
from persona_demo.ui.layout import lay_out, wire
from persona_demo.ui.line import Line
from persona_demo.ui.loading import Loading, PluggedIn
from persona_demo.ui.persona_map import static_paths
from persona_demo.ui.shelf import FIRST, Shelf, load_shelves

STYLES = tuple(Path(__file__).parent / name for name in ("style.css", "lesson.css", "inside/inside.css"))


def load_runtime(report: Report) -> Runtime:
    """Load the models with the first shipped plug that can be read; pages put theirs beside it.

    Raises:
        UserError: If none can be read, or a model cannot be had.
    """
    # A damaged plug is told on its own page, and is no reason to take the others away.
    whole = ((task, plug) for task, plug in shipped_plugs().items() if _is_whole(plug))
    task, plug = next(whole, (FIRST, DEFAULT_PLUG))
    return Runtime.load(plug_folder=plug, atlas_folder=atlas_of(plug, task), memory=TextMemory(), report=report)


def _is_whole(plug: Path) -> bool:
    try:
        load_plug(plug)
    except UserError:
        return False
    return True


def launch_options() -> dict[str, Any]:
    """What the app is launched with: its looks, and nothing that keeps or shows what visitors type."""
    return {
        "theme": palette.theme(),
        "css": "".join((palette.stylesheet(), *(style.read_text(encoding="utf-8") for style in STYLES))),
        "footer_links": ["api", "settings"],
        "run_history": False,
        "show_error": False,
    }


def build_demo(
    *,
    load: Callable[[Report], Runtime] = load_runtime,
    shelves: Sequence[Shelf] | None = None,
    gpu: Callable[[Any], Any] | None = None,
) -> gr.Blocks:
    """Build the app.

    Args:
        load: Loads the models; called in the background when the first visitor comes.
        shelves: What ships for each task, one at least; read from the assets when left out.
        gpu: Decorates what needs a GPU that is only lent for the length of a call.

    Raises:
        UserError: If something that ships is damaged.
    """
    shelves = load_shelves() if shelves is None else shelves
    gr.set_static_paths(static_paths())
    demo = gr.Blocks(title="Persona Demo", analytics_enabled=False)
    line, loadings = Line(demo), _loadings(Loading(load), shelves)
    paths = {shelf.task.name: shelf.task.name if place else "" for place, shelf in enumerate(shelves)}
    for shelf, loading in zip(shelves, loadings, strict=True):
        path = paths[shelf.task.name]
        with demo.route(shelf.wording.page, path) if path else demo:
            if len(shelves) > 1:
                Navbar(main_page_name=shelves[0].wording.page)
            wire(demo, lay_out(shelf), shelf, loading, line=line, paths=paths, gpu=gpu)
            if not path:
                Endpoints(*zip(shelves, loadings, strict=True), gpu=gpu).register()
    demo.queue(default_concurrency_limit=1)
    return demo


def _loadings(first: Loading, shelves: Sequence[Shelf]) -> list[Loading]:
    """What each page waits for: the models with the plug and the map of its task."""
    return [
        first if shelf.plug is None else PluggedIn(first, functools.partial(_plugged, shelf.plug, shelf.task.name))
        for shelf in shelves
    ]


def _plugged(plug: Path, task: TaskName, runtime: Runtime) -> Runtime:
    """The models with a plug and its map of a task. A plug is small beside the models, which are not loaded again."""
    return runtime.with_plug(plug, atlas_folder=atlas_of(plug, task))
