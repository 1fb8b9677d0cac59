"""LaMP's own tasks: what their files hold, and how their prompts are built from profiles.

The shapes, the texts a profile is rendered with, where these are put and how they are cut to a length
are the benchmark's, odd spaces included, so that what a retrieval arm reads here is what it reads
there. A question's ``input`` is the raw input of the task; items of the profile are history items
under the project's names.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from persona_demo.history import HistoryItem
from persona_demo.tasks.base import Metric, Prompt, Task, TaskName, WritingPair, shortened
from persona_demo.tasks.wording import Wording

if TYPE_CHECKING:
    from persona_demo.lm.base import TextCodec

LampNumber = Literal[1, 2, 3, 4, 5, 6, 7]

INPUT_SHARE = 0.6
"""Share of the prompt's length that the input may take from the profile; lowered until the profile fits."""
PATTERNS = "Following the given patterns"
MOVIE_TAGS = (
    "sci-fi",
    "based on a book",
    "comedy",
    "action",
    "twist ending",
    "dystopia",
    "dark comedy",
    "classic",
    "psychology",
    "fantasy",
    "romance",
    "thought-provoking",
    "social commentary",
    "violence",
    "true story",
)


@dataclass(frozen=True)
class LampShape:
    """What the files of one LaMP task hold.

    Attributes:
        number: Its number.
        text: Name of the profile field that is an item's text here.
        input: Of the one that is its input, where there is one.
        label: Of the one that is its label, where there is one.
        marker: Stands before the content of a question's input.
        metric: What it is measured by.
        answers: Its closed list of answers, where there is one.
    """

    number: LampNumber
    text: str
    input: str | None
    label: str | None
    marker: str
    metric: Metric
    answers: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """As outputs files name it."""
        return f"LaMP_{self.number}"


SHAPES: dict[LampNumber, LampShape] = {
    shape.number: shape
    for shape in (
        LampShape(1, "title", "abstract", None, "", "accuracy", ("[1]", "[2]")),
        LampShape(2, "description", None, "tag", "description:", "accuracy", MOVIE_TAGS),
        LampShape(3, "text", None, "score", "review:", "ratings", ("1", "2", "3", "4", "5")),
        LampShape(4, "title", "text", None, "article:", "rouge"),
        LampShape(5, "title", "abstract", None, "paper:", "rouge"),
        LampShape(6, "title", "text", None, ":", "rouge"),
        LampShape(7, "text", None, None, ":", "rouge"),
    )
}


@dataclass(frozen=True)
class Snippet:
    """How one item of a profile is rendered, and how all of them are put before the input.

    Attributes:
        form: The item; ``{long}`` is the field that is cut to fit.
        counted: The text whose tokens are set aside for the rest of the form; LaMP counts it so.
        joint: Stands between the last item and the input.
        set_aside: Further text whose tokens are set aside once.
    """

    form: str
    counted: str
    joint: str = ". "
    set_aside: str = ""


_SNIPPETS: dict[LampNumber, Snippet] = {
    1: Snippet('"{long}"', ""),
    2: Snippet(
        'the tag for the movie: "{long}" is "{label}" ',
        'the tag for the movie: " " is "{label}" ',
    ),
    3: Snippet('{label} is the score for "{long}" ', '{label} is the score for " " '),
    4: Snippet('"{text}" is the title for "{long}" ', '"{text}" is the title for " " '),
    5: Snippet('"{text}" is a title for "{long}" ', '"{text}" is a title " " ', f". {PATTERNS} ", PATTERNS),
    7: Snippet(
        '"{long}" ',
        '"" ',
        f" are written by a person. {PATTERNS} ",
        f"are written by user. {PATTERNS}",
    ),
}


def quoted(text: str) -> list[str]:
    """Everything between quotation marks, taken two by two; a mark inside a title shifts the rest, as in LaMP."""
    return re.findall(r'"([^"]*)"', text)


