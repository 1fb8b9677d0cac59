"""A person's history: what they wrote, in order, as plain frozen records.

Knows the fields of the history file and their limits, and nothing of files on disk
(:mod:`persona_demo.history_io` reads and writes them), of models or of the app.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from persona_demo.errors import UserError

SCHEMA = 1
MAX_ITEMS = 512
"""Most items one history may hold; the paper's code keeps the last 512 as well."""
MAX_ITEM_CHARACTERS = 20_000
MAX_NAME_CHARACTERS = 200


def whole_characters(text: str) -> str:
    """A text with a mark for each lone surrogate, as broken files and terminals give it.

    A lone surrogate is no character a tokenizer or a file could take.
    """
    return text.encode("utf-8", "replace").decode("utf-8")


@dataclass(frozen=True)
class HistoryItem:
    """One thing a person wrote.

    Attributes:
        id: Unique within its history.
        text: What the person wrote.
        date: ISO day (YYYY-MM-DD), where known.
        input: What the text answers (an abstract, a synopsis), where there is one.
        label: A score, tag or category, where there is one.
        muted: Kept and shown, but read by no arm.
        extra: Unknown columns of the file it came from, kept as they were.
    """

    id: str
    text: str
    date: str | None = None
    input: str | None = None
    label: str | None = None
    muted: bool = False
    extra: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the limits.

        Raises:
            UserError: If the text is empty or too long.
        """
        if not self.text.strip():
            raise UserError(f"History item {self.id!r} has no text: write something in it or delete it.")
        for name in ("text", "input", "label"):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, whole_characters(value))
        for name, value in (("text", self.text), ("input", self.input or "")):
            if len(value) > MAX_ITEM_CHARACTERS:
                raise UserError(
                    f"The {name} of history item {self.id!r} has {len(value):,} characters: "
                    f"shorten it to at most {MAX_ITEM_CHARACTERS:,}."
                )


@dataclass(frozen=True)
class UserHistory:
    """Everything one person wrote, oldest first.

    Attributes:
        name: What to call the person.
        items: History items, oldest first; may be empty.
        about: A line about the person for readers; no arm reads it.
    """

    name: str
    items: tuple[HistoryItem, ...] = ()
    about: str = ""

    def __post_init__(self) -> None:
        """Check the limits.

        Raises:
            UserError: If there are too many items, two share an id, or the name is too long.
        """
        if len(self.name) > MAX_NAME_CHARACTERS:
            raise UserError(f"The name has {len(self.name)} characters: use at most {MAX_NAME_CHARACTERS}.")
        if len(self.items) > MAX_ITEMS:
            raise UserError(
                f"This history has {len(self.items):,} items: keep at most {MAX_ITEMS}, for example the latest."
            )
        seen: set[str] = set()
        for item in self.items:
            if item.id in seen:
                raise UserError(f"Two history items share the id {item.id!r}: give each item its own id.")
            seen.add(item.id)

    def __len__(self) -> int:
        """Number of items, muted ones included."""
        return len(self.items)

    def __iter__(self) -> Iterator[HistoryItem]:
        """Iterate over all items, oldest first."""
        return iter(self.items)

    @property
    def active(self) -> tuple[HistoryItem, ...]:
        """The items arms may read: all that are not muted."""
        return tuple(item for item in self.items if not item.muted)

    def with_items(self, items: tuple[HistoryItem, ...]) -> UserHistory:
        """The same person with other items."""
        return replace(self, items=items)
