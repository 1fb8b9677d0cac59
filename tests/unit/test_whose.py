"""attribution@10: a text without a person in it is at chance to the digit, and one with a person is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from persona_demo.corpus import Person, read_corpus
from persona_demo.errors import UserError
from persona_demo.evaluation import attribution
from persona_demo.evaluation.attribution import GROUP, GROUPS, PROMPTS, Reader, attribute, draw_groups, enough
from persona_demo.history import HistoryItem
from persona_demo.lm.base import Row
from persona_demo.runtime import Runtime
from persona_demo.tasks import task_named
from tests import folders

TASK = task_named("blog-post")


def people(count: int, *, together: int = 1) -> list[Person]:
    """People who each use a few words of their own; some of them belong together."""
    made = []
    for n in range(count):
        own = folders.WORDS[n % len(folders.WORDS)]
        texts = [f"{folders.text(n, i, words=14)} {own}{n} {own}{n}" for i in range(9)]
        items = tuple(HistoryItem(id=str(i), text=text) for i, text in enumerate(texts))
        made.append(Person(id=f"p{n}", split="dev", items=items, dated=True, group=f"g{n // together}"))
    return made


def test_groups_are_ten_who_share_nothing_and_prompts_are_of_others() -> None:
    everybody = people(46, together=2)
    groups = draw_groups(everybody, TASK, seed=0)
    assert len(groups) == GROUPS
    for group in groups:
        members = [everybody[i] for i in group.members]
        assert len({person.group for person in members}) == GROUP
        assert len(group.prompts) == PROMPTS
        inside = {person.group for person in members}
        own = {TASK.pair(item).input for p in everybody if p.group in inside for item in p.items}  # type: ignore[union-attr]
        assert not own & set(group.prompts)
    assert groups == draw_groups(everybody, TASK, seed=0)
    assert groups != draw_groups(everybody, TASK, seed=1)


def test_nobody_in_a_group_wrote_on_its_prompts() -> None:
    reviews = [
        Person(
            id=f"c{n}",
            split="dev",
            items=tuple(
                HistoryItem(id=str(i), text=folders.text(n, i, words=14), input=f"film {i}")
                for i in range(n % 4, 30 + n)
            ),
            dated=True,
        )
        for n in range(30)
    ]
    task = task_named("film-review")
    for group in draw_groups(reviews, task, seed=0):
        known = {item.input for i in group.members for item in reviews[i].items}
        assert len(set(group.prompts)) == len(group.prompts) and not known & set(group.prompts)


def test_nobody_is_drawn_again_while_others_wait() -> None:
    groups = draw_groups(people(60), TASK, seed=3)
    assert len({i for group in groups[:6] for i in group.members}) == 60


def test_ten_people_are_not_enough_since_somebody_must_ask() -> None:
    assert enough(people(11))
    assert not enough(people(10))
    assert not enough(people(20, together=2))
    with pytest.raises(UserError, match="too few people"):
        draw_groups(people(10), TASK, seed=0)


def test_the_reader_knows_its_people_and_knows_nothing_of_shuffled_ones() -> None:
    members = people(GROUP)
    reader = Reader([[item.text for item in person.items[:-2]] for person in members])
    texts = [item.text for person in members for item in person.items[-2:]]
    own = np.repeat(np.arange(GROUP), 2)
    assert (reader.whose(texts) == own).mean() >= 0.9
    rng = np.random.default_rng(0)
    shares = [(reader.whose(texts) == rng.permutation(own)).mean() for _ in range(200)]
    assert np.mean(shares) == pytest.approx(0.1, abs=0.02)


@pytest.fixture
def two_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two groups are enough where all are alike."""
    monkeypatch.setattr(attribution, "GROUPS", 2)


@pytest.mark.usefixtures("two_groups")
def test_arms_without_a_person_are_at_chance_to_the_digit(runtime: Runtime) -> None:
    made = attribute(
        runtime,
        TASK,
        people(14),
        ["task", "plain", "persona", "persona:other", "bm25"],
        strength=1.0,
        seed=0,
        report=lambda message, share: None,
    )
    for arm in ("task", "plain"):
        found = made.arms[arm]
        assert (found.low, found.mean, found.high) == pytest.approx((0.1, 0.1, 0.1))
    assert all(0 <= found.low <= found.mean <= found.high <= 1 for found in made.arms.values())
    assert made.own_words.mean > 0.5
    assert len(made.shares["own_words"]) == 2


@pytest.mark.usefixtures("two_groups")
def test_at_strength_zero_the_persona_is_the_control(runtime: Runtime) -> None:
    made = attribute(runtime, TASK, people(12), ["persona"], strength=0.0, seed=0, report=lambda message, share: None)
    assert made.arms["persona"].mean == pytest.approx(0.1)


@pytest.mark.usefixtures("two_groups")
def test_the_placebos_of_a_group_come_from_outside_it(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    everybody = people(13)
    drawn: list[tuple[int, ...]] = []
    inner = attribution._placebo

    def noting(strangers: object, some: list[Person], member: int, group: attribution.Group, *, seed: int) -> object:
        items = inner(strangers, some, member, group, seed=seed)  # type: ignore[arg-type]
        owner = next(i for i, person in enumerate(some) if items[0] in person.items)
        assert owner not in group.members
        drawn.append((member, owner))
        return items

    monkeypatch.setattr(attribution, "_placebo", noting)
    attribute(runtime, TASK, everybody, ["bm25:other"], strength=1.0, seed=0, report=lambda message, share: None)
    assert len(drawn) == GROUP * 2


@pytest.mark.usefixtures("two_groups")
def test_texts_of_a_plug_that_searches_are_searched_for(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[int] = []
    inner = runtime.lm.write

    def noting(rows: list[Row], *, beams: int, **options: int) -> object:
        searched.append(beams)
        return inner(rows, beams=beams, **options)

    monkeypatch.setattr(runtime.lm, "write", noting)
    monkeypatch.setattr(runtime.plug, "config", replace(runtime.plug.config, beams=2))
    made = attribute(runtime, TASK, people(12), ["task"], strength=1.0, seed=0, report=lambda message, share: None)
    assert searched == [2, 2]
    assert made.arms["task"].mean == pytest.approx(0.1)


def test_questions_of_lamp_are_told_apart_by_their_answers(tmp_path: Path, runtime: Runtime) -> None:
    task = task_named("lamp-7")
    asked = read_corpus(folders.lamp(tmp_path / "data", 7, "dev", questions=12), "dev", task)
    assert enough(asked)
    assert 0 <= attribution._own_words(asked[:10], task, runtime.lm.codec) <= 1
    assert len(draw_groups(asked, task, seed=0)[0].prompts) > 0
