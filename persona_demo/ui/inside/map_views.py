"""What the maps show besides places, as plain JSON: colours in groups, and tables of who is near."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from persona_demo.maps.atlas import Atlas, Placement
from persona_demo.maps.figures import FIGURES, SCORE
from persona_demo.maps.item_map import ItemMap
from persona_demo.tasks import Wording
from persona_demo.tasks.wording import capital
from persona_demo.ui import views
from persona_demo.ui.inside.tables import Head, View, cell, row, shortened, table
from persona_demo.ui.map_value import Group, MapValue, Tint
from persona_demo.ui.state import Session

NONE = "none"
SAMPLES = "samples"
SENTENCE = "sentence"
COUNT = "count"
FIGURE_MARK = "figure:"
"""What a choice of one of the map's figures starts with."""
MAX_HUES = 10
TOLD = ("words", "sentence", "capitals", "exclamations", SCORE)
"""Figures of single items that a table tells."""
STRIKING: Head = ("Most striking", "text")
NO_STYLE = "This map keeps no style figures, so it has no regions and fewer colours: build it anew with “atlas build”."


def colour_choices(atlas: Atlas | None, names: Sequence[str], of: Wording) -> list[tuple[str, str]]:
    """What points can be coloured by."""
    figures = [(figure.choice, FIGURE_MARK + figure.name) for figure in FIGURES if figure.name in names]
    usual = [("One colour", NONE), ("Who of the sample people is nearest", SAMPLES)]
    usual += [("Likeness to a sentence you type", SENTENCE)]
    return [*usual, *([(f"How many {of.many} they stand for", COUNT)] if atlas is not None else []), *figures]


def steps(values: NDArray[np.floating], *, title: str, digits: int = 1) -> Tint:
    """Fifths of a quantity, from little to much, with their ranges in numbers, and those of whom it is not known.

    Args:
        values: One for each of the population, (U,); not a number where it is not known.
        title: What it is, with its unit.
        digits: Decimals that are told.
    """
    values = np.round(np.asarray(values, dtype=np.float64), digits)
    known = ~np.isnan(values)
    edges = np.unique(np.quantile(values[known], (0.2, 0.4, 0.6, 0.8))) if known.any() else np.zeros(0)
    # A value on the edge of two fifths belongs to the lower one, so that many equal ones stay together.
    of = np.searchsorted(edges, values, side="left")
    groups = []
    kept = np.unique(of[known])
    for place in kept:
        inside = values[known & (of == place)]
        low, high = (f"{each:,.{digits}f}" for each in (inside.min(), inside.max()))
        groups.append(Group(low if low == high else f"{low} to {high}", int(inside.size)))
    if not known.all():
        groups.append(Group("none given", int((~known).sum()), unknown=True))
    return Tint(title, tuple(groups), np.where(known, np.searchsorted(kept, of), len(kept)).tolist(), ordered=True)


