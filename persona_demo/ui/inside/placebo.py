"""The Placebo tab: each arm on the person's own last items, against a stranger in the person's place."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import gradio as gr

from persona_demo.arms import KNOWN, arms_named
from persona_demo.evaluation.bootstrap import Estimate
from persona_demo.explain.scorecard import Scorecard, scorecard
from persona_demo.tasks import Wording
from persona_demo.ui import views
from persona_demo.ui.changes import Changes
from persona_demo.ui.inside.look import AT_ONE, Look
from persona_demo.ui.inside.parts import PlaceboParts
from persona_demo.ui.inside.runbar import RunBar
from persona_demo.ui.inside.tables import View, cell, row, table
from persona_demo.ui.state import Session
from persona_demo.ui.verbs import guarded, seed_of
from persona_demo.ui.widget import widget
from persona_demo.ui.writing import shown_arms

ABOUT = """A placebo is the same method with somebody else in the person's place. Tick “Could this be placebo?”
above to see one beside every persona column, and choose which kind under Advanced: a stranger, the average of
everybody, noise of the same loudness, or nothing at all. Here the same question is put in numbers. The person's
last {many} are held out, each column says how likely it finds them from the earlier ones, and a stranger's {many}
are tried in their place. A column that does as well with a stranger knows nothing personal. All columns that
are ticked under Advanced are scored."""


def lay_out(of: Wording) -> PlaceboParts:
    """Lay the tab out."""
    gr.Markdown(ABOUT.format(many=of.many), elem_classes="pd-lead")
    bar = RunBar.lay_out("Score every column", name="score")
    line = widget("line", {"text": ""}, elem_classes="pd-finding")
    return PlaceboParts(bar, line, widget("table", table(), go="", elem_id="pd-score-table"))


def _interval(estimate: Estimate | None, *, items: int, sign: str = "+") -> str:
    if estimate is None:
        return "-"
    # One value has no interval, and one without width would look like certainty.
    mean, ends = f"{estimate.mean:{sign}.3f}", f"({estimate.low:{sign}.3f} to {estimate.high:{sign}.3f})"
    return mean if items < 2 else f"{mean} {ends}"


def scores_table(card: Scorecard, of: Wording) -> View:
    """Each arm's figures and what follows from them."""
    gaps = [abs(score.gap.mean) for score in card.scores if score.gap is not None]
    most = max(gaps, default=1.0) or 1.0
    items = len(card.held_out)
    rows = [
        row(
            KNOWN[score.arm].title,
            _interval(score.nll, items=items, sign=""),
            _interval(score.gain, items=items),
            cell(_interval(score.gap, items=items), None if score.gap is None else score.gap.mean / most),
            score.verdict,
        )
        for score in card.scores
    ]
    intervals = f"with 95% intervals over the held-out {of.many}" if items > 1 else f"of one {of.one}: no interval"
    return table(
        [
            ("Column", "text"),
            ("Surprise", "number"),
            ("Gain over the same without the person", "number"),
            ("Gain over a stranger", "signed"),
            ("Verdict", "text"),
        ],
        rows,
        caption=f"Nats a token, {intervals}; less surprise and more gain are better",
    )


class Placebos(Look):
    """Verbs of the Placebo tab."""

    @guarded
    def score(self, record: dict[str, Any], seed: float, arms: Sequence[str]) -> Iterator[Changes]:
        """Score every column that is ticked on the person's own last items."""
        session, parts = self.with_texts(record), self.page.inside.placebo
        names = shown_arms(arms, placebo=False)
        yield from self.waiting()
        of = self.of(session, None, more=AT_ONE)
        stream = self.lent(self.scored)(record, seed, names)
        with contextlib.closing(stream):
            for card in stream:
                held = self.wording.count(len(card.held_out))
                said = f"The last {held} of {session.history.name}, each predicted from what came before it."
                if card.strangers:
                    said += f" In their place: {views.enumerated(card.strangers)}."
                changes = {parts.table: scores_table(card, self.wording), parts.line: {"text": said}}
                yield changes | self.bar.busy(f"{len(card.scores)} of {len(names)} columns", card.share, of=of)
        yield self.bar.done(of)

    def scored(self, record: dict[str, Any], seed: float, names: Sequence[str]) -> Iterator[Scorecard]:
        """The scorecard as it grows; takes and gives plain values."""
        session, runtime = Session.from_record(record), self.runtime
        yield from scorecard(
            runtime,
            session.history,
            runtime.task(self.task.name),
            arms_named(names),
            others=self.shelf.others(session),
            seed=seed_of(seed),
        )
