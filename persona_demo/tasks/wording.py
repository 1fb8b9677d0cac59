"""What readers call the things of a task: an item, several of them, and what is given.

Whoever shows a task builds sentences from these nouns, so that nobody is told of posts where people
wrote titles.
"""

from __future__ import annotations

from dataclasses import dataclass


def capital(text: str) -> str:
    """A text with its first letter in upper case."""
    return text[:1].upper() + text[1:]


def plural(count: int, noun: str, many: str = "") -> str:
    """A count with its noun.

    Args:
        count: How many.
        noun: What one of them is called.
        many: What several are called, where that is not the noun with an s.
    """
    return f"{count:,} {noun if count == 1 else many or f'{noun}s'}"


@dataclass(frozen=True, kw_only=True)
class Wording:
    """Nouns of a task, in lower case.

    Attributes:
        page: Name of the task's page, as a heading.
        one: A history item.
        many: Several of them.
        given: The input.
        single: One input, where ``given`` is a plural.
        wanted: What is to be written, where it is not what items are called.
        begins: Whether the input is how the text begins, so that a text goes on from it.
        mark: An item's label as it is shown.
    """

    page: str
    one: str
    many: str
    given: str
    single: str = ""
    wanted: str = ""
    begins: bool = False
    mark: str = "{}"

    @property
    def a(self) -> str:
        """An item, with its article."""
        return _with_article(self.one)

    @property
    def this(self) -> str:
        """The input that is there."""
        return f"{'these' if self.single else 'this'} {self.given}"

    @property
    def other(self) -> str:
        """An input that is not the one that is there."""
        return f"{'other' if self.single else 'another'} {self.given}"

    @property
    def follows(self) -> str:
        """How a text stands to its input."""
        return "after" if self.begins else "for"

    @property
    def each(self) -> str:
        """One input, in the singular."""
        return self.single or self.given

    @property
    def answer(self) -> str:
        """What is to be written."""
        return self.wanted or self.one

    @property
    def an_answer(self) -> str:
        """What is to be written, with its article."""
        return _with_article(self.answer)

    def count(self, number: int) -> str:
        """So many items."""
        return plural(number, self.one, self.many)

    def numbered(self, number: int | str) -> str:
        """The item of a number, as a heading."""
        return f"{capital(self.one)} {number}"


def _with_article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
