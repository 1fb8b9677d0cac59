"""What the page shows, as plain JSON: pure functions from the core's records to what widgets draw.

No Gradio and no HTML here: texts travel as values and are put on the page as text nodes by the
widgets' own scripts, so nothing a visitor or a model writes can become markup.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

from persona_demo.answers import ArmText
from persona_demo.arms import KNOWN, Arm
from persona_demo.explain.collapse import signs_of_collapse
from persona_demo.lm.base import LMInfo
from persona_demo.lm.decode import Written
from persona_demo.maps.atlas import Atlas, Placement
from persona_demo.samples import Sample
from persona_demo.showcase import Showcase
from persona_demo.tasks import Wording, task_named
from persona_demo.tasks.wording import capital, plural
from persona_demo.ui.loading import Progress
from persona_demo.ui.state import NEW, SAMPLE, Session, is_from_file, key_of
from persona_demo.ui.words import EXAMPLE

View = dict[str, Any]
NoticeKind = Literal["error", "info", ""]

NEIGHBOURS = 8
"""Nearest people that are shown on the map."""
WITHHELD = "Back when the blind guess is over."
CALM = "Something went wrong on our side, and nothing you typed is lost: please try again."


def arm_cards(arms: Sequence[Arm], variables: Mapping[str, str]) -> list[View]:
    """What never changes about the columns.

    Args:
        arms: The arms, in order.
        variables: CSS variable that holds the colour of each arm, by name.
    """
    return [
        {
            "name": arm.name,
            "title": arm.title,
            "why": arm.explanation,
            "kind": arm.kind,
            "colour": f"var({variables[arm.name]})",
        }
        for arm in arms
    ]


def columns(
    texts: Sequence[ArmText],
    *,
    opening: str,
    shown: Sequence[str],
    notes: Mapping[str, str] | None = None,
    running: bool = False,
    strength: float = 1.0,
    seed: int = 0,
) -> View:
    """The columns.

    Args:
        texts: What each arm wrote so far.
        opening: The words all of them began with; empty where they start afresh.
        shown: Names of the arms that have a column.
        notes: A sentence for arms that have something to explain, by name.
        running: Whether they are still writing.
        strength: Of arms that have one.
        seed: That drew who stands in the person's place.
    """
    return {
        "opening": opening,
        "cards": {text.arm: card(text, fresh=not opening, strength=strength, seed=seed) for text in texts},
        "notes": dict(notes or {}),
        "shown": list(shown),
        "running": running,
    }


def card(text: ArmText, *, fresh: bool = False, strength: float = 1.0, seed: int = 0) -> View:
    """What one arm wrote, and what it cost, in words.

    Args:
        text: The text.
        fresh: Whether nothing stands before it, so that the blank it starts with is left out.
        strength: The strength it was written at, where the arm has one.
        seed: That drew who stands in the person's place, where somebody does.
    """
    written = text.written
    led = KNOWN[text.arm.partition(":")[0]].placebos if text.arm.partition(":")[0] in KNOWN else ()
    # Only what a strength applies to can collapse from too much of it; any text may break down by itself.
    dialled = bool(text.soft_vectors and led)
    read = [f"{text.prompt_tokens:,} tokens of text"]
    if text.soft_vectors:
        read.append(f"{text.soft_vectors} vectors")
    dial = [{"name": "Strength", "value": at_strength(strength)}] if dialled else []
    kept = [{"name": "Kept", "value": f"{size(text.bytes_per_user)} a person"}] if text.bytes_per_user else []
    return {
        "text": written.text.lstrip() if fresh else written.text,
        "done": written.done,
        "who": f"{text.stand_in} stands in here (seed {seed})." if text.stand_in else "",
        "warning": signs_of_collapse(written.text).warning(strength if dialled else None),
        "costs": [
            {"name": "Wrote", "value": plural(len(written.tokens), "token")},
            {"name": "First / all", "value": times(written)},
            {"name": "Read", "value": " + ".join(read)},
            *kept,
            *dial,
        ],
        "retrieved": list(text.retrieved),
        "copied": list(text.copied),
    }


def times(written: Written) -> str:
    """To the first token and to the last; of a text that was asked for before, those it took then."""
    took = f"{duration(written.first_token_ms)} / {duration(written.total_ms)}"
    return f"{took}, when first asked for" if written.remembered else took


def at_strength(strength: float) -> str:
    """A strength beside the one that everything was trained and measured at."""
    return f"{strength:g}" if strength == 1 else f"{strength:g} (trained at 1)"


def first_columns(case: Showcase | None, shown: Sequence[str]) -> View:
    """The columns before anybody pressed Write: the showcase, where there is one."""
    if case is None:
        return columns((), opening="", shown=shown)
    opening = task_named(case.task).begun(case.opening)
    return columns(case.texts, opening=opening, shown=shown, strength=case.strength)


def caption(words: str, key: str = "") -> View:
    """The line above the columns; with the key of what they were written for, it says when that has changed."""
    return {"text": words, "key": key}


def first_caption(case: Showcase | None, session: Session) -> View:
    """The line before anybody pressed Write; the session is that of the person the showcase is about."""
    if case is None:
        return caption("Press Write to fill the columns.")
    made = f"An example made in advance, for {session.history.name} at strength {at_strength(case.strength)}."
    return caption(f"{made} Change anything, then press Write.", key_of(session, case.opening))


def rearranged(view: object, shown: Sequence[str]) -> View:
    """Columns as they are, with other arms shown; anything that is no columns view counts as empty."""
    known = view if isinstance(view, dict) and "cards" in view else columns((), opening="", shown=shown)
    return {**known, "shown": list(shown)}


def halted(view: object) -> View:
    """Columns as they are, no longer being written."""
    known = rearranged(view, shown_in(view))
    return {**known, "running": False}


def shown_in(view: object) -> list[str]:
    """Names of the arms that have a column; anything that is no columns view has none."""
    return list(view.get("shown", [])) if isinstance(view, dict) else []


def withheld(view: object) -> View:
    """Columns as they are, without what they say."""
    shown = shown_in(view)
    return columns((), opening="", shown=shown, notes=dict.fromkeys(shown, WITHHELD))


def arm_notes(arms: Sequence[Arm], session: Session) -> dict[str, str]:
    """What arms have to explain about this person: the sentence of each that has nothing to go by."""
    of, active = session.wording, session.history.active
    if not active:
        nothing = f"Nothing to retrieve: there are no {of.many} of this person here."
        notes = {arm.name: nothing for arm in arms if arm.kind == "text"}
        none = f"No {of.many}, so no persona: the trained control stands in."
        if not session.stored:
            return notes | {arm.name: none for arm in arms if arm.name == "persona"}
        bare = f"Beside a stored vector stands another stored vector, and no {of.many} of anybody are kept with it."
        return notes | {arm.name: bare for arm in arms if arm.kind == "both" and arm.name.endswith(":other")}
    task = task_named(session.task)
    if any(map(task.serves, active)):
        return {}
    bare = f"Nothing to retrieve: none of these {of.many} has its {task.lacks}, so none can stand as an example."
    return {arm.name: bare for arm in arms if arm.kind == "text"}


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


def duration(milliseconds: float | None) -> str:
    """A time, in milliseconds below a second and in seconds above."""
    if milliseconds is None:
        return "-"
    return f"{milliseconds:.0f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"


def size(count: int) -> str:
    """A number of bytes, in thousands from a thousand on."""
    if count < 1000:
        return plural(count, "byte")
    return f"{count / 1000:.1f} kB" if count < 100_000 else f"{count / 1000:,.0f} kB"
