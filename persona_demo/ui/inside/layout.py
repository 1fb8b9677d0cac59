"""The tabs: where they stand, and which verb each of their components speaks."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from persona_demo.tasks.wording import capital
from persona_demo.ui.changes import Changes
from persona_demo.ui.inside import (
    carry,
    clearing,
    dial,
    growth,
    guess,
    inwords,
    maps,
    mix,
    pins,
    placebo,
    posts,
    tokens,
)
from persona_demo.ui.inside.chosen import chosen_line, looked_at, text_choices
from persona_demo.ui.inside.parts import InsideParts, TextParts
from persona_demo.ui.inside.recipe import What
from persona_demo.ui.inside.runbar import QUIET
from persona_demo.ui.line import Line
from persona_demo.ui.loading import Loading
from persona_demo.ui.page import Page
from persona_demo.ui.shelf import Shelf
from persona_demo.ui.state import Record
from persona_demo.ui.widget import widget
from persona_demo.ui.written import Outcome

TITLE = """## Look inside
Everything below looks at the same person and the same {given} as above. Take a tab, or none.
How likely something is, is told in *nats*: one nat more is 2.7 times as likely, one less a third as likely."""
MAPS: dict[str, Any] = {"concurrency_id": "maps", "concurrency_limit": 1, **QUIET}
"""The lane of whatever draws on the maps."""
TEXT_ABOUT = "For the tabs that measure a text: Strength, Single {many} and Word by word."


def lay_out(shelf: Shelf) -> InsideParts:
    """Lay the tabs out inside the current Blocks."""
    of = shelf.wording
    gr.Markdown(TITLE.format(given=of.given), elem_id="pd-inside-title")
    with gr.Row(elem_classes="pd-choices", elem_id="pd-look"):
        choice = gr.Dropdown(
            text_choices(()), value="persona", label="Text to look at",
            info=TEXT_ABOUT.format(many=of.many), min_width=260, scale=2, elem_id="pd-look-text",
        )  # fmt: skip
        typed = gr.Textbox(
            label="Type how the text goes on" if of.begins else f"Type {of.an_answer}", lines=2, max_lines=6,
            placeholder=f"What follows the {of.given}" if of.begins else f"{capital(of.an_answer)} for {of.this}",
            min_width=260, scale=3, visible=False, elem_id="pd-typed",
        )  # fmt: skip
    first = Outcome.of_showcase(shelf.showcase, shelf.first_session()).as_record()
    line = widget("line", chosen_line("persona", "", first, None), elem_id="pd-look-line")
    made: dict[str, Any] = {}
    with gr.Tabs(elem_id="pd-inside") as tabs:
        for name, title, lay in (
            ("dial", "Strength", dial.lay_out),
            ("placebo", "Placebos", lambda: placebo.lay_out(of)),
            ("posts", f"Single {of.many}", lambda: posts.lay_out(shelf)),
            ("tokens", "Word by word", tokens.lay_out),
            ("words", "In words", lambda: inwords.lay_out(of)),
            ("maps", "Maps", lambda: maps.lay_out(shelf)),
            ("mix", "Mix people", lambda: mix.lay_out(shelf)),
            ("growth", f"Few and many {of.many}", lambda: growth.lay_out(of)),
            ("pins", "States", lambda: pins.lay_out(of)),
            ("guess", "Guess blind", lambda: guess.lay_out(of)),
            ("carry", "Save and share", lambda: carry.lay_out(shelf.task)),
        ):
            # A round of texts that are one of five figures each would be over before it began.
            shown = name != "guess" or not shelf.task.answers
            with gr.Tab(title, id=name, render_children=True, visible=shown) as tab:
                made[name] = lay()
            made |= {"mixing": tab} if name == "mix" else {}
    here = widget("here", {"key": "", "others": False}, elem_id="pd-here")
    return InsideParts(tabs, here, TextParts(choice, typed, line), **made)


def wire(
    line: Line, page: Page, shelf: Shelf, loading: Loading, on: carry.Carry, *, gpu: Callable[[Any], Any] | None
) -> None:
    """Bind the verbs of the tabs.

    Args:
        line: Who waits for the language model.
        page: Its components.
        shelf: What ships.
        loading: The models.
        on: The verbs of taking a run along, which are those of the desk as well.
        gpu: Decorates what needs a GPU that is only lent for the length of a call.
    """
    inside = page.inside
    text = [inside.text.choice, inside.text.typed, page.written]
    # One listener: of two that wait for the end of one event, Gradio's page wakes each when the other is done.
    # The line of the columns changes whenever what was written does, and at a Stop as well, which no state tells of;
    # not with every token.
    gr.on(
        [inside.text.choice.change, inside.text.typed.change, page.caption.change],
        functools.partial(looked_at, inside.text), [*text, inside.guess.round],
        [inside.text.choice, inside.text.typed, inside.text.line], trigger_mode="always_last", queue=False, **QUIET,
    )  # fmt: skip
    running = _wire_measures(line, page, shelf, loading, text, gpu)
    drawn = maps.Maps(page, None, shelf, loading, gpu=gpu)
    mixes = mix.Mix(page, inside.mix.bar, shelf, loading, gpu=gpu)
    states = pins.Pins(page, inside.pins.bar, shelf, loading, gpu=gpu)
    _wire_followers(page, drawn, mixes, states)
    _wire_maps(page, drawn, mixes)
    _wire_pins(page, states, on)
    _wire_carry(page, on)
    first = shelf.first_session().as_record()

    def clear(what: What) -> Changes:
        # Neither map is left with what somebody's sentence or mixture drew on it.
        return clearing.cleared(page) | mixes.forget(what) | drawn.clear_marks(first)

    outputs = [*clearing.cleared_outputs(page), *_mixed(page), *_marked(page)]
    # In the lane of the maps, so that whatever follows the change of person finds the mixture forgotten.
    leave, tickets = functools.partial(line.leave, quietly=True), [bar.ticket for bar in inside.bars]
    page.clear.click(leave, tickets, None, cancels=running, queue=False, **QUIET).then(
        clear, inside.mix.what, list(dict.fromkeys(outputs)), concurrency_id="maps", **QUIET
    )


def _wire_measures(
    line: Line, page: Page, shelf: Shelf, loading: Loading, text: Sequence[Any], gpu: Callable[[Any], Any] | None
) -> list[Any]:
    """Bind what measures or writes; returns what may be cancelled."""
    inside, who = page.inside, [page.session, page.opening]
    given: dict[str, Any] = {"shelf": shelf, "loading": loading, "gpu": gpu}
    dials = dial.Strength(page, inside.dial.bar, **given)
    scores = placebo.Placebos(page, inside.placebo.bar, **given)
    singles = posts.Posts(page, inside.posts.bar, **given)
    words = inwords.Words(page, inside.words.bar, **given)
    reads = tokens.Tokens(page, inside.tokens.bar, **given)
    mixes = mix.Mix(page, inside.mix.bar, **given)
    grows = growth.Growth(page, inside.growth.curve.bar, **given)
    writes = growth.Growth(page, inside.growth.writes, **given)
    pairs = pins.Pins(page, inside.pins.bar, **given)
    guesses = guess.Guess(page, inside.guess.bar, **given)
    d, p, w, m = inside.dial, inside.posts, inside.words, inside.mix
    g, c = inside.growth, inside.growth.curve
    sampled = [*who, page.strength, page.seed, page.max_new_tokens, page.temperature, page.top_p, page.allow]
    dealt = [*who, page.strength, page.max_new_tokens, page.temperature, page.top_p, page.allow]
    sides = [inside.tokens.left, inside.tokens.right]
    b = inside.guess
    # Nobody's vote waits for the language model.
    voting = [*who, b.round, b.played, page.columns, page.written]
    light: dict[str, Any] = {"queue": False, **QUIET}
    counted = [b.texts, *_guessed(page), b.tally, b.played, page.notice]
    for place, vote in enumerate(b.votes):
        vote.click(functools.partial(guesses.vote, place), voting, counted, **light)
    b.save.click(guesses.save, b.played, [page.download, page.notice], **light)
    n: dict[str, Any] = {"notice": page.notice, "line": line}
    again = [b.size, page.columns, b.round, page.written]
    deals = b.bar.wire(guesses.deal, [*dealt, *again], [b.texts, *_guessed(page)], **n)
    deals.then(guesses.opened, b.round, list(b.votes), **light)
    page.strength.change(dials.turn, [d.chart, page.strength], d.chart, trigger_mode="always_last", **light)
    run = inside.posts.bar.wire(
        singles.measure, [*who, page.seed, *text, p.arm, p.order], [p.table, p.line, p.found], **n
    )
    p.order.input(singles.sort, [p.found, p.order], [p.table, page.notice], trigger_mode="always_last", **light)
    # The order may have been changed while they were measured.
    run.then(singles.sort, [p.found, p.order], [p.table, page.notice], **light)
    dialled = d.bar.wire(dials.measure, [*who, page.strength, page.seed, *text], [d.chart, d.table, d.line], **n)
    # The dial may have been turned while it was measured.
    dialled.then(dials.turn, [d.chart, page.strength], d.chart, **light)
    return [
        run,
        dialled,
        inside.placebo.bar.wire(
            scores.score, [page.session, page.seed, page.arms], [inside.placebo.table, inside.placebo.line], **n
        ),
        inside.tokens.bar.wire(
            reads.measure,
            [*who, page.strength, page.seed, page.allow, *text, *sides],
            [inside.tokens.tokens, inside.tokens.movers],
            **n,
        ),
        w.bar.wire(words.say, who, [w.line, w.likelier, w.vectors, w.posts, w.style], **n),
        m.bar.wire(mixes.write, [page.session, page.kept, *sampled[1:], *_recipe(page)], [m.texts], **n),
        c.bar.wire(grows.measure, [page.session, page.seed, page.arms], [c.chart, c.table, c.line], **n),
        g.writes.wire(writes.write, [*sampled, page.arms], [g.texts], **n),
        inside.pins.bar.wire(pairs.write, [page.session, page.kept, *sampled[1:]], [inside.pins.texts], **n),
        deals,
    ]


def _wire_followers(page: Page, drawn: maps.Maps, mixes: mix.Mix, states: pins.Pins) -> None:
    """Bind what follows whoever is on the table, and what they are asked to go on from."""
    x, p = page.inside.mix, page.inside.pins

    # One answer, because of two the map without the line might be the later one; and one listener, as of the text.
    def follow(record: Record, kept: list[Record], opening: str, pinned: list[str], *given: Any) -> Changes:
        return (
            drawn.follow(record, kept, opening)
            | mixes.follow(record, kept, *given)
            | states.follow(record, kept, opening, pinned)
        )

    mixed = [*_mixed(page), x.other, x.offered]
    gr.on(
        [page.session.change, page.kept.change, page.engine.change, page.given.change], follow,
        [page.session, page.kept, page.opening, p.pinned, x.drawn, x.offered, *_recipe(page)],
        [*_drawn(page), *mixed, page.people, page.inside.here, p.states, p.pinned, p.line, p.table, page.notice],
        trigger_mode="always_last", **MAPS,
    )  # fmt: skip


def _wire_maps(page: Page, on: maps.Maps, mixes: mix.Mix) -> None:
    """Bind the maps."""
    m, x = page.inside.maps, page.inside.mix

    def clear(record: dict[str, Any], what: What) -> Changes:
        return on.clear_marks(record) | mixes.forget(what)

    light: dict[str, Any] = {"queue": False, **QUIET}
    sides = [m.people_side, m.posts_side, m.twice.side, m.by_task.side]
    m.which.input(on.show, m.which, sides, trigger_mode="always_last", **light)
    marked = _marked(page)
    last: dict[str, Any] = {"trigger_mode": "always_last", **MAPS}
    m.colour.input(on.recolour, [page.session, m.colour, m.sentence, x.drawn], marked, **last)
    m.find.submit(on.find, [page.session, m.find, x.drawn], [*_drawn(page), page.notice], **last)
    m.sentence.submit(on.compare_sentence, [page.session, m.sentence, x.drawn], marked, **last)
    for each in (m.people, m.posts):
        each.clear(clear, [page.session, x.what], [*marked, *_mixed(page)], **MAPS)
    x.what.input(mixes.choose, x.what, [x.other, x.share, x.factor, x.back], trigger_mode="multiple", **light)
    gr.on(
        [page.inside.mixing.select, x.what.input, x.other.input, x.share.release, x.factor.release, x.back.release],
        mixes.move, [page.session, page.kept, *_recipe(page)], [page.people, m.people, *_mixed(page), page.notice],
        **last,
    )  # fmt: skip


def _drawn(page: Page) -> list[Any]:
    """What shows on the maps who is on the table."""
    m = page.inside.maps
    return [m.people, m.posts, m.near, m.near_posts, m.twice.people, m.by_task.people]


def _marked(page: Page) -> list[Any]:
    """What somebody's colours, sentence and lines are shown on."""
    m = page.inside.maps
    return [*_drawn(page), page.people, m.colour, m.sentence, m.find, page.notice]


