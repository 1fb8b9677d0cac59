"""What ships belongs together: plugs, their maps, the first page's example and the figures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from persona_demo.errors import UserError
from persona_demo.evaluation.plug_figures import OF_SHIPPED, check_weights
from persona_demo.maps.item_map import ItemMap
from persona_demo.plug.model import PersonaPlug
from persona_demo.plug.storage import WEIGHTS, load_plug, plug_fingerprint, save_plug
from persona_demo.runtime import Runtime, matching_atlas
from persona_demo.shipped import ASSETS, DEFAULT_ATLAS, DEFAULT_PLUG, PLUGS, atlas_of, plug_for, shipped_plugs
from persona_demo.showcase import load_showcase
from tests import tiny

MOST_BYTES = 9_000_000
SHIPPED = sorted(path.parent for path in PLUGS.glob(f"*/{WEIGHTS}"))


@pytest.mark.parametrize("plug", SHIPPED, ids=lambda path: path.name)
def test_a_shipped_plug_is_small_and_has_a_map_of_its_own_people(plug: Path) -> None:
    assert sum(path.stat().st_size for path in plug.rglob("*") if path.is_file()) <= MOST_BYTES
    config = load_plug(plug).config
    # A plug for several tasks may stand beside one for some of them, which then has their page.
    served = {task: plug_for(task) for task in config.tasks}
    assert plug in served.values()
    assert all(other == plug or task in other.name.split("+") for task, other in served.items())
    assert all(matching_atlas(atlas_of(plug, task), plug) for task, serves in served.items() if serves == plug)


@pytest.mark.parametrize("file", sorted((ASSETS / "results").glob("bench.*.json")), ids=lambda path: path.name)
def test_benchmarks_are_of_the_plugs_that_ship(file: Path) -> None:
    made = json.loads(file.read_text(encoding="utf-8"))["made"]["models"]["plug"]
    assert made["sha256"] == plug_fingerprint(PLUGS / made["name"])


def test_figures_are_of_the_plugs_that_ship() -> None:
    check_weights()


def test_figures_of_a_plug_that_was_replaced_are_stale(runtime: Runtime, tmp_path: Path) -> None:
    plugs, results = tmp_path / "plugs", tmp_path / "results"
    save_plug(runtime.plug, plugs / "blog-post", card="")
    results.mkdir()

    def write(name: str, digest: str, **more: object) -> None:
        record = {"made": {"models": {"plug": {"sha256": digest}}}, **more}
        (results / f"{name}.json").write_text(json.dumps(record), encoding="utf-8")

    check_weights(results=results, plugs=plugs)
    for name in OF_SHIPPED:
        write(f"blog-post.{name}", plug_fingerprint(plugs / "blog-post"))
    # Of another plug, of a task nothing ships for, and of folds.
    write("blog-post.dev-joint", "0" * 64)
    write("headline.dev", "0" * 64)
    write("blog-post.dev-folds", "0" * 64, folds=3)
    check_weights(results=results, plugs=plugs)
    for name in OF_SHIPPED:
        write(f"blog-post.{name}", "0" * 64, folds=3)
        check_weights(results=results, plugs=plugs)
        write(f"blog-post.{name}", "0" * 64)
        with pytest.raises(UserError, match=f"blog-post.{name}.json is of other weights"):
            check_weights(results=results, plugs=plugs)
        write(f"blog-post.{name}", plug_fingerprint(plugs / "blog-post"))
    (results / "blog-post.dev.json").write_text('{"made": {}}', encoding="utf-8")
    with pytest.raises(UserError, match="does not say which plug"):
        check_weights(results=results, plugs=plugs)


def test_the_first_page_shows_the_shipped_plug() -> None:
    assert load_showcase().plug_fingerprint == plug_fingerprint(DEFAULT_PLUG)
    assert ItemMap.load(DEFAULT_ATLAS).plug_fingerprint == plug_fingerprint(DEFAULT_PLUG)


def test_a_plug_is_found_by_its_task(runtime: Runtime, tmp_path: Path) -> None:
    save_plug(runtime.plug, tmp_path / "any name", card="")
    assert plug_for("blog-post", plugs=tmp_path) == tmp_path / "any name"
    with pytest.raises(UserError, match="No plug for headline ships"):
        plug_for("headline", plugs=tmp_path)
    (tmp_path / "any name" / "config.json").write_bytes(b"\xff\xfe{")
    with pytest.raises(UserError, match="cannot be read"):
        plug_for("blog-post", plugs=tmp_path)


def test_of_several_plugs_for_a_task_the_one_named_after_it_serves_it(tmp_path: Path) -> None:
    lm = tiny.causal_lm()
    for name, tasks in (
        ("a", ("headline", "lamp-4")),
        ("headline", ("headline", "commit-subject")),
        ("lamp-5+lamp-7", ("lamp-4", "lamp-5", "lamp-7")),
        ("lamp-5+x", ("lamp-5", "lamp-7")),
        ("z", ("lamp-4",)),
    ):
        save_plug(PersonaPlug(tiny.plug_config(lm, 40, tasks=tasks)), tmp_path / name, card="")
    found = {task: plug.name for task, plug in shipped_plugs(tmp_path).items()}
    both = "lamp-5+lamp-7"
    assert found == {
        "headline": "headline",
        "commit-subject": "headline",
        "lamp-4": "a",
        "lamp-5": "lamp-5+x",
        "lamp-7": both,
    }


def test_maps_lie_beside_shipped_plugs_and_inside_others(tmp_path: Path) -> None:
    assert atlas_of(DEFAULT_PLUG, "blog-post") == DEFAULT_ATLAS
    assert atlas_of(tmp_path / "plug", "headline") == tmp_path / "plug" / "atlas" / "headline"
