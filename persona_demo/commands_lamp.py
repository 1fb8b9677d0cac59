"""``lamp convert``, ``lamp predict`` and ``lamp score``: to LaMP's files, answers to them, and LaMP's figures."""

from __future__ import annotations

import argparse

from persona_demo import commands
from persona_demo.errors import UserError
from persona_demo.terminal import ProgressLine, document, say


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


def predict(arguments: argparse.Namespace) -> None:
    """``lamp predict``: answers to the questions of a split, with or without outputs."""
    from persona_demo.corpora.convert import write_predictions
    from persona_demo.corpora.lamp import lamp_splits, read_questions_of
    from persona_demo.corpus import read_corpus, split_named
    from persona_demo.evaluation.run import answer, check_people
    from persona_demo.tasks import LampTask, task_named

    task, split = task_named(arguments.task), split_named(arguments.split)
    if not isinstance(task, LampTask):
        raise UserError(f"{task.name} is no task of LaMP's: choose one that begins with 'lamp-'.")
    arms = [name.strip() for name in arguments.arms.split(",")]
    report = ProgressLine()
    plug = commands.plug_folder_of(arguments, report)
    people = read_questions_of(arguments.data, split, task, answered=False)
    # Questions are compared with their answers, where these are known, and by name where they are not.
    known = read_corpus(arguments.data, split, task) if split in lamp_splits(arguments.data, task) else people
    check_people(arguments.data, split, known, task, plug=plug, report=report)
    runtime = commands.runtime_of(arguments, report, plug=plug)
    answers = answer(
        runtime,
        runtime.task(task.name),
        people,
        arms,
        strength=arguments.strength,
        seed=arguments.seed,
        report=report,
    )
    write_predictions(arguments.out, task, answers)
    report.close()
    if arguments.json:
        say(document({"task": task.name, "split": split, "questions": len(people), "arms": list(answers)}))
    else:
        say(f"Answers of {', '.join(answers)} to {len(people):,} questions are in {arguments.out}.")


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
