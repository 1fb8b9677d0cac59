"""The components of the tabs, by name: what their verbs answer to."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from persona_demo.ui.inside.curve import Curve
from persona_demo.ui.inside.runbar import RunBar
from persona_demo.ui.persona_map import PersonaMap


@dataclass(frozen=True)
class TextParts:
    """Which text is measured.

    Attributes:
        choice: The arm that wrote it, or that it is typed.
        typed: What is typed.
        line: The text, and for whom it was written.
    """

    choice: gr.Dropdown
    typed: gr.Textbox
    line: gr.HTML


@dataclass(frozen=True)
class TwiceParts:
    """The people by subject.

    Attributes:
        side: What holds them.
        people: The map.
        movers: Who is among others there.
    """

    side: gr.Column
    people: PersonaMap
    movers: gr.HTML


@dataclass(frozen=True)
class ByTaskParts:
    """The people of all tasks of a plug.

    Attributes:
        side: What holds it all.
        people: The map.
    """

    side: gr.Column
    people: PersonaMap


@dataclass(frozen=True)
class MapParts:
    """Both maps.

    Attributes:
        which: People, items, or both.
        colour: What the points are coloured by.
        sentence: The sentence that points are compared with.
        people: The map of people.
        posts: The map of items.
        near: The nearest people, with distances.
        find: What is searched for on the map of items.
        near_posts: The person's items, with the nearest of the population; or what was found.
        people_side: What holds the map of people.
        posts_side: What holds the map of items.
        twice: The people by subject.
        by_task: The people of all tasks of the plug.
    """

    which: gr.Radio
    colour: gr.Dropdown
    sentence: gr.Textbox
    people: PersonaMap
    posts: PersonaMap
    near: gr.HTML
    find: gr.Textbox
    near_posts: gr.HTML
    people_side: gr.Column
    posts_side: gr.Column
    twice: TwiceParts
    by_task: ByTaskParts


@dataclass(frozen=True)
class PlaceboParts:
    """The scorecard.

    Attributes:
        bar: Runs it.
        line: What was held out.
        table: Each arm's figures and verdict.
    """

    bar: RunBar
    line: gr.HTML
    table: gr.HTML


@dataclass(frozen=True)
class PostParts:
    """What a text owes to each item.

    Attributes:
        bar: Runs it.
        arm: Under which arm.
        order: What the rows are sorted by.
        found: The attribution, as plain JSON.
        line: Whole effect and agreement, in sentences.
        table: Weight beside effect.
    """

    bar: RunBar
    arm: gr.Dropdown
    order: gr.Radio
    found: gr.State
    line: gr.HTML
    table: gr.HTML


@dataclass(frozen=True)
class TokenParts:
    """One text under two arms.

    Attributes:
        bar: Runs it.
        left: The first arm.
        right: The second.
        tokens: The text, token by token.
        movers: The tokens that change most.
    """

    bar: RunBar
    left: gr.Dropdown
    right: gr.Dropdown
    tokens: gr.HTML
    movers: gr.HTML


@dataclass(frozen=True)
class WordParts:
    """The persona in words.

    Attributes:
        bar: Runs it.
        line: Nearness and caveat.
        likelier: Next words it makes likelier.
        vectors: Words near its vectors.
        posts: Items nearest to the person.
        style: Style figures beside the population's.
    """

    bar: RunBar
    line: gr.HTML
    likelier: gr.HTML
    vectors: gr.HTML
    posts: gr.HTML
    style: gr.HTML


@dataclass(frozen=True)
class MixParts:
    """People algebra.

    Attributes:
        bar: Writes.
        what: Which arithmetic.
        other: The second person.
        share: How much of the second person.
        factor: How far from the average person.
        back: Which input of the second person.
        texts: What is written.
        line: Where the mixture stands, and warnings.
        drawn: What is drawn of it on the maps, as plain JSON; None while nothing is asked for.
        offered: Second people besides those who ship, as they were offered last.
    """

    bar: RunBar
    what: gr.Radio
    other: gr.Dropdown
    share: gr.Slider
    factor: gr.Slider
    back: gr.Slider
    texts: gr.HTML
    line: gr.HTML
    drawn: gr.State
    offered: gr.State


@dataclass(frozen=True)
class GrowthParts:
    """The cold-start dial.

    Attributes:
        curve: Likelihood by number of items, and where arms cross.
        writes: Writes.
        texts: What the persona writes at each number.
    """

    curve: Curve
    writes: RunBar
    texts: gr.HTML


@dataclass(frozen=True)
class PinParts:
    """States of the history, two of which can be compared.

    Attributes:
        bar: Writes from both.
        states: All states.
        pinned: Which are pinned.
        table: Items and weights of both.
        line: How far they are apart.
        texts: What is written from each.
    """

    bar: RunBar
    states: gr.HTML
    pinned: gr.CheckboxGroup
    table: gr.HTML
    line: gr.HTML
    texts: gr.HTML


@dataclass(frozen=True)
class CarryParts:
    """Taking a run along.

    Attributes:
        export: Hands the run out.
        bring: Takes one in.
    """

    export: gr.Button
    bring: gr.HTML


@dataclass(frozen=True)
class GuessParts:
    """The blind guess.

    Attributes:
        bar: Deals the texts.
        size: How many.
        texts: The texts, without names until the vote.
        votes: Of each text, the button that votes for it.
        line: How the round went.
        tally: How all rounds went.
        save: Hands the tally out.
        round: The round that is open, as plain JSON.
        played: The rounds that are over, as plain JSON.
    """

    bar: RunBar
    size: gr.Radio
    texts: gr.HTML
    votes: tuple[gr.Button, ...]
    line: gr.HTML
    tally: gr.HTML
    save: gr.Button
    round: gr.State
    played: gr.State


@dataclass(frozen=True)
class InsideParts:
    """All tabs.

    Attributes:
        tabs: What holds them; the id of each is the name of its part.
        here: Tells what is on the table, so that old measurements can say that they are.
        text: Which text is measured.
        dial: Strength against likelihood.
        placebo: The scorecard.
        posts: What a text owes to each item.
        tokens: One text under two arms.
        words: The persona in words.
        maps: Both maps.
        mix: People algebra.
        mixing: Its tab, which draws on the maps once it is opened.
        growth: The cold-start dial.
        pins: States and comparing them.
        guess: The blind guess.
        carry: Export and import.
    """

    tabs: gr.Tabs
    here: gr.HTML
    text: TextParts
    dial: Curve
    placebo: PlaceboParts
    posts: PostParts
    tokens: TokenParts
    words: WordParts
    maps: MapParts
    mix: MixParts
    mixing: gr.Tab
    growth: GrowthParts
    pins: PinParts
    guess: GuessParts
    carry: CarryParts

    @property
    def bars(self) -> tuple[RunBar, ...]:
        """All that measures or writes."""
        return (
            self.dial.bar, self.placebo.bar, self.posts.bar, self.tokens.bar, self.words.bar,
            self.mix.bar, self.growth.curve.bar, self.growth.writes, self.pins.bar, self.guess.bar,
        )  # fmt: skip
