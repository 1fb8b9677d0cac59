"""What the columns show, as plain JSON: what each arm wrote, what it cost, and what it has to explain.

No Gradio and no HTML here, as in :mod:`persona_demo.ui.views`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from persona_demo.answers import ArmText
from persona_demo.arms import KNOWN, Arm
from persona_demo.explain.collapse import signs_of_collapse
from persona_demo.lm.decode import Written
from persona_demo.showcase import Showcase
from persona_demo.tasks import task_named
from persona_demo.tasks.wording import plural
from persona_demo.ui.state import Session

View = dict[str, Any]

WITHHELD = "Back when the blind guess is over."


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
        "retrieved": [one.strip() for one in text.retrieved],
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
