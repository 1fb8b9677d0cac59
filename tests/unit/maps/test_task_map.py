"""The map of everybody a plug for several tasks has learned from."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from persona_demo.errors import UserError
from persona_demo.maps.atlas import Atlas
from persona_demo.maps.task_map import FILES, TaskMap, build_task_map
from tests import tiny


def apart(seed: int, *, people: int, side: float) -> Atlas:
    """People who stand to one side of the others."""
    made = tiny.atlas(6, people=people, seed=seed)
    vectors = (made.vectors + side * np.eye(6)[0]).astype(np.float16).astype(np.float32)
    return dataclasses.replace(made, vectors=vectors)


@pytest.fixture(scope="module")
def made() -> TaskMap:
    return build_task_map({"headline": apart(1, people=30, side=9), "paper-title": apart(2, people=20, side=-9)})


def test_tasks_that_lie_apart_are_told_apart_and_others_are_as_chance_has_it(made: TaskMap) -> None:
    assert [(share.task, share.people, share.same) for share in made.shares] == [
        ("headline", 30, 1.0),
        ("paper-title", 20, 1.0),
    ]
    assert made.shares[0].chance == pytest.approx(29 / 49)
    mixed = build_task_map({"headline": apart(1, people=30, side=0), "paper-title": apart(2, people=30, side=0)})
    assert all(abs(share.same - share.chance) < 0.15 for share in mixed.shares)
    sides = [made.coordinates[made.tasks == task].mean(axis=0) for task in (0, 1)]
    assert np.linalg.norm(sides[0] - sides[1]) > 1


def test_somebody_stands_among_those_they_are_like(made: TaskMap) -> None:
    place, nearest = made.place(made.vectors[3])
    assert nearest[0] == 3 and set(made.tasks[nearest]) == {0}
    other = made.coordinates[made.tasks == 1].mean(axis=0)
    assert np.linalg.norm(place - made.coordinates[3]) < np.linalg.norm(place - other)


def test_what_is_kept_is_the_same_map(made: TaskMap, tmp_path: Path) -> None:
    made.save(tmp_path)
    back = TaskMap.load(tmp_path)
    assert back.shares == made.shares and back.plug_fingerprint == made.plug_fingerprint
    for name in ("vectors", "coordinates", "counts", "scale"):
        np.testing.assert_array_equal(getattr(back, name), getattr(made, name))


def test_maps_of_different_plugs_or_of_one_task_make_none(tmp_path: Path) -> None:
    one, two = apart(1, people=20, side=1), apart(2, people=20, side=-1)
    with pytest.raises(UserError, match="two tasks or more of one plug"):
        build_task_map({"headline": one})
    with pytest.raises(UserError, match="two tasks or more of one plug"):
        build_task_map({"headline": one, "paper-title": dataclasses.replace(two, plug_fingerprint="other")})


def test_damaged_files_are_one_sentence(made: TaskMap, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no map of tasks"):
        TaskMap.load(tmp_path)
    made.save(tmp_path)
    (tmp_path / FILES.facts).write_text('{"schema": 9}', encoding="utf-8")
    with pytest.raises(UserError, match="is damaged"):
        TaskMap.load(tmp_path)
    with pytest.raises(UserError, match="do not fit together"):
        dataclasses.replace(made, counts=made.counts[:3])
