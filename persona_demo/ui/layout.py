"""A page: which components there are, where they stand, and which verb each of them speaks."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gradio as gr
from gradio.events import Dependency

from persona_demo.arms import EVERY, KNOWN
from persona_demo.lm.decode import DecodeOptions
from persona_demo.ranges import NEW_TOKENS, STRENGTH, TEMPERATURE, TOP_P
from persona_demo.tasks import TaskName
from persona_demo.tasks.wording import capital
from persona_demo.ui import column_views, lessons, linking, palette, views, words
from persona_demo.ui.changes import Changes
from persona_demo.ui.inside import layout as inside
from persona_demo.ui.inside.carry import Carry
from persona_demo.ui.inside.runbar import QUIET
from persona_demo.ui.inside.tables import shortened
from persona_demo.ui.line import LANE, Line
from persona_demo.ui.loading import Loading
from persona_demo.ui.page import Page
from persona_demo.ui.persona_map import PersonaMap
from persona_demo.ui.shelf import Shelf
from persona_demo.ui.widget import widget
from persona_demo.ui.writing import USUAL, Writing, shown_arms
from persona_demo.ui.written import Outcome

WIDE = 320
"""Least width of a column in pixels; narrower screens stack them."""


def lay_out(shelf: Shelf) -> Page:
    """Lay the components out inside the current Blocks, as a visitor finds them."""
    session = shelf.first_session()
    parts: dict[str, Any] = {"session": gr.State(session.as_record()), "kept": gr.State([]), "timer": gr.Timer(1.0)}
    parts |= {"given": gr.State(shelf.opening), "ticket": gr.State("")}
    parts["nudge"] = widget("nudge", {})
    parts["written"] = gr.State(Outcome.of_showcase(shelf.showcase, session).as_record())
    parts |= _header(shelf)
    parts |= _controls(shelf, session.who)
    shown = shown_arms(USUAL, placebo=False)
    variables = {arm.name: palette.arm_variable(arm.name) for arm in EVERY}
    parts["caption"] = widget("line", views.first_caption(shelf.showcase, session), elem_id="pd-caption")
    parts["columns"] = widget(
        "columns",
        column_views.first_columns(shelf.showcase, shown),
        arms=column_views.arm_cards(EVERY, variables),
        said=words.column_words(shelf.wording),
        elem_id="pd-columns",
    )
    with gr.Row(equal_height=False, elem_id="pd-desk"):
        with gr.Column(scale=6, min_width=WIDE):
            weights = shelf.shipped_weights(session, shelf.opening)
            said = words.history_words(shelf.wording, lacks=shelf.task.lacks)
            parts["history"] = widget("history", views.history(session, weights), said=said, elem_id="pd-history")
            parts["download"] = widget("download", {"name": "", "text": ""}, visible="hidden")
        with gr.Column(scale=5, min_width=WIDE):
            parts |= _map(shelf)
    parts["inside"] = inside.lay_out(shelf)
    parts |= _advanced(shown)
    with gr.Accordion("About this page", open=False):
        gr.Markdown(words.about(shelf.wording, form=shelf.form, figures=shelf.figures))
    # The last thing on the page, so that it can stay in sight at the foot of the window and cover nothing in the end.
    parts["lesson"] = lessons.lay_out(parts.pop("lesson"), shelf)
    return Page(**parts)


def _header(shelf: Shelf) -> dict[str, Any]:
    arriving = words.ARRIVING + (f"; {words.EXAMPLE}" if shelf.showcase is not None else "")
    with gr.Row(elem_id="pd-header", equal_height=False):
        with gr.Column(scale=5, min_width=WIDE):
            gr.Markdown(words.title(shelf.wording), elem_id="pd-title")
            status = widget("status", {"stage": "idle", "words": arriving, "share": None}, elem_id="pd-status")
        with gr.Column(scale=2, min_width=240, elem_id="pd-private"):
            gr.Markdown(words.PRIVACY, elem_id="pd-privacy")
            with gr.Row(elem_id="pd-actions"):
                lesson = lessons.lay_out_button()
                copy = linking.lay_out_button()
                clear = gr.Button("Clear my data", size="sm", elem_id="pd-clear")
            link = linking.lay_out(copy, shelf.wording)
    return {"lesson": lesson, "clear": clear, "status": status, "link": link}


def _controls(shelf: Shelf, who: str) -> dict[str, Any]:
    of = shelf.wording
    with gr.Column(elem_id="pd-controls", elem_classes="pd-panel"):
        with gr.Row(equal_height=True):
            person = gr.Dropdown(
                views.sample_choices(shelf.samples, of), value=who, label=words.person(of), scale=5, min_width=260,
                elem_id="pd-person", interactive=True,
            )  # fmt: skip
            opening = gr.Textbox(
                shelf.opening, label=capital(shelf.task.asks), lines=1, max_lines=4 if of.begins else 8, scale=6,
                placeholder=words.hint(of), min_width=260, elem_id="pd-opening", interactive=True,
            )  # fmt: skip
        with gr.Column(elem_id="pd-openings"):
            ready = gr.Dataset(
                components=[opening],
                samples=[[text] for text in shelf.openings],
                label=words.examples(of),
                sample_labels=[shortened(text) for text in shelf.openings],
                samples_per_page=20,
            )
        # Put in by the browser itself, so that nothing pressed right after can find the words of before.
        taken = f"(index) => {json.dumps(shelf.openings)}[index]"
        ready.click(None, ready, opening, js=taken, **QUIET)
        with gr.Row(equal_height=True, elem_id="pd-go"):
            strength = gr.Slider(
                STRENGTH.low, STRENGTH.high, value=shelf.strength, step=0.1, label=words.STRENGTH,
                info=words.STRENGTH_INFO, scale=5, min_width=260, elem_id="pd-strength", interactive=True,
            )  # fmt: skip
            placebo = gr.Checkbox(
                value=False, label=words.PLACEBO, info=words.PLACEBO_INFO, scale=4,
                interactive=shelf.atlas is not None or len(shelf.samples) > 1, min_width=240, elem_id="pd-placebo",
            )  # fmt: skip
            with gr.Row(elem_id="pd-buttons", scale=2):
                write = gr.Button("Write", variant="primary", min_width=110, elem_id="pd-write")
                stop = gr.Button("Stop", variant="stop", interactive=False, min_width=80, elem_id="pd-stop")
    return {
        "person": person, "opening": opening, "strength": strength, "placebo": placebo,
        "write": write, "stop": stop, "notice": widget("notice", views.notice(), elem_id="pd-notice"),
    }  # fmt: skip


def _map(shelf: Shelf) -> dict[str, Any]:
    atlas = shelf.atlas
    gr.Markdown(words.over_the_map(shelf.wording), elem_id="pd-map-title")
    people = PersonaMap(
        ids=atlas.ids if atlas else (),
        coordinates=atlas.coordinates.tolist() if atlas else (),
        counts=atlas.counts.tolist() if atlas else (),
        nouns=(shelf.wording.a, shelf.wording.many),
        striking=list(shelf.striking.values()),
        regions=[(region.label, region.x, region.y) for region in atlas.regions] if atlas else (),
        elem_id="pd-map",
    )
    gr.Markdown(words.nearness(shelf.placement), elem_classes="pd-under-map")
    find = gr.Dropdown(
        views.everyone(shelf.samples, atlas, shelf.wording), value=None, label=words.FIND, filterable=True,
        interactive=True, elem_id="pd-find",
    )  # fmt: skip
    return {"people": people, "find": find}


def _advanced(shown: list[str]) -> dict[str, Any]:
    usual = DecodeOptions()
    with gr.Accordion("Advanced", open=False, elem_id="pd-advanced"):
        with gr.Row(equal_height=False):
            length = gr.Slider(
                NEW_TOKENS.low, NEW_TOKENS.high, value=usual.max_new_tokens, step=1, label="New tokens at most",
                info="A token is a word or a piece of one.", min_width=220,
            )  # fmt: skip
            temperature = gr.Slider(
                TEMPERATURE.low, TEMPERATURE.high, value=usual.temperature, step=0.05, label="Temperature",
                info="0 always takes the likeliest next token; above, chance has a say.", min_width=220,
            )  # fmt: skip
            top_p = gr.Slider(
                TOP_P.low, TOP_P.high, value=usual.top_p, step=0.05, label="Top-p",
                info="With chance: only the likeliest tokens that make up this share.", min_width=220,
            )  # fmt: skip
        with gr.Row(equal_height=False):
            seed = gr.Number(
                value=usual.seed, precision=0, label="Seed",
                info="Of chance, and of who the placebo is.", min_width=160,
            )  # fmt: skip
            with gr.Column(min_width=160):
                next_seed = gr.Button("Next seed, and write", elem_id="pd-next-seed")
                chance = widget("line", chance_line(usual.temperature), elem_id="pd-chance")
            allow = gr.Checkbox(
                value=False, label="Allow words from the profanity lists", min_width=220,
                info="Off, the arms write around them.",
            )  # fmt: skip
        arms = gr.CheckboxGroup(
            [(f"{arm.title} ({arm.name})", arm.name) for arm in KNOWN.values()],
            value=shown, label="Columns", elem_id="pd-arms",
        )  # fmt: skip
        placebos = gr.CheckboxGroup(
            words.PLACEBOS, value=["other"], label=words.PLACEBOS_LABEL, info=words.PLACEBOS_INFO,
            elem_id="pd-placebos",
        )  # fmt: skip
        engine = widget("line", {"text": views.engine_line(None)}, elem_id="pd-engine")
    return {
        "max_new_tokens": length, "temperature": temperature, "top_p": top_p, "seed": seed,
        "next_seed": next_seed, "chance": chance, "allow": allow, "arms": arms, "placebos": placebos, "engine": engine,
    }  # fmt: skip


def chance_line(temperature: float) -> dict[str, Any]:
    """What another seed changes, where that is next to nothing."""
    return {"text": words.SAME_AGAIN if temperature == 0 else ""}


def wire(
    demo: gr.Blocks, page: Page, shelf: Shelf, loading: Loading, *, line: Line, paths: Mapping[TaskName, str],
    gpu: Callable[[Any], Any] | None,
) -> None:  # fmt: skip
    """Bind all verbs of a page.

    Args:
        demo: The app.
        page: Its components.
        shelf: What ships for its task.
        loading: The models, with the plug that serves it.
        line: Who waits for the language model.
        paths: Where the page of each task lies, without slashes.
        gpu: Decorates what needs a GPU that is only lent for the length of a call.
    """
    runs = _wire_writing(page, Writing(page, shelf, loading, gpu=gpu), line)
    carry = Carry(page, shelf, loading, paths=paths)
    _wire_desk(demo, page, carry, runs, line)
    linking.wire(page, carry)
    lessons.wire(page, lessons.Lessons(carry), linked=_linked(page), runs=runs, line=line)
    inside.wire(line, page, shelf, loading, carry, gpu=gpu)


def _linked(page: Page) -> list[Any]:
    """What changes when a link is opened."""
    how = [page.strength, page.seed, page.max_new_tokens, page.temperature, page.top_p]
    shown = [page.arms, page.placebo, page.placebos, page.columns, page.written, page.opening, page.caption]
    return [*inside.desk_outputs(page), *how, *shown]


def _wire_desk(demo: gr.Blocks, page: Page, on: Carry, runs: Sequence[Dependency], line: Line) -> None:
    """Bind the verbs of the table. They share one lane, so that no edit overtakes another.

    Args:
        demo: The app.
        page: Its components.
        on: The verbs.
        runs: What is writing the columns, and is stopped before clearing.
        line: Who waits for the language model.
    """
    desk: dict[str, Any] = {
        "outputs": inside.desk_outputs(page),
        "concurrency_id": "desk",
        "concurrency_limit": 1,
        **QUIET,
    }
    table, people = [page.session, page.opening], [page.session, page.kept, page.opening]
    edits = desk | {"outputs": inside.edit_outputs(page)}
    for verb in ("edit", "mute", "delete", "move", "undo", "redo", "reset"):
        getattr(page.history, verb)(getattr(on, verb), table, trigger_mode="multiple", **edits)
    page.history.add_posts(on.add_posts, people, trigger_mode="multiple", **desk)
    # Nothing that a visitor did is dropped because something before it is still under way.
    page.history.upload(on.open_file, people, trigger_mode="multiple", **desk)
    maps = page.inside.maps
    sources = [page.people, maps.people, maps.posts, maps.near]
    for source in (*sources, maps.twice.people, maps.twice.movers, maps.by_task.people):
        source.select(on.pick_on_map, people, trigger_mode="multiple", **desk)
    for picker in (page.person, page.find):
        picker.input(on.pick_person, [picker, *people], trigger_mode="multiple", **desk)
    reworded = edits | {"outputs": [*edits["outputs"], page.given]}
    page.opening.change(on.reword, table, trigger_mode="always_last", **reworded)
    settled = [page.status, page.timer, page.engine]
    # Answers that were not fetched come along with this one.
    page.nudge.nudge(lambda: None, trigger_mode="multiple", concurrency_id="nudge", concurrency_limit=None, **QUIET)
    demo.load(on.come_by_link, people, **desk | {"outputs": [*_linked(page), *settled]})
    page.timer.tick(on.tick, table, **desk | {"outputs": [*edits["outputs"], *settled]})
    # In their lane, because leaving a field to press Save sends what was typed there.
    saved = [page.download, page.notice]
    page.history.save(on.save, page.session, saved, concurrency_id="desk", concurrency_limit=1, **QUIET)
    emptied = [*desk["outputs"], page.opening, page.columns, page.written, page.caption]
    emptied += [page.download, page.write, page.next_seed, page.stop]
    # By then whatever was being written is stopped, so that nothing of it arrives afterwards.
    leave = functools.partial(line.leave, quietly=True)
    page.clear.click(leave, page.ticket, None, cancels=list(runs), queue=False, **QUIET).then(
        on.clear, [page.arms, page.placebo, page.placebos], **desk | {"outputs": emptied}
    )


def _wire_writing(page: Page, on: Writing, line: Line) -> list[Dependency]:
    """Bind the verbs of the columns. What the model does waits in one lane; the buttons answer at once.

    Args:
        page: The components.
        on: The verbs.
        line: Who waits for the language model.

    Returns:
        What is writing the columns, for others who may cancel it.
    """
    guessing = [page.inside.guess.round, *page.inside.guess.votes]
    told = [page.caption, page.notice, page.write, page.next_seed, page.stop]
    said, columns = [*told, *guessing, page.ticket], [page.columns, *told]
    options = [page.max_new_tokens, page.temperature, page.top_p, page.seed, page.arms, page.placebo, page.allow]
    options.append(page.placebos)
    writing: dict[str, Any] = {
        "inputs": [page.ticket, page.session, page.opening, page.strength, *options],
        "outputs": [*columns, page.timer, page.written],
        "concurrency_id": LANE,
        "concurrency_limit": 1,
        **QUIET,
    }
    light: dict[str, Any] = {"queue": False, **QUIET}

    def begin() -> Changes:
        return on.begin(line.words) | {page.ticket: line.ticket()}

    def stop(ticket: str, shown: dict[str, Any], written: dict[str, Any]) -> Changes:
        line.leave(ticket)
        return on.stopped(shown, written)

    def halted(changed: Changes) -> Changes:
        return on.stopped(changed[page.columns], changed.get(page.written)) if page.columns in changed else on.idle()

    write = line.turn(on.write, lastly=halted)
    # One after the other, so that nobody counts themself among those before them.
    begun = gr.on([page.write.click, page.opening.submit], begin, None, said, trigger_mode="once", **light)
    run = begun.then(write, trigger_mode="once", **writing)
    page.temperature.change(chance_line, page.temperature, page.chance, trigger_mode="always_last", **light)
    seeded = page.next_seed.click(on.next_seed, page.seed, page.seed, **light)
    rerun = seeded.then(begin, None, said, **light).then(write, **writing)
    # What was on its way when Stop was pressed must have arrived before the columns are called finished.
    halt = page.stop.click(None, cancels=[run, rerun])
    halt.then(stop, [page.ticket, page.columns, page.written], columns, **light)
    chosen, shown = [page.columns, page.arms, page.placebo, page.placebos], [page.columns, page.notice]
    ticks = [page.arms.input, page.placebo.input, page.placebos.input]
    gr.on(ticks, on.choose_arms, chosen, shown, trigger_mode="always_last", **light)
    for each in (run, rerun):
        # Columns may have been ticked while they were written.
        each.success(on.choose_arms, chosen, shown, **light)
    return [run, rerun]
