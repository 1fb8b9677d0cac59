"""The map of people by subject: whom it puts where, and who is among others there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from persona_demo.errors import UserError
from persona_demo.maps.subject_map import FILES, SubjectMap, build_subject_map, movers, sentence_part
from persona_demo.runtime import Runtime
from tests import tiny

PEOPLE = 40


def test_whoever_changed_places_moves_most() -> None:
    atlas = tiny.atlas(12, people=PEOPLE)
    # Two far crowds; by subject the first and the last person are each in the other one.
    crowd = np.where(np.arange(PEOPLE) < PEOPLE // 2, 1.0, -1.0)[:, None]
    noise = np.random.default_rng(0).normal(size=(PEOPLE, 12)) * 0.1
    by_plug = (crowd + noise).astype(np.float32)
    by_subject = by_plug.copy()
    by_subject[[0, -1]] = by_plug[[-1, 0]]
    found = movers(replace(atlas, vectors=by_plug), by_subject, most=5)
    assert {mover.id for mover in found[:2]} == {atlas.ids[0], atlas.ids[-1]}
    assert len(found) == 5 and found[0].common == 0 and found[0].rank > PEOPLE // 2 > found[2].rank
    assert [mover.rank for mover in found] == sorted((mover.rank for mover in found), reverse=True)


def test_nobody_moves_where_both_are_the_same() -> None:
    atlas = tiny.atlas(12, people=PEOPLE)
    assert {(mover.common, mover.rank) for mover in movers(atlas, atlas.vectors, most=PEOPLE)} == {(15, 8)}


def test_somebody_is_placed_at_their_own_point_and_the_map_survives_the_disk(tmp_path: Path) -> None:
    atlas, means = tiny.atlas(12, people=PEOPLE), np.random.default_rng(1).normal(size=(PEOPLE, 16)).astype(np.float32)
    made = build_subject_map(means, atlas)
    assert made.plug_fingerprint == atlas.plug_fingerprint and len(made.movers) == 12
    assert set(mover.id for mover in made.movers) <= set(atlas.ids)
    made.save(tmp_path)
    back = SubjectMap.load(tmp_path)
    assert back.movers == made.movers
    np.testing.assert_array_equal(back.coordinates, made.coordinates)
    np.testing.assert_allclose(back.place(means[3]), made.place(means[3]), atol=1e-4)
    near = np.linalg.norm(made.coordinates - made.place(means[3]), axis=1)
    assert near[3] < np.median(near)


@pytest.mark.parametrize("damage", ["arrays", "facts", "schema", "missing", "people"])
def test_a_damaged_map_is_one_clear_sentence(tmp_path: Path, damage: str) -> None:
    tiny.subject_map(tiny.atlas(12)).save(tmp_path)
    facts = (tmp_path / FILES.facts).read_text(encoding="utf-8")
    if damage == "arrays":
        (tmp_path / FILES.arrays).write_bytes(b"nonsense")
    elif damage == "missing":
        (tmp_path / FILES.facts).unlink()
    elif damage == "people":
        made = tiny.subject_map(tiny.atlas(12))
        with pytest.raises(UserError, match="atlas build"):
            replace(made, coordinates=made.coordinates[1:])
        return
    else:
        broken = {"facts": "{", "schema": facts.replace('"schema": 1', '"schema": 9')}
        (tmp_path / FILES.facts).write_text(broken[damage], encoding="utf-8")
    with pytest.raises(UserError, match="atlas build"):
        SubjectMap.load(tmp_path)


def test_a_plug_without_sentence_embeddings_has_no_such_map(runtime: Runtime) -> None:
    assert sentence_part(runtime.plug) is not None
    config = replace(runtime.plug.config, blocks=("surface",))
    assert sentence_part(type("Plug", (), {"config": config})()) is None  # type: ignore[arg-type]
