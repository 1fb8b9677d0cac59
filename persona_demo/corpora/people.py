"""People of a corpus, as every reader gives them and everything else takes them."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from persona_demo.errors import UserError
from persona_demo.history import HistoryItem
from persona_demo.tasks import WritingPair

Split = Literal["train", "tune", "dev", "test"]


@dataclass(frozen=True)
class Person:
    """One person of a corpus.

    Attributes:
        id: The corpus's id of the person.
        split: The person's split; splits never share people.
        items: What they wrote, oldest first.
        dated: Whether all items carry dates, so that file order is time.
        group: Who is resampled together with them: people who share items (papers they wrote
            together) or who are one and the same; the person alone, when left out.
        given: The one input and target of a person who comes with a question of their own (LaMP);
            None where targets are drawn from the items.
    """

    id: str
    split: Split
    items: tuple[HistoryItem, ...]
    dated: bool
    group: str = ""
    given: WritingPair | None = None

    def __post_init__(self) -> None:
        """Put a person without a group into one of their own."""
        if not self.group:
            object.__setattr__(self, "group", self.id)


def plain(text: str) -> str:
    """A text in small letters and with single spaces: what is compared between people."""
    return " ".join(text.lower().split())


def asked(person: Person) -> str:
    """The question somebody came with, and its answer; empty for people who came with none."""
    return "" if person.given is None else plain(f"{person.given.input} {person.given.target}")


def split_named(name: str) -> Split:
    """A split by the name somebody typed.

    Raises:
        UserError: If there is none of that name.
    """
    for split in get_args(Split):
        if split == name:
            return split  # type: ignore[no-any-return]
    raise UserError(f"There is no split {name!r}: choose one of {', '.join(get_args(Split))}.")


def lines_file(folder: Path, name: str) -> Path | None:
    """The file of JSON lines of a name, packed or not; None where there is neither."""
    paths = [folder / f"{name}.jsonl.gz", folder / f"{name}.jsonl"]
    return next((path for path in paths if path.is_file()), None)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Say in one sentence that a file is damaged or holds something else, whichever way it fails.

    Args:
        path: The file that is read inside.

    Raises:
        UserError: If reading fails.
    """
    try:
        yield
    except (
        OSError,
        EOFError,
        zlib.error,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        OverflowError,
        RecursionError,
    ) as error:
        raise UserError(f"{path} is not a readable corpus ({type(error).__name__}): restore the file.") from error


def records(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a file of JSON lines.

    Raises:
        ValueError: If a line is no JSON object.
        OSError: If the file cannot be read.
        EOFError: If a packed file is cut off.
        zlib.error: If a packed file is damaged.
    """
    opener: Callable[..., Any] = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            if not isinstance(record, dict):
                raise ValueError(line[:40])
            yield record
