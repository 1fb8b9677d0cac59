"""What every task answers for: how items, inputs and targets of one kind of writing are put to the models.

A task turns a history item into the text the item encoder reads, an item into an input and a target,
an input, with any retrieved items before it, into the text the frozen LM reads, and says by what its
texts are measured. It knows nothing of files, models or arms; a tokenizer is lent to it where texts
are counted in tokens.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from persona_demo.history import HistoryItem, whole_characters
from persona_demo.tasks.wording import Wording

if TYPE_CHECKING:
    from persona_demo.lm.base import TextCodec

TaskName = Literal[
    "blog-post",
    "film-review",
    "film-rating",
    "paper-title",
    "headline",
    "commit-subject",
    "movie-stars",
    "lamp-1",
    "lamp-2",
    "lamp-3",
    "lamp-4",
    "lamp-5",
    "lamp-7",
]
Metric = Literal["rouge", "ratings", "accuracy"]
"""ROUGE-1 and ROUGE-L; MAE and RMSE; accuracy and macro F1 over the task's answers."""
Ranking = Literal["words", "okapi"]
"""What BM25 counts: words whatever their case and marks, or LaMP's: whatever stands between white space."""
Needed = Literal["text", "input", "label"]
"""What an item must have to be shown or predicted: its text alone, what it answers, or its score, tag or category."""


@dataclass(frozen=True)
class Prompt:
    """The text the LM reads for one input.

    Attributes:
        context: What stands before the answer.
        opening: Words the answer already starts with; may be empty.
    """

    context: str
    opening: str


@dataclass(frozen=True)
class WritingPair:
    """A piece of writing, split into what is given and what is to be written.

    Attributes:
        input: The task's raw input, what ``--prompt`` takes.
        target: The text the LM is to write, with the space it starts with, if any, without an end mark.
    """

    input: str
    target: str

    def __post_init__(self) -> None:
        """Mark what is no character."""
        for name in ("input", "target"):
            object.__setattr__(self, name, whole_characters(getattr(self, name)))

    @property
    def answer(self) -> str:
        """The target as a reader has it, which metrics compare with."""
        return self.target.strip()


