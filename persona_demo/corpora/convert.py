"""From the project's corpora to LaMP's files: questions with profiles, and outputs.

A drawn target becomes a question, its history the profile, so that what leaks nothing here leaks
nothing there. A task without a twin in LaMP takes the shape that is nearest to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from persona_demo.corpora.lamp import Outputs, Question, write_outputs, write_questions
from persona_demo.corpora.people import Person, Split, lines_file, reading, records
from persona_demo.corpora.reading import splits_in
from persona_demo.corpora.shapes import shape_of
from persona_demo.corpus import Target, draw_targets, read_corpus
from persona_demo.errors import UserError
from persona_demo.tasks import TASKS, LampTask, Task, TaskName
from persona_demo.tasks.lamp import SHAPES, LampNumber, LampShape

LAMP_SHAPE: Mapping[TaskName, LampNumber] = {
    "blog-post": 7,
    "film-review": 4,
    "film-rating": 3,
    "paper-title": 5,
    "headline": 4,
    "commit-subject": 6,
    "movie-stars": 3,
}
_QUESTION: Mapping[TaskName, str] = {
    "blog-post": "Go on with this post, with nothing before or after it: ",
    "film-review": "Write a critic's line on the film of this article: ",
    "film-rating": "Say in one digit from 1 to 5 how many stars go with this review: ",
    "paper-title": "Write a title for this abstract of a paper: ",
    "headline": "Write a headline for this article: ",
    "commit-subject": "Write a subject line for this message: ",
    "movie-stars": "Say in one digit from 1 to 5 how many stars this film gets, without a review: ",
}


@dataclass(frozen=True)
class Converted:
    """One split that was written.

    Attributes:
        split: Which.
        folder: Where.
        questions: How many.
    """

    split: Split
    folder: Path
    questions: int


def convert(task: Task, data: Path, out: Path, *, per_person: int, seed: int) -> list[Converted]:
    """Write all splits of a corpus as LaMP's files, in LaMP's folders.

    Args:
        task: One of the project's tasks; or one of LaMP's, and the corpus says which of ours that is.
        data: Corpus folder.
        out: Where ``LaMP_N/{split}/{split}_questions.json`` and ``_outputs.json`` go.
        per_person: Questions a person, at most.
        seed: Of the draw of targets.

    Returns:
        What was written, in the order of the splits.

    Raises:
        UserError: If the corpus cannot be read, does not serve the task, or gives no question.
    """
    task = _own_task(task, data)
    shape = SHAPES[LAMP_SHAPE[task.name]]
    made = []
    for split in splits_in(data, task):
        people = read_corpus(data, split, task)
        rng = np.random.default_rng(seed)
        targets = draw_targets(people, task, per_person=per_person, rng=rng, last_third=split != "train")
        if targets:
            made.append(_write(task, shape, people, targets, split, out / shape.name / split))
    if not made:
        raise UserError(f"Nobody in {data} has enough items for a question: choose another folder.")
    return made


def write_predictions(folder: Path, task: Task, answers: Mapping[str, Mapping[str, str]]) -> None:
    """Write what arms answer, a LaMP outputs file each; a placebo's colon becomes a hyphen in the file's name.

    Args:
        folder: Where to; made when missing.
        task: The task.
        answers: Answers by question, by arm.

    Raises:
        UserError: If a file cannot be written.
    """
    shape = task.shape if isinstance(task, LampTask) else SHAPES[LAMP_SHAPE[task.name]]
    for arm, texts in answers.items():
        write_outputs(folder / f"{arm.replace(':', '-')}.json", Outputs(task=shape.name, texts=texts))


def _write(
    task: Task, shape: LampShape, people: list[Person], targets: list[Target], split: Split, folder: Path
) -> Converted:
    questions, golds = [], {}
    for place, target in enumerate(targets):
        person, name = people[target.person], f"{split}-{place}"
        questions.append(
            Question(
                id=name,
                input=_QUESTION[task.name] + target.pair.input,
                profile=tuple(person.items[i] for i in target.history),
                user=person.id,
            )
        )
        golds[name] = target.pair.answer
    write_questions(folder / f"{split}_questions.json", questions, shape)
    write_outputs(folder / f"{split}_outputs.json", Outputs(task=shape.name, texts=golds))
    return Converted(split=split, folder=folder, questions=len(questions))


def _own_task(task: Task, data: Path) -> Task:
    """The project's task that the corpus serves and that has the shape of a task of LaMP's."""
    if not isinstance(task, LampTask):
        return task
    path = lines_file(data, "users")
    if path is None:
        raise UserError(f"{data} holds no users.jsonl.gz: name a corpus folder with --data.")
    with reading(path):
        shape = next((found for record in records(path) if (found := shape_of(record))), None)
    for name, number in LAMP_SHAPE.items():
        if shape is not None and number == task.shape.number and name in shape.tasks:
            return TASKS[name]
    raise UserError(f"{data} holds nothing that has the shape of {task.shape.name}: choose another folder or task.")
