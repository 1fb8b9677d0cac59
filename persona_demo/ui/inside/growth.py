"""The cold-start tab: the same person at 0, 1, 2, 4, ... items, in likelihood and in text."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import gradio as gr

from persona_demo.answers import ArmText
from persona_demo.arms import KNOWN, arm_named, arms_named
from persona_demo.explain.cold_start import ColdStart, counts_for, likelihood_by_items, texts_by_items
from persona_demo.explain.collapse import signs_of_collapse
from persona_demo.explain.scorecard import hold_out
from persona_demo.lm.decode import DecodeOptions
from persona_demo.tasks import Wording
from persona_demo.tasks.wording import capital, plural
from persona_demo.ui import palette, views
from persona_demo.ui.changes import Changes
from persona_demo.ui.inside.curve import Curve
from persona_demo.ui.inside.look import AT_ONE, LED, Look, written_at
from persona_demo.ui.inside.parts import GrowthParts
from persona_demo.ui.inside.runbar import RunBar
from persona_demo.ui.inside.tables import View, chart, row, series, shortened, table, text_card, texts
from persona_demo.ui.state import Session
from persona_demo.ui.verbs import guarded, seed_of, whole
from persona_demo.ui.widget import widget
from persona_demo.ui.writing import shown_arms

ABOUT = """How many {many} does it take? The person's last {one} is held out, and each column says how surprised it
is by it when it may read none of the earlier {many}, then 1, 2, 4 and so on. Retrieval needs the one right {one}; a
persona needs enough of them. All columns that are ticked under Advanced take part, and beside the persona its
placebo, somebody else's persona of as many {many}. Surprise is measured at strength
1, as the persona was trained; the texts are written at the strength that is set."""

LONGEST = 40
"""Most tokens of a text; every column writes one for each number of items."""


def lay_out(of: Wording) -> GrowthParts:
    """Lay the tab out."""
    gr.Markdown(ABOUT.format(one=of.one, many=of.many), elem_classes="pd-lead")
    curve = Curve.lay_out(name="growth")
    writes = RunBar.lay_out(f"Write with each number of {of.many}", name="growth-texts")
    return GrowthParts(curve, writes, widget("texts", texts(), elem_id="pd-growth-texts"))


def growth_chart(found: ColdStart, of: Wording) -> View:
    """Surprise by number of items."""
    lines = [
        series(arm_named(name).title, palette.arm_variable(name), list(enumerate(nll)), dash=_dashed(name))
        for name, nll in zip(found.arms, found.nll, strict=True)
        if nll
    ]
    return chart(
        lines,
        title=f"Surprise at the person's last {of.one}, by the number of earlier {of.many} read: lower is better",
        x=f"{of.many} read",
        y="nats a token",
        ticks=[(n, str(count)) for n, count in enumerate(found.counts)],
    )


def _dashed(name: str) -> bool:
    """Whether an arm is none that knows the person: a control or a placebo."""
    return KNOWN[name].kind == "none" if name in KNOWN else True


def growth_table(found: ColdStart, of: Wording) -> View:
    """The same in numbers."""
    rows = [
        row(str(count), *(f"{nll[n]:.3f}" if n < len(nll) else "-" for nll in found.nll))
        for n, count in enumerate(found.counts)
    ]
    return table(
        [(capital(of.many), "text"), *((arm_named(name).title, "number") for name in found.arms)],
        rows,
        caption="Nats a token",
    )


def crossings(found: ColdStart, of: Wording) -> str:
    """From how many items on the persona does better than its control, and what each column gains, in sentences.

    Every column is compared with the same without the person, never with one that was trained otherwise.
    """
    said, control = [], KNOWN["task"].title
    if {"persona", "task"} <= set(found.arms):
        count = found.crossing("persona", "task")
        said.append(
            f"The persona does not end up better than “{control}” on this {of.one}."
            if count is None
            else f"From {of.count(count)} on, the persona does better than “{control}”."
        )
    last = {name: nll[-1] for name, nll in zip(found.arms, found.nll, strict=True)}
    bases = {name: arm_named(name).compared_with for name in found.arms}
    gains = [
        f"“{arm_named(name).title}” {last[base] - last[name]:+.3f}"
        for name, base in bases.items()
        if base is not None and base in last
    ]
    if gains:
        said.append(
            f"With all of them, each over the same without the person, nats a token: {views.enumerated(gains)}."
        )
    return " ".join([*said, f"One {of.one} proves nothing: the scorecard under Placebos looks at more."])


class Growth(Look):
    """Verbs of the cold-start tab."""

    @guarded
    def measure(self, record: dict[str, Any], seed: float, arms: Sequence[str]) -> Iterator[Changes]:
        """Measure the last item under growing histories, for every column that is ticked."""
        session, parts, of = self.with_texts(record), self.page.inside.growth.curve, self.wording
        names = shown_arms(arms, placebo=False)
        yield from self.waiting()
        about = self.of(session, None, more=AT_ONE)
        stream = self.lent(self.grown)(record, seed, names)
        with contextlib.closing(stream):
            for began, found in stream:
                done = len(found.nll[0])
                changes: Changes = {
                    parts.chart: growth_chart(found, of),
                    parts.table: growth_table(found, of),
                }
                if done == len(found.counts):
                    which = f"{of.one} that begins" if of.begins else f"{of.answer} for the {of.given}"
                    changes[parts.line] = {"text": f"The {which} “{shortened(began)}”. {crossings(found, of)}"}
                yield changes | self.bar.busy(f"{done} of {len(found.counts)} lengths", found.share, of=about)
        yield self.bar.done(about)

    def grown(self, record: dict[str, Any], seed: float, names: Sequence[str]) -> Iterator[tuple[str, ColdStart]]:
        """The held-out item's input and the likelihoods as they grow; takes and gives plain values."""
        session, runtime = Session.from_record(record), self.runtime
        task = runtime.task(self.task.name)
        target = hold_out(session.history, task)[-1]
        read = session.history.with_items(tuple(session.history.active[i] for i in target.history))
        others = self.shelf.others(session)
        inputs = runtime.arm_inputs(read, task, target.pair.input, seed=seed_of(seed), others=others)
        if "persona" in names and inputs.other is not None and inputs.other.items:
            names = [*names, "persona:other"]
        text = runtime.lm.codec.decode(task.target_tokens(target.pair.target, runtime.lm.codec))
        for found in likelihood_by_items(runtime.lm, inputs, arms_named(names), text):
            yield target.pair.input, found

    @guarded
    def write(
        self, record: dict[str, Any], opening: str, strength: float, seed: float, length: float, temperature: float,
        top_p: float, allow: bool, arms: Sequence[str],
    ) -> Iterator[Changes]:  # fmt: skip
        """Let every column that is ticked write with each number of items, the persona first."""
        session, parts = self.with_texts(record), self.page.inside.growth
        names = sorted(shown_arms(arms, placebo=False), key=lambda name: name != "persona")
        yield from self.waiting()
        counts = counts_for(len(session.history.active))
        options = DecodeOptions(
            max_new_tokens=min(whole(length, "number of new tokens"), LONGEST), temperature=temperature, top_p=top_p,
            seed=seed_of(seed),
        )  # fmt: skip
        of = self.of(session, opening, more=written_at(strength, options))
        found: dict[str, tuple[ArmText, ...]] = {}
        show = functools.partial(
            growth_texts, counts, self.task.begun(opening), names, of=self.wording, strength=strength
        )
        stream = self.lent(self.texts)(record, opening, strength, options, allow, names)
        with contextlib.closing(stream):
            for name, states in stream:
                found[name] = states
                said = f"Column {len(found)} of {len(names)}: “{KNOWN[name].title}”, {plural(len(states), 'text')}."
                share = (len(found) - 1 + _written(states, options)) / len(names)
                yield {parts.texts: show(found, running=True)} | self.bar.busy(said, share, of=of)
        yield {parts.texts: show(found)} | self.bar.done(of)

    def texts(
        self, record: dict[str, Any], opening: str, strength: float, options: DecodeOptions, allow: bool,
        names: Sequence[str],
    ) -> Iterator[tuple[str, tuple[ArmText, ...]]]:  # fmt: skip
        """Each column's texts as they grow, one column after the other; takes and gives plain values."""
        inputs = self.inputs(Session.from_record(record), opening, seed=options.seed)
        for arm in arms_named(names):
            written = texts_by_items(
                self.runtime, inputs, arm, strength=strength, options=options, allow_listed_words=allow
            )
            for states in written:
                yield arm.name, states


