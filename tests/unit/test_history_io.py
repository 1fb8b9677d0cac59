"""History files: every format is read, everything comes back, and nothing breaks with a traceback."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persona_demo.errors import UserError
from persona_demo.history import MAX_ITEMS, HistoryItem, UserHistory
from persona_demo.history_io import (
    MAX_BYTES,
    load_history,
    parse_history,
    parse_pasted,
    save_history,
    to_csv,
    to_json,
    to_jsonl,
)

FULL = UserHistory(
    name="Ada",
    about="Writes letters.",
    items=(
        HistoryItem(id="a", text="First.", date="2024-02-29", input="Why?", label="4", extra={"place": "Rome"}),
        HistoryItem(id="b", text='Two\nlines, "quoted"; and\ttabbed', muted=True),
        HistoryItem(id="c", text="=HYPERLINK(1)", label="'-5", extra={"@x": "'plain'", "place": "+1"}),
        HistoryItem(id="d", text="<script>alert('{{ x }}')</script> ${y} &amp; %s \\n \u2028 \U0001f600"),
    ),
)


def read(content: str | bytes, filename: str = "ada.txt") -> UserHistory:
    """Parse text or bytes."""
    return parse_history(content.encode() if isinstance(content, str) else content, filename=filename)


def texts(history: UserHistory) -> list[str]:
    """The items' texts."""
    return [item.text for item in history]


def sentence(content: str | bytes, filename: str = "ada.txt") -> str:
    """The error for a content, checked to be one line that ends as a sentence does."""
    with pytest.raises(UserError) as caught:
        read(content, filename)
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith(".")
    return message


# Round trips

properties = settings(deadline=None, database=None)

characters = st.characters(
    exclude_categories=["Cs"], exclude_characters=[chr(c) for c in range(32) if c not in (9, 10, 13)]
)
strings = st.text(characters, min_size=1, max_size=40)
filled = strings.filter(str.strip)
keys = st.text(st.characters(categories=("Ll", "Lu", "Nd")), min_size=1, max_size=8).map("x_{}".format)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | strings,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(strings, inner, max_size=3),
    max_leaves=5,
)


def histories(extras: st.SearchStrategy[object]) -> st.SearchStrategy[UserHistory]:
    """Histories with extras of a kind."""
    item = st.builds(
        HistoryItem,
        id=filled.map(str.strip),
        text=filled,
        date=st.none() | st.dates().map(lambda day: day.isoformat()),
        input=st.none() | strings,
        label=st.none() | strings,
        muted=st.booleans(),
        extra=st.dictionaries(keys, extras, max_size=3),
    )
    items = st.lists(item, min_size=1, max_size=5, unique_by=lambda i: i.id).map(tuple)
    return st.builds(UserHistory, name=strings, items=items, about=st.text(characters, max_size=20))


@properties
@given(histories(values))
def test_json_round_trip(history: UserHistory) -> None:
    """The project's JSON keeps everything."""
    assert read(to_json(history)) == history


@properties
@given(histories(values))
def test_jsonl_round_trip(history: UserHistory) -> None:
    """JSON lines keep the items."""
    assert read(to_jsonl(history), "ada.jsonl").items == history.items


@properties
@given(histories(strings))
def test_csv_round_trip(history: UserHistory) -> None:
    """CSV keeps the items, and no cell starts as a formula does."""
    written = to_csv(history)
    assert read(written, "ada.csv").items == history.items
    for row in csv.reader(io.StringIO(written, newline="")):
        assert not any(cell.startswith(("\t", "\r", "\n")) for cell in row)
        assert not any(cell.lstrip().startswith(("=", "+", "-", "@")) for cell in row)


@pytest.mark.parametrize("extension", [".json", ".jsonl", ".csv"])
def test_saved_file_loads(tmp_path: Path, extension: str) -> None:
    """Saving replaces the file, leaves nothing beside it and keeps the items; markup stays text."""
    path = tmp_path / f"ada{extension}"
    path.write_text("old")
    save_history(FULL, path)
    loaded = load_history(path)
    assert loaded.items == FULL.items
    assert (loaded.about, loaded.name) == (("Writes letters.", "Ada") if extension == ".json" else ("", "ada"))
    assert os.listdir(tmp_path) == [path.name]


