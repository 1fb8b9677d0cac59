"""A whole evaluation: people read and checked, arms scored, texts attributed.

Knows the order of things and what needs which people; how a figure is made, its own module knows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from persona_demo.arms import arms_named
from persona_demo.corpora.reading import splits_in, twins_in
from persona_demo.corpus import Person, Split, read_corpus
from persona_demo.errors import UserError
from persona_demo.evaluation.attribution import Attribution, attribute, enough
from persona_demo.evaluation.figures import OWN_WORDS, AttributionSetting, Evaluation
from persona_demo.evaluation.predictions import closed
from persona_demo.evaluation.protocol import DEFAULT_ARMS, Protocol
from persona_demo.leakage import FINGERPRINT, Fingerprint, check_folder
from persona_demo.runtime import Runtime
from persona_demo.tasks import Task

Report = Callable[[str, float | None], None]
Compared = Literal["folder", "folder+plug"]

POOLED: tuple[Split, ...] = ("tune", "dev")
"""Splits whose people are told apart together where one alone has too few."""


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions:
    """What is to be measured.

    Attributes:
        arms: Names of arms.
        users: People, at most.
        targets_per_user: Texts of each, at most.
        seed: Of everything drawn.
        strength: Of arms that have a person.
        metrics: Also the task's own metric.
        attribution: Also attribution@10.
        cold_start: Also the persona on histories of growing length.
        reference: Also what items in the prompt give the untuned model.
    """

    arms: tuple[str, ...] = DEFAULT_ARMS
    users: int = 100
    targets_per_user: int = 4
    seed: int = 0
    strength: float = 1.0
    metrics: bool = False
    attribution: bool = False
    cold_start: bool = False
    reference: bool = False

    def __post_init__(self) -> None:
        """Check names and numbers.

        Raises:
            UserError: If an arm is unknown or a number out of range.
        """
        arms_named(self.arms)
        for name in ("users", "targets_per_user"):
            if getattr(self, name) < 1:
                raise UserError(f"--{name.replace('_', '-')} is {getattr(self, name)}: use 1 or more.")
        if self.seed < 0:
            raise UserError(f"The seed is {self.seed}: choose 0 or more.")
        if not -4 <= self.strength <= 6:
            raise UserError(f"The strength is {self.strength}: choose from -4 to 6.")


@dataclass(frozen=True)
class Subjects:
    """People an evaluation is about, who leak into no other split.

    Attributes:
        people: Everybody of the split.
        pool: Whom texts are attributed to: the split's people, or more where these are too few.
        pooled: The splits of the pool.
        compared: What they were compared with: the folder's other splits, or whom the plug was trained on too.
        twins: Questions of the folder that were left out because a later split asks them too (LaMP).
    """

    people: tuple[Person, ...]
    pool: tuple[Person, ...]
    pooled: tuple[Split, ...]
    compared: Compared = "folder"
    twins: int = 0


def read_subjects(data: Path, split: Split, task: Task, *, plug: Path, report: Report) -> Subjects:
    """Read the people of a split and make sure that nothing of them leaks.

    Args:
        data: Corpus folder; it may hold the asked split alone.
        split: Whom.
        task: What for.
        plug: The plug that is evaluated; where it carries a fingerprint of its training people, these
            are checked too.
        report: Told what is done.

    Raises:
        UserError: If the split is the one trained on, the folder cannot be read, a person or text is in two
            splits, or people of ``test`` can be compared with nobody who was trained on.
    """
    if split == "train":
        raise UserError("People of the split 'train' were trained on: choose tune, dev or test.")
    people = read_corpus(data, split, task)
    known = check_people(data, split, people, task, plug=plug, report=report)
    if known is not None:
        people = known.without_chance(people, split, task)
    elif split == "test" and not {"train", "tune"} <= set(splits_in(data, task)):
        raise UserError(
            f"{plug.name} does not say whom it was trained on, nor are these people in {data}: restore {FINGERPRINT}, "
            "or name a folder with all splits."
        )
    pool = list(people)
    pooled: tuple[Split, ...] = (split,)
    if not closed(task) and not enough(people):
        more = tuple(s for s in splits_in(data, task) if s in POOLED and s != split)
        pool += [person for other in more for person in read_corpus(data, other, task)]
        pooled = (split, *more)
    compared: Compared = "folder" if known is None else "folder+plug"
    return Subjects(tuple(people), tuple(pool), pooled, compared, twins_in(data, task))


def check_people(
    data: Path, split: Split, people: Sequence[Person], task: Task, *, plug: Path, report: Report
) -> Fingerprint | None:
    """Make sure that nothing of people is in another split of their folder, nor was trained or tuned on.

    Args:
        data: Their folder.
        split: Their split.
        people: The people.
        task: What for.
        plug: The plug that is asked.
        report: Told what is done.

    Returns:
        The fingerprint they were compared with; None where the plug carries none.

    Raises:
        UserError: If something is, or the folder or the fingerprint cannot be read.
    """
    report("checking for leaks between splits", None)
    check_folder(data, split, people, task)
    known = Fingerprint.load(plug)
    if known is None:
        report("the plug does not say whom it was trained on, so only the folder's own splits were compared", None)
    else:
        known.check(people, split, task)
    return known


def answer(
    runtime: Runtime,
    task: Task,
    people: Sequence[Person],
    arms: Sequence[str],
    *,
    strength: float,
    seed: int,
    report: Report,
) -> dict[str, dict[str, str]]:
    """What arms answer to all questions people came with, whose right answers need not be known.

    Args:
        runtime: Models and plug.
        task: The task.
        people: The questions.
        arms: Names of arms.
        strength: Of arms that have a base.
        seed: Of everything drawn.
        report: Told how far it is.

    Returns:
        Answers by question, by arm.

    Raises:
        UserError: If an arm is unknown.
    """
    everything = len(people)
    protocol = Protocol(
        runtime,
        task,
        people,
        users=everything,
        targets_per_user=everything,
        seed=seed,
        strength=strength,
        report=report,
    )
    return protocol.answer(arms)


def evaluate(
    runtime: Runtime, task: Task, subjects: Subjects, options: EvaluateOptions, *, report: Report
) -> Evaluation:
    """Measure arms on people.

    Args:
        runtime: Models and plug.
        task: The task.
        subjects: The people.
        options: What to measure.
        report: Told how far it is.

    Raises:
        UserError: If there are too few people for what was asked.
    """
    protocol = Protocol(
        runtime,
        task,
        subjects.people,
        users=options.users,
        targets_per_user=options.targets_per_user,
        seed=options.seed,
        strength=options.strength,
        report=report,
    )
    made = protocol.run(
        options.arms, cold_start=options.cold_start, metrics=options.metrics, reference=options.reference
    )
    if not options.attribution:
        return made
    if closed(task):
        report(f"{task.name} has no texts of its own to attribute", None)
        return made
    if not enough(subjects.pool):
        report("there are too few people to attribute texts to", None)
        return made
    found = attribute(
        runtime,
        task,
        subjects.pool,
        options.arms,
        strength=options.strength,
        seed=options.seed,
        report=report,
    )
    return _with_attribution(made, found, subjects.pooled)


def _with_attribution(made: Evaluation, found: Attribution, pooled: Sequence[Split]) -> Evaluation:
    people: str = pooled[0]
    if len(pooled) > 1:
        people = f"{' and '.join(pooled)}, pooled; choices were made on those of tune"
    return replace(
        made,
        arms=tuple(replace(arm, attribution=found.arms[arm.arm]) for arm in made.arms),
        attribution=AttributionSetting(
            people=people, groups=len(found.shares[OWN_WORDS]), own_words=found.own_words, shares=found.shares
        ),
    )
