"""Scores are read from the start of a text alone, and are directions of their own in user vectors."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from persona_demo.history import HistoryItem
from persona_demo.plug.discriminants import discriminants
from persona_demo.plug.model import PersonaPlug
from persona_demo.runtime import Runtime
from persona_demo.scores import SCORES, score_figures
from persona_demo.tasks import TASKS
from tests import tiny


@pytest.mark.parametrize("name", ["film-rating", "film-review", "movie-stars", "lamp-3"])
@pytest.mark.parametrize("score", SCORES)
def test_the_score_of_an_item_is_found_in_its_text(name: str, score: str) -> None:
    item = HistoryItem(id="a", text="9 of 10: a quiet film", label=score)
    texts = [TASKS[name].item_text(item, labels=labels) for labels in (True, False)]  # type: ignore[index]
    with_label, without = score_figures(texts)
    assert SCORES[int(with_label.argmax())] == score
    assert with_label.sum() == 1
    assert not without.any()


def test_texts_without_a_score_have_none() -> None:
    assert score_figures([]).shape == (0, len(SCORES))
    assert not score_figures(["", "we rated 4 of 5: fine", "6: six", "10: ten", "comedy: 3: x", "3:x"]).any()


def test_the_mean_over_items_is_the_share_of_each_score() -> None:
    figures = score_figures([f"Rated {score} of 5: a film" for score in "55441"])
    np.testing.assert_allclose(figures.mean(axis=0), [0.2, 0, 0, 0.4, 0.4])


def people_with_scores(scores: str) -> list[list[str]]:
    """People who write alike and score each in their own way."""
    return [
        [f"Rated {scores[n % len(scores)]} of 5: {text}" for text in texts]
        for n, texts in enumerate(tiny.people_texts())
    ]


def test_scores_are_the_first_figures_of_a_user_vector(runtime: Runtime) -> None:
    encoder = runtime.encoder.with_blocks(("surface", "score"))
    texts = people_with_scores("15243")
    config = tiny.plug_config(runtime.lm, encoder.width, blocks=("surface", "score"), components=8, shrink=False)
    plug = PersonaPlug(config)
    plug.fit_population([torch.from_numpy(encoder.encode(t)) for t in texts], texts)
    basis = plug.basis[-len(SCORES) :]
    assert torch.equal(basis[:, :5].count_nonzero(dim=1), torch.ones(5, dtype=torch.long))
    assert not basis[:, 5:].any() and not plug.basis[: -len(SCORES), :5].any()
    assert plug.basis[:, 5:].any(dim=0).all()


def test_scores_nobody_gives_take_no_room(runtime: Runtime) -> None:
    encoder = runtime.encoder.with_blocks(("surface", "score"))
    texts = tiny.people_texts()
    plug = PersonaPlug(tiny.plug_config(runtime.lm, encoder.width, blocks=("surface", "score"), components=8))
    plug.fit_population([torch.from_numpy(encoder.encode(t)) for t in texts], texts)
    assert plug.basis[: -len(SCORES)].any(dim=0).all()


def test_more_figures_of_their_own_than_directions_are_cut() -> None:
    people = [torch.randn(6, 7, generator=torch.Generator().manual_seed(seed)) for seed in range(9)]
    basis = discriminants(people, 2, ridge=0.05, own=(1, 4, 6))
    assert [row.nonzero().flatten().tolist() for row in basis.T] == [[1], [4]]