def test_csv_values_that_are_not_text_become_their_json() -> None:
    """CSV knows only text."""
    history = UserHistory(name="x", items=(HistoryItem(id="a", text="t", extra={"n": 3, "l": [1], "e": None}),))
    assert dict(read(to_csv(history)).items[0].extra) == {"n": "3", "l": "[1]"}


def test_json_is_sparse() -> None:
    """Absent fields are not written, and muted only when true."""
    document = json.loads(to_json(FULL))
    assert document["schema"] == 1
    assert document["items"][1] == {"id": "b", "text": FULL.items[1].text, "muted": True}
    assert "muted" not in document["items"][0]
    assert "about" not in json.loads(to_json(UserHistory(name="Ada")))


def test_no_half_written_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk fails, the old file stays and no draft is left."""
    path = tmp_path / "ada.json"
    path.write_text("old")

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(UserError, match="cannot be written"):
        save_history(FULL, path)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["ada.json"]


@pytest.mark.parametrize("name", ["ada.txt", "ada", "nowhere/ada.json"])
def test_unsavable(tmp_path: Path, name: str) -> None:
    """Unknown extensions and missing folders are the user's to mend."""
    with pytest.raises(UserError):
        save_history(FULL, tmp_path / name)


# Formats


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('["One.", "Two."]', ["One.", "Two."]),
        ('[{"text": "One."}, "Two."]', ["One.", "Two."]),
        ('{"text": "One."}\n\n{"text": "Two."}\n', ["One.", "Two."]),
        ('{"name": "A", "items": ["One.", {"TEXT": "Two."}]}', ["One.", "Two."]),
        ("id,text\n1,One.\n,\n2,Two.\n", ["One.", "Two."]),
        ("Date;Text\n2024-01-31;One.\n;Two.\n", ["One.", "Two."]),
        ("text\tlabel\r\nOne.\t3\r\nTwo.\r\n", ["One.", "Two."]),
        ("One.\nTwo.", ["One.", "Two."]),
        ("One,\nstill.\n\n \n Two.\n", ["One,\nstill.", "Two."]),
        ("Well, text, he said\nTwo.", ["Well, text, he said", "Two."]),
        ("[a note] One.\n{Two}", ["[a note] One.", "{Two}"]),
    ],
)
@pytest.mark.parametrize("filename", ["ada.txt", "ada"])
def test_content_decides(content: str, expected: list[str], filename: str) -> None:
    """Each format is known by its content; ids are filled in."""
    history = read(content, filename)
    assert texts(history) == expected
    assert history.name in ("ada", "A")
    assert len({item.id for item in history}) == 2


def test_extension_decides_where_content_does_not() -> None:
    """A single column needs the extension to be a table."""
    assert texts(read("text\nOne.\n", "a.csv")) == ["One."]
    assert texts(read("text\nOne.\n", "a.txt")) == ["text", "One."]
    assert texts(read('"One."\n"Two."', "a.jsonl")) == ["One.", "Two."]
    assert texts(read('["One."]', "a.csv")) == ["One."]


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"title": "T", "abstract": "A"}, HistoryItem(id="7", text="T", input="A")),
        ({"description": "D", "tag": "war"}, HistoryItem(id="7", text="D", label="war")),
        ({"text": "R", "score": 4}, HistoryItem(id="7", text="R", label="4")),
        (
            {"title": "T", "text": "A", "date": "2017-3-9"},
            HistoryItem(id="7", text="T", input="A", date="2017-03-09"),
        ),
        ({"text": "R"}, HistoryItem(id="7", text="R")),
        ({"title": "T", "abstract": "A", "x": 1}, HistoryItem(id="7", text="T", input="A", extra={"x": 1})),
        ({"title": "T", "text": "A", "x": 1}, HistoryItem(id="7", text="A", extra={"title": "T", "x": 1})),
    ],
)
def test_lamp_profiles(item: dict[str, object], expected: HistoryItem) -> None:
    """Text is what the person wrote or chose; an item with more columns keeps its own text."""
    profile = [{"id": "7", **item}]
    assert read(json.dumps(profile)).items == (expected,)
    assert read(json.dumps({"id": "q", "input": "?", "profile": profile})).items == (expected,)


