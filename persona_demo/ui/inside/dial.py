"""The Strength tab: how likely a text is at every strength of the persona."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from persona_demo.arms import arm_named, stranger_for
from persona_demo.explain.dial import Dial, persona_likelihood
from persona_demo.ui import palette
from persona_demo.ui.changes import Changes
from persona_demo.ui.inside.chosen import if_its_own, if_of_another, text_key, text_to_look_at
from persona_demo.ui.inside.curve import Curve
from persona_demo.ui.inside.look import Look
from persona_demo.ui.inside.tables import Head, View, cell, chart, row, series, table
from persona_demo.ui.state import Session
from persona_demo.ui.verbs import guarded

ABOUT = """Strength adds a multiple of what the persona changes to what the control says, one token at a time. 0
is the control itself, word for word; 1 is the persona as it was trained; below 0 is its opposite, and far above 1
the text breaks, which the columns say when they see it. Here one fixed text is read once under both, and the
curve shows how likely it would have been at every strength. It says for which strength this text is typical, not
which one is best. The dashed curve is the placebo: the same with somebody else's persona. Below 0 and above 1 the
columns write only tokens that the nearer of the two finds plausible. The curve is measured without that limit, under
which one implausible token would make a text impossible; the table says how many of its tokens could not be
written."""
Y = "log-likelihood a token, nats"


def lay_out() -> Curve:
    """Lay the tab out."""
    gr.Markdown(ABOUT, elem_classes="pd-lead")
    return Curve.lay_out(name="dial")


def dial_chart(dial: Dial, strength: float, placebo: Dial | None = None) -> View:
    """The curve, with the strength that is set and that of the placebo."""
    lines = [series("this text", "--pd-arm-persona", _curve(dial))]
    if placebo is not None:
        colour = palette.arm_variable("persona:other")
        lines.append(series("with somebody else's persona", colour, _curve(placebo), dash=True))
    return chart(
        lines,
        title="How likely the text is at each strength: higher is likelier",
        x="strength of the persona",
        y=Y,
        marks=dial_marks(strength),
    )


def _curve(dial: Dial) -> list[tuple[float, float]]:
    return [(point.strength, point.log_likelihood / dial.tokens) for point in dial.points]


def dial_marks(strength: float) -> list[tuple[float, str]]:
    """What is marked on the curve, with the strength that is set."""
    return [(0, "control"), (1, "persona") if strength in (0, 1) else (strength, "your dial")]


def dial_table(dial: Dial, placebo: Dial | None = None) -> View:
    """The same in numbers, at every half step."""
    shown = [p for p in dial.points if (2 * p.strength).is_integer()]
    control = next((p.log_likelihood for p in dial.points if p.strength == 0), 0.0)
    most = max((abs(p.log_likelihood - control) for p in shown), default=1.0) or 1.0
    theirs = {} if placebo is None else {p.strength: (p.log_likelihood - control) / dial.tokens for p in placebo.points}
    rows = [
        row(
            f"{p.strength:g}",
            f"{p.log_likelihood / dial.tokens:.3f}",
            cell(f"{(p.log_likelihood - control) / dial.tokens:+.3f}", (p.log_likelihood - control) / most),
            *([f"{theirs[p.strength]:+.3f}"] if theirs else []),
            f"{p.barred} of {dial.tokens}",
            mark=p == dial.best,
        )
        for p in shown
    ]
    placebo_heads: list[Head] = [("Somebody else's", "number")] if theirs else []
    return table(
        [
            ("Strength", "text"),
            ("A token", "number"),
            ("Against the control", "signed"),
            *placebo_heads,
            ("Tokens it could not write", "number"),
        ],
        rows,
        caption="Nats a token; above 0 the text is likelier than under the control",
    )


def placebo_sentence(dial: Dial, placebo: Dial | None, who: str) -> str:
    """What the persona changes as it was trained, beside what somebody else's changes.

    Args:
        dial: The persona.
        placebo: The same with somebody else's persona, where there is somebody.
        who: Name of that person.
    """
    if placebo is None:
        return ""
    own, theirs = ((each.at(1) - each.at(0)) / each.tokens for each in (dial, placebo))
    return (
        f"At strength 1 it changes by {own:+.3f} nats a token against the control; with somebody else's persona, "
        f"that of {who}, by {theirs:+.3f}."
    )


class Strength(Look):
    """Verbs of the Strength tab."""

    @guarded
    def measure(
        self, record: dict[str, Any], opening: str, strength: float, seed: float, choice: str, typed: str,
        written: dict[str, Any],
    ) -> Iterator[Changes]:  # fmt: skip
        """Measure the text at every strength."""
        text = text_to_look_at(choice, typed, written, opening, self.task)
        yield from self.waiting()
        yield self.bar.busy("Reading the text under the persona and under the control.")
        session, parts = Session.from_record(record), self.page.inside.dial
        dial, placebo, who = self.lent(self.dialled)(record, opening, seed, text)
        own = if_its_own(choice, "persona", "task", "persona:other")
        said = dial.sentence, placebo_sentence(dial, placebo, who), own
        changes: Changes = {
            parts.chart: dial_chart(dial, strength, placebo),
            parts.table: dial_table(dial, placebo),
            parts.line: {"text": " ".join(filter(None, said))},
        }
        more = if_of_another(choice, written, session, opening)
        yield changes | self.bar.done(self.of(session, opening, more=more, text=text_key(choice, typed, written)))

    def turn(self, drawn: object, strength: float) -> Changes:
        """Mark the strength that is set now on the curve that is there; nothing is measured for that."""
        if not isinstance(drawn, dict) or not drawn.get("series"):
            return {self.page.inside.dial.chart: gr.skip()}
        marks = [{"at": at, "text": text} for at, text in dial_marks(strength)]
        return {self.page.inside.dial.chart: {**drawn, "marks": marks}}

    def dialled(self, record: dict[str, Any], opening: str, seed: float, text: str) -> tuple[Dial, Dial | None, str]:
        """The text at every strength, of the persona and of its placebo, and whose that is.

        Takes and gives plain values.
        """
        inputs = self.inputs(Session.from_record(record), opening, seed=seed)
        lm, persona = self.runtime.lm, arm_named("persona")
        dial, placebo = persona_likelihood(lm, inputs, persona, text), stranger_for(persona, inputs)
        if placebo is None or inputs.other is None:
            return dial, None, ""
        return dial, persona_likelihood(lm, inputs, placebo, text), inputs.other.name
