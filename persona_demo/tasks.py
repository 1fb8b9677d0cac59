"""What a task is: how items, inputs and targets of one kind of writing are put to the models.

A task turns a history item into the text the item encoder reads, a piece of writing into an input
and a target, and an input, with any retrieved items before it, into the text the frozen LM reads.
It knows nothing of files, models or arms.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from persona_demo.errors import UserError
from persona_demo.history import HistoryItem

TaskName = Literal["blog-post"]

MAX_INPUT_CHARACTERS = 2_000


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
        target: The text that followed.
    """

    input: str
    target: str


@dataclass(frozen=True)
class Task:
    """One kind of writing.

    Attributes:
        name: As on the command line.
        title: In words, for readers.
        heading: First line of the context.
        max_target_tokens: Targets are cut to this many tokens of the frozen LM.
        opening_words: How many first words are the input.
    """

    name: TaskName
    title: str
    heading: str
    max_target_tokens: int
    opening_words: int

    def item_text(self, item: HistoryItem) -> str:
        """The text of a history item the item encoder reads, labels included."""
        return item.text if item.label is None else f"{item.label}: {item.text}"

    def split(self, text: str) -> WritingPair | None:
        """Split a text after its opening words, or return None where nothing would follow."""
        match = re.match(rf"\s*(?:\S+\s+){{{self.opening_words - 1}}}\S+", text)
        if match is None or not text[match.end() :].strip():
            return None
        return WritingPair(input=text[: match.end()].strip(), target=text[match.end() :].rstrip())

    def prompt(self, input_text: str, *, retrieved: Sequence[str] = ()) -> Prompt:
        """Build what the LM reads.

        Args:
            input_text: The opening words.
            retrieved: Texts of history items, put before the input in the given order, as earlier
                posts of the same blog.

        Returns:
            The prompt; opening words end without white space, so that the first new token may
            start a word.

        Raises:
            UserError: If the input is too long.
        """
        opening = input_text.strip()
        if len(opening) > MAX_INPUT_CHARACTERS:
            raise UserError(
                f"The opening words have {len(opening):,} characters: shorten them to at most {MAX_INPUT_CHARACTERS:,}."
            )
        posts = "".join(f"{text.strip()}\n\n" for text in retrieved)
        return Prompt(context=f"{self.heading}\n\n{posts}", opening=opening)


TASKS: dict[TaskName, Task] = {
    "blog-post": Task(
        name="blog-post",
        title="Blog post",
        heading="From my blog:",
        max_target_tokens=64,
        opening_words=8,
    ),
}


def task_named(name: str) -> Task:
    """Find a task by its name.

    Raises:
        UserError: If there is none of that name.
    """
    for task in TASKS.values():
        if task.name == name:
            return task
    raise UserError(f"There is no task {name!r}: choose one of {', '.join(TASKS)}.")