def test_ids_are_filled_without_clashes() -> None:
    """Given ids stay, also numbers; new ones avoid them."""
    history = read('[{"id": "i1", "text": "a"}, "b", {"id": 2, "text": "c"}, {"id": " ", "text": "d"}]')
    assert [item.id for item in history] == ["i1", "i2", "2", "i3"]


def test_numbers_as_labels_and_words_for_muted() -> None:
    """Scores become strings; muted is read as spreadsheets write it."""
    history = read("text,label,muted\na,4.5,TRUE\nb,,\nc,x,no\n")
    assert [(item.label, item.muted) for item in history] == [("4.5", True), (None, False), ("x", False)]
    assert read('[{"text": "a", "label": 3, "muted": true}]').items[0].label == "3"


def test_pasted() -> None:
    """Pasted text is split like a text file."""
    items = parse_pasted("One.\r\n\r\nTwo,\r\ntwo.\r\n")
    assert [(item.id, item.text) for item in items] == [("i1", "One."), ("i2", "Two,\ntwo.")]
    with pytest.raises(UserError, match="empty"):
        parse_pasted(" \n")
    with pytest.raises(UserError, match=f"600 items: keep at most {MAX_ITEMS}"):
        parse_pasted("line\n" * 600)


# Encodings


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize(
    "text", ["It\u2019s na\u00efve, caf\u00e9.", "Stra\u00dfe nach M\u00fcnchen \u2013 sch\u00f6n!"]
)
def test_encodings(text: str, encoding: str) -> None:
    """What spreadsheets and old editors write is read right."""
    assert texts(read(f"id;text\n1;{text!r}\n".encode(encoding), "ada.csv")) == [repr(text)]
    assert texts(read(text.encode(encoding))) == [text]


def test_control_characters_are_replaced() -> None:
    """Escaped NULs and lone surrogates cannot be written everywhere, so none gets in."""
    history = read('[{"text": "a\\u0000b\\ud800", "k\\u0001": ["\\udfff"]}]')
    assert history.items[0].text == "a\ufffdb\ufffd"
    assert history.items[0].extra == {"k\ufffd": ["\ufffd"]}
    to_json(history).encode()


# Errors


