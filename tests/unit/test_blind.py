"""Blind guesses: an order that tells nothing, and what chance alone would have got."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import asdict

import pytest

from persona_demo.blind import UNLIKELY, Round, Tally
from persona_demo.errors import UserError

THREE = ("persona", "task", "persona:other")


def tally(right: int, rounds: int, *, arms: tuple[str, ...] = THREE) -> Tally:
    found = Tally()
    for n in range(rounds):
        dealt = Round.deal(arms, truth="persona", seed=n)
        truth = dealt.order.index("persona")
        found = found.add(dealt.vote(truth if n < right else (truth + 1) % len(arms)))
    return found


def test_an_order_is_all_arms_once_and_follows_from_its_seed() -> None:
    for seed in range(50):
        dealt = Round.deal(THREE, truth="persona", seed=seed)
        assert sorted(dealt.order) == sorted(THREE)
        assert dealt == Round.deal(THREE, truth="persona", seed=seed)
        assert Round.from_record(json.loads(json.dumps(asdict(dealt)))) == dealt


@pytest.mark.parametrize("arms", [THREE, THREE[:2]])
def test_every_place_is_as_likely(arms: tuple[str, ...]) -> None:
    places = Counter(Round.deal(arms, truth="persona", seed=seed).order.index("persona") for seed in range(3000))
    even = 3000 / len(arms)
    assert all(abs(places[place] - even) < 5 * math.sqrt(even) for place in range(len(arms)))


@pytest.mark.parametrize("arms", [("persona",), ("task", "plain"), ("persona", "persona")])
def test_what_is_no_round_is_refused(arms: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="two to eight different arms"):
        Round.deal(arms, truth="persona", seed=0)


def test_a_round_takes_one_vote_for_one_of_its_texts() -> None:
    dealt = Round.deal(THREE, truth="persona", seed=1)
    for junk in (None, -1, 3):
        with pytest.raises(UserError, match="No text is chosen"):
            dealt.vote(junk)
    assert not dealt.right
    assert [dealt.vote(place).right for place in range(3)] == [arm == "persona" for arm in dealt.order]
    with pytest.raises(UserError, match="over"):
        dealt.vote(0).vote(1)
    with pytest.raises(ValueError, match="not over"):
        Tally().add(dealt)


@pytest.mark.parametrize("options", [2, 3])
@pytest.mark.parametrize("rounds", [1, 5, 12])
def test_the_probability_is_the_exact_sum(options: int, rounds: int) -> None:
    chance = 1 / options
    for right in range(rounds + 1):
        exact = sum(
            math.comb(rounds, k) * chance**k * (1 - chance) ** (rounds - k) for k in range(right, rounds + 1)
        )  # fmt: skip
        assert tally(right, rounds, arms=THREE[:options]).p_value == pytest.approx(exact)


def test_rounds_of_two_and_of_three_are_added_up() -> None:
    mixed = Tally((*tally(1, 1).rounds, *tally(1, 1, arms=THREE[:2]).rounds))
    assert mixed.p_value == pytest.approx(1 / 6)
    assert mixed.expected == pytest.approx(1 / 3 + 1 / 2)


def test_who_only_guesses_is_seldom_told_otherwise() -> None:
    for rounds in (3, 5, 10, 20):
        often = sum(
            math.comb(rounds, right) * (1 / 3) ** right * (2 / 3) ** (rounds - right)
            for right in range(rounds + 1)
            if tally(right, rounds).p_value < UNLIKELY
        )
        assert often < UNLIKELY


def test_three_of_five_are_not_sold_as_proof() -> None:
    said = tally(3, 5).sentence
    assert said.startswith("3 of 5 right. Chance alone gets 1.7 on average, and 3 or more with probability 0.21")
    assert "no evidence" in said and "15% to 95%" in said
    assert "more than luck" in tally(9, 10).sentence
    assert Tally().sentence == "No guess yet."
    assert (Tally().p_value, Tally().interval) == (1.0, (0.0, 1.0))


def test_the_interval_holds_the_share_and_narrows() -> None:
    widths = []
    for rounds in (2, 8, 32):
        low, high = tally(rounds // 2, rounds).interval
        assert low < 0.5 < high
        widths.append(high - low)
    assert widths == sorted(widths, reverse=True)


def test_a_file_says_what_was_chosen_and_can_be_added_up() -> None:
    files = [json.loads(tally(right, 4).to_json()) for right in (1, 3)]
    assert sum(file["right"] for file in files) == 4
    assert sum(file["expected_by_chance"] for file in files) == pytest.approx(8 / 3, abs=1e-3)
    for file in files:
        assert sum(each["right"] for each in file["each"]) == file["right"]
        assert all(each["right"] == (each["chosen"] == "persona") for each in file["each"])
    made = tally(2, 3)
    assert Tally.from_record(json.loads(json.dumps(made.as_record()))) == made
