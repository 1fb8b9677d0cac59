"""Searching the map of items: a person's own by their words or number, the population's by id."""

from __future__ import annotations

from persona_demo.maps.item_map import ItemMap
from persona_demo.ui.state import Session


def own_items(session: Session, query: str) -> tuple[str, ...]:
    """Ids of the person's items that hold every word that was asked for, or have the number.

    Args:
        session: The person.
        query: Words, or a number as readers see it: "3" or "Post 3".
    """
    wanted = query.casefold().split()
    return tuple(
        item.id
        for number, item in enumerate(session.history, start=1)
        if query.casefold() in (str(number), session.wording.numbered(number).casefold())
        or (wanted and all(word in item.text.casefold() for word in wanted))
    )


def items_on_map(items: ItemMap, query: str) -> tuple[str, ...]:
    """Ids of the population's items with an id, or of the person with it: ``p0123.2`` or ``p0123``."""
    wanted = query.strip().casefold()
    return tuple(name for name, owner in zip(items.ids, items.people, strict=True) if wanted in (name, owner))