@dataclass(frozen=True, kw_only=True)
class LampTask(Task):
    """A task of LaMP, asked by questions that are no items of their profile.

    Attributes:
        shape: What its files hold.
    """

    shape: LampShape

    def serves(self, item: HistoryItem) -> bool:
        """Any item of a profile may be read."""
        return True

    def pair(self, item: HistoryItem) -> WritingPair | None:
        """None: questions come from the benchmark's files, not from profiles."""
        return None

    def item_text(self, item: HistoryItem, *, labels: bool = True) -> str:
        """The text the item encoder reads: title and body, or text with its score or tag."""
        text = super().item_text(item, labels=labels)
        return text if item.input is None else f"{text} {item.input}"

    def query(self, input_text: str) -> str:
        """The content of the input: the paper's title, or what follows the task's marker."""
        if self.shape.number == 1:
            return (quoted(input_text) or [input_text])[0]
        _, found, content = input_text.partition(self.shape.marker)
        return content.strip() if found else input_text

    def search(self, input_text: str) -> str:
        """The content of the input; for citations the two references, the second and third quoted text."""
        if self.shape.number != 1:
            return self.query(input_text)
        found = quoted(input_text)
        return f"{found[1]} {found[2]}" if len(found) > 2 else input_text

    def search_text(self, item: HistoryItem) -> str:
        """Title and body, or the text alone."""
        return item.text if item.input is None else f"{item.text} {item.input}"

    def written(self, pair: WritingPair) -> str:
        """The answer where it is a text; else what is judged, since a copy of it carries the answer."""
        return pair.answer if self.metric == "rouge" else self.query(pair.input)

    def shots(
        self, ranked: Sequence[HistoryItem], input_text: str, *, codec: TextCodec, tokens: int
    ) -> tuple[str, ...]:
        """Snippets, best first, cut by LaMP's logic so that with the input they are ``tokens`` long.

        The input counts for at most :data:`INPUT_SHARE` of the length, and for less where the
        snippets would not fit. The rest is divided equally over the items, only the long field is
        cut, and what an item leaves goes to later ones. Nothing is returned where nothing fits.
        """
        asked = _counted(self._read(input_text), codec)
        share = INPUT_SHARE
        while ranked and share >= 0:
            made = self._rendered(ranked, codec, room=tokens - min(asked, int(share * tokens)))
            if made is not None:
                return made
            share -= 0.1
        return ()

    def _rendered(self, ranked: Sequence[HistoryItem], codec: TextCodec, *, room: int) -> tuple[str, ...] | None:
        """Snippets that fit into a room of tokens, or None where one of them cannot."""
        snippet = _SNIPPETS[self.shape.number]
        between = 2 * (len(ranked) - 1) + (self.shape.number != 1)
        aside = _counted(snippet.set_aside, codec) if snippet.set_aside else 0
        share = (room - between - aside) // len(ranked)
        saved, made = 0, []
        for item in ranked:
            long = item.text if self.shape.number in (1, 2, 3, 7) else item.input or ""
            words = {"text": item.text, "label": item.label or ""}
            frame = _counted(snippet.counted.format(**words), codec) if snippet.counted else 2
            most = share + saved - frame - len(codec.start) - len(codec.end)
            if most < 0:
                return None
            kept = codec.encode(long)[:most]
            saved += share - frame - len(kept) - len(codec.start) - len(codec.end)
            made.append(snippet.form.format(long=codec.decode(kept), **words))
        return tuple(made)

    def prompt(self, input_text: str, *, retrieved: Sequence[str] = ()) -> Prompt:
        """The input with its snippets before it (citations: inside it, after the first word "title").

        The line break at the end is for causal models; T5's tokenizer takes no notice of it.
        """
        text = self._read(input_text)
        joined = ", and ".join(retrieved)
        if retrieved and self.shape.number == 1:
            before, found, after = text.partition("title")
            text = f"{before}{found}, and {joined}{after}" if found else text
        elif retrieved:
            text = f"{joined}{_SNIPPETS[self.shape.number].joint}{text}"
        return Prompt(context=f"{text}\n", opening="")

    def _read(self, input_text: str) -> str:
        return shortened(input_text.strip(), self.max_input_characters)


def _counted(text: str, codec: TextCodec) -> int:
    """Tokens of a text with the special ones the model expects around it, as LaMP counts."""
    return len(codec.start) + len(codec.encode(text)) + len(codec.end)


def _task(name: TaskName, number: LampNumber, *, title: str, asks: str, tokens: int) -> LampTask:
    shape = SHAPES[number]
    return LampTask(
        name=name,
        title=title,
        asks=asks,
        wording=Wording(page=f"LaMP-{number}", one="item", many="items", given="question", wanted="answer"),
        metric=shape.metric,
        answers=shape.answers,
        max_target_tokens=tokens,
        max_input_characters=2_000,
        min_items=1,
        own_text=number != 2,
        ranking="okapi",
        shape=shape,
    )


LAMP: tuple[LampTask, ...] = (
    _task("lamp-1", 1, title="LaMP-1: which paper is cited", asks="question with two references", tokens=8),
    _task("lamp-2", 2, title="LaMP-2: tag of a movie", asks="question with the movie's description", tokens=10),
    _task("lamp-3", 3, title="LaMP-3: stars of a product review", asks="question with the review", tokens=4),
    _task("lamp-4", 4, title="LaMP-4: headline", asks="question with the article", tokens=64),
    _task("lamp-5", 5, title="LaMP-5: title of a paper", asks="question with the abstract", tokens=64),
    _task("lamp-7", 7, title="LaMP-7: tweet in one's own words", asks="question with the plain tweet", tokens=128),
)
