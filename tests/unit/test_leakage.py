"""The leakage check: nobody and nothing of one split in another, also where only one split is at hand."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from persona_demo.corpora.reading import splits_in
from persona_demo.corpus import Person, read_corpus
from persona_demo.errors import UserError
from persona_demo.history import HistoryItem
from persona_demo.leakage import FINGERPRINT, Fingerprint, check_folder, fingerprint_plug
from persona_demo.plug.storage import plug_fingerprint, save_plug
from persona_demo.tasks import task_named
from tests import folders, tiny

TASK = task_named("blog-post")
LONG = "nine swans on the lock and a tin of old paint"
SHORT = "Happy new year!"


def person(name: str, *texts: str) -> Person:
    """Somebody who wrote some texts."""
    items = tuple(HistoryItem(id=str(i), text=text) for i, text in enumerate(texts))
    return Person(id=name, split="train", items=items, dated=False)


@pytest.fixture
def plug(tmp_path: Path) -> Path:
    """A plug's folder."""
    lm = tiny.causal_lm()
    encoder = tiny.item_encoder(tmp_path, lm)
    save_plug(tiny.plug(tiny.plug_config(lm, encoder.width), encoder), tmp_path / "plug", card="")
    return tmp_path / "plug"


def test_a_folder_is_checked_against_all_its_splits(tmp_path: Path) -> None:
    data = folders.blogs(tmp_path / "data")
    assert splits_in(data, TASK) == ("train", "tune", "dev")
    dev = read_corpus(data, "dev", TASK)
    check_folder(data, "dev", dev, TASK)
    copied = read_corpus(data, "tune", TASK)[0].items[0]
    with pytest.raises(UserError, match="another split"):
        check_folder(data, "dev", [replace(dev[0], items=(*dev[0].items, copied)), *dev[1:]], TASK)
    with pytest.raises(UserError, match="two splits"):
        check_folder(data, "dev", [replace(dev[0], id="u000")], TASK)


def test_a_paper_of_authors_of_two_splits_is_refused_however_short_its_title(tmp_path: Path) -> None:
    data, task = folders.papers(tmp_path / "data"), task_named("paper-title")
    with gzip.open(data / "users.jsonl.gz", "rt", encoding="utf-8") as lines:
        people = list(map(json.loads, lines))
    # Authors of one split may share papers.
    assert set(people[0]["papers"]) & set(people[1]["papers"])
    for split in splits_in(data, task):
        check_folder(data, split, read_corpus(data, split, task), task)
    people[-1]["papers"].append(people[0]["papers"][-1])
    folders.write_lines(data / "users.jsonl.gz", people)
    with pytest.raises(UserError, match="is of a0 and a11, who are of two splits"):
        read_corpus(data, "dev", task)


def test_the_splits_of_lamp_folders_are_those_that_can_be_compared(tmp_path: Path) -> None:
    task = task_named("lamp-5")
    folders.lamp(tmp_path / "train", 5, "train", questions=40)
    folders.lamp(tmp_path / "test", 5, "test", outputs=False)
    assert splits_in(tmp_path, task) == ("train", "tune")
    check_folder(tmp_path, "tune", read_corpus(tmp_path, "tune", task), task)


def test_a_fingerprint_survives_its_file_and_holds_no_text(tmp_path: Path, plug: Path) -> None:
    data = folders.blogs(tmp_path / "data")
    made = fingerprint_plug(plug, [(data, TASK)])
    kept = Fingerprint.load(plug)
    assert kept is not None
    assert kept.plug == made.plug == plug_fingerprint(plug)
    assert {split: len(h) for split, h in kept.people.items()} == {"train": 6, "tune": 3}
    for split in ("train", "tune"):
        np.testing.assert_array_equal(kept.texts[split], made.texts[split])
    content = (plug / FINGERPRINT).read_bytes()
    assert read_corpus(data, "train")[0].items[0].text.encode()[:12] not in content
    assert len(content) < 8 * sum(map(len, [*made.people.values(), *made.texts.values()])) + 1_000


def test_held_back_people_are_checked_against_the_plug_alone(tmp_path: Path, plug: Path) -> None:
    data = folders.blogs(tmp_path / "data")
    known = fingerprint_plug(plug, [(data, TASK)])
    train = read_corpus(data, "train", TASK)
    known.check(read_corpus(data, "dev", TASK), "test", TASK)
    with pytest.raises(UserError, match="on person u000"):
        known.check(train[:1], "test", TASK)
    with pytest.raises(UserError, match="on a text of new"):
        known.check([replace(train[0], id="new")], "test", TASK)
    shouted = HistoryItem(id="x", text=train[0].items[0].text.upper().replace(" ", "  "))
    with pytest.raises(UserError, match="on a text of new"):
        known.check([replace(train[0], id="new", items=(shouted,))], "test", TASK)
    # People of train may be measured as people of train.
    known.check(train, "train", TASK)


def test_short_texts_written_twice_by_chance_are_left_out_and_refuse_nothing() -> None:
    known = Fingerprint.of([("train", TASK, [person("a", SHORT, LONG)])], plug="0" * 64)
    other = person("b", SHORT.lower(), "a text nobody else has ever written down here")
    known.check([other], "test", TASK)
    (kept,) = known.without_chance([other], "test", TASK)
    assert [item.text for item in kept.items] == [other.items[1].text]
    assert known.without_chance([person("c", SHORT)], "test", TASK) == []


def test_the_same_id_in_another_corpus_is_somebody_else() -> None:
    known = Fingerprint.of([("train", TASK, [person("a", LONG)])], plug="0" * 64)
    known.check([person("a", "other words altogether, and quite a few of them too")], "test", task_named("headline"))


def test_nobodys_own_texts_are_no_leak() -> None:
    films = task_named("movie-stars")
    known = Fingerprint.of([("train", films, [person("a", LONG, SHORT)])], plug="0" * 64)
    known.check([person("b", LONG, SHORT)], "test", films)
    assert known.without_chance([person("b", LONG, SHORT)], "test", films) == [person("b", LONG, SHORT)]


def test_a_foreign_or_damaged_fingerprint_is_refused_and_a_missing_one_is_none(tmp_path: Path, plug: Path) -> None:
    assert Fingerprint.load(plug) is None
    Fingerprint.of([("train", TASK, [person("a", LONG)])], plug="0" * 64).save(plug)
    with pytest.raises(UserError, match="another plug's"):
        Fingerprint.load(plug)
    (plug / FINGERPRINT).write_text("no", encoding="utf-8")
    with pytest.raises(UserError, match="cannot be read"):
        Fingerprint.load(plug)


def test_a_corpus_that_is_none_has_no_splits(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no users"):
        splits_in(tmp_path)
    (tmp_path / "users.jsonl").write_text(json.dumps([1]), encoding="utf-8")
    with pytest.raises(UserError, match="not a readable corpus"):
        splits_in(tmp_path)
