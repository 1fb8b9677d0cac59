"""The text that the tabs look at: which it is, for whom it was written, and whether that is who is here now."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import gradio as gr

from persona_demo.arms import KNOWN, arm_named
from persona_demo.errors import UserError
from persona_demo.tasks import Task
from persona_demo.ui.changes import Changes
from persona_demo.ui.inside.look import LED
from persona_demo.ui.inside.parts import TextParts
from persona_demo.ui.inside.tables import View, shortened
from persona_demo.ui.state import Session, key_of
from persona_demo.ui.written import Outcome

TYPED = "typed"
"""Choice of the text that is looked at: what the visitor typed."""
SHOWN = 300
"""Most characters of it that are shown above the tabs."""


def text_choices(placebos: Sequence[str]) -> list[tuple[str, str]]:
    """What can be looked at: the text of each column, and one's own.

    Args:
        placebos: Names of the placebo columns that have a text.
    """
    columns = [(f"What “{arm_named(name).title}” wrote", name) for name in (*KNOWN, *placebos)]
    return [*columns, ("A text I type", TYPED)]


def text_to_look_at(choice: str, typed: str | None, written: dict[str, Any], opening: str, task: Task) -> str:
    """The text that is measured, with the blank it starts with.

    Args:
        choice: Name of the arm that wrote it, or :data:`TYPED`.
        typed: What the visitor typed.
        written: Record of what was written last.
        opening: The input it is for.
        task: What it is for.

    Raises:
        UserError: If there is none, or it was for another input.
    """
    if choice == TYPED:
        if not typed or not typed.strip():
            raise UserError("There is no text to look at: type one, or choose a column.")
        return task.typed(typed, opening)
    outcome = Outcome.from_record(written)
    text = outcome.text_of(choice)
    if not text.strip():
        raise UserError(f"The column “{arm_named(choice).title}” has no text yet: press Write, or choose another text.")
    if outcome.prompt.strip() != opening.strip():
        of = task.wording
        raise UserError(f"The columns were written {of.follows} {of.other}: press Write, or type a text.")
    return text


def looked_at(
    parts: TextParts, choice: str, typed: str | None, written: dict[str, Any], dealt: dict[str, Any] | None
) -> Changes:
    """What can be looked at now and what is: a choice that is gone gives way to the persona.

    Args:
        parts: The components.
        choice: Name of the arm that wrote the text, or that it is typed.
        typed: What is typed.
        written: Record of what was written last, whose placebo columns are offered too.
        dealt: The blind guess that is open.
    """
    choices = text_choices([text.arm for text in Outcome.from_record(written).texts if ":" in text.arm])
    there = choice in dict(choices).values()
    chosen = choice if there else "persona"
    return {
        # Another may have been chosen meanwhile: it is not taken back.
        parts.choice: gr.Dropdown(choices=choices) if there else gr.Dropdown(choices=choices, value=chosen),
        parts.typed: gr.Textbox(visible=chosen == TYPED),
        parts.line: chosen_line(chosen, typed, written, dealt),
    }


def chosen_line(choice: str, typed: str | None, written: dict[str, Any], dealt: dict[str, Any] | None) -> View:
    """The text and where it is from, in the line above the tabs.

    Args:
        choice: Name of the arm that wrote it, or :data:`TYPED`.
        typed: What the visitor typed.
        written: Record of what was written last.
        dealt: The blind guess that is open, which nothing with a name on it may stand beside.
    """
    if dealt is not None:
        return {"text": "", "key": "", "looked": ""}
    text, outcome = _read(choice, typed, written)
    looked = _key(text)
    if not text.strip():
        return {"text": "There is no such text yet.", "key": "", "looked": looked}
    source = "typed by you" if choice == TYPED else _source(choice, outcome)
    return {"text": f"Text: “{shortened(text, SHOWN)}”, {source}.", "key": outcome.key, "looked": looked}


def text_key(choice: str, typed: str | None, written: dict[str, Any]) -> str:
    """A short key of the text that is looked at, so that what was measured of another is not taken for its own.

    Args:
        choice: Name of the arm that wrote it, or :data:`TYPED`.
        typed: What the visitor typed.
        written: Record of what was written last.
    """
    text, _ = _read(choice, typed, written)
    return _key(text)


def _read(choice: str, typed: str | None, written: dict[str, Any]) -> tuple[str, Outcome]:
    """The text and what it is out of; what is typed is out of nothing, and for whatever is here now."""
    if choice == TYPED:
        # A field that is not yet shown has no value.
        return typed or "", Outcome()
    outcome = Outcome.from_record(written)
    return outcome.text_of(choice), outcome


def _key(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:10]


def if_its_own(choice: str, *read: str) -> str:
    """A sentence where one of the arms that read a text wrote it; empty where none did.

    Args:
        choice: Name of the arm that wrote it, or :data:`TYPED`.
        *read: Names of the arms it is read under.
    """
    if choice not in read:
        return ""
    return (
        f"“{arm_named(choice).title}” wrote this text itself, and whoever wrote a text finds it likely: one that you "
        "type is the fairer test."
    )


def if_of_another(choice: str, written: dict[str, Any], session: Session, opening: str) -> str:
    """A sentence where the text was written for somebody else than it is measured for; empty where it was not.

    Args:
        choice: Name of the arm that wrote it, or :data:`TYPED`.
        written: Record of what was written last.
        session: The person it is measured for.
        opening: The input it is for.
    """
    if choice == TYPED:
        return ""
    outcome = Outcome.from_record(written)
    if outcome.key == key_of(session, opening):
        return ""
    return f"The text was {_source(choice, outcome)}, before your last change."


def _source(choice: str, outcome: Outcome) -> str:
    arm = arm_named(choice)
    whom = f" for {outcome.person}" if arm.compared_with is not None else ""
    return f"written by “{arm.title}”{whom}" + (f" at strength {outcome.strength:g}" if choice in LED else "")
