"""The map's value, what it lets through, and the colours of the app."""

from __future__ import annotations

import json
import re
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
from gradio_client.utils import json_schema_to_python_type

from persona_demo.arms import ARMS
from persona_demo.ui import palette, persona_map
from persona_demo.ui.map_value import MAX_TRAIL, NamedPoint, You, map_value
from persona_demo.ui.palette import (
    ARM_COLOURS,
    NEUTRALS,
    TINT,
    TINTS,
    Colour,
    arm_colour,
    arm_variable,
    contrast,
    mixed,
    stylesheet,
)
from persona_demo.ui.persona_map import PersonaMap, selected_id, static_paths

HERE = Path(persona_map.__file__).parent
TEXT = {**ARM_COLOURS, **{name: NEUTRALS[name] for name in ("ink", "ink-soft", "named", "focus", "alert")}}
MODES = ("light", "dark")


def small_map() -> PersonaMap:
    return PersonaMap(ids=["p0000", "p0001"], coordinates=[(0.0, 1.0), (2.0, 3.123456)], counts=[3, 1], scale=2)


def test_a_value_is_plain_json_rounded_to_what_a_screen_can_show() -> None:
    value = map_value(
        selected="p0001",
        you=You("Ada", float(np.float32(0.1)), 2.0, trail=[(1.0, 1.00004)]),
        people=[NamedPoint("sample:ada", "<b>Ada</b>", 0.5, 0.25)],
        neighbours=("p0000",),
        message="Ada is near p0000.",
    )
    assert json.loads(json.dumps(value)) == {
        "selected": "p0001",
        "you": {"name": "Ada", "at": [0.1, 2.0], "trail": [[1.0, 1.0]]},
        "people": [{"id": "sample:ada", "name": "<b>Ada</b>", "at": [0.5, 0.25]}],
        "neighbours": ["p0000"],
        "message": "Ada is near p0000.",
    }


def test_an_update_stays_small_however_long_the_trail() -> None:
    trail = [(0.123456 * i, 1.0) for i in range(500)]
    people = [NamedPoint(f"sample:person-{i}", f"Person {i}", 1.23456, -1.23456) for i in range(10)]
    value = map_value(you=You("Ada", 0, 0, trail=trail), people=people, neighbours=[f"p{i:04d}" for i in range(15)])
    assert value["you"] is not None
    assert len(value["you"]["trail"]) == MAX_TRAIL
    assert value["you"]["trail"][-1] == pytest.approx(trail[-1], abs=1e-4)
    assert len(json.dumps(value)) < 2500


def test_the_population_is_a_property_and_no_part_of_a_value() -> None:
    config = small_map().get_config()
    json.dumps(config)
    everybody = json.loads(config["props"]["population"])
    assert everybody["at"] == [[0.0, 1.0], [2.0, 3.1235]]
    assert everybody["counts"] == [3, 1]
    assert config["value"] == map_value()
    assert config["scale"] == 2
    assert {"ids", "coordinates", "counts"}.isdisjoint(config)


def test_what_is_said_of_many_is_sent_once() -> None:
    said = ["short texts", "long texts", "short texts"]
    made = PersonaMap(ids=["a", "b", "c"], coordinates=[(0.0, 0.0)] * 3, counts=[1] * 3, striking=said)
    everybody = json.loads(made.get_config()["props"]["population"])
    assert everybody["phrases"] == ["short texts", "long texts"] and everybody["striking"] == [0, 1, 0]


def test_none_clears_the_map() -> None:
    assert small_map().postprocess(None) == map_value()


def test_lists_that_do_not_fit_together_are_refused() -> None:
    with pytest.raises(ValueError, match="2 ids, 1 coordinates and 2 counts"):
        PersonaMap(ids=["p0000", "p0001"], coordinates=[(0.0, 1.0)], counts=[1, 2])


def test_gradio_can_read_the_schema_and_the_example() -> None:
    component = small_map()
    assert "neighbours: list[str]" in json_schema_to_python_type(component.api_info())
    assert set(component.api_info()["properties"]) == set(component.example_value())


def test_importing_the_component_writes_no_stub() -> None:
    assert not list(HERE.glob("*.pyi"))


