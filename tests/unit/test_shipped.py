"""What ships belongs together: plugs, their maps, the first page's example and the figures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from persona_demo.errors import UserError
from persona_demo.item_map import ItemMap
from persona_demo.plug.storage import WEIGHTS, load_plug, plug_fingerprint, save_plug
from persona_demo.runtime import Runtime, matching_atlas
from persona_demo.shipped import ASSETS, DEFAULT_ATLAS, DEFAULT_PLUG, PLUGS, atlas_of, plug_for
from persona_demo.showcase import load_showcase

MOST_BYTES = 9_000_000
SHIPPED = sorted(path.parent for path in PLUGS.glob(f"*/{WEIGHTS}"))


@pytest.mark.parametrize("plug", SHIPPED, ids=lambda path: path.name)
def test_a_shipped_plug_is_small_and_has_a_map_of_its_own_people(plug: Path) -> None:
    assert sum(path.stat().st_size for path in plug.rglob("*") if path.is_file()) <= MOST_BYTES
    config = load_plug(plug).config
    assert [plug_for(task) for task in config.tasks] == [plug] * len(config.tasks)
    assert matching_atlas(atlas_of(plug), plug) is not None


@pytest.mark.parametrize("file", sorted((ASSETS / "results").glob("*.*.json")), ids=lambda path: path.name)
def test_figures_are_of_the_plugs_that_ship(file: Path) -> None:
    record = json.loads(file.read_text(encoding="utf-8"))
    made = record["made"]["models"]["plug"]
    assert made["sha256"] == plug_fingerprint(PLUGS / made["name"])


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


def test_maps_lie_beside_shipped_plugs_and_inside_others(tmp_path: Path) -> None:
    assert atlas_of(DEFAULT_PLUG) == DEFAULT_ATLAS
    assert atlas_of(tmp_path / "plug") == tmp_path / "plug" / "atlas"
