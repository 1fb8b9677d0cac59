"""LaMP's files: questions with profiles, outputs, and predictions, read and written as the benchmark has them.

A question is a person here: the profile is the history, the input is what they are asked, and the
output the answer. In the user split every person has one question; in the time split questions carry
a ``user_id`` and profile items a ``date``, and one user may be asked several times and in several
splits, so a user's questions are one group. Profiles of the time split are put in order of date.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from persona_demo.corpora.people import Person, Split
from persona_demo.errors import UserError
from persona_demo.files import whole
from persona_demo.history import MAX_ITEM_CHARACTERS, HistoryItem
from persona_demo.tasks import LampTask, WritingPair
from persona_demo.tasks.lamp import LampShape

TUNE_SHARE = 10
"""LaMP has no split for choices: every tenth user of ``train``, by a hash of the id, is kept for ``tune``."""


@dataclass(frozen=True)
class Question:
    """One question of LaMP.

    Attributes:
        id: Its id.
        input: What is asked.
        profile: The asker's items, in file order, or by date where all have one.
        user: Who asks, in the time split; empty in the user split.
    """

    id: str
    input: str
    profile: tuple[HistoryItem, ...]
    user: str = ""


@dataclass(frozen=True)
class Outputs:
    """Answers to questions: golds or predictions.

    Attributes:
        task: LaMP's name of the task, as ``LaMP_5``.
        texts: Answer by question id.
    """

    task: str
    texts: Mapping[str, str]


def read_json(path: Path) -> Any:
    """The JSON of one of LaMP's files.

    Raises:
        UserError: If it cannot be read, or is a web page in place of data.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read ({type(error).__name__}): check the file.") from error
    if text.lstrip().startswith("<"):
        raise UserError(f"{path} is a web page and not data, as a wrong address gives it: download the file again.")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is no JSON: download the file again.") from error


def questions_file(folder: Path, shape: LampShape, split: Split) -> Path | None:
    """The questions of a split, wherever in the benchmark's layouts the folder stands.

    Folders named after the task are looked into, and in them the folder ``new`` before the plain
    one, which holds an older task in LaMP-2. For the time split, name the folder ``time``.
    """
    name = f"{split}_questions.json"
    tasks = [f"LaMP_{shape.number}", f"LaMP-{shape.number}"]
    roots = [folder, *(folder / task for task in tasks), *(folder / "time" / task for task in tasks)]
    places = [root / inner for root in roots for inner in ("new", ".")]
    return next((f for p in places for f in (p / split / name, p / name) if f.is_file()), None)


def outputs_file(questions: Path) -> Path:
    """Where the outputs of a file of questions are."""
    return questions.with_name(questions.name.replace("questions", "outputs"))


def read_questions(path: Path, shape: LampShape) -> list[Question]:
    """Read a questions file.

    Args:
        path: The file.
        shape: What its profiles hold.

    Raises:
        UserError: If it holds no such questions.
    """
    values = read_json(path)
    if not isinstance(values, list):
        raise UserError(f"{path} holds no list of questions: check that it is a questions file.")
    return [_question(value, path, shape) for value in values]


def read_outputs(path: Path) -> Outputs:
    """Read golds or predictions.

    Raises:
        UserError: If the file holds none.
    """
    value = read_json(path)
    try:
        texts = {str(one["id"]): _plain(one["output"]) for one in value["golds"]}
        return Outputs(task=str(value["task"]).replace("-", "_"), texts=texts)
    except (KeyError, TypeError) as error:
        raise UserError(
            f'{path} holds no outputs: write {{"task": "LaMP_5", "golds": [{{"id": ..., "output": ...}}]}}.'
        ) from error


def write_outputs(path: Path, outputs: Outputs) -> None:
    """Write golds, or predictions, which LaMP also keeps under the key ``golds``.

    Raises:
        UserError: If the file cannot be written.
    """
    golds = [{"id": name, "output": text} for name, text in outputs.texts.items()]
    _write(path, {"task": outputs.task, "golds": golds})


def write_questions(path: Path, questions: Sequence[Question], shape: LampShape) -> None:
    """Write a questions file.

    Raises:
        UserError: If the file cannot be written.
    """
    values = []
    for question in questions:
        value: dict[str, object] = {"id": question.id, "input": question.input}
        value["profile"] = [profile_record(item, shape) for item in question.profile]
        values.append(value | ({"user_id": question.user} if question.user else {}))
    _write(path, values)


def profile_record(item: HistoryItem, shape: LampShape) -> dict[str, object]:
    """A history item as a profile item of a task."""
    record: dict[str, object] = {"id": item.id, shape.text: item.text}
    if shape.input is not None:
        record[shape.input] = item.input or ""
    if shape.label is not None:
        record[shape.label] = item.label or ""
    return record if item.date is None else record | {"date": item.date}


