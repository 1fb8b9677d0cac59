"""People algebra: ends of a blend are the people, subtracting is undone by adding, slices keep every item."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from persona_demo.algebra import (
    blend,
    early_and_late,
    exaggerate,
    in_turns,
    line,
    out_of_range,
    time_slices,
    without_average,
)
from persona_demo.arms import arm_named
from persona_demo.errors import UserError
from persona_demo.history import HistoryItem, UserHistory
from persona_demo.runtime import Runtime
from persona_demo.tasks import BLOG_POST
from tests import tiny


@pytest.fixture
def two(runtime: Runtime) -> tuple[np.ndarray, np.ndarray]:
    """Two people of the map."""
    assert runtime.atlas is not None
    return runtime.atlas.vectors[0], runtime.atlas.vectors[1]


def test_the_ends_of_a_blend_are_the_people(two: tuple[np.ndarray, np.ndarray]) -> None:
    one, other = two
    assert np.array_equal(blend(one, other, 0), one)
    assert np.array_equal(blend(one, other, 1), other)
    np.testing.assert_allclose(blend(one, other, 0.25), blend(other, one, 0.75), atol=1e-6)
    way = line(one, other, steps=5)
    assert way.shape == (5, len(one))
    np.testing.assert_allclose(np.diff(way, axis=0), np.tile((other - one) / 4, (4, 1)), atol=1e-5)
    for share in (-0.1, 1.1, float("nan")):
        with pytest.raises(UserError, match="share"):
            blend(one, other, share)


def test_exaggerating_goes_through_the_average_and_the_person(
    runtime: Runtime, two: tuple[np.ndarray, np.ndarray]
) -> None:
    person, plug = two[0], runtime.plug
    mean = plug.population_mean.numpy()
    np.testing.assert_allclose(exaggerate(person, plug, factor=0), mean, atol=1e-6)
    np.testing.assert_allclose(exaggerate(person, plug, factor=1), person, atol=1e-5)
    np.testing.assert_allclose(exaggerate(person, plug, factor=2) + mean, 2 * person, atol=1e-4)
    np.testing.assert_allclose(without_average(person, plug) + mean, person, atol=1e-5)
    with pytest.raises(UserError, match="factor"):
        exaggerate(person, plug, factor=9)
    with pytest.raises(UserError, match="factor"):
        exaggerate(person, plug, factor=float("nan"))


def test_what_comes_out_stands_in_for_a_history(runtime: Runtime, two: tuple[np.ndarray, np.ndarray]) -> None:
    given = runtime.arm_inputs(UserHistory("x"), runtime.task("blog-post"), "Hello there", stored=blend(*two, 0.5))
    made = arm_named("persona").build(given)
    assert made.soft is not None and made.base is not None


def test_slices_keep_every_item_once_in_order_of_time() -> None:
    person = tiny.history(items=7)
    shuffled = person.with_items(person.items[::-1])
    parts = time_slices(shuffled, 3, of=BLOG_POST.wording)
    assert [len(p.history) for p in parts] == [3, 2, 2]
    assert [item for p in parts for item in p.history] == list(person.items)
    assert "part 1 of 3, 2009-03-01 to 2009-03-03" in parts[0].title
    early, late = early_and_late(person, BLOG_POST.wording)
    assert "early" in early.title and "late" in late.title
    assert early.history.items + late.history.items == person.items


def test_halves_that_take_turns_keep_every_item_and_no_time_divides_them() -> None:
    person = tiny.history(items=7)
    one, other = in_turns(person.with_items(person.items[::-1]), BLOG_POST.wording)
    assert one.history.items == person.items[0::2] and other.history.items == person.items[1::2]
    assert "every other post" in one.title and one.title != other.title
    with pytest.raises(UserError, match="4 are needed"):
        in_turns(tiny.history(items=3), BLOG_POST.wording)


def test_undated_items_keep_their_order_and_muted_ones_are_left_out() -> None:
    items = tuple(HistoryItem(f"x{n}", f"text {n}", muted=n == 1) for n in range(5))
    early, late = early_and_late(UserHistory("Ada", items), BLOG_POST.wording)
    assert [i.id for i in early.history] == ["x0", "x2"]
    assert [i.id for i in late.history] == ["x3", "x4"]
    assert early.title == "Ada, early"
    with pytest.raises(UserError, match="Ada has 4 posts: that is too few"):
        time_slices(UserHistory("Ada", items), 5, of=BLOG_POST.wording)
    with pytest.raises(UserError, match="stretches"):
        time_slices(UserHistory("Ada", items), 1, of=BLOG_POST.wording)


def test_vectors_the_plug_never_met_are_warned_of(runtime: Runtime, two: tuple[np.ndarray, np.ndarray]) -> None:
    assert runtime.atlas is not None
    inside = replace(runtime.atlas)
    typical = np.median(np.linalg.norm(inside.vectors, axis=1))
    person = two[0] * np.float32(typical / np.linalg.norm(two[0]))
    assert out_of_range(person, inside) == ""
    assert "more than" in out_of_range(3 * person, inside)
    assert "less than" in out_of_range(0 * person, inside)