@dataclass(frozen=True, kw_only=True)
class Task(ABC):
    """One kind of writing.

    Attributes:
        name: As on the command line.
        title: In words, for readers.
        asks: What the input is, in words.
        wording: What readers call its items and its input.
        metric: What its texts are measured by.
        max_target_tokens: Targets are cut to this many tokens of the frozen LM.
        max_input_characters: Inputs are cut to this many characters, at a word, before the LM reads
            them; about a quarter as many tokens.
        answers: The closed list of answers, where there is one.
        end: Last token of a target that was not cut, so that a generated answer ends; empty where
            texts have no end of their own.
        min_new_tokens: Fewest tokens of a generated answer, the end mark counted; None leaves it to
            the caller.
        label_form: How the item encoder reads a text with its score, tag or category.
        min_items: People with fewer items are not trained on.
        own_text: Whether the person wrote the items' texts. Films that anybody may rate are nobody's,
            and the same film in two histories is no leak.
        same_day: Whether items of a target's day may stand in its history.
        ranking: What BM25 counts.
        needs: What an item must have beside its text to stand as an example, or to be predicted.
    """

    name: TaskName
    title: str
    asks: str
    wording: Wording
    metric: Metric
    max_target_tokens: int
    max_input_characters: int
    answers: tuple[str, ...] = ()
    end: str = "\n"
    min_new_tokens: int | None = 2
    label_form: str = "{label}: {text}"
    min_items: int = 8
    own_text: bool = True
    same_day: bool = True
    ranking: Ranking = "words"
    needs: Needed = "text"

    @property
    def stop(self) -> str:
        """Text at which a generated answer ends."""
        return self.end or "\n\n"

    @property
    def nothing_given(self) -> str:
        """What is said where the input is empty."""
        return f"There is no input: give the {self.asks}."

    @property
    def lacks(self) -> str:
        """What an item that is a bare text lacks, in words; empty where the text is enough."""
        return {"text": "", "input": self.wording.given, "label": self.wording.wanted}[self.needs]

    def begun(self, input_text: str) -> str:
        """Words of the input that the answer already starts with; none where it starts afresh."""
        return input_text.strip() if self.wording.begins else ""

    @abstractmethod
    def pair(self, item: HistoryItem) -> WritingPair | None:
        """An item as input and target, or None where it lacks one of them."""

    @abstractmethod
    def prompt(self, input_text: str, *, retrieved: Sequence[str] = ()) -> Prompt:
        """Build what the LM reads.

        Args:
            input_text: The raw input.
            retrieved: What :meth:`shots` made of retrieved items, in reading order.

        Raises:
            UserError: If the input cannot be used.
        """

    @abstractmethod
    def shots(
        self, ranked: Sequence[HistoryItem], input_text: str, *, codec: TextCodec, tokens: int
    ) -> tuple[str, ...]:
        """Render retrieved items for the prompt.

        Args:
            ranked: The items, best first.
            input_text: The raw input they are to stand before.
            codec: The LM's tokenizer, to keep within the budget.
            tokens: Most tokens.

        Returns:
            Texts in reading order, cut to the budget; fewer than items where some do not fit.
        """

    def item_text(self, item: HistoryItem, *, labels: bool = True) -> str:
        """The text of a history item the item encoder reads.

        Args:
            item: The item.
            labels: Whether its score, tag or category is part of it.
        """
        if not labels or item.label is None:
            return item.text
        return self.label_form.format(label=item.label, text=item.text)

    def excerpt(self, item: HistoryItem) -> str:
        """The text of a history item that excerpts begin to read: what was written, after what was judged.

        Args:
            item: The item.
        """
        pair = self.pair(item) if self.answers else None
        return item.text if pair is None else f"{pair.target} {item.text}"

    def serves(self, item: HistoryItem) -> bool:
        """Whether the item is of this task at all, in histories too."""
        return self.pair(item) is not None

    def split(self, text: str) -> WritingPair | None:
        """A bare text as input and target, or None where the task needs more than a text."""
        return self.pair(HistoryItem(id="", text=text)) if text.strip() else None

    def typed(self, text: str, input_text: str) -> str:
        """A typed text as it follows an input: an answer is set apart by a blank, as in training.

        Texts that arms wrote carry their own blanks and must not go through here.
        """
        return f" {text.strip()}"

    def query(self, input_text: str) -> str:
        """The part of an input that the aggregator weighs items for."""
        return input_text

    def search(self, input_text: str) -> str:
        """The part of an input that retrieval looks for."""
        return self.query(input_text)

    def search_text(self, item: HistoryItem) -> str:
        """The text of an item that retrieval looks in."""
        return item.text

    def written(self, pair: WritingPair) -> str:
        """The text of a given pair whose copy in the history would give the answer away."""
        return pair.answer

    def target_tokens(self, target: str, codec: TextCodec) -> tuple[int, ...]:
        """A target as tokens: cut where it is too long, closed by the end mark where it is not.

        A tokenizer that has no token for the mark (T5 has none for line breaks) closes with its own.
        """
        tokens = codec.encode(target)
        if self.end:
            mark = codec.encode(self.end)
            tokens += mark if codec.decode(mark) == self.end else codec.end
        return tokens[: self.max_target_tokens]


def shortened(text: str, characters: int) -> str:
    """A text cut after a word so that it has at most so many characters; one endless word is cut anywhere."""
    if len(text) <= characters:
        return text
    cut = text[: characters + 1]
    space = max(cut.rfind(" "), cut.rfind("\n"))
    return cut[:space].rstrip() if space > 0 else text[:characters]


def fit_budget(
    texts: Sequence[str], codec: TextCodec, *, tokens: int, frames: Sequence[tuple[str, str]] = ()
) -> tuple[str, ...]:
    """Cut texts so that together, each in its frame, they keep within a number of tokens.

    Every text may use an equal share of what is left; what short ones leave goes to the later ones.

    Args:
        texts: What may be cut.
        codec: Counts tokens.
        tokens: Most tokens together.
        frames: Text before and after each, which stays whole; none if empty.

    Returns:
        Framed texts in the given order; those whose frame leaves no room are left out.
    """
    kept, left = [], tokens
    for place, text in enumerate(texts):
        before, after = frames[place] if frames else ("", "")
        fixed = len(codec.encode(before)) + len(codec.encode(after))
        ids = codec.encode(text)
        room = left // (len(texts) - place) - fixed
        if room <= 0:
            continue
        kept.append(before + (text if len(ids) <= room else codec.decode(ids[:room])) + after)
        left -= fixed + min(len(ids), room)
    return tuple(kept)
