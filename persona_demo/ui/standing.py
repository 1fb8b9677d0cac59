"""Where somebody stands, and how their items weigh, as far as that is known by now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from persona_demo.maps.atlas import Placement
from persona_demo.runtime import Runtime
from persona_demo.ui import views
from persona_demo.ui.map_value import MapValue, NamedPoint, Tint, You, map_value
from persona_demo.ui.mixture import Mixture
from persona_demo.ui.shelf import Shelf
from persona_demo.ui.state import SAMPLE, Session

NO_MAP = "There is no map here yet: it is made by “python -m persona_demo atlas build”."


def stand(
    shelf: Shelf, runtime: Runtime | None, session: Session, opening: str
) -> tuple[Sequence[float] | None, Placement | None]:
    """Weights of the items and the place of the person.

    Args:
        shelf: What ships.
        runtime: The models, once they are loaded.
        session: The person.
        opening: The input.
    """
    if runtime is None or not session.history.active:
        return shelf.shipped_weights(session, opening), shelf.shipped_place(session)
    query = opening if opening.strip() else None
    made = runtime.embed(session.history, runtime.task(shelf.task.name), query=query)
    placement = runtime.place(made.user_vector) if runtime.atlas is not None else None
    return (made.weights.tolist() if query else None), placement


def pinned_points(shelf: Shelf, runtime: Runtime | None, session: Session) -> list[tuple[str, float, float]]:
    """Name and place of the pinned states, but for the one on the table, which stands there itself."""
    states = session.states
    found = [states.state(name) for name in states.pinned if name != states.current]
    if runtime is None or runtime.atlas is None:
        return []
    task = runtime.task(shelf.task.name)
    placed = [
        (state.id, runtime.place(runtime.embed(state.history, task).user_vector))
        for state in found
        if state.history.active
    ]
    return [(name, at.x, at.y) for name, at in placed]


def sample_points(shelf: Shelf) -> list[NamedPoint]:
    """The sample people on the map."""
    places = shelf.showcase.places if shelf.showcase is not None else {}
    found = ((s, places[s.slug]) for s in shelf.samples if s.slug in places)
    return [NamedPoint(SAMPLE + s.slug, s.history.name, at.x, at.y) for s, at in found]


def map_of(
    shelf: Shelf,
    session: Session,
    placement: Placement | None,
    *,
    mixture: Mixture | None = None,
    pinned: Sequence[tuple[str, float, float]] = (),
    tint: Tint | Literal["keep", "none"] = "keep",
) -> MapValue:
    """The map with somebody on it.

    Args:
        shelf: What ships.
        session: The person.
        placement: Where they stand, where that is known.
        mixture: Who is mixed from them, where that is drawn.
        pinned: Name and place of each state of theirs that is marked.
        tint: Colours of the population.
    """
    message = views.place_in_words(session, placement, shelf.names)
    if placement is None and shelf.atlas is None:
        message = NO_MAP
    if pinned:
        message += f" Pinned, and marked ◆: {' and '.join(name for name, _, _ in pinned)}."
    drawn = mixture or Mixture()
    message = f"{message} {drawn.drawn}".strip()
    here = None
    if placement is not None and not session.stored:
        here = You(session.history.name, placement.x, placement.y, session.trail[:-1])
    return map_value(
        selected=session.who if session.stored else None,
        you=here,
        people=sample_points(shelf),
        neighbours=[near.id for near in views.others(session, placement)] if placement is not None else [],
        message=message,
        line=drawn.line,
        mixed=drawn.mixed,
        pinned=[*pinned, *drawn.marks],
        tint=tint,
    )
