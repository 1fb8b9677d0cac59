"""The components of the page, by name: what handlers answer to and the layout lays out."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from persona_demo.ui.inside.parts import InsideParts
from persona_demo.ui.persona_map import PersonaMap


@dataclass(frozen=True)
class LinkParts:
    """Making a link to what is on the page.

    Attributes:
        copy: Makes it.
        with_text: Whether it carries what was typed.
        address: The link.
    """

    copy: gr.Button
    with_text: gr.Checkbox
    address: gr.HTML


@dataclass(frozen=True)
class LessonParts:
    """The lesson.

    Attributes:
        toggle: Opens and closes it.
        close: Closes it, where one is reading.
        opened: Whether it is open.
        panel: What holds it.
        walk: The steps.
        shows: Of each step, the button that shows it on the page.
        moves: Buttons that turn to a step, with its number.
        point: Outlines what a step is about.
    """

    toggle: gr.Button
    close: gr.Button
    opened: gr.State
    panel: gr.Column
    walk: gr.Walkthrough
    shows: tuple[gr.Button, ...]
    moves: tuple[tuple[gr.Button, int], ...]
    point: gr.HTML


@dataclass(frozen=True)
class Page:
    """The components handlers read or change.

    Attributes:
        session: The visitor's session, as plain JSON.
        kept: Sessions of people they worked on and left, likewise.
        timer: Asks how far the models are, until they are settled.
        nudge: Fetches answers that were handed out while nobody listened.
        status: How far the models are, in words.
        notice: The strip that says what went wrong and stays.
        clear: Forgets everything the visitor typed.
        link: Makes a link.
        person: Picks a sample person or somebody new.
        opening: The input: opening words for blog posts, an abstract for titles.
        given: The input as the table shows it, once its items are weighed for it.
        strength: How much of the person.
        write: Starts writing.
        stop: Stops it.
        placebo: Whether somebody else's persona is shown beside.
        caption: For whom the columns were written.
        columns: What the arms wrote.
        history: The table of items with their weights.
        download: Hands a file to the browser.
        people: The map.
        find: Picks anybody on the map without a mouse.
        max_new_tokens: Length of the texts.
        temperature: Of the sampling.
        top_p: Of the sampling.
        seed: Of the sampling and of the placebo.
        next_seed: Takes the next seed and writes again.
        ticket: That of the writing that was begun last.
        chance: Says where another seed changes next to nothing.
        arms: Which columns.
        placebos: What stands in the person's place in placebo columns.
        allow: Whether words of the filter's lists may be written.
        engine: Which model runs where, and why.
        written: What was written last, as plain JSON.
        inside: The tabs.
        lesson: The lesson.
    """

    session: gr.State
    kept: gr.State
    timer: gr.Timer
    nudge: gr.HTML
    status: gr.HTML
    notice: gr.HTML
    clear: gr.Button
    link: LinkParts
    person: gr.Dropdown
    opening: gr.Textbox
    given: gr.State
    strength: gr.Slider
    write: gr.Button
    stop: gr.Button
    placebo: gr.Checkbox
    caption: gr.HTML
    columns: gr.HTML
    history: gr.HTML
    download: gr.HTML
    people: PersonaMap
    find: gr.Dropdown
    max_new_tokens: gr.Slider
    temperature: gr.Slider
    top_p: gr.Slider
    seed: gr.Number
    next_seed: gr.Button
    ticket: gr.State
    chance: gr.HTML
    arms: gr.CheckboxGroup
    placebos: gr.CheckboxGroup
    allow: gr.Checkbox
    engine: gr.HTML
    written: gr.State
    inside: InsideParts
    lesson: LessonParts