@pytest.mark.parametrize("chosen", ["p0123", "p012345", "sample:ada", "sample:ada-2"])
def test_ids_pass(chosen: str) -> None:
    assert selected_id(gr.EventData(None, {"id": chosen})) == chosen


@pytest.mark.parametrize(
    "data",
    [
        None, "p0123", [], {}, {"id": None}, {"id": 7}, {"id": ["p0123"]}, {"id": ""}, {"id": "p12"}, {"id": "p0123\n"},
        {"id": "P0123"}, {"id": "p٠١٢٣"}, {"id": "sample:"}, {"id": "sample:../../x"}, {"id": "sample:" + "a" * 65},
        {"id": "<img>"},
    ],
)  # fmt: skip
def test_anything_else_does_not(data: object) -> None:
    assert selected_id(gr.EventData(None, data)) is None


def test_the_one_static_file_is_plotly_itself() -> None:
    (path,) = static_paths()
    assert path.name == "plotly.min.js"
    assert "plotly.js" in path.read_text(encoding="utf-8")[:200]
    assert small_map().props["library"].startswith("gradio_api/file=")


def test_templates_are_constant() -> None:
    """Gradio evaluates both as Handlebars and then as a JavaScript template literal."""
    for name in ("persona_map.html", "persona_map.css"):
        text = (HERE / name).read_text(encoding="utf-8")
        assert not re.search(r"\{\{|\$\{|`|\\", text), name


def test_the_script_makes_no_markup() -> None:
    text = "".join((HERE / name).read_text(encoding="utf-8") for name in persona_map.SCRIPTS)
    assert not re.search(r"(inner|outer|Adjacent)HTML|document\.write|eval\(|(hover|text)template", text)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", TEXT)
def test_text_colours_are_legible_on_every_paper(name: str, mode: str) -> None:
    for paper in ("panel", "page"):
        assert contrast(getattr(TEXT[name], mode), getattr(NEUTRALS[paper], mode)) >= 4.5


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["dot", "edge"])
def test_dots_and_edges_can_be_seen(name: str, mode: str) -> None:
    assert contrast(getattr(NEUTRALS[name], mode), getattr(NEUTRALS["panel"], mode)) >= 3


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("side", TINTS)
def test_ink_is_legible_on_the_strongest_tint_of_a_token(side: str, mode: str) -> None:
    ink, over = getattr(NEUTRALS["ink"], mode), getattr(TINTS[side], mode)
    for paper in ("panel", "page"):
        under = getattr(NEUTRALS[paper], mode)
        for share in (0, 0.5, 1):
            assert contrast(ink, mixed(over, under, share * TINT[mode])) >= 4.5
        assert mixed(over, under, 0) == under and mixed(over, under, 1) == over


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_every_arm_has_a_colour_of_its_own_or_a_fitting_one() -> None:
    assert len({(c.light, c.dark) for c in ARM_COLOURS.values()}) == len(ARM_COLOURS)
    assert set(ARMS) <= set(ARM_COLOURS)
    assert arm_colour("persona") == ARM_COLOURS["persona"]
    assert arm_colour("bm25:other") == ARM_COLOURS["persona:other"]
    assert arm_colour("persona+bm25") == ARM_COLOURS["persona"]
    assert isinstance(arm_colour("lora"), Colour)


def test_the_stylesheet_says_every_colour_twice_and_asks_for_nothing() -> None:
    css = stylesheet()
    for name in [*(f"--pd-{n}" for n in NEUTRALS), *map(arm_variable, ARM_COLOURS)]:
        assert len(re.findall(rf"{name}: #[0-9a-f]{{6}};", css)) == 2, name
    assert not re.search(r"url\(|@import|https?:", css)


def test_the_theme_uses_known_variables_and_the_readers_own_fonts() -> None:
    css = palette.theme()._get_theme_css()
    known = set(re.findall(r"(--pd-[a-z0-9-]+):", stylesheet()))
    assert set(re.findall(r"var\((--pd-[a-z0-9-]+)\)", css)) <= known
    assert not re.search(r"url\((?!['\"]?data:)|@import|@font-face", css)
    assert not palette.theme()._stylesheets
