"""The tab that reads one text under two arms, token by token."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import gradio as gr

from persona_demo.arms import EVERY, arm_named
from persona_demo.explain.token_view import Alternative, TokenView, view_tokens
from persona_demo.ui.changes import Changes
from persona_demo.ui.inside.chosen import if_its_own, if_of_another, text_key, text_to_look_at
from persona_demo.ui.inside.look import Look
from persona_demo.ui.inside.parts import TokenParts
from persona_demo.ui.inside.runbar import RunBar
from persona_demo.ui.inside.tables import Head, View, cell, row, table
from persona_demo.ui.state import Session
from persona_demo.ui.verbs import guarded
from persona_demo.ui.widget import widget

ABOUT = """The model writes one token at a time, a token being a word or a piece of one. Here a fixed text is read
under two columns. A token that the second finds likelier than the first is tinted red and underlined with a line,
a less likely one blue with dots. Choose a token to see what each of the two would rather have put there. With the
persona turned on in one and off in the other, what is coloured is what a persona did; with somebody else's persona as
the first, it is what this one did and another would not."""
NOTHING: View = {"legend": "", "left": "", "right": "", "tokens": []}


def lay_out() -> TokenParts:
    """Lay the tab out."""
    gr.Markdown(ABOUT, elem_classes="pd-lead")
    choices = [(arm.title, arm.name) for arm in EVERY]
    with gr.Row(elem_classes="pd-choices"):
        left = gr.Dropdown(choices, value="task", label="First, what it is compared with", min_width=240)
        right = gr.Dropdown(choices, value="persona", label="Second", min_width=240)
    bar = RunBar.lay_out("Read it under both", name="tokens")
    with gr.Row(equal_height=False):
        with gr.Column(scale=3, min_width=320):
            text = widget("tokens", NOTHING, elem_id="pd-tokens")
        with gr.Column(scale=2, min_width=280):
            movers = widget("table", table(), go="token", goes="Show this token in the text", elem_id="pd-movers")
    return TokenParts(bar, left, right, text, movers)


def movers_table(view: TokenView) -> View:
    """The tokens that change most."""
    places = view.movers()
    most = max((abs(view.tokens[place].change) for place in places), default=1.0) or 1.0
    rows = [
        row(
            _plain(token.text),
            f"{place + 1}",
            cell(f"{token.change:+.2f}", token.change / most),
            _percent(token.left),
            _percent(token.right),
            id=str(place),
        )
        for place, token in ((place, view.tokens[place]) for place in places)
    ]
    heads: list[Head] = [("Token", "text"), ("Place", "number"), ("Change, nats", "signed")]
    heads += [(arm_named(name).title, "number") for name in (view.left, view.right)]
    return table(heads, rows, caption="The tokens that change most; above 0 the second column finds them likelier")


def _plain(text: str) -> str:
    """A token as a word; one that goes on a word is shown as such."""
    if not text:
        return "(part of a sign)"
    shown = text.replace("\n", "↵")
    return shown.strip() or "(blank)" if shown.startswith(" ") else f"…{shown}" if shown[:1].isalpha() else shown


def _percent(log_probability: float) -> str:
    share = 100 * math.exp(log_probability)
    return f"{share:.0f}%" if share >= 10 else f"{share:.1f}%" if share >= 0.1 else "under 0.1%"


def tokens_view(view: TokenView) -> View:
    """A text under two arms as plain JSON."""

    def tops(alternatives: Sequence[Alternative]) -> list[View]:
        return [
            {"text": a.text, "log": round(a.log_probability, 4), "chosen": a.chosen, "ends": a.ends}
            for a in alternatives
        ]

    return {
        "legend": view.legend,
        "left": arm_named(view.left).title,
        "right": arm_named(view.right).title,
        "left_limited": view.left_limited,
        "right_limited": view.right_limited,
        "tokens": [
            {
                "text": token.text,
                "left": round(token.left, 4),
                "right": round(token.right, 4),
                "left_top": tops(token.left_top),
                "right_top": tops(token.right_top),
                "left_barred": token.left_barred,
                "right_barred": token.right_barred,
            }
            for token in view.tokens
        ],
    }


class Tokens(Look):
    """Verbs of the token tab."""

    @guarded
    def measure(
        self, record: dict[str, Any], opening: str, strength: float, seed: float, allow: bool, choice: str,
        typed: str, written: dict[str, Any], left: str, right: str,
    ) -> Iterator[Changes]:  # fmt: skip
        """Read the text under both arms."""
        text = text_to_look_at(choice, typed, written, opening, self.task)
        yield from self.waiting()
        yield self.bar.busy("Reading the text twice.")
        session = Session.from_record(record)
        view = self.lent(self.viewed)(record, opening, strength, seed, allow, left, right, text)
        said = if_of_another(choice, written, session, opening), if_its_own(choice, left, right)
        more = " ".join(filter(None, (f"At strength {strength:g}.", *said)))
        done = self.bar.done(self.of(session, opening, more=more, text=text_key(choice, typed, written)))
        parts = self.page.inside.tokens
        yield {parts.tokens: tokens_view(view), parts.movers: movers_table(view)} | done

    def viewed(
        self, record: dict[str, Any], opening: str, strength: float, seed: float, allow: bool, left: str,
        right: str, text: str,
    ) -> TokenView:  # fmt: skip
        """The text under two arms; takes and gives plain values."""
        runtime = self.runtime
        inputs = self.inputs(Session.from_record(record), opening, seed=seed)
        words, codec = runtime.words, runtime.lm.codec
        return view_tokens(
            runtime.lm,
            inputs,
            arm_named(left),
            arm_named(right),
            text,
            strength=strength,
            hide=None if allow else lambda tokens: words.banned_next(codec, tokens),
        )