def _recipe(page: Page) -> list[Any]:
    """What is mixed, in the order of its fields."""
    x = page.inside.mix
    return [x.what, x.other, x.share, x.factor, x.back]


def _mixed(page: Page) -> list[Any]:
    """What tells of a mixture beside the maps."""
    return [page.inside.mix.drawn, page.inside.mix.line]


def _wire_pins(page: Page, on: pins.Pins, desk: carry.Carry) -> None:
    """Bind the states of the history."""
    p = page.inside.pins
    p.pinned.input(
        on.pin,
        [page.session, page.kept, p.pinned],
        [page.session, page.kept, page.notice],
        trigger_mode="always_last",
        concurrency_id="desk",
        **QUIET,
    )
    p.states.select(
        desk.go_back, [page.session, page.opening], desk_outputs(page), trigger_mode="multiple", concurrency_id="desk",
        **QUIET,
    )  # fmt: skip


def _wire_carry(page: Page, on: carry.Carry) -> None:
    """Bind export and import."""
    c = page.inside.carry
    how = [page.strength, page.seed, page.max_new_tokens, page.temperature, page.top_p]
    shown = [page.arms, page.placebo, page.placebos]
    who = [page.session, page.opening]
    desk: dict[str, Any] = {"concurrency_id": "desk", **QUIET}
    c.export.click(on.export, [*who, *how, *shown, page.allow, page.written], [page.download, page.notice], **desk)
    settings = [page.opening, *how, *shown, page.allow, page.columns, page.written, page.caption]
    c.bring.upload(
        on.bring, [page.session, page.kept], [*desk_outputs(page), *settings], trigger_mode="multiple", **desk
    )


def _guessed(page: Page) -> list[Any]:
    b = page.inside.guess
    return [b.line, b.round, *b.votes, page.columns, page.caption]


def desk_outputs(page: Page) -> list[Any]:
    """What changes with whoever is on the table."""
    return [*edit_outputs(page), page.kept, page.person, page.find]


def edit_outputs(page: Page) -> list[Any]:
    """What changes with an edit; not the lists of people, which Gradio's page copies whenever they are named."""
    return [page.session, page.history, page.people, page.notice]
