"""Both maps: items placed like people, nothing refitted, labels that say what is there, and errors measured."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from persona_demo.errors import UserError
from persona_demo.explain.style import STYLE, style_of_texts
from persona_demo.maps.atlas import FILES as ATLAS_FILES
from persona_demo.maps.atlas import Atlas, Region, shuffled
from persona_demo.maps.figures import SCORE, figures_of
from persona_demo.maps.item_map import FILES, ItemMap, build_item_map, item_vectors
from persona_demo.maps.placing import directions_of, placement_error
from persona_demo.maps.regions import striking, with_regions
from persona_demo.maps.subject_map import SubjectMap, sentence_part
from persona_demo.runtime import Runtime
from persona_demo.shipped import DEFAULT_ATLAS
from persona_demo.training.maps import Maps, maps_from
from tests import tiny

NAMES = tuple(kind.name for kind in STYLE)


def raw_people(runtime: Runtime, *, people: int = 24) -> list[list[str]]:
    """Texts of many people in the ways of the tiny population."""
    rng = np.random.default_rng(0)
    ways = tiny.people_texts()
    return [[*rng.permutation(ways[n % len(ways)])[:5].tolist(), f"and number {n} says so"] for n in range(people)]


@pytest.fixture(scope="module")
def texts(runtime: Runtime) -> list[list[str]]:
    """What the people wrote."""
    return raw_people(runtime)


@pytest.fixture(scope="module")
def maps(runtime: Runtime, texts: list[list[str]]) -> Maps:
    """Both maps of a tiny population."""
    raw = tuple(runtime.encoder.encode(own) for own in texts)
    return maps_from(runtime.plug, raw, fingerprint="tiny", seed=0, report=lambda message, share: None)


def test_people_keep_their_style_figures_through_the_shuffle(maps: Maps, texts: list[list[str]]) -> None:
    assert maps.people.style is not None
    expected = {tuple(np.round(style_of_texts(own), 1)) for own in texts}
    found = {tuple(np.round(row, 1)) for row in maps.people.style}
    assert len(found & expected) > len(expected) * 0.8
    assert np.array_equal(maps.people.style_figures("words"), maps.people.style[:, 0])
    with pytest.raises(UserError, match="keeps no figure"):
        maps.people.style_figures("magic")


def test_items_belong_to_people_of_the_other_map(maps: Maps) -> None:
    items = maps.items
    assert items is not None
    assert set(items.people) <= set(maps.people.ids)
    assert len(set(items.ids)) == len(items.people)
    person = items.people[0]
    assert all(items.ids[row].startswith(person + ".") for row in items.items_of(person))
    assert items.items_of("nobody").size == 0


def test_an_item_of_the_map_is_placed_at_its_own_point(runtime: Runtime, maps: Maps, texts: list[list[str]]) -> None:
    items = maps.items
    assert items is not None
    vectors = item_vectors(runtime.plug, runtime.encoder.encode([text for own in texts for text in own]))
    distances = np.array([items.distances(v).min() for v in vectors])
    # Four of each person's six items are on the map.
    assert (distances < 1e-3).mean() >= 4 / 6
    on_map = vectors[int(np.argmin(distances))]
    placed = items.place(on_map)
    assert placed.neighbours[0].distance == pytest.approx(0, abs=1e-3)
    assert items.place(on_map) == placed
    low, high = items.coordinates.min(axis=0), items.coordinates.max(axis=0)
    assert low[0] <= placed.x <= high[0] and low[1] <= placed.y <= high[1]


def test_a_single_item_is_a_person_who_wrote_nothing_else(runtime: Runtime) -> None:
    history = tiny.history(items=1)
    made = runtime.embed(history, runtime.task("blog-post")).user_vector
    alone = item_vectors(runtime.plug, runtime.encoder.encode([history.items[0].text]))[0]
    np.testing.assert_allclose(alone, made, atol=1e-5)


def test_both_maps_survive_the_disk(maps: Maps, tmp_path: Path) -> None:
    labelled = replace(maps, people=replace(maps.people, regions=(Region("long posts", 0.5, -1.0, 12),)))
    labelled.save(tmp_path)
    people, items = Atlas.load(tmp_path), ItemMap.load(tmp_path)
    assert people.regions == labelled.people.regions
    assert people.style is not None and maps.people.style is not None and maps.items is not None
    np.testing.assert_allclose(people.style, maps.people.style)
    assert items.people == maps.items.people and items.regions == maps.items.regions
    np.testing.assert_allclose(items.vectors, maps.items.vectors)
    np.testing.assert_array_equal(items.coordinates, maps.items.coordinates)


def test_a_map_of_the_first_schema_is_still_read(runtime: Runtime, tmp_path: Path) -> None:
    tiny.atlas(runtime.plug.config.user_width).save(tmp_path)
    facts = (tmp_path / ATLAS_FILES.facts).read_text(encoding="utf-8")
    old = facts.replace('"schema": 2', '"schema": 1').replace(', "style_names": [], "regions": []', "")
    assert "regions" not in old
    (tmp_path / ATLAS_FILES.facts).write_text(old, encoding="utf-8")
    back = Atlas.load(tmp_path)
    assert back.style is None and back.regions == ()
    (tmp_path / ATLAS_FILES.facts).write_text(old.replace('"schema": 1', '"schema": 99'), encoding="utf-8")
    with pytest.raises(UserError, match="atlas build"):
        Atlas.load(tmp_path)
    assert Atlas.load(DEFAULT_ATLAS).ids


def test_a_map_of_items_of_the_first_schema_is_still_read(maps: Maps, tmp_path: Path) -> None:
    assert maps.items is not None and maps.items.regions
    maps.items.save(tmp_path)
    facts = json.loads((tmp_path / FILES.facts).read_text(encoding="utf-8"))
    del facts["regions"]
    (tmp_path / FILES.facts).write_text(json.dumps(facts | {"schema": 1}), encoding="utf-8")
    back = ItemMap.load(tmp_path)
    assert back.regions == () and back.people == maps.items.people


def test_both_maps_have_labelled_regions(maps: Maps) -> None:
    assert maps.items is not None
    for mapped in (maps.people, maps.items):
        assert len(mapped.regions) > 1 and all(region.label for region in mapped.regions)
        assert sum(region.size for region in mapped.regions) <= len(mapped.ids)


def test_people_are_mapped_by_subject_in_the_order_of_the_other_map(
    runtime: Runtime, maps: Maps, texts: list[list[str]], tmp_path: Path
) -> None:
    assert maps.subjects is not None
    part, order = sentence_part(runtime.plug), shuffled(len(texts), seed=0)
    for place in (0, 5):
        mean = runtime.encoder.encode(texts[order[place]])[:, part].mean(axis=0)
        found = directions_of(maps.subjects.basis @ directions_of(mean))
        assert found @ directions_of(maps.subjects.vectors[place]) == pytest.approx(1, abs=1e-3)
    maps.save(tmp_path)
    assert SubjectMap.load(tmp_path).movers == maps.subjects.movers


def test_scores_are_a_figure_where_somebody_gives_one(runtime: Runtime) -> None:
    given = [["Rated 4 of 5: fine", "Rated 1 of 5: awful"], ["Rated 5 of 5: grand", "no score"], ["none", "at all"]]
    figures = figures_of(runtime.plug, tuple(runtime.encoder.encode(texts) for texts in given))
    assert figures is not None and figures.names == (*NAMES, SCORE)
    np.testing.assert_array_equal(figures.people[:, -1], [2.5, 5, np.nan])
    np.testing.assert_array_equal(np.concatenate([own[:, -1] for own in figures.items]), [4, 1, 5] + 3 * [np.nan])
    np.testing.assert_allclose(figures.people[1, :-1], style_of_texts(given[1]), rtol=1e-2)
    without = figures_of(runtime.plug, (runtime.encoder.encode(given[2]),))
    assert without is not None and without.names == NAMES


def test_a_map_of_people_who_give_scores_keeps_them(runtime: Runtime, tmp_path: Path) -> None:
    people = [[f"Rated {1 + n % 5} of 5: {text}" for text in own] for n, own in enumerate(raw_people(runtime))]
    people[0] = [text.partition(": ")[2] for text in people[0]]
    raw = tuple(runtime.encoder.encode(own) for own in people)
    maps_from(runtime.plug, raw, fingerprint="tiny", seed=0, report=lambda message, share: None).save(tmp_path)
    atlas, items = Atlas.load(tmp_path), ItemMap.load(tmp_path)
    scores = atlas.style_figures(SCORE)
    assert np.isnan(scores).sum() == 1 and set(scores[~np.isnan(scores)].tolist()) == {1.0, 2.0, 3.0, 4.0, 5.0}
    for person, score in zip(atlas.ids, scores, strict=True):
        np.testing.assert_array_equal(items.style[items.items_of(person), items.style_names.index(SCORE)], score)


@pytest.mark.parametrize("damage", ["arrays", "facts", "null", "schema", "people", "missing"])
def test_a_damaged_map_of_items_is_one_clear_sentence(maps: Maps, tmp_path: Path, damage: str) -> None:
    assert maps.items is not None
    maps.items.save(tmp_path)
    facts = (tmp_path / FILES.facts).read_text(encoding="utf-8")
    if damage == "arrays":
        (tmp_path / FILES.arrays).write_bytes(b"nonsense")
    elif damage == "missing":
        (tmp_path / FILES.facts).unlink()
    else:
        new = {"facts": "{", "null": "null", "schema": facts.replace('"schema": 2', '"schema": 9')}
        people = facts.replace('"people": [', '"people": ["p9999", ')
        (tmp_path / FILES.facts).write_text(new.get(damage, people), encoding="utf-8")
    with pytest.raises(UserError, match="atlas build"):
        ItemMap.load(tmp_path)
    assert ATLAS_FILES.arrays != FILES.arrays and ATLAS_FILES.facts != FILES.facts


def test_too_few_items_make_no_map() -> None:
    with pytest.raises(UserError, match="at least"):
        build_item_map(
            np.ones((3, 5), np.float32),
            ("a",) * 3,
            scale=np.ones(5, np.float32),
            plug_fingerprint="x",
            style=np.ones((3, 1), np.float32),
            style_names=("words",),
        )


def clustered(count: int = 120) -> tuple[np.ndarray, np.ndarray]:
    """Points of three clusters, and which cluster each is of."""
    rng = np.random.default_rng(0)
    centres, group = rng.normal(size=(3, 12)) * 4, np.arange(count) % 3
    return directions_of((centres[group] + rng.normal(size=(count, 12))).astype(np.float32)), group


def test_placing_is_measured_against_a_refit() -> None:
    directions, _ = clustered()
    found = placement_error(directions, share=0.2)
    assert found.points == 24
    assert found.error < 0.5 * found.chance
    assert found.drift < found.chance
    assert 0 <= found.kept <= 1 and 0 <= found.kept_refit <= 1
    assert placement_error(directions, share=0.2) == found


def test_regions_are_labelled_by_what_is_striking_in_them() -> None:
    directions, group = clustered()
    style = np.tile(np.linspace(0, 1, len(group), dtype=np.float32)[:, None] * 0, (1, len(NAMES)))
    style[group == 0, NAMES.index("words")] = 100
    style[group == 1, NAMES.index("exclamations")] = 9
    middles = np.array([[0, 0], [9, 0], [0, 9]], np.float32)
    atlas = Atlas(
        plug_fingerprint="x",
        ids=tuple(map(str, range(len(group)))),
        vectors=directions,
        coordinates=middles[group] + np.random.default_rng(1).normal(size=(len(group), 2)).astype(np.float32) * 0.1,
        counts=np.ones(len(group), np.int32),
        scale=np.ones(12, np.float32),
        style=style,
        style_names=NAMES,
    )
    made = with_regions(atlas, most=3)
    assert sorted(region.size for region in made.regions) == [40, 40, 40]
    labels = [
        min(made.regions, key=lambda region: float(np.hypot(region.x - x, region.y - y))).label
        for x, y in middles.tolist()
    ]
    assert "long texts" in labels[0]
    assert "exclamation" in labels[1]
    assert "short texts" in labels[2] and "exclamation" not in labels[2]
    assert with_regions(replace(atlas, style=None, style_names=())).regions == ()
    assert striking(replace(atlas, style=None, style_names=())) == ()
    said = striking(atlas)
    assert len(said) == len(atlas.ids) and len(set(said)) > 1 and all(said)


def test_regions_of_high_scores_say_so_and_missing_ones_say_nothing() -> None:
    directions, group = clustered()
    scores = np.where(group == 0, 5.0, np.where(group == 1, 1.0, np.nan)).astype(np.float32)
    atlas = Atlas(
        plug_fingerprint="x",
        ids=tuple(map(str, range(len(group)))),
        vectors=directions,
        coordinates=np.array([[0, 0], [9, 0], [0, 9]], np.float32)[group],
        counts=np.ones(len(group), np.int32),
        scale=np.ones(12, np.float32),
        style=scores[:, None],
        style_names=(SCORE,),
    )
    found = {(round(region.x), round(region.y)): region.label for region in with_regions(atlas, most=3).regions}
    assert found == {(0, 0): "high scores", (9, 0): "low scores"}
    assert set(striking(atlas)) == {"high scores", "low scores", "a bit of everything"}
