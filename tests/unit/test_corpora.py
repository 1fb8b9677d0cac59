"""Readers on small folders of every shape, and what targets and histories promise on all of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persona_demo.corpora.people import Person
from persona_demo.corpora.shapes import groups
from persona_demo.corpus import draw_targets, read_corpus
from persona_demo.errors import UserError
from persona_demo.history import MAX_ITEMS, HistoryItem
from persona_demo.leakage import check_leakage
from persona_demo.tasks import task_named
from tests import folders


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of every shape."""
    root = tmp_path_factory.mktemp("data")
    for shape, (write, _) in folders.FOLDERS.items():
        write(root / shape)
    return root


@pytest.mark.parametrize(("shape", "name"), folders.OWN_TASKS)
def test_every_folder_serves_its_tasks_split_by_split(root: Path, shape: str, name: str) -> None:
    task = task_named(name)
    splits = {split: read_corpus(root / shape, split, task) for split in ("train", "tune", "dev")}  # type: ignore[arg-type]
    assert [len(people) for people in splits.values()] == [6, 3, 3]
    everyone = [person for people in splits.values() for person in people]
    assert len({person.id for person in everyone}) == len(folders.SPLITS)
    for person in everyone:
        assert person.dated
        assert all(task.serves(item) for item in person.items)
        assert [i.date for i in person.items] == sorted(str(i.date) for i in person.items)
    check_leakage(splits["train"], splits["tune"], task)
    check_leakage(splits["train"], splits["dev"], task)


@pytest.mark.parametrize(("shape", "name"), folders.OWN_TASKS)
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 1_000), per_person=st.integers(1, 5), last_third=st.booleans())
def test_no_history_holds_its_target_or_what_came_later(
    root: Path, shape: str, name: str, seed: int, per_person: int, last_third: bool
) -> None:
    task = task_named(name)
    people = read_corpus(root / shape, "train", task)
    rng = np.random.default_rng(seed)
    targets = draw_targets(people, task, per_person=per_person, rng=rng, last_third=last_third)
    assert targets
    for target in targets:
        person = people[target.person]
        assert target.item is not None
        assert target.item not in target.history
        assert target.history == tuple(sorted(target.history))
        assert all(i < target.item for i in target.history)
        assert all(person.items[i].text != person.items[target.item].text for i in target.history)
        assert task.pair(person.items[target.item]) == target.pair
        if last_third:
            assert target.item >= len(person.items) - len(person.items) // 3
        if not task.same_day:
            assert all(person.items[i].date != person.items[target.item].date for i in target.history)
    again = draw_targets(people, task, per_person=per_person, rng=np.random.default_rng(seed), last_third=last_third)
    assert targets == again


def test_a_review_keeps_its_synopsis_and_its_stars(root: Path) -> None:
    everything = read_corpus(root / "critics", "train")[0].items
    assert [item.label for item in everything[:7]] == ["1", "2", None, "3", "5", None, "5"]
    assert everything[0].input is None
    assert everything[1].input
    reviews = read_corpus(root / "critics", "train", task_named("film-review"))[0].items
    ratings = read_corpus(root / "critics", "train", task_named("film-rating"))[0].items
    assert all(item.input for item in reviews)
    assert all(item.label for item in ratings)
    assert len(reviews) < len(everything) > len(ratings)


def test_stars_are_rounded_up_and_a_film_tells_title_genres_and_story(root: Path) -> None:
    items = read_corpus(root / "films", "train", task_named("movie-stars"))[0].items
    assert [item.label for item in items[:5]] == ["1", "1", "2", "2", "3"]
    title, story = items[1].text.split(". Drama. ")
    assert title.endswith("(1999)")
    assert len(story.split()) == 12
    assert items[0].text.endswith("(1999)")


def test_people_who_wrote_together_are_one_group(root: Path) -> None:
    people = {p.id: p.group for p in read_corpus(root / "papers", "train", task_named("paper-title"))}
    assert people["a1"] == people["a2"]
    assert people["a0"] == people["a1"]
    assert len({people[name] for name in ("a0", "a3", "a4", "a5")}) == 4
    assert len({p.group for p in read_corpus(root / "papers", "dev")}) == 3


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.lists(st.integers(0, 6).map(str), max_size=3), max_size=8))
def test_groups_are_the_classes_of_sharing(members: dict[str, list[str]]) -> None:
    made = groups(members)
    assert made.keys() == members.keys()
    for one, ids in members.items():
        for other, others in members.items():
            if set(ids) & set(others):
                assert made[one] == made[other]
    alone = [
        name for name, ids in members.items() if not any(set(ids) & set(o) for n, o in members.items() if n != name)
    ]
    for name in alone:
        assert [n for n, group in made.items() if group == made[name]] == [name]


