"""``lamp convert`` and ``lamp score``: to LaMP's files, and LaMP's figures of them."""

from __future__ import annotations

import argparse

from persona_demo.errors import UserError
from persona_demo.terminal import document, say


def convert(arguments: argparse.Namespace) -> None:
    """``lamp convert``: a corpus as LaMP's files."""
    from persona_demo.corpora.convert import convert as write
    from persona_demo.tasks import task_named

    if arguments.targets_per_user < 1:
        raise UserError(f"--targets-per-user is {arguments.targets_per_user}: use 1 or more.")
    made = write(
        task_named(arguments.task),
        arguments.data,
        arguments.out,
        per_person=arguments.targets_per_user,
        seed=arguments.seed,
    )
    if arguments.json:
        splits = [{"split": m.split, "folder": str(m.folder), "questions": m.questions} for m in made]
        say(document({"task": made[0].folder.parent.name, "splits": splits}))
    else:
        for m in made:
            say(f"{m.questions:,} questions of {m.split} are in {m.folder}.")


def score(arguments: argparse.Namespace) -> None:
    """``lamp score``: LaMP's own figures of a file of predictions."""
    from persona_demo.corpora.lamp import read_outputs
    from persona_demo.evaluation.metrics import score_outputs

    golds = read_outputs(arguments.golds)
    figures = score_outputs(golds, read_outputs(arguments.predictions))
    if arguments.json:
        say(document({"task": golds.task, "examples": len(golds.texts), "metric": figures}))
    else:
        say(f"{golds.task}, {len(golds.texts):,} examples")
        for name, value in figures.items():
            say(f"{name:>10}  {value:.4f}")
