"""The project's own tasks: going on with a text, answering an input, judging something.

Inputs, targets and their limits are those of the contract; what the LM reads is short and plain,
because a small LM reads it. A task's examples in a retrieval prompt have the shape of its own prompt.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from persona_demo.errors import UserError
from persona_demo.history import HistoryItem
from persona_demo.scores import SCORES
from persona_demo.tasks.base import Needed, Prompt, Task, WritingPair, fit_budget, shortened
from persona_demo.tasks.wording import Wording

if TYPE_CHECKING:
    from persona_demo.lm.base import TextCodec

STARS_FORM = "Rated {label} of 5: {text}"
STARS_MARK = "{} of 5"

PAUSE = "\n\n"
"""Between posts, and counted among the tokens they may take."""


def one_line(text: str) -> str:
    """A text with every run of white space made one space."""
    return " ".join(text.split())


@dataclass(frozen=True, kw_only=True)
class Continuation(Task):
    """Opening words, and how the text goes on.

    Attributes:
        heading: First line of the context.
        opening_words: How many first words are the input.
    """

    heading: str
    opening_words: int

    @property
    def nothing_given(self) -> str:
        """What is said where the opening is empty."""
        return "There are no opening words: write how the text should begin."

    def serves(self, item: HistoryItem) -> bool:
        """Any text may stand in a history, also one too short to be split."""
        return True

    def pair(self, item: HistoryItem) -> WritingPair | None:
        """Split a text after its opening words, or return None where nothing would follow."""
        text = item.text
        match = re.match(rf"\s*(?:\S+\s+){{{self.opening_words - 1}}}\S+", text)
        if match is None or not text[match.end() :].strip():
            return None
        return WritingPair(input=text[: match.end()].strip(), target=text[match.end() :].rstrip())

    def typed(self, text: str, input_text: str) -> str:
        """A typed text as it follows opening words: a word is set apart by a blank, a mark is not."""
        text = text.strip()
        return f" {text}" if input_text.strip() and text[:1].isalnum() else text

    def shots(
        self, ranked: Sequence[HistoryItem], input_text: str, *, codec: TextCodec, tokens: int
    ) -> tuple[str, ...]:
        """Texts in ascending order of rank, so that the best one is nearest to the input."""
        texts = [item.text.strip() for item in reversed(ranked)]
        return fit_budget(texts, codec, tokens=tokens, frames=[("", PAUSE)] * len(texts))

    def prompt(self, input_text: str, *, retrieved: Sequence[str] = ()) -> Prompt:
        """Build what the LM reads: retrieved texts stand as earlier posts of the same blog.

        Opening words end without white space, so that the first new token may start a word.

        Raises:
            UserError: If there are too many opening words.
        """
        opening = input_text.strip()
        if len(opening) > self.max_input_characters:
            raise UserError(
                f"The opening words have {len(opening):,} characters: "
                f"shorten them to at most {self.max_input_characters:,}."
            )
        return Prompt(context=f"{self.heading}{PAUSE}{''.join(retrieved)}", opening=opening)


@dataclass(frozen=True, kw_only=True)
class Answer(Task):
    """Something that is given, and what the person wrote about it.

    Attributes:
        given: Word for the input in the prompt.
        wanted: Word for the answer in the prompt, before the colon.
        lead: What every answer begins with and nobody has to write.
    """

    given: str
    wanted: str
    needs: Needed = "input"
    lead: str = ""

    def pair(self, item: HistoryItem) -> WritingPair | None:
        """The item's input and text."""
        if item.input is None or not item.input.strip():
            return None
        return WritingPair(input=item.input.strip(), target=f" {one_line(item.text)}")

    def search_text(self, item: HistoryItem) -> str:
        """Text and input, since what is looked for is an input."""
        return item.text if item.input is None else f"{item.text} {item.input}"

    def shots(
        self, ranked: Sequence[HistoryItem], input_text: str, *, codec: TextCodec, tokens: int
    ) -> tuple[str, ...]:
        """Examples in the shape of the prompt, the best one last; inputs are cut, answers are not."""
        pairs = [pair for item in reversed(ranked) if (pair := self.pair(item)) is not None]
        frames = [(f"{self.given}: ", f"\n{self.wanted}:{self.lead}{pair.target}\n") for pair in pairs]
        return fit_budget([self._read(pair.input) for pair in pairs], codec, tokens=tokens, frames=frames)

    def prompt(self, input_text: str, *, retrieved: Sequence[str] = ()) -> Prompt:
        """Build what the LM reads: examples, then the input and the word for the answer."""
        examples = "".join(retrieved)
        context = f"{examples}{self.given}: {self._read(input_text)}\n{self.wanted}:"
        return Prompt(context=context, opening=self.lead)

    def _read(self, input_text: str) -> str:
        return shortened(one_line(input_text), self.max_input_characters)