def test_few_words_written_in_two_splits_by_chance_are_left_out_and_more_are_refused(tmp_path: Path) -> None:
    def write(words: str) -> Path:
        people = [
            {
                "user": s,
                "split": s,
                "items": [{"id": "0", "text": words}, {"id": "1", "text": f"{s} wrote this alone " * 3}],
            }
            for s in ("train", "tune")
        ]
        folders.write_lines(tmp_path / "users.jsonl", people, packed=False)
        return tmp_path

    chance = write("A  must SEE.")
    assert [i.id for i in read_corpus(chance, "train")[0].items] == ["1"]
    check_leakage(read_corpus(chance, "train"), read_corpus(chance, "tune"))
    copied = write("A sentence that is long enough to be no chance at all")
    with pytest.raises(UserError, match="text of tune"):
        check_leakage(read_corpus(copied, "train"), read_corpus(copied, "tune"))


def test_somebody_copied_into_another_split_is_refused_however_short_their_texts(tmp_path: Path) -> None:
    short = ["fix build", "bump version", "add tests"]

    def write(second: list[str]) -> Path:
        both = (("a", "train", short), ("b", "dev", second))
        people = [
            {"user": user, "split": split, "items": [{"id": str(n), "text": text} for n, text in enumerate(texts)]}
            for user, split, texts in both
        ]
        folders.write_lines(tmp_path / "users.jsonl", people, packed=False)
        return tmp_path

    by_chance = write([*short[:2], "Remove dead code"])
    assert [len(read_corpus(by_chance, split)[0].items) for split in ("train", "dev")] == [1, 1]
    with pytest.raises(UserError, match="a and b of two splits have 3 short texts in common"):
        read_corpus(write(short), "dev")


def test_plain_items_with_inputs_and_labels_serve_any_task(tmp_path: Path) -> None:
    item = {"id": 1, "text": "Some words", "input": "Asked", "label": 4, "date": "2020-01-01"}
    folders.write_lines(tmp_path / "users.jsonl.gz", [{"user": "a", "split": "dev", "items": [item]}])
    for name in ("paper-title", "film-rating", "headline"):
        person = read_corpus(tmp_path, "dev", task_named(name))[0]
        assert person.items == (HistoryItem("1", "Some words", date="2020-01-01", input="Asked", label="4"),)


def test_the_history_of_a_long_life_is_its_latest_part() -> None:
    items = tuple(HistoryItem(str(n), f"{folders.text(n, 40)} {n}", date="2020-01-01") for n in range(MAX_ITEMS + 90))
    people = [Person(id="a", split="dev", items=items, dated=True)]
    rng = np.random.default_rng(0)
    target = draw_targets(people, task_named("blog-post"), per_person=1, rng=rng, last_third=True)[0]
    assert target.item is not None
    assert len(target.history) <= MAX_ITEMS
    assert target.history[-1] == target.item - 1


def test_a_folder_for_another_task_is_one_clear_sentence(root: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds papers, for the task paper-title and not headline"):
        read_corpus(root / "papers", "dev", task_named("headline"))
    with pytest.raises(UserError, match=r"dev_questions\.json of LaMP_5"):
        read_corpus(root / "papers", "dev", task_named("lamp-5"))
    folders.blogs(tmp_path / "blogs")
    with pytest.raises(UserError, match="nothing for the task 'paper-title'"):
        read_corpus(tmp_path / "blogs", "dev", task_named("paper-title"))


@pytest.mark.parametrize("broken", ["movies missing", "unknown film", "no date", "odd stars"])
def test_a_damaged_folder_is_one_clear_sentence(tmp_path: Path, broken: str) -> None:
    folders.films(tmp_path)
    person = {"user": "m", "split": "dev", "tags": [], "ratings": [[0, 1, 3.0]]}
    if broken == "movies missing":
        (tmp_path / "movies.jsonl.gz").unlink()
    else:
        rating = {"unknown film": [0, 99_999, 3.0], "no date": [None, 1, 3.0], "odd stars": [0, 1, "x"]}[broken]
        (tmp_path / "users.jsonl.gz").unlink()
        (tmp_path / "users.jsonl").write_text(json.dumps(person | {"ratings": [rating]}) + "\n", encoding="utf-8")
    with pytest.raises(UserError, match="restore the file"):
        read_corpus(tmp_path, "dev", task_named("movie-stars"))