def _written(states: Sequence[ArmText], options: DecodeOptions) -> float:
    """Share of a column that is written, 0 to 1."""
    return min(1.0 if s.written.done else len(s.written.tokens) / options.max_new_tokens for s in states)


def growth_texts(
    counts: Sequence[int], opening: str, names: Sequence[str], found: Mapping[str, Sequence[ArmText]],
    *, of: Wording, running: bool = False, strength: float = 1.0,
) -> View:  # fmt: skip
    """The texts, of which one column or one number of items is looked at.

    Args:
        counts: Numbers of items.
        opening: Words that all texts begin with.
        names: Of the columns, in the order they write.
        found: What each wrote by number of items, as far as it came; one text where it reads none.
        of: What items are called.
        running: Whether they are still writing.
        strength: Of arms that have one.
    """
    rows = [of.count(count) for count in counts]
    cards = []
    for name in [name for name in names if name in found]:
        title = KNOWN[name].title
        # Only what a strength applies to can collapse from too much of it.
        led = name in LED
        read = [(f"{title}, {row}", [name, row]) for row in rows]
        told = read if len(found[name]) == len(rows) else [(f"{title}, reads no {of.many}", [name, *rows])]
        cards += [
            text_card(
                head,
                state.written.text,
                opening=opening,
                colour=palette.arm_variable(name),
                warning=signs_of_collapse(state.written.text).warning(strength) if led and state.written.done else "",
                groups=groups,
            )
            for (head, groups), state in zip(told, found[name], strict=True)
        ]
    by_column = [(f"“{KNOWN[name].title}” with every number of {of.many}", name) for name in names]
    return texts(cards, running=running, choices=[*by_column, *((f"Every column with {row}", row) for row in rows)])