def lamp_splits(folder: Path, task: LampTask) -> tuple[Split, ...]:
    """The splits of which a folder has questions and outputs; with ``train`` there is always a ``tune``."""
    found: list[Split] = []
    for split in get_args(Split):
        path = questions_file(folder, task.shape, split)
        if path is None and split == "tune" and "train" in found:
            path = questions_file(folder, task.shape, "train")
        if path is not None and outputs_file(path).is_file():
            found.append(split)
    return tuple(found)


def read_questions_of(folder: Path, split: Split, task: LampTask, *, answered: bool = True) -> list[Person]:
    """The questions of a split as people, with their outputs.

    Where the benchmark has no split ``tune`` of its own, users of ``train`` are divided by a hash:
    one in :data:`TUNE_SHARE` goes to ``tune`` and out of ``train``.

    Args:
        folder: A folder of LaMP's files.
        split: Which split.
        task: Which task.
        answered: Read outputs too; without them (LaMP keeps those of its test questions to itself) the
            targets are empty.

    Raises:
        UserError: If questions, or outputs that are asked for, are missing or cannot be read.
    """
    path = questions_file(folder, task.shape, split)
    divided = split in ("train", "tune") and questions_file(folder, task.shape, "tune") is None
    if path is None and divided:
        path = questions_file(folder, task.shape, "train")
    if path is None:
        raise UserError(
            f"{folder} holds no {split}_questions.json of {task.shape.name}: name a folder of LaMP's files with "
            "--data, or make one with 'lamp convert'."
        )
    golds = _golds(path, task.shape) if answered else None
    people = []
    for question in read_questions(path, task.shape):
        group = question.user or question.id
        if divided and _for_tuning(group) != (split == "tune"):
            continue
        if golds is not None and question.id not in golds.texts:
            raise UserError(
                f"{outputs_file(path)} has no output for question {question.id!r}: download both files again."
            )
        target = "" if golds is None else " ".join(golds.texts[question.id].split())
        dated = bool(question.profile) and all(item.date is not None for item in question.profile)
        pair = WritingPair(input=question.input, target=target)
        people.append(Person(id=question.id, split=split, items=question.profile, dated=dated, group=group, given=pair))
    if not people:
        raise UserError(f"{path} holds nobody in the split {split!r}: choose another split.")
    return people


def _golds(questions: Path, shape: LampShape) -> Outputs:
    """The outputs to a file of questions."""
    path = outputs_file(questions)
    if not path.is_file():
        raise UserError(
            f"{path.parent} holds no {path.name}, so nothing can be compared: use another split, or 'lamp predict'."
        )
    golds = read_outputs(path)
    if golds.task != shape.name:
        raise UserError(f"{path} is for {golds.task} and not {shape.name}: choose another folder or task.")
    return golds


def _for_tuning(group: str) -> bool:
    return int.from_bytes(hashlib.sha256(group.encode("utf-8")).digest()[:4], "big") % TUNE_SHARE == 0


def _question(value: Any, path: Path, shape: LampShape) -> Question:
    try:
        name, asked, profile = str(value["id"]), value["input"], list(value["profile"])
        if not isinstance(asked, str):
            raise TypeError(asked)
        items = tuple(made for item in profile if (made := _item(item, path, shape)) is not None)
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{path} is no questions file of {shape.name}: each question has id, input and a profile whose items "
            f"have {' and '.join(_fields(shape))}."
        ) from error
    if items and all(item.date is not None for item in items):
        items = tuple(sorted(items, key=lambda item: item.date or ""))
    return Question(id=name, input=asked, profile=items, user=str(value.get("user_id") or ""))


def _fields(shape: LampShape) -> list[str]:
    return [name for name in (shape.text, shape.input, shape.label) if name is not None]


def _item(value: Any, path: Path, shape: LampShape) -> HistoryItem | None:
    """A profile item, or None where it has no text; overlong fields are cut to what a history takes."""
    if shape.number == 2 and "category" in value:
        raise UserError(f"{path} is LaMP-2 as it once was, categories of news: take the files of its folder 'new'.")
    texts = {name: _plain(value[name])[:MAX_ITEM_CHARACTERS] for name in (shape.text,)}
    texts |= {name: _plain(value.get(name) or "")[:MAX_ITEM_CHARACTERS] for name in _fields(shape)[1:]}
    # LaMP orders by the numbers of a date, however many there are of year, month and day.
    day = re.fullmatch(r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?", str(value.get("date")))
    if not texts[shape.text].strip():
        return None
    return HistoryItem(
        id=str(value["id"]),
        text=texts[shape.text],
        input=(texts[shape.input] or None) if shape.input else None,
        label=(texts[shape.label] or None) if shape.label else None,
        date="{}-{:0>2}-{:0>2}".format(*day.groups("1")) if day else None,
    )


def _plain(value: object) -> str:
    """A text, or a number in the way LaMP writes it."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TypeError(value)
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _write(path: Path, value: object) -> None:
    with whole(path) as draft:
        draft.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
