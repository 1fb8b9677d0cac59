"""The tab that says a persona in words, with what that cannot say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import gradio as gr

from persona_demo.explain.style import kept_style
from persona_demo.explain.words import InWords, persona_in_words
from persona_demo.tasks import Wording
from persona_demo.tasks.wording import capital
from persona_demo.ui.changes import Changes
from persona_demo.ui.inside.look import Look
from persona_demo.ui.inside.parts import WordParts
from persona_demo.ui.inside.runbar import RunBar
from persona_demo.ui.inside.tables import Head, View, cell, row, shortened, table
from persona_demo.ui.state import Session
from persona_demo.ui.verbs import guarded
from persona_demo.ui.widget import widget

ABOUT = """A persona is a few lists of numbers; but for words that some plugs copy from the history, shown
below as keywords and excerpts, no words stand in it. Still, one can ask what it makes the
model say next, which words lie near to it, which {many} it is most like, and how those {many} are written."""


def lay_out(of: Wording) -> WordParts:
    """Lay the tab out."""
    gr.Markdown(ABOUT.format(many=of.many), elem_classes="pd-lead")
    bar = RunBar.lay_out("Say it in words", name="words")
    line = widget("line", {"text": ""}, elem_classes="pd-finding")
    with gr.Row(equal_height=False):
        with gr.Column(min_width=300):
            likelier = widget("table", table(), go="", elem_id="pd-words-likelier")
            vectors = widget("table", table(), go="", elem_id="pd-words-vectors")
        with gr.Column(min_width=300):
            style = widget("table", table(), go="", elem_id="pd-words-style")
            goes = f"Show this {of.one} in the table above"
            posts = widget("table", table(), go="post", goes=goes, elem_id="pd-words-posts")
    return WordParts(bar, line, likelier, vectors, posts, style)


def likelier_table(said: InWords, of: Wording) -> View:
    """Next words it makes likelier."""
    most = max((word.persona for word in said.likelier), default=1.0) or 1.0
    beside = any(word.stranger is not None for word in said.likelier)
    rows = [
        row(
            word.word,
            cell(f"{100 * word.persona:.2f}%", word.persona / most),
            f"{100 * word.control:.2f}%",
            *([f"{100 * (word.stranger or 0.0):.2f}%"] if beside else []),
        )
        for word in said.likelier
    ]
    placebo: list[Head] = [("Somebody else's", "number")] if beside else []
    return table(
        [("Next word", "text"), ("Persona", "bar"), ("Control", "number"), *placebo],
        rows,
        caption=f"What it makes likelier as the next word, on average over {of.this} and others",
        empty="It makes no next word clearly likelier than the control does.",
    )


def vectors_table(said: InWords) -> View:
    """Words near its vectors, beside chance."""
    rows = [
        row(f"Vector {n}", cell(f"{words[0].cosine:.2f}" if words else "-"), ", ".join(word.word for word in words))
        for n, words in enumerate(said.vectors, start=1)
    ]
    rows[:0] = [row(f"Excerpt {n}", "-", text) for n, text in enumerate(said.excerpts, start=1)]
    if said.keywords:
        rows.insert(0, row("Keywords", "-", ", ".join(said.keywords)))
    return table(
        [("", "text"), ("Nearest", "number"), ("Words near what is personal in it", "text")],
        rows,
        caption=f"Vocabulary near the vectors; pure noise comes as near as {said.chance:.2f}",
    )


def style_table(said: InWords, of: Wording) -> View:
    """Style figures beside the population's."""
    most = max((abs(figure.distance or 0.0) for figure in said.style), default=1.0) or 1.0
    counted = "; the label each one carries is counted as well" if said.labelled else ""
    rows = [
        row(
            figure.kind.title,
            f"{figure.value:.1f}",
            "-" if figure.population is None else f"{figure.population:.1f}",
            cell(*(("-", None) if figure.distance is None else (f"{figure.distance:+.2f}", figure.distance / most))),
        )
        for figure in said.style
    ]
    return table(
        [("Style", "text"), ("Here", "number"), ("Usual", "number"), ("Off the usual, deviations", "signed")],
        rows,
        caption=f"How the {of.many} are written, beside the people the plug learned from{counted}",
        empty="Of a stored person no text is kept, and this map keeps no figures of their style either.",
    )


def near_posts_table(said: InWords, session: Session) -> View:
    """Items most like the person."""
    of = session.wording
    texts = {item.id: (n, item.text) for n, item in enumerate(session.history, start=1)}
    rows = [
        row(
            of.numbered(texts[near.item][0]), cell(f"{near.cosine:.2f}", near.cosine), shortened(texts[near.item][1]),
            id=near.item,
        )
        for near in said.items
    ]  # fmt: skip
    return table(
        [(capital(of.one), "text"), ("Cosine", "bar"), ("Its words", "text")],
        rows,
        caption=f"{capital(of.many)} most like the person as a whole; 1 would be the same",
        empty="Of a stored person no text is kept.",
        person=session.who,
    )


class Words(Look):
    """Verbs of the tab that says a persona in words."""

    @guarded
    def say(self, record: dict[str, Any], opening: str) -> Iterator[Changes]:
        """Say the persona in words."""
        yield from self.waiting()
        yield self.bar.busy("Comparing with every word the model knows.")
        session, parts = Session.from_record(record), self.page.inside.words
        said: InWords = self.lent(self.said)(record, opening)
        kept = {} if self.shelf.atlas is None or not session.stored else self.shelf.atlas.style_of(session.who)
        if kept:
            said = replace(said, style=kept_style(kept, self.runtime.plug))
        yield {
            parts.likelier: likelier_table(said, self.wording),
            parts.vectors: vectors_table(said),
            parts.style: style_table(said, self.wording),
            parts.posts: near_posts_table(said, session),
            parts.line: {"text": f"{said.nearness} {said.caveat}"},
        } | self.bar.done(self.of(session, opening))

    def said(self, record: dict[str, Any], opening: str) -> InWords:
        """The persona in words; takes and gives plain values."""
        runtime = self.runtime
        inputs = self.inputs(Session.from_record(record), opening)
        return persona_in_words(runtime.lm, inputs, runtime.words, openings=self.shelf.openings[:4])
