"""The people a second time, by what they write about alone, and who is among others there."""

from __future__ import annotations

import gradio as gr

from persona_demo.maps.atlas import Placement
from persona_demo.maps.placing import NEIGHBOURS
from persona_demo.maps.subject_map import SubjectMap, sentence_part
from persona_demo.runtime import Runtime
from persona_demo.ui import views
from persona_demo.ui.inside.parts import TwiceParts
from persona_demo.ui.inside.tables import View, row, table
from persona_demo.ui.map_value import MapValue, You, map_value
from persona_demo.ui.persona_map import PersonaMap
from persona_demo.ui.shelf import Shelf
from persona_demo.ui.state import Session
from persona_demo.ui.widget import widget

ABOUT = """The same people, placed by what they write about alone: by the plain sentence embeddings of their {many},
averaged. The rings are those whom the plug has nearest to the person. Where they lie apart, the plug finds people
alike who write of different things: it reads manner and words as well. No flat map keeps all distances, so the table
compares the vectors themselves."""


def lay_out(shelf: Shelf) -> TwiceParts:
    """Lay out the map of subjects and its table, out of sight."""
    atlas, of = shelf.atlas, shelf.wording
    subjects = shelf.subjects if atlas is not None else None
    with gr.Column(min_width=320, visible=False) as side:
        gr.Markdown(ABOUT.format(many=of.many), elem_classes="pd-lead")
        people = PersonaMap(
            ids=atlas.ids if atlas and subjects else (),
            coordinates=subjects.coordinates.tolist() if subjects else (),
            counts=atlas.counts.tolist() if atlas and subjects else (),
            nouns=(of.a, of.many),
            striking=list(shelf.striking.values()) if subjects else (),
            elem_id="pd-map-subjects",
        )
        movers = widget("table", movers_table(shelf), go="select", goes="Take this person", elem_id="pd-map-movers")
    return TwiceParts(side, people, movers)


def movers_table(shelf: Shelf) -> View:
    """Those who are among others by subject than by the plug, the most first."""
    if shelf.atlas is None or shelf.subjects is None:
        return table()
    others = len(shelf.atlas.ids) - 1
    nearest = min(NEIGHBOURS, others)
    rows = [
        row(mover.id, f"{mover.common} of {nearest}", f"{mover.rank:,} of {others:,}", id=mover.id)
        for mover in shelf.subjects.movers
    ]
    return table(
        [("Person", "text"), ("Nearest people in common", "number"), ("The plug's nearest, by subject", "number")],
        rows,
        caption="Whose company differs most: of their nearest people by the plug, the middle one's place by subject",
    )


def twice_value(shelf: Shelf, runtime: Runtime | None, session: Session, placement: Placement | None) -> MapValue:
    """The map of subjects with who is on the table, ringed by whom the plug has nearest to them."""
    subjects = shelf.subjects
    if subjects is None:
        return map_value()
    you = None
    place = None if runtime is None else _place(runtime, shelf, subjects, session)
    if place is not None:
        you = You(session.history.name, *place)
    near = [each.id for each in views.others(session, placement)] if placement is not None else []
    shown = you is not None or session.stored
    said = f"{session.history.name} by subject." if shown else f"{session.history.name} has no place by subject yet."
    return map_value(selected=session.who if session.stored else None, you=you, neighbours=near, message=said)


def _place(runtime: Runtime, shelf: Shelf, subjects: SubjectMap, session: Session) -> tuple[float, float] | None:
    part, active = sentence_part(runtime.plug), session.history.active
    if part is None or not active:
        return None
    task = runtime.task(shelf.task.name)
    raw = runtime.encoder.encode([task.item_text(item, labels=runtime.plug.config.labels) for item in active])
    return subjects.place(raw[:, part].mean(axis=0))