@dataclass(frozen=True, kw_only=True)
class Judgement(Answer):
    """A text, and the stars somebody gave: the item's text is given and its label is wanted.

    The blank before a figure is a token of its own in most vocabularies. It says nothing, so it is not
    written but stands there already, and the first token is the answer.
    """

    needs: Needed = "label"
    lead: str = " "

    def pair(self, item: HistoryItem) -> WritingPair | None:
        """The item's text and label."""
        label = (item.label or "").strip()
        return WritingPair(input=item.text.strip(), target=label) if label in self.answers else None

    def typed(self, text: str, input_text: str) -> str:
        """A typed answer, after the blank that stands there already."""
        return text.strip()

    def search_text(self, item: HistoryItem) -> str:
        """The text."""
        return item.text


BLOG_POST = Continuation(
    name="blog-post",
    title="Blog post",
    asks="opening words",
    wording=Wording(page="Blog posts", one="post", many="posts", given="opening words", single="opening", begins=True),
    metric="rouge",
    heading="From my blog:",
    max_target_tokens=64,
    max_input_characters=2_000,
    opening_words=8,
    end="",
    min_new_tokens=None,
)


FILM_RATING = Judgement(
    name="film-rating",
    title="Stars for a film, from one's review",
    label_form=STARS_FORM,
    asks="review",
    wording=Wording(page="Film ratings", one="review", many="reviews", given="review", wanted="score", mark=STARS_MARK),
    metric="ratings",
    given="Review",
    wanted="Score",
    answers=SCORES,
    max_target_tokens=4,
    max_input_characters=600,
)
FILM_REVIEW = Answer(
    name="film-review",
    title="One-line film review",
    label_form=STARS_FORM,
    asks="synopsis",
    wording=Wording(page="Film reviews", one="review", many="reviews", given="synopsis", mark=STARS_MARK),
    metric="rouge",
    given="Film",
    wanted="Review",
    max_target_tokens=64,
    max_input_characters=300,
)
PAPER_TITLE = Answer(
    name="paper-title",
    title="Title of a paper",
    asks="abstract",
    wording=Wording(page="Paper titles", one="title", many="titles", given="abstract"),
    metric="rouge",
    given="Abstract",
    wanted="Title",
    max_target_tokens=48,
    max_input_characters=1_200,
)
HEADLINE = Answer(
    name="headline",
    title="Headline",
    asks="description of the article",
    wording=Wording(page="Headlines", one="headline", many="headlines", given="description"),
    metric="rouge",
    given="Article",
    wanted="Headline",
    max_target_tokens=48,
    max_input_characters=400,
)
COMMIT_SUBJECT = Answer(
    name="commit-subject",
    title="Subject line of a commit",
    asks="body of the message",
    wording=Wording(page="Commit subjects", one="subject line", many="subject lines", given="message"),
    metric="rouge",
    given="Commit",
    wanted="Subject",
    max_target_tokens=48,
    max_input_characters=600,
    # A series of patches repeats its subject line all day.
    same_day=False,
)
MOVIE_STARS = Judgement(
    name="movie-stars",
    title="Stars for a film",
    label_form=STARS_FORM,
    asks="title, genres and story of the film",
    wording=Wording(page="Stars for films", one="film", many="films", given="film", wanted="score", mark=STARS_MARK),
    metric="ratings",
    given="Film",
    wanted="Score",
    answers=SCORES,
    max_target_tokens=4,
    max_input_characters=500,
    own_text=False,
)

OWN: tuple[Task, ...] = (BLOG_POST, FILM_REVIEW, FILM_RATING, PAPER_TITLE, HEADLINE, COMMIT_SUBJECT, MOVIE_STARS)
