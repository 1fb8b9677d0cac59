"""Placebos and combined arms: what is swapped is swapped, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from persona_demo.arms import KNOWN, ArmInputs, Other, apart_from, arm_named, arms_named, draw_other
from persona_demo.arms.soft import read_person
from persona_demo.errors import UserError
from persona_demo.history import HistoryItem, UserHistory
from persona_demo.lm.decode import DecodeOptions
from persona_demo.runtime import Runtime
from tests import tiny

PROMPT = "The last train left"


def stranger(items: int = 5) -> UserHistory:
    """Somebody who shares no text with the tiny person."""
    return UserHistory("Cy", tuple(HistoryItem(f"c{n}", f"Nine LOUD owls, {n} of them!!") for n in range(items)))


@pytest.fixture
def given(runtime: Runtime) -> ArmInputs:
    """A person, with another one whose texts are at hand."""
    return runtime.arm_inputs(tiny.history(items=5), runtime.task("blog-post"), PROMPT, others=[stranger()])


@pytest.mark.parametrize("name", [arm.name + ":other" for arm in KNOWN.values() if arm.placebos])
def test_another_person_in_the_same_arm_is_the_placebo(given: ArmInputs, name: str) -> None:
    placebo = arm_named(name).build(given)
    theirs = arm_named(name.removesuffix(":other")).build(replace(given, items=stranger().items))
    assert (placebo.stand_in, theirs.stand_in) == ("Cy", "")
    assert placebo.retrieved == theirs.retrieved
    assert (placebo.soft is None) == (theirs.soft is None)
    if placebo.soft is not None and theirs.soft is not None:
        assert np.array_equal(placebo.soft, theirs.soft)


def test_every_arm_that_reads_a_person_has_a_placebo_and_no_other_has_one(given: ArmInputs) -> None:
    for arm in KNOWN.values():
        own = arm.build(given)
        nobody = arm.build(replace(given, items=(), stored=None))
        reads = own.retrieved != nobody.retrieved or not np.array_equal(
            np.zeros(1) if own.soft is None else own.soft, np.zeros(1) if nobody.soft is None else nobody.soft
        )
        assert bool(arm.placebos) == reads
        assert (arm.compared_with is not None) == reads
    with pytest.raises(UserError, match="no placebo"):
        arm_named("task:other")
    with pytest.raises(UserError, match="bm25 has bm25:other"):
        arm_named("bm25:random")


@pytest.mark.parametrize("suffix", ["mean", "random", "zero"])
def test_vector_placebos_change_the_vectors_and_leave_the_text(given: ArmInputs, suffix: str) -> None:
    own, placebo = (arm_named(n).build(given) for n in ("persona+bm25", f"persona+bm25:{suffix}"))
    assert own.retrieved == placebo.retrieved != ()
    assert own.soft is not None and placebo.soft is not None
    assert not np.allclose(own.soft, placebo.soft)
    again = arm_named(f"persona+bm25:{suffix}").build(given)
    assert again.soft is not None and np.array_equal(again.soft, placebo.soft)


def test_noise_is_as_loud_as_the_person_and_drawn_by_seed(given: ArmInputs, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[np.ndarray] = []

    def listen(inputs: ArmInputs, vector: np.ndarray, words: np.ndarray) -> np.ndarray:
        seen.append(vector)
        return np.zeros((8, 32), np.float32)

    monkeypatch.setattr("persona_demo.arms.soft.persona_of", listen)
    for seed in (0, 0, 1):
        arm_named("persona:random").build(replace(given, seed=seed))
    own = np.linalg.norm(read_person(given).user_vector)
    assert np.linalg.norm(seen[0]) == pytest.approx(own, rel=1e-4)
    assert np.array_equal(seen[0], seen[1])
    assert not np.allclose(seen[0], seen[2])


def test_the_mean_is_the_population_kept_with_the_plug(given: ArmInputs) -> None:
    made = arm_named("persona:mean").build(given)
    stored = arm_named("persona").build(replace(given, stored=given.plug.population_mean.numpy()))
    assert made.soft is not None and stored.soft is not None
    assert np.array_equal(made.soft, stored.soft)


def test_both_at_once_is_the_text_of_one_and_the_vectors_of_the_other(given: ArmInputs) -> None:
    both, vectors, text = (arm_named(n).build(given) for n in ("persona+bm25", "persona", "bm25"))
    base = arm_named("task+bm25").build(given)
    assert both.retrieved == text.retrieved == base.retrieved
    assert both.soft is not None and vectors.soft is not None and both.base is not None
    assert np.array_equal(both.soft, vectors.soft)
    assert both.base.retrieved == base.retrieved
    assert both.base.soft is not None and base.soft is not None
    assert np.array_equal(both.base.soft, base.soft)
    assert both.bytes_per_user == vectors.bytes_per_user + text.bytes_per_user


def test_strength_zero_of_both_at_once_writes_what_the_control_with_posts_writes(
    runtime: Runtime, given: ArmInputs
) -> None:
    arms, options = arms_named(["task+bm25", "persona+bm25"]), DecodeOptions(max_new_tokens=8)
    states = list(runtime.compare(given, arms, strength=0, options=options))[-1]
    assert states[0].written.tokens == states[1].written.tokens


def test_a_stored_person_stands_beside_a_stored_vector(runtime: Runtime) -> None:
    assert runtime.atlas is not None
    task, stored = runtime.task("blog-post"), runtime.atlas.vectors[1]
    made = runtime.arm_inputs(UserHistory("p0001"), task, PROMPT, stored=stored, others=[stranger()])
    assert made.other is not None and made.other.user_vector is not None
    assert arm_named("persona:other").build(made).weights is None


def test_the_other_person_shares_no_text_is_near_in_number_and_drawn_by_seed() -> None:
    own = tiny.history(items=5)
    crowd = [own, *(stranger(n) for n in (4, 5, 6, 7, 8, 60))]
    drawn = [draw_other(crowd, own.items, seed=seed) for seed in range(30)]
    assert {len(other.items) for other in drawn if other is not None} == {4, 5, 6, 7, 8}
    assert drawn[0] == draw_other(crowd, own.items, seed=0)
    assert draw_other([own], own.items, seed=0) is None


def test_what_is_not_at_hand_is_one_clear_sentence(given: ArmInputs) -> None:
    vector_only = Other("p0001", user_vector=given.plug.population_mean.numpy())
    with pytest.raises(UserError, match="only a vector"):
        arm_named("bm25:other").build(replace(given, other=vector_only))
    with pytest.raises(UserError, match="needs another person"):
        arm_named("recent:other").build(replace(given, other=None))
    for name in ("persona:", "persona:everybody", ":other", "magic"):
        with pytest.raises(UserError, match="There is no arm"):
            arm_named(name)
    with pytest.raises(UserError, match="No arm was named"):
        arms_named([])


def test_who_stands_in_brings_nothing_on_what_is_asked() -> None:
    items = tuple(HistoryItem(str(n), f"a line on {n}", input=f"film {n} ") for n in range(3))
    free = HistoryItem("free", "a line on nothing")
    assert apart_from((*items, free), "film 1") == (items[0], items[2], free)
    assert apart_from(items, "film 9") == apart_from(items, None) == items
