"""History files: reading what people bring, and writing what they take away.

Reads the project's own JSON, a bare JSON list of items or strings, JSON lines, CSV, LaMP profiles
and plain text; the content decides which it is, and the file's extension only where the content does
not. Whatever is wrong with a file ends in one sentence that says what to do. What an item is,
:mod:`persona_demo.history_records` knows; of models and of the app neither knows anything.

CSV cells that a spreadsheet would run as a formula get a leading apostrophe, also where apostrophes
already stand before the formula; reading takes one apostrophe away from just those cells, so that the
text survives. CSV and JSON lines hold items only: the person's name is then the file's name. CSV knows
only text, so other values in unknown columns come back as their JSON.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from pathlib import Path

from charset_normalizer import from_bytes

from persona_demo.errors import UserError
from persona_demo.files import whole
from persona_demo.history import MAX_NAME_CHARACTERS, SCHEMA, HistoryItem, UserHistory
from persona_demo.history_records import (
    CONTROLS,
    FIELDS,
    cleaned,
    field_name,
    from_lamp,
    items_from,
    kind_of,
    record_of,
    string_in,
)

MAX_BYTES = 5_000_000
"""Most bytes of a history file; 512 items are rarely a tenth of it."""

_BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_JSON_START = re.compile(r'\s*(?:\{\s*["}]|\[\s*["{\]])')
_FORMULA = re.compile("'*(?:\\s*[=+\\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n])")


def load_history(path: str | Path) -> UserHistory:
    """Read a history file in any of the formats, items in file order.

    Raises:
        UserError: If the file cannot be read or is not a valid history.
    """
    path = Path(path)
    try:
        if not path.is_file():
            raise UserError(f"There is no file {path}: check the name of the history file.")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({type(error).__name__}): check the file.") from error
    return parse_history(data, filename=path.name)


def parse_history(data: bytes, *, filename: str) -> UserHistory:
    """Read the bytes of a history file.

    Args:
        data: The file's content.
        filename: Its name, for messages, for its extension, and for the person's name where the
            content has none.

    Returns:
        The history, items in file order.

    Raises:
        UserError: If the content is not a valid history.
    """
    file = Path(filename)
    source, extension = file.name or "The file", file.suffix.lower()
    text = _decoded(data, source)
    if not text.strip():
        raise UserError(f"{source} is empty: choose a file that holds at least one text.")
    if extension in (".json", ".jsonl", ".ndjson") or _JSON_START.match(text):
        history = _from_json(text, source, lines=extension in (".jsonl", ".ndjson"))
    elif extension in (".csv", ".tsv") or _delimiter(text):
        history = UserHistory(name="", items=_from_csv(text, source))
    else:
        history = UserHistory(name="", items=_from_plain(text, source))
    name = history.name or CONTROLS.sub("\ufffd", file.stem)[:MAX_NAME_CHARACTERS]
    return UserHistory(name=name, items=history.items, about=history.about)


def parse_pasted(text: str) -> tuple[HistoryItem, ...]:
    """Split pasted text into items: at blank lines if it has any, else at every line.

    Raises:
        UserError: If the text is blank, or holds too many or too long items.
    """
    if not text.strip():
        raise UserError("The pasted text is empty: paste at least one text.")
    return _from_plain(CONTROLS.sub("\ufffd", text), "The pasted text")


def to_json(history: UserHistory) -> str:
    """The history in the project's own format, which keeps everything."""
    document: dict[str, object] = {"schema": SCHEMA, "name": cleaned(history.name)}
    if history.about:
        document["about"] = cleaned(history.about)
    document["items"] = [record_of(item) for item in history]
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def to_jsonl(history: UserHistory) -> str:
    """The items as JSON lines."""
    return "".join(json.dumps(record_of(item), ensure_ascii=False) + "\n" for item in history)


def to_csv(history: UserHistory) -> str:
    """The items as CSV, safe to open in a spreadsheet, with the columns that are in use."""
    rows = [record_of(item) for item in history]
    used = dict.fromkeys(key for row in rows for key in row)
    known = [key for key in FIELDS if key in used or key in ("id", "text")]
    columns = [*known, *(key for key in used if key not in FIELDS)]
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerow(map(_cell, columns))
    writer.writerows([_cell(row.get(key)) for key in columns] for row in rows)
    return out.getvalue()


def save_history(history: UserHistory, path: str | Path) -> None:
    """Write a history file, whole or not at all, in the format of its extension.

    Args:
        history: What to write.
        path: A path that ends in .json, .jsonl or .csv; an existing file is replaced.

    Raises:
        UserError: If the extension is another or the file cannot be written.
    """
    path = Path(path)
    writers = {".json": to_json, ".jsonl": to_jsonl, ".csv": to_csv}
    extension = path.suffix.lower()
    if extension not in writers:
        raise UserError(f"{path} has none of the extensions {', '.join(writers)}: choose one of them.")
    # Spreadsheets take UTF-8 for something else unless a byte order mark stands before it.
    data = writers[extension](history).encode("utf-8-sig" if extension == ".csv" else "utf-8")
    if not path.parent.is_dir():
        raise UserError(f"{path} cannot be written, because its folder is not there: choose another place.")
    with whole(path) as draft:
        draft.write_bytes(data)


