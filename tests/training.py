"""Small corpora, models and trainers on them, for tests of training."""

from __future__ import annotations

import json
from pathlib import Path

from persona_demo.lm.torch_engine import TorchLM
from persona_demo.tasks import task_named
from persona_demo.training.material import Material, Source, read_material
from persona_demo.training.models import Models
from persona_demo.training.options import TrainOptions
from persona_demo.training.run import trainer_of
from persona_demo.training.trainer import Trainer
from tests import tiny

BLOG = task_named("blog-post")


def write_corpus(folder: Path, *, people: int = 12) -> Path:
    """A corpus of people who each say the same few things in their own way."""
    folder.mkdir()
    ways = (str.lower, str.upper, lambda s: s.replace(" ", "  "), lambda s: s.replace(",", "..."))
    lines = []
    for person in range(people):
        way = ways[person % len(ways)]
        items = [
            {
                "id": f"i{i}",
                "date": f"2004-01-{i + 1:02d}",
                "text": way(f"Entry {person} {i}: {tiny.SENTENCES[(i + person) % 6]} and {tiny.SENTENCES[i % 6]}"),
            }
            for i in range(12)
        ]
        split = "train" if person < people - 4 else "tune" if person < people - 2 else "dev"
        lines.append(json.dumps({"user": f"u{person}", "split": split, "items": items}))
    (folder / "users.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def make_models(folder: Path, lm: TorchLM, **changes: object) -> Models:
    """Tiny models and the form of a plug for them."""
    encoder = tiny.item_encoder(folder / "encoder", lm)
    return Models(lm=lm, encoder=encoder, config=tiny.plug_config(lm, encoder.width, **changes))


def silent(message: str, share: float | None) -> None:
    """Say nothing."""


def setting(
    folder: Path, *, options: TrainOptions, lm: TorchLM | None = None, **form: object
) -> tuple[Trainer, Material, Models]:
    """A trainer on a tiny corpus, with what it was made of."""
    source = Source(BLOG, write_corpus(folder / "corpus"))
    models = make_models(folder, lm or tiny.causal_lm(), **form)
    material = read_material([source], models.encoder, models.config, options, keep=folder / "kept", report=silent)
    plug = models.new_plug(seed=options.seed)
    material.fit(plug)
    return trainer_of([source], material, plug, models, options=options, folder=folder / "run"), material, models
