"""Loose records, as files and forms hold them, made into history items and back.

A record is what one JSON object, one CSV row or one string holds. Here it is decided what counts as
an item: which keys are known, which values they may have, what a LaMP profile item means, and what is
said when something is wrong. Knows nothing of files and formats (:mod:`persona_demo.history_io` does).
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from persona_demo.errors import UserError
from persona_demo.history import MAX_ITEMS, HistoryItem

FIELDS = ("id", "text", "date", "input", "label", "muted")
"""Known keys, in the order they are written; all others are kept as ``extra``."""

CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\ud800-\udfff]")
"""Characters that not every format can hold: control characters and lone surrogates."""

MAX_DEPTH = 32
"""Most lists and objects a value may be nested in."""

_MUTED = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}

# Keys of a LaMP profile item (besides id and date) and what they are to us.
_LAMP: tuple[dict[str, str], ...] = (
    {"title": "text", "abstract": "input"},  # LaMP-1 and LaMP-5
    {"description": "text", "tag": "label"},  # LaMP-2
    {"text": "text", "score": "label"},  # LaMP-3
    {"title": "text", "text": "input"},  # LaMP-4
)


def field_name(key: str) -> str:
    """A key without blanks around it, in small letters if it is a known one."""
    return key.strip().lower() if key.strip().lower() in FIELDS else key.strip()


def cleaned(value: object, *, depth: int = 0) -> object:
    """The same JSON value with :data:`CONTROLS` replaced.

    Args:
        value: A JSON value.
        depth: How many lists and objects it stands in.

    Raises:
        RecursionError: If it is nested deeper than :data:`MAX_DEPTH`.
        ValueError: If a number is not finite.
    """
    if depth > MAX_DEPTH:
        raise RecursionError(depth)
    match value:
        case float() if not math.isfinite(value):
            raise ValueError(value)
        case str():
            return CONTROLS.sub("\ufffd", value)
        case list() | tuple():
            return [cleaned(v, depth=depth + 1) for v in value]
        case Mapping():
            return {CONTROLS.sub("\ufffd", k): cleaned(v, depth=depth + 1) for k, v in value.items()}
    return value


def kind_of(value: object) -> str:
    """What a JSON value is, in words."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list():
            return "a list"
    return "an object"


def string_in(value: object, what: str, where: str, *, numbers: bool = False) -> str | None:
    """A value that has to be text.

    Args:
        value: A JSON value.
        what: Name of the field, for messages.
        where: Where it stands, for messages.
        numbers: Whether a number may stand for its digits.

    Returns:
        The text, or None where there is none.

    Raises:
        UserError: If it is something else.
    """
    if value is None or value == "":
        return None
    if numbers and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise UserError(f"The {what} of {where} is {kind_of(value)}: write it as text.")
    return CONTROLS.sub("\ufffd", value)


def from_lamp(item: object) -> object:
    """Rename the keys of a LaMP profile item to ours, if it is one, and complete its date's zeros."""
    if not isinstance(item, dict):
        return item
    keys = set(item) - {"id", "date"}
    for names in _LAMP:
        # A text of its own is only taken for something else where the item is LaMP's to the letter.
        if keys == set(names) or ("text" not in keys and keys >= set(names)):
            day = re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})", str(item.get("date")))
            dated = {"date": "{}-{:0>2}-{:0>2}".format(*day.groups())} if day else {}
            return {names.get(key, key): value for key, value in {**item, **dated}.items()}
    return item


def items_from(values: Sequence[object], *, source: str, places: Sequence[str] = ()) -> tuple[HistoryItem, ...]:
    """Check records and build items.

    Args:
        values: Objects or strings as JSON has them; cells of CSV are strings.
        source: Where they come from, for messages: a file's name.
        places: What to call each one in messages; "item 1" and so on if empty.

    Returns:
        One item a record. Missing ids are filled with i1, i2 and so on.

    Raises:
        UserError: If there are more than MAX_ITEMS, or one of them is no item.
    """
    if len(values) > MAX_ITEMS:
        raise UserError(f"{source} holds {len(values):,} items: keep at most {MAX_ITEMS}, for example the latest.")
    names = [f"{place} of {source}" for place in places or [f"item {n + 1}" for n in range(len(values))]]
    records = [_record(value, where) for value, where in zip(values, names, strict=True)]
    given = {record["id"] for record in records}
    free = (name for name in map("i{}".format, itertools.count(1)) if name not in given)
    return tuple(_item(record, where, free) for record, where in zip(records, names, strict=True))


def record_of(item: HistoryItem) -> dict[str, object]:
    """The item as a record, without what it does not have; values are fit for JSON."""
    known = {"id": item.id, "text": item.text, "date": item.date, "input": item.input, "label": item.label}
    record: dict[str, object] = {key: cleaned(value) for key, value in known.items() if value is not None}
    if item.muted:
        record["muted"] = True
    return record | {
        CONTROLS.sub("\ufffd", key): cleaned(value)
        for key, value in item.extra.items()
        if field_name(key) not in FIELDS
    }


def _record(value: object, where: str) -> dict[str, object]:
    if isinstance(value, str):
        value = {"text": value}
    if not isinstance(value, dict):
        raise UserError(f'There is {kind_of(value)} in place of {where}: write it as {{"text": ...}}.')
    if "text" not in value and ("items" in value or "profile" in value):
        raise UserError(f"There is a whole person in place of {where}: load one person's items at a time.")
    record: dict[str, object] = {}
    for key, content in value.items():
        name = field_name(CONTROLS.sub("\ufffd", key))
        if name in record:
            raise UserError(f"There are two values for {name!r} in {where}: keep one.")
        try:
            record[name] = cleaned(content)
        except (RecursionError, ValueError) as error:
            raise UserError(f"The {name} of {where} is no plain value: write it as text.") from error
    record["id"] = (string_in(record.get("id"), "id", where, numbers=True) or "").strip()
    return record


def _item(record: Mapping[str, object], where: str, free: Iterator[str]) -> HistoryItem:
    if record["id"]:
        where = f"{where} (id {str(record['id'])[:40]!r})"
    text = string_in(record.get("text"), "text", where) or ""
    if not text.strip():
        raise UserError(f"There is no text in {where}: write something in it or delete it.")
    muted = str(record.get("muted") or "").strip().lower() or "false"
    if muted not in _MUTED:
        raise UserError(f"The value of 'muted' in {where} is neither true nor false: write one of these.")
    return HistoryItem(
        id=str(record["id"] or next(free)),
        text=text,
        date=_day(record.get("date"), where),
        input=string_in(record.get("input"), "input", where),
        label=string_in(record.get("label"), "label", where, numbers=True),
        muted=_MUTED[muted],
        extra={key: value for key, value in record.items() if key not in FIELDS},
    )


def _day(value: object, where: str) -> str | None:
    day = (string_in(value, "date", where) or "").strip()
    if not day:
        return None
    try:
        # fromisoformat alone would let 20260131 and week numbers pass.
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", day):
            return date.fromisoformat(day).isoformat()
    except ValueError:
        pass
    raise UserError(f"The date {day[:40]!r} of {where} is not a day: write it as YYYY-MM-DD, like 2026-01-31.")
