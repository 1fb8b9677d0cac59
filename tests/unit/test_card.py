"""Model cards name data, terms, figures and limits, and hold figures when there are any."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

from persona_demo.cli import main
from persona_demo.errors import UserError
from persona_demo.plug.config import PlugConfig
from persona_demo.plug.storage import plug_fingerprint, save_plug
from persona_demo.runtime import Runtime
from persona_demo.tasks import TaskName
from persona_demo.training.card import NO_FIGURES, CardFacts, model_card, with_figures, write_figures
from persona_demo.training.terms import LIMITS, TERMS
from tests import tiny

FACTS = CardFacts(
    data=("acl_titles", "elsewhere"),
    people=535,
    items=9_000,
    dropped_items=12,
    examples=16_000,
    warm_examples=2_400,
    hours=2.5,
    log=({"step": 100, "placebo_gap": 0.1, "standard_error": 0.01, "lift": 0.05, "nll": 3.25},),
    kept=100,
)
COSTS = {"prompt_tokens": 5.0, "ms": 3.0}
RESULT: dict[str, Any] = {
    "task": "paper-title",
    "split": "dev",
    "users": 76,
    "targets": 300,
    "arms": [
        {"arm": "task", "nll": 3.0, "lift": 0.0, "lift_ci": [0, 0], "share_helped": 0.0, **COSTS},
        {"arm": "persona", "nll": 2.9, "lift": 0.1, "lift_ci": [0.05, 0.15], "share_helped": 0.8, **COSTS},
    ],
    "placebo_gap": 0.12,
    "placebo_gap_ci": [0.08, 0.16],
}


def config(**changes: object) -> PlugConfig:
    """The form of a tiny plug."""
    return tiny.plug_config(tiny.causal_lm(), 40, **changes)


def test_every_task_has_its_limits_and_every_corpus_its_terms() -> None:
    assert set(LIMITS) == set(get_args(TaskName))
    assert set(TERMS) == {
        "blog_authorship",
        "acl_titles",
        "film_critics",
        "git_commit_messages",
        "movie_preferences",
        "news_headlines",
    }


def test_a_card_names_terms_limits_and_what_is_kept_of_people() -> None:
    card = model_card(config(tasks=("paper-title", "headline")), FACTS)
    assert "ACL Anthology" in card and "`elsewhere`: The corpus's own terms hold" in card
    assert LIMITS["paper-title"] in card and LIMITS["headline"] in card and LIMITS["blog-post"] not in card
    assert "paper-title and headline" in card and "one for each task" in card
    flat = " ".join(card.split())
    assert "out of that person's own history" in flat
    assert "nor any word of a person it was trained on" in flat and "hashed buckets" in flat
    assert NO_FIGURES in card
    assert "linear discriminants" in flat
    assert "excerpt" not in flat.lower()
    excerpts = " ".join(model_card(config(keyword_tokens=0, excerpt_items=4, excerpt_tokens=6), FACTS).split())
    assert "4 x 6 excerpt vectors" in excerpts and "first 6 tokens of each of the 4 items" in excerpts
    assert "hashed buckets" not in excerpts and "again and again" not in excerpts
    assert "| 100 | 0.100 ± 0.010 | 0.050 |" in card
    assert "12 more were left out for profane or sexual words" in flat
    unfiltered = model_card(config(), replace(FACTS, dropped_items=None))
    assert "none was left out for its words" in unfiltered and "profane" not in unfiltered


def test_a_card_says_what_its_form_is() -> None:
    paper = config(
        base="own",
        persona_tokens=1,
        keyword_tokens=0,
        components=0,
        aggregator="cosine",
        projects="items",
        shrink=False,
        place="before",
        labels=False,
        scaling="raw",
        blocks=("sentence",),
        query_encoder="trained",
    )
    card = " ".join(model_card(paper, FACTS).split())
    for words in (
        "One instruction vector and 1 persona vector for",
        "plain cosines; each is projected before the sum",
        "stand before the context",
        "without their scores",
        "as their encoders give them",
        "read by a copy of it that was trained",
    ):
        assert words in card
    assert "Keyword vectors" not in card and "hashed" not in card


def test_figures_are_put_in_and_replaced() -> None:
    card = model_card(config(), FACTS)
    once = with_figures(card, [RESULT])
    assert NO_FIGURES not in once
    assert "| `persona` | 2.900 | 0.100 [0.050, 0.150] | 80% | 5 | 3 |" in once
    assert "**Placebo gap: 0.120 [0.080, 0.160].**" in once
    assert with_figures(once, [RESULT]) == once == model_card(config(), FACTS, results=[RESULT])
    assert with_figures(once, []) == card
    with pytest.raises(UserError, match="no place for figures"):
        with_figures("# A card\n", [RESULT])
    with pytest.raises(UserError, match="evaluate"):
        with_figures(card, [{"task": "x"}])


def test_the_card_command_writes_figures(runtime: Runtime, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_plug(runtime.plug, tmp_path / "plug", card=model_card(runtime.plug.config, FACTS))
    (tmp_path / "dev.json").write_text(json.dumps(RESULT), encoding="utf-8")
    assert main(["plug", "card", str(tmp_path / "plug"), str(tmp_path / "dev.json"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["results"] == 1
    assert "**Placebo gap: 0.120" in (tmp_path / "plug" / "README.md").read_text(encoding="utf-8")
    assert main(["plug", "card", str(tmp_path / "plug"), str(tmp_path / "no.json")]) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_figures_of_other_weights_stay_out_of_a_card(
    runtime: Runtime, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plug = tmp_path / "plug"
    save_plug(runtime.plug, plug, card=model_card(runtime.plug.config, FACTS))

    def file(name: str, digest: str, **changes: Any) -> Path:
        made = {"command": "evaluate", "commit": "c", "models": {"plug": {"sha256": digest}}}
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps({**RESULT, "engine": "torch", "made": made, **changes}), encoding="utf-8")
        return path

    own, other = file("own", plug_fingerprint(plug)), file("other", "0" * 64, users=9)
    folds = file("folds", "1" * 64, users=7, folds=3)
    assert write_figures(plug, [folds, own, other])
    card = (plug / "README.md").read_text(encoding="utf-8")
    assert "76 people" in card and "9 people" not in card and "7 people" not in card
    assert not write_figures(plug, [own], check=True)
    assert main(["plug", "card", str(plug), str(own), str(other), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["results"] == 1
    assert main(["plug", "card", str(plug), str(folds)]) == 2
    assert "No file is about the weights" in capsys.readouterr().err
