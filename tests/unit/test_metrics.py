"""The scorer gives LaMP's own figures, fallbacks and quirks included."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_demo.corpora.lamp import Outputs
from persona_demo.errors import UserError
from persona_demo.evaluation.metrics import NEWS_CATEGORIES, measure, score_outputs
from persona_demo.tasks.lamp import MOVIE_TAGS


def lamp(number: int, golds: list[str], predictions: list[str]) -> dict[str, float]:
    """Figures of predictions in the order of the golds."""
    return score_outputs(
        Outputs(f"LaMP_{number}", {str(n): text for n, text in enumerate(golds)}),
        Outputs(f"LaMP_{number}", {str(n): text for n, text in reversed(list(enumerate(predictions)))}),
    )


def test_rouge_is_the_f_measure_of_words_and_of_their_order_without_stemming() -> None:
    made = lamp(4, ["the cat sat"], [" The cats sat \n"])
    assert made == {"rouge-1": pytest.approx(2 / 3), "rouge-L": pytest.approx(2 / 3)}
    made = lamp(5, ["one two three four"], ["four three two one"])
    assert made == {"rouge-1": pytest.approx(1), "rouge-L": pytest.approx(1 / 4)}
    assert lamp(7, ["one", "two"], ["one", ""]) == {"rouge-1": pytest.approx(0.5), "rouge-L": pytest.approx(0.5)}
    assert lamp(6, ["one"], ["one"])["rouge-L"] == 1


def test_what_is_no_number_counts_as_the_worst_rating() -> None:
    golds = ["1", "2", "3", "4", "5"]
    made = lamp(3, golds, ["no"] * 5)
    worst = [4, 3, 2, 3, 4]
    assert made["MAE"] == pytest.approx(np.mean(worst))
    assert made["RMSE"] == pytest.approx(math.sqrt(np.mean(np.square(worst))))


def test_numbers_outside_the_scale_are_taken_as_they_are() -> None:
    assert lamp(3, ["5", "1"], [" 9.5 ", "-1"]) == {
        "MAE": pytest.approx(3.25),
        "RMSE": pytest.approx(math.sqrt(12.125)),
    }
    for odd in ("nan", "inf"):
        with pytest.raises(UserError, match="not finite"):
            lamp(3, ["5"], [odd])
    with pytest.raises(UserError, match="gold rating"):
        lamp(3, ["five"], ["5"])


def test_an_unlisted_label_is_wrong_case_counts_and_f1_is_over_all_labels() -> None:
    made = lamp(1, ["[1]", "[2]", "[2]", "[1]"], ["[1]", "[2] ", "2", "[3]"])
    assert made["accuracy"] == 0.5
    # Both labels: precision 1, recall a half.
    assert made["f1"] == pytest.approx(2 / 3)
    made = lamp(2, ["comedy", "sci-fi"], ["comedy", "Sci-Fi"])
    assert made == {"accuracy": 0.5, "f1": pytest.approx(1 / len(MOVIE_TAGS))}


def test_two_unlisted_labels_are_equal_as_they_are_in_lamp() -> None:
    assert lamp(2, ["comedy", "western"], ["comedy", "musical"])["accuracy"] == 1


def test_the_news_categories_of_the_older_lamp_2_are_known_by_their_golds() -> None:
    made = lamp(2, ["sports", "crime"], ["sports", "travel"])
    assert made == {"accuracy": 0.5, "f1": pytest.approx(1 / len(NEWS_CATEGORIES))}


@given(st.lists(st.tuples(st.sampled_from(MOVIE_TAGS), st.sampled_from((*MOVIE_TAGS, "western"))), min_size=1))
def test_accuracy_and_f1_are_those_of_counting(pairs: list[tuple[str, str]]) -> None:
    golds, texts = [g for g, _ in pairs], [t for _, t in pairs]
    made = lamp(2, golds, texts)
    assert made["accuracy"] == pytest.approx(np.mean([g == t for g, t in pairs]))
    scores = []
    for tag in MOVIE_TAGS:
        hits = sum(g == t == tag for g, t in pairs)
        scores.append(2 * hits / max(golds.count(tag) + texts.count(tag), 1))
    assert made["f1"] == pytest.approx(np.mean(scores))


@given(st.lists(st.tuples(st.integers(1, 5), st.floats(-3, 9)), min_size=1))
def test_mae_and_rmse_are_those_of_the_differences(pairs: list[tuple[int, float]]) -> None:
    made = lamp(3, [str(g) for g, _ in pairs], [repr(t) for _, t in pairs])
    off = np.array([g - t for g, t in pairs])
    assert made["MAE"] == pytest.approx(np.abs(off).mean())
    assert made["RMSE"] == pytest.approx(np.sqrt((off**2).mean()))
    assert made["RMSE"] >= made["MAE"] - 1e-9


def test_our_own_tasks_are_measured_alike() -> None:
    assert measure("ratings", [" 4", "5"], [" 4", " 4"], answers=("1", "2")) == {"MAE": 0.5, "RMSE": math.sqrt(0.5)}
    assert measure("accuracy", ["a"], ["a"], answers=("a", "b")) == {"accuracy": 1.0, "f1": 0.5}
    assert measure("rouge", ["a b"], ["a b"])["rouge-L"] == 1
    with pytest.raises(UserError, match="one for each"):
        measure("rouge", [], [])


def test_ids_and_tasks_must_match() -> None:
    golds = Outputs("LaMP_5", {"1": "a", "2": "b"})
    with pytest.raises(UserError, match="'2', which the predictions lack"):
        score_outputs(golds, Outputs("LaMP_5", {"1": "a"}))
    with pytest.raises(UserError, match="'3', which the golds lack"):
        score_outputs(golds, Outputs("LaMP_5", {"1": "a", "2": "b", "3": "c"}))
    with pytest.raises(UserError, match="one task's"):
        score_outputs(golds, Outputs("LaMP_4", {"1": "a", "2": "b"}))
    with pytest.raises(UserError, match="LaMP's tasks"):
        score_outputs(Outputs("other", {}), Outputs("other", {}))