def _decoded(data: bytes, source: str) -> str:
    if len(data) > MAX_BYTES:
        raise UserError(f"{source} is larger than {MAX_BYTES // 10**6} MB: load a file with fewer items.")
    try:
        text = data.decode(next((name for bom, name in _BOMS.items() if data.startswith(bom)), "utf-8"))
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        # A guess among all encodings goes wrong on short texts, so the likely ones are asked first.
        nulls = data.count(0)
        likely = ["utf_16_le", "utf_16_be"] if nulls * 5 > len(data) else ["cp1252"]
        match = from_bytes(data, cp_isolation=likely).best()
        if match is None and not nulls:
            match = from_bytes(data, cp_exclusion=["utf_16", "utf_16_le", "utf_16_be"]).best()
        text = "\0" if match is None else str(match)
    if "\0" in text:
        raise UserError(f"{source} is not a text file: save it as JSON, JSON lines, CSV or plain text in UTF-8.")
    return CONTROLS.sub("\ufffd", text)


def _from_json(text: str, source: str, *, lines: bool) -> UserHistory:
    try:
        value = _parsed(text, source)
    except UserError:
        rows = [(f"line {n}", row) for n, row in enumerate(text.split("\n"), start=1) if row.strip()]
        # A first line that is whole JSON by itself tells JSON lines from one broken document.
        if not lines and not _is_json(rows[0][1]):
            raise
        values = [from_lamp(_parsed(row, f"{place.capitalize()} of {source}")) for place, row in rows]
        places = [place for place, _ in rows]
        return UserHistory(name="", items=items_from(values, source=source, places=places))
    match value:
        case {"items": list(items), **head}:
            if head.get("schema", SCHEMA) != SCHEMA:
                raise UserError(f"{source} is not of schema {SCHEMA}: save it again with this version.")
            name = string_in(head.get("name"), "name", source) or ""
            about = string_in(head.get("about"), "about", source) or ""
            return UserHistory(name=name, items=items_from(items, source=source), about=about)
        case {"profile": list(items)} | list(items):
            return UserHistory(name="", items=items_from([from_lamp(i) for i in items], source=source))
        case {"text": _} | {"title": _} | {"description": _}:
            return UserHistory(name="", items=items_from([from_lamp(value)], source=source))
        case {"items": items}:
            raise UserError(f"The items of {source} are {kind_of(items)}: write them as a list.")
    raise UserError(f'{source} holds no items: write it as {{"name": ..., "items": [{{"text": ...}}]}}.')


def _parsed(text: str, source: str) -> object:
    try:
        value: object = json.loads(text, strict=False)
        return value
    except json.JSONDecodeError as error:
        line = f"line {error.lineno}, " if "\n" in text.strip() else ""
        raise UserError(f"{source} is not valid JSON ({line}column {error.colno}): mend it there.") from error
    except RecursionError as error:
        raise UserError(f"{source} is nested too deeply: write each item as one flat object.") from error
    except ValueError as error:
        raise UserError(f"{source} holds a number that is too long: write it as text.") from error


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _delimiter(text: str, *, anything: bool = False) -> str | None:
    """The delimiter under which the first row names a column 'text', or None."""
    first = next(line for line in re.split("[\r\n]", text) if line.strip())[:10_000]
    found = []
    for delimiter in ",;\t":
        names = [field_name(cell) for cell in next(csv.reader([first], delimiter=delimiter))]
        # Prose may well hold the word between two commas; only names of columns are single words.
        header = len(names) > 1 and all(re.fullmatch(r"[\w.-]+", name) for name in names)
        if "text" in names and (anything or header):
            found.append((len(names), delimiter))
    return max(found)[1] if found else None


def _from_csv(text: str, source: str) -> tuple[HistoryItem, ...]:
    delimiter = _delimiter(text, anything=True)
    if delimiter is None:
        raise UserError(f"{source} has no column 'text': name the columns in the first row (id, text, date).")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        numbered = [(f"row {n}", cells) for n, cells in enumerate(reader, start=1) if any(map(str.strip, cells))]
    except csv.Error as error:
        raise UserError(
            f"{source} is broken near line {reader.line_num}: put cells that hold quotation marks or line "
            "breaks between quotation marks, and double those inside."
        ) from error
    header = [field_name(_unguarded(cell)) for cell in numbered.pop(0)[1]]
    if twice := sorted(name for name in set(header) if name and header.count(name) > 1):
        raise UserError(f"{source} has two columns {twice[0]!r}: give each column its own name.")
    records = []
    for place, cells in numbered:
        if any(map(str.strip, cells[len(header) :])):
            raise UserError(
                f"{place.capitalize()} of {source} has {len(cells)} cells for {len(header)} columns: "
                "put text that holds the delimiter between quotation marks."
            )
        named = enumerate(zip(header, map(_unguarded, cells), strict=False), start=1)
        records.append({name or f"column {n}": cell for n, (name, cell) in named if cell})
    return items_from(records, source=source, places=[place for place, _ in numbered])


def _from_plain(text: str, source: str) -> tuple[HistoryItem, ...]:
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    blocks = re.split(r"\n(?:[^\S\n]*\n)+", text)
    if len(blocks) == 1:
        blocks = text.split("\n")
    return items_from([block.strip() for block in blocks], source=source)


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return "'" + text if _FORMULA.match(text) else text


def _unguarded(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell[1:]) else cell
