"""Histories and their limits."""

from __future__ import annotations

import dataclasses

import pytest

from persona_demo.errors import UserError
from persona_demo.history import (
    MAX_ITEM_CHARACTERS,
    MAX_ITEMS,
    MAX_NAME_CHARACTERS,
    HistoryItem,
    UserHistory,
)


def items(count: int) -> tuple[HistoryItem, ...]:
    """Items with different ids."""
    return tuple(HistoryItem(id=f"i{n}", text="A text.") for n in range(count))


def test_history_is_a_sequence_of_frozen_items() -> None:
    """Length and iteration are over all items, and nothing can be changed in place."""
    history = UserHistory(name="Ada", items=items(3))
    assert len(history) == 3
    assert tuple(history) == history.items
    with pytest.raises(dataclasses.FrozenInstanceError):
        history.items[0].text = "Another."  # type: ignore[misc]


def test_muted_items_are_kept_but_not_active() -> None:
    """Muting hides an item from the arms alone."""
    first, second = items(2)
    history = UserHistory(name="Ada", items=(first, dataclasses.replace(second, muted=True)))
    assert len(history) == 2
    assert history.active == (first,)


def test_with_items_keeps_the_person() -> None:
    """Only the items change."""
    history = UserHistory(name="Ada", items=items(3), about="A mathematician.")
    changed = history.with_items(items(1))
    assert (changed.name, changed.about, len(changed), len(history)) == ("Ada", "A mathematician.", 1, 3)


@pytest.mark.parametrize("text", ["", "  ", "\n\t"])
def test_item_needs_text(text: str) -> None:
    """White space is no text."""
    with pytest.raises(UserError, match="'i1' has no text"):
        HistoryItem(id="i1", text=text)


def test_limits_are_inclusive() -> None:
    """Exactly the limit is allowed."""
    longest = "x" * MAX_ITEM_CHARACTERS
    assert HistoryItem(id="i1", text=longest, input=longest).input == longest
    assert len(UserHistory(name="n" * MAX_NAME_CHARACTERS, items=items(MAX_ITEMS))) == MAX_ITEMS
    assert len(UserHistory(name="Ada")) == 0


def test_beyond_the_limits() -> None:
    """Each limit names itself and what was given."""
    longer = "x" * (MAX_ITEM_CHARACTERS + 1)
    with pytest.raises(UserError, match="text of history item 'a' has 20,001 characters"):
        HistoryItem(id="a", text=longer)
    with pytest.raises(UserError, match="input of history item 'a' has 20,001 characters"):
        HistoryItem(id="a", text="A text.", input=longer)
    with pytest.raises(UserError, match="513 items"):
        UserHistory(name="Ada", items=items(MAX_ITEMS + 1))
    with pytest.raises(UserError, match="201 characters"):
        UserHistory(name="n" * (MAX_NAME_CHARACTERS + 1))
    with pytest.raises(UserError, match="share the id 'i0'"):
        UserHistory(name="Ada", items=items(1) * 2)
