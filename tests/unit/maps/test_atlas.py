"""The map: frozen points, placement among neighbours, damage told in one sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from persona_demo.errors import UserError
from persona_demo.maps.atlas import FILES, Atlas, build_atlas
from persona_demo.runtime import Runtime
from tests import tiny


@pytest.fixture
def atlas(runtime: Runtime) -> Atlas:
    """A random map."""
    return tiny.atlas(runtime.plug.config.user_width)


def test_somebody_of_the_population_is_placed_at_their_own_point(atlas: Atlas) -> None:
    for row in (0, 7, 39):
        placed = atlas.place(atlas.vectors[row])
        assert placed.neighbours[0].id == atlas.ids[row]
        assert placed.neighbours[0].distance == pytest.approx(0, abs=1e-5)
        near = atlas.coordinates[[atlas.index(n.id) for n in placed.neighbours]]
        assert (near.min(axis=0) <= (placed.x, placed.y)).all()
        assert (near.max(axis=0) >= (placed.x, placed.y)).all()


def test_neighbours_are_ordered_and_placement_is_repeatable(atlas: Atlas) -> None:
    vector = np.random.default_rng(5).normal(size=atlas.vectors.shape[1]).astype(np.float32)
    placed = atlas.place(vector)
    distances = [n.distance for n in placed.neighbours]
    assert distances == sorted(distances)
    assert atlas.place(vector) == placed
    assert atlas.place(3 * vector).neighbours[0].id == placed.neighbours[0].id


def test_the_average_person_has_a_place_too(atlas: Atlas) -> None:
    placed = atlas.place(np.zeros(atlas.vectors.shape[1], dtype=np.float32))
    assert np.isfinite([placed.x, placed.y]).all()


def test_the_placebo_is_near_in_number_of_items_and_seeded(atlas: Atlas) -> None:
    rows = [atlas.somebody_else(20, rng=np.random.default_rng(s)) for s in range(20)]
    assert rows[0] == atlas.somebody_else(20, rng=np.random.default_rng(0))
    row = rows[0]
    assert atlas.row_of(atlas.vectors[row]) == row
    assert atlas.row_of(atlas.vectors[row] + 1) is None
    assert row not in {atlas.somebody_else(20, rng=np.random.default_rng(s), without=row) for s in range(50)}
    spread = np.abs(atlas.counts - 20)
    assert max(spread[r] for r in rows) <= np.sort(spread)[3]


def test_an_atlas_survives_the_disk(atlas: Atlas, tmp_path: Path) -> None:
    atlas.save(tmp_path)
    back = Atlas.load(tmp_path)
    assert back.ids == atlas.ids
    np.testing.assert_array_equal(back.coordinates, atlas.coordinates)
    np.testing.assert_allclose(back.vectors, atlas.vectors, atol=2e-3)


@pytest.mark.parametrize("damage", ["arrays", "facts", "missing", "ids"])
def test_a_damaged_atlas_is_one_clear_sentence(atlas: Atlas, tmp_path: Path, damage: str) -> None:
    atlas.save(tmp_path)
    if damage == "arrays":
        (tmp_path / FILES.arrays).write_bytes(b"nonsense")
    elif damage == "facts":
        (tmp_path / FILES.facts).write_text("null", encoding="utf-8")
    elif damage == "missing":
        (tmp_path / FILES.facts).unlink()
    else:
        (tmp_path / FILES.facts).write_text('{"plug_fingerprint": "x", "ids": ["only me"]}', encoding="utf-8")
    with pytest.raises(UserError, match="atlas build"):
        Atlas.load(tmp_path)


def test_an_id_that_is_not_on_the_map_is_refused(atlas: Atlas) -> None:
    assert atlas.index("p0003") == 3
    with pytest.raises(UserError, match="pick a point"):
        atlas.index("<script>")


def test_umap_gives_a_map_with_like_people_together() -> None:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(3, 12)).astype(np.float32) * 4
    group = np.arange(60) % 3
    vectors = (centres[group] + rng.normal(size=(60, 12))).astype(np.float32)
    made = build_atlas(vectors, [10] * 60, scale=np.ones(12, np.float32), plug_fingerprint="x")
    assert len(set(made.ids)) == 60
    order = np.random.default_rng(0).permutation(60)
    places = {g: made.coordinates[group[order] == g] for g in range(3)}
    within = np.mean([p.std(axis=0).mean() for p in places.values()])
    between = np.std([p.mean(axis=0) for p in places.values()], axis=0).mean()
    assert between > 1.5 * within
    with pytest.raises(UserError, match="at least"):
        build_atlas(vectors[:5], [1] * 5, scale=np.ones(12, np.float32), plug_fingerprint="x")