@pytest.mark.parametrize(
    ("content", "filename", "told"),
    [
        ("", "a.json", "a.json is empty"),
        (b"\xef\xbb\xbf \n", "a.csv", "is empty"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\xff\xd8", "a.png", "not a text file"),
        (b"text\x00more", "a.txt", "not a text file"),
        (bytes(range(1, 256)) * 20, "a.bin", "not a text file"),
        (b"x" * (MAX_BYTES + 1), "a.txt", "larger than 5 MB"),
        ("[" * 100_000, "a.json", "nested too deeply"),
        ('[{"text": "a", "x": ' + "[" * 60 + "]" * 60 + "}]", "a.json", "The x of item 1"),
        ('[{"text": "a", "x": 1e999}]', "a.json", "The x of item 1"),
        ('[{"text": "a", "x": NaN}]', "a.json", "The x of item 1"),
        ('[{"text": "a", "x": ' + "9" * 5000 + "}]", "a.json", "too long"),
        ('{"items": [\n{"text": "a"},\n]}', "a.json", "line 3"),
        ('{"text": "a"}\n{"text": }\n', "a.jsonl", "Line 2 of a.jsonl is not valid JSON (column 10)"),
        ('{"text": "a"}\nnonsense\n', "a.txt", "Line 2"),
        ("[1, 2]", "a.json", "a number in place of item 1"),
        ("null", "a.json", "holds no items"),
        ('"just text"', "a.json", "holds no items"),
        ('{"x": 1}', "a.json", "holds no items"),
        ('{"items": {"a": 1}}', "a.json", "are an object"),
        ('{"schema": 2, "items": []}', "a.json", "schema 1"),
        ('{"name": 3, "items": []}', "a.json", "name of a.json is a number"),
        ('[{"id": "q", "text": ["a"]}]', "a.json", "item 1 of a.json (id 'q') is a list"),
        ('[{"text": "a", "label": true}]', "a.json", "label of item 1"),
        ('[{"text": "a", "muted": "maybe"}]', "a.json", "'muted'"),
        ('[{"text": "a", "Text": "b"}]', "a.json", "two values for 'text'"),
        ('["a", {"id": "x"}]', "a.json", "no text in item 2 of a.json (id 'x')"),
        ('[{"items": []}, {"items": []}]', "a.json", "one person's items"),
        ('[{"id": "a", "text": "a"}, {"id": "a", "text": "b"}]', "a.json", "share the id 'a'"),
        (
            '[{"id": "q", "text": "a", "date": "2024-02-30"}]',
            "a.json",
            "'2024-02-30' of item 1 of a.json (id 'q')",
        ),
        ('[{"text": "a", "date": "20240229"}]', "a.json", "YYYY-MM-DD"),
        ("text,date\na,31/01/2024\n", "a.csv", "row 2"),
        ("id,words\n1,a\n", "a.csv", "no column 'text'"),
        ("id,text,text\n1,a,b\n", "a.csv", "two columns 'text'"),
        ("id,text\n\n1,a\n2,\n", "a.csv", "no text in row 4 of a.csv (id '2')"),
        ("id,text\n1,a,b\n", "a.csv", "Row 2 of a.csv has 3 cells for 2 columns"),
        ('id,text\n1,"a" b\n', "a.csv", "broken near line 2"),
        ('id,text\n1,"a\n', "a.csv", "broken near line"),
        (json.dumps(["a"] * 700), "a.json", "700 items: keep at most 512"),
        ("text,x\n" + "a,\n" * 700, "a.csv", "700 items"),
        ('"a"\n' * 700, "a.jsonl", "700 items"),
        (json.dumps(["x" * 20_001]), "a.json", "20,001 characters"),
    ],
)
def test_mistakes_are_told_in_one_sentence(content: str | bytes, filename: str, told: str) -> None:
    """Each kind of broken file says what is wrong and where."""
    assert told in sentence(content, filename)


def test_unreadable_paths(tmp_path: Path) -> None:
    """No file, a folder, an impossible name."""
    for path in (tmp_path / "none.json", tmp_path, Path("a\0b.json")):
        with pytest.raises(UserError):
            load_history(path)


mutations: st.SearchStrategy[Callable[[bytes], bytes]] = st.builds(
    lambda at, piece, cut: lambda data: data[: at % len(data)] + piece + data[at % len(data) + cut :],
    at=st.integers(0, 10_000),
    piece=st.binary(max_size=4) | st.sampled_from([b'"', b"{", b"[", b",", b"\n", b"\0", b"\xff", b"'=", b"\\ud800"]),
    cut=st.integers(0, 20),
)


@properties
@given(
    st.sampled_from([to_json(FULL), to_jsonl(FULL), to_csv(FULL), "One.\n\nTwo."]),
    st.lists(mutations, min_size=1, max_size=3),
    st.sampled_from(["", ".json", ".jsonl", ".csv", ".txt"]),
)
def test_broken_files_never_break_the_reader(content: str, changes: list[Callable[[bytes], bytes]], ext: str) -> None:
    """Whatever happens to a file, it is read or told off; what is read can be written in every format."""
    data = content.encode()
    for change in changes:
        data = change(data) or b"x"
    try:
        history = parse_history(data, filename=f"a{ext}")
    except UserError as error:
        assert str(error).endswith(".")
        return
    for write, extension in ((to_json, ".json"), (to_jsonl, ".jsonl"), (to_csv, ".csv")):
        if history.items:
            assert texts(parse_history(write(history).encode(), filename=f"a{extension}")) == texts(history)


@properties
@given(st.binary(max_size=200), st.sampled_from(["", ".json", ".jsonl", ".csv"]))
def test_any_bytes_are_read_or_told_off(data: bytes, extension: str) -> None:
    """No input ends in a traceback."""
    try:
        parse_history(data, filename=f"a{extension}")
    except UserError as error:
        assert str(error).endswith(".")
