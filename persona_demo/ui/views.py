"""What the page shows, as plain JSON: pure functions from the core's records to what widgets draw.

No Gradio and no HTML here: texts travel as values and are put on the page as text nodes by the
widgets' own scripts, so nothing a visitor or a model writes can become markup.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

from persona_demo.lm.base import LMInfo
from persona_demo.maps.atlas import Atlas, Placement
from persona_demo.samples import Sample
from persona_demo.showcase import Showcase
from persona_demo.tasks import Wording, task_named
from persona_demo.tasks.wording import capital, plural
from persona_demo.ui import column_views
from persona_demo.ui.loading import Progress
from persona_demo.ui.state import NEW, SAMPLE, Session, is_from_file, key_of
from persona_demo.ui.words import EXAMPLE

View = dict[str, Any]
NoticeKind = Literal["error", "info", ""]

NEIGHBOURS = 8
"""Nearest people that are shown on the map."""
CALM = "Something went wrong on our side, and nothing you typed is lost: please try again."


def caption(words: str, key: str = "") -> View:
    """The line above the columns; with the key of what they were written for, it says when that has changed."""
    return {"text": words, "key": key}


def first_caption(case: Showcase | None, session: Session) -> View:
    """The line before anybody pressed Write; the session is that of the person the showcase is about."""
    if case is None:
        return caption("Press Write to fill the columns.")
    made = (
        f"An example made in advance, for {session.history.name} at strength {column_views.at_strength(case.strength)}."
    )
    return caption(f"{made} Change anything, then press Write.", key_of(session, case.opening))


def history(session: Session, weights: Sequence[float] | None = None, *, took: str = "", place: str = "") -> View:
    """The table of items, with a weight bar in each row.

    Args:
        session: Whose history.
        weights: Weight of each active item, summing to 1, where they are known.
        took: The draft that was taken over, which the page may clear now; ``*`` for all of them.
        place: Where the person stands, in words; shown here where the map is out of sight.
    """
    task, of = task_named(session.task), session.wording
    read = [item.id for item in session.history.active] if weights is not None else []
    at = dict(zip(read, weights or (), strict=True))
    share_of = dict(zip(read, percentages(weights or ()), strict=True))
    even = 1 / max(len(at), 1)
    # An even share fills half a bar, so that even weights look even and not like full marks.
    full = max([2 * even, *at.values()])
    rows = [
        {
            "id": item.id,
            "number": number,
            "text": item.text,
            "date": item.date or "",
            "given": (item.input or "") if task.needs == "input" else "",
            "label": "" if item.label is None else of.mark.format(item.label),
            "muted": item.muted,
            "share": share_of.get(item.id, "muted" if item.muted else ""),
            "bar": round(at.get(item.id, 0.0) / full, 4),
        }
        for number, item in enumerate(session.history, start=1)
    ]
    return {
        "name": session.history.name,
        "about": session.history.about,
        "rows": rows,
        "empty": "" if rows else _why_empty(session),
        "summary": items_in_words(session),
        "weighed": bool(at),
        "even": round(even / full, 4) if at else None,
        "person": session.who,
        "undo": session.states.here.parent is not None,
        "redo": session.undone,
        "reset": session.edited,
        "took": took,
        "place": place,
    }


def _why_empty(session: Session) -> str:
    if session.stored:
        return (
            "This person's texts are not shipped; the persona is made from their stored vector. "
            "The tab In words, below, shows what such a vector gives away. "
            f"{capital(session.wording.a)} that you add goes to Someone new."
        )
    return f"No {session.wording.many} yet. Add one below, or open a file: each one moves the point on the map."


def items_in_words(session: Session) -> str:
    """How many items there are, in words."""
    if session.stored:
        return ""
    muted = len(session.history) - len(session.history.active)
    return session.wording.count(len(session.history)) + (f", {muted} muted" if muted else "")


def notice(text: str = "", kind: NoticeKind = "error") -> View:
    """The strip that stays until the next thing works."""
    return {"text": text, "kind": kind if text else ""}


def status(progress: Progress, info: LMInfo | None = None, *, example: bool = True) -> View:
    """How far the models are.

    Args:
        progress: How far loading is.
        info: The language model, once it is there.
        example: Whether the page shows one that was made in advance.
    """
    match progress.stage:
        case "ready":
            words = "Models ready" + (f": {info.name.split('/')[-1]}, {info.device}" if info else "")
        case "failed":
            words = "The models are not available" + ("; the example below still works." if example else ".")
        case _:
            words = f"{capital(progress.words)}." + (f" {capital(EXAMPLE)}." if example else "")
    return {"stage": progress.stage, "words": words, "share": progress.share}


def engine_line(info: LMInfo | None, variant_notice: str = "") -> str:
    """Which model runs where and why, in one line."""
    if info is None:
        return "The models are not loaded yet."
    return f"{info.name} on the {info.engine} engine: {info.device}. {variant_notice}".strip()


def place_in_words(session: Session, placement: Placement | None, names: Mapping[str, str]) -> str:
    """Where somebody stands, in words; beside the picture for those who do not see it.

    Args:
        session: The person.
        placement: Where they stand, where that is known.
        names: Names of people on the map who have one, by id.
    """
    if not session.history.active and not session.stored:
        return f"{session.history.name} has no {session.wording.many} to go by, and so no place on the map yet."
    if placement is None:
        return f"The place of {session.history.name} follows when the models are loaded."
    near = [names.get(neighbour.id, neighbour.id) for neighbour in others(session, placement)[:3]]
    moved = f", after {plural(len(session.trail) - 1, 'move')}" if len(session.trail) > 1 else ""
    return f"{session.history.name} stands nearest to {enumerated(near) or 'nobody'}{moved}."


def others(session: Session, placement: Placement) -> tuple[Any, ...]:
    """The nearest people, without the person themself."""
    return tuple(near for near in placement.neighbours if near.id != session.who)[:NEIGHBOURS]


def sample_choices(samples: Sequence[Sample], of: Wording, *, changed: Collection[str] = ()) -> list[tuple[str, str]]:
    """The picker's choices: sample people with the line about them, and somebody new.

    Args:
        samples: The people.
        of: What items are called.
        changed: Ids of those whom the visitor edited, and who come back as they were left.
    """

    def said(who: str) -> str:
        return ", with your changes" if who in changed else ""

    people = [(s.history.name, s.history.about, SAMPLE + s.slug) for s in samples]
    new = "as you left them" if NEW in changed else f"no {of.many} yet, write your own"
    return [*((f"{name}{said(who)}: {about}", who) for name, about, who in people), (f"Someone new: {new}", NEW)]


def everyone(samples: Sequence[Sample], atlas: Atlas | None, of: Wording) -> list[tuple[str, str]]:
    """Choices that reach everybody on the map without a mouse."""
    people = [(s.history.name, SAMPLE + s.slug) for s in samples]
    if atlas is None:
        return people
    counts = zip(atlas.ids, atlas.counts.tolist(), strict=True)
    return people + [(f"{who}, {of.count(count)}", who) for who, count in counts]


def guest_choices(session: Session, files: Mapping[str, str]) -> list[tuple[str, str]]:
    """More choices for the picker: people of files, and who is on the table without being one of the usual ones.

    Args:
        session: Who is on the table.
        files: Names of people who came in a file and were left, by their ids.
    """
    if is_from_file(session.who):
        files = {**files, session.who: session.history.name}
    found = [(f"{name}: from your file", who) for who, name in files.items()]
    stored = [(f"{session.who}: one of the people it learned from", session.who)] if session.stored else []
    return [*found, *stored]


def enumerated(names: Sequence[str]) -> str:
    """Names as a sentence lists them."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def percentages(shares: Sequence[float]) -> list[str]:
    """Shares of a whole as percentages with one decimal, rounded so that they add up as the shares do."""
    thousandths = [1000 * share for share in shares]
    rounded = [int(part) for part in thousandths]
    missing = round(sum(thousandths)) - sum(rounded)
    # Those that lost most by being cut are given back a step each.
    for place in sorted(range(len(rounded)), key=lambda n: rounded[n] - thousandths[n])[:missing]:
        rounded[place] += 1
    return [f"{part / 10:.1f}%" for part in rounded]