def nearness(distances: NDArray[np.floating], *, title: str) -> Tint:
    """Fifths by likeness, the last the most alike."""
    ranks = np.argsort(np.argsort(-distances, kind="stable"), kind="stable")
    of = (5 * ranks // max(len(distances), 1)).tolist()
    names = ("least alike fifth", "less alike", "in between", "more alike", "most alike fifth")
    groups = []
    for n, name in enumerate(names):
        inside = distances[np.array(of) == n]
        told = f"{name}: {inside.min():.2f} to {inside.max():.2f}" if len(inside) else name
        groups.append(Group(told, len(inside)))
    return Tint(title, tuple(groups), of, ordered=True)


def most_like(ids: Sequence[str], distances: NDArray[np.floating], who: str) -> MapValue:
    """What a map shows of those most like a sentence: rings around them, and a line that says so."""
    ringed = [ids[at] for at in np.argsort(distances, kind="stable")[: views.NEIGHBOURS]]
    return {"neighbours": ringed, "message": f"The rings are the {len(ringed)} {who} most like your sentence."}


def nearest_of(distances: NDArray[np.floating], names: Sequence[str], *, title: str) -> Tint:
    """Who of a few people is nearest to each of the population.

    Args:
        distances: Of each of the population (U) from each of them (S), (S, U).
        names: Their names; those past the tenth share a colour with nobody, they are left out.
        title: What it is.
    """
    of = np.argmin(distances[:MAX_HUES], axis=0)
    groups = tuple(Group(name, int((of == n).sum())) for n, name in enumerate(names[:MAX_HUES]))
    return Tint(title, groups, of.tolist())


def near_table(
    session: Session, placement: Placement | None, names: Mapping[str, str], atlas: Atlas | None,
    striking: Mapping[str, str],
) -> View:  # fmt: skip
    """The nearest people with their distances and what strikes about them; each row takes that person."""
    if placement is None or atlas is None:
        return table(empty="Nobody is near yet: the place on the map is not known.")
    near = views.others(session, placement)
    counts = {who: int(count) for who, count in zip(atlas.ids, atlas.counts, strict=True)}
    far = max((each.distance for each in near), default=1.0) or 1.0
    rows = [
        row(
            names.get(each.id, each.id), cell(f"{each.distance:.3f}", each.distance / far), f"{counts[each.id]:,}",
            *([striking[each.id]] if striking else []), id=each.id,
        )
        for each in near
    ]  # fmt: skip
    return table(
        [
            ("Person", "text"),
            ("Distance", "bar"),
            (capital(session.wording.many), "number"),
            *([STRIKING] if striking else []),
        ],
        rows,
        caption=f"Nearest to {session.history.name}: 0 is the same direction, 1 has nothing in common",
    )


def sentence_table(
    atlas: Atlas, distances: NDArray[np.floating], of: Wording, striking: Mapping[str, str], *, most: int = 8
) -> View:
    """The people most like a sentence."""
    order = np.argsort(distances, kind="stable")[:most]
    far = float(distances[order].max()) or 1.0
    rows = [
        row(
            atlas.ids[i], cell(f"{distances[i]:.3f}", float(distances[i]) / far), f"{int(atlas.counts[i]):,}",
            *([striking[atlas.ids[i]]] if striking else []), id=atlas.ids[i],
        )
        for i in order
    ]  # fmt: skip
    heads: list[Head] = [("Person", "text"), ("Distance", "bar"), (capital(of.many), "number")]
    heads += [STRIKING] if striking else []
    return table(heads, rows, caption="Most like your sentence")


def own_posts_table(session: Session, nearest: Sequence[tuple[str, float]]) -> View:
    """A person's items, each with the item of the population that is nearest to it.

    Args:
        session: The person.
        nearest: Id and distance of the nearest item, for each active item that is on the map.
    """
    of = session.wording
    numbers = {item.id: n for n, item in enumerate(session.history, start=1)}
    shown = session.history.active[-len(nearest) :] if nearest else ()
    rows = [
        row(of.numbered(numbers[item.id]), shortened(item.text), near, f"{distance:.3f}", id=item.id)
        for item, (near, distance) in zip(shown, nearest, strict=True)
    ]
    heads: list[Head] = [
        (capital(of.one), "text"),
        ("Its words", "text"),
        (f"Nearest {of.one} on the map", "text"),
        ("Distance", "number"),
    ]
    return table(heads, rows, caption=f"{capital(of.many)} of {session.history.name} on the map", person=session.who)


def stored_posts_table(session: Session, items: ItemMap, rows_of: Sequence[int]) -> View:
    """Items of somebody of the population: no words, only figures of style."""
    of = session.wording
    kinds = [kind for kind in FIGURES if kind.name in TOLD and kind.name in items.style_names]
    places = [items.style_names.index(kind.name) for kind in kinds]
    ids = items.ids
    rows = [
        row(ids[i], *(_told(kind.name, items.style[i, at]) for kind, at in zip(kinds, places, strict=True)))
        for i in rows_of
    ]
    heads: list[Head] = [(capital(of.one), "text"), *((kind.title, "number") for kind in kinds)]
    return table(
        heads,
        rows,
        caption=f"{capital(of.many)} of {session.who} on the map; their words are not shipped",
        empty=f"None of the {of.many} of {session.who} was drawn for this map.",
    )


def _told(name: str, figure: float) -> str:
    if np.isnan(figure):
        return "none"
    return f"{figure:.0f}" if name == SCORE else f"{figure:.1f}"


def found_table(session: Session, own: Sequence[str], found: Sequence[str]) -> View:
    """Items that were searched for.

    Args:
        session: The person.
        own: Ids of theirs.
        found: Ids of items of the population.
    """
    of = session.wording
    rows = [
        row(of.numbered(number), shortened(item.text), id=item.id)
        for number, item in enumerate(session.history, start=1)
        if item.id in own
    ]
    rows += [row(each, "Its words are not shipped; click its point to take its person") for each in found]
    return table(
        [(capital(of.one), "text"), ("Its words", "text")],
        rows,
        caption=f"{capital(of.many)} that were found",
        person=session.who,
    )
