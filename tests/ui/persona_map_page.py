"""A page with nothing but the map of invented people, for the browser tests and for looking at it.

``python -m tests.ui.persona_map_page`` serves it on port 7861.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import gradio as gr
import numpy as np
import uvicorn
from numpy.typing import NDArray

from persona_demo.ui.map_value import MapValue, NamedPoint, You, map_value
from persona_demo.ui.palette import stylesheet, theme
from persona_demo.ui.persona_map import PersonaMap, selected_id, static_paths

PEOPLE = 1600
NAMES = ("Benny", "Curtis", "Dolores", "Hester", "Miriam", "Paloma", "Renzo", "Tama", "Walter", "Yasmin")
HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "${6*7}",
    "{{value}}",
    "<b>bold</b> &lt;i&gt;",
    "%{customdata} $x^2$",
)
REGIONS = (("long texts, many questions", -1.5, 1.2), ("short words", 0.1, -0.9), ("small i", 1.6, 0.9))
WALK = ((0.9, 0.5), (0.7, 0.1), (0.2, -0.1), (-0.35, 0.15), (-0.6, 0.55))


def population() -> tuple[list[str], NDArray[np.float64], list[int]]:
    """Ids, coordinates (U, 2) and counts (U,) of invented people in a few loose crowds."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(9, 2)) * (1.3, 1.0)
    crowd = rng.integers(9, size=PEOPLE)
    places = centres[crowd] + rng.normal(size=(PEOPLE, 2)) * rng.uniform(0.14, 0.42, size=9)[crowd, None]
    places = (places - places.mean(0)) / places.std()
    return [f"p{i:04d}" for i in range(PEOPLE)], places, [int(n) for n in rng.integers(1, 60, size=PEOPLE)]


IDS, PLACES, COUNTS = population()


def named(names: Sequence[str] = NAMES) -> list[NamedPoint]:
    """People with names, spread over the map."""
    rows = np.random.default_rng(3).choice(PEOPLE, size=len(names), replace=False)
    return [
        NamedPoint(id=f"sample:person-{i}", name=name, x=float(PLACES[row][0]), y=float(PLACES[row][1]))
        for i, (name, row) in enumerate(zip(names, rows, strict=True))
    ]


def near(place: tuple[float, float], *, count: int = 15) -> list[str]:
    """Ids of the nearest people."""
    return [IDS[i] for i in np.argsort(((PLACES - place) ** 2).sum(1))[:count]]


def after(steps: int, *, names: Sequence[str] = NAMES, you: str = "You") -> MapValue:
    """The map after some steps of the walk."""
    place = WALK[steps % len(WALK)]
    ids = near(place)
    return map_value(
        selected=None,
        you=You(you, *place, trail=WALK[: steps % len(WALK)]),
        people=named(names),
        neighbours=ids,
        message=f"{you} are nearest to {ids[0]}, {ids[1]} and {ids[2]}, and to {names[0]} among the sample people.",
    )


def chosen(event: gr.EventData) -> tuple[MapValue, str]:
    """The map with somebody selected, and their id."""
    person = selected_id(event)
    places = dict(zip(IDS, PLACES, strict=True)) | {p.id: np.array((p.x, p.y)) for p in named()}
    if person not in places:
        return map_value(people=named(), message="Nobody is selected."), "refused"
    ids = near((float(places[person][0]), float(places[person][1])))
    value = map_value(
        selected=person,
        you=You("You", *WALK[2], trail=WALK[:2]),
        people=named(),
        neighbours=ids,
        message=f"{person} is selected. Nearest to them: {', '.join(ids[:3])}.",
    )
    return value, person


def page() -> gr.Blocks:
    """The page."""
    with gr.Blocks(title="Map", analytics_enabled=False) as demo:
        steps = gr.State(2)
        gr.Markdown("## Where they stand\nEvery dot is somebody whose writing taught the plug.")
        people = PersonaMap(
            ids=IDS, coordinates=PLACES.tolist(), counts=COUNTS, value=after(2), regions=REGIONS, elem_id="map"
        )
        with gr.Row():
            walk = gr.Button("Edit a line", variant="primary", elem_id="walk")
            attack = gr.Button("Hostile names", elem_id="attack")
            lone = gr.Button("Nobody", elem_id="nobody")
        report = gr.Textbox(label="Selected", elem_id="report")

        def further(step: int) -> tuple[int, MapValue]:
            return step + 1, after(step + 1)

        walk.click(further, steps, [steps, people], show_progress="hidden")
        attack.click(lambda: after(2, names=HOSTILE, you=HOSTILE[0]), None, people, show_progress="hidden")
        lone.click(lambda: map_value(message="Nobody is selected."), None, people, show_progress="hidden")
        people.select(chosen, None, [people, report], api_visibility="private", show_progress="hidden")
    return demo


def serve(*, port: int | None = None, ssr_mode: bool = False) -> tuple[gr.Blocks, str]:
    """Start the page in the background; returns it and its address."""
    gr.set_static_paths(static_paths())
    demo = page()
    _, address, _ = demo.launch(
        server_name="127.0.0.1",
        server_port=port,
        prevent_thread_lock=True,
        quiet=True,
        theme=theme(),
        css=stylesheet(),
        ssr_mode=ssr_mode,
    )
    return demo, address


def in_background(run: Callable[[], None]) -> threading.Thread:
    """Run a server beside the tests."""
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def address_of(server: uvicorn.Server) -> str:
    """Address of a server that was told to find itself a port, once it listens."""
    until = time.monotonic() + 60
    while not server.started and time.monotonic() < until:
        time.sleep(0.05)
    host, port = server.servers[0].sockets[0].getsockname()[:2]
    return f"http://{host}:{port}"


if __name__ == "__main__":
    serve(port=7861)[0].block_thread()
