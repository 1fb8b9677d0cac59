"""What ships for trying the demo without any text of one's own: invented people, and inputs to start from.

Knows where they lie and that they are well formed, and nothing of models or of the app.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from persona_demo.errors import UserError
from persona_demo.history import UserHistory
from persona_demo.history_io import load_history
from persona_demo.tasks import Task, TaskName

_ROOT = Path(__file__).resolve().parent.parent
SAMPLES = _ROOT / "sample_histories"
INPUTS = _ROOT / "assets" / "examples" / "inputs.json"

_FOLDERS: Mapping[TaskName, str] = {"blog-post": ".", "film-rating": "film-review"}
"""Where the people of a task lie, where not in a folder of its name; critics give stars with their reviews."""


@dataclass(frozen=True)
class Sample:
    """One invented person.

    Attributes:
        slug: Name of the file, lower case.
        history: What they wrote.
    """

    slug: str
    history: UserHistory


def load_samples(task: TaskName = "blog-post", folder: Path = SAMPLES) -> tuple[Sample, ...]:
    """Read the sample people of a task, by slug; a task may have none.

    Args:
        task: What they write.
        folder: Where bloggers lie, and in folders of their own all others.

    Raises:
        UserError: If one of the files is damaged.
    """
    own = folder / _FOLDERS.get(task, task)
    return tuple(Sample(path.stem, load_history(path)) for path in sorted(own.glob("*.json")))


def strangers(task: Task) -> tuple[UserHistory, ...]:
    """Sample people who write what a task is about, one of whom may stand in somebody's place.

    Raises:
        UserError: If one of the files is damaged.
    """
    people = (sample.history for sample in load_samples(task.name))
    return tuple(person for person in people if all(task.serves(item) for item in person.active))


def load_openings(task: TaskName, path: Path = INPUTS) -> tuple[str, ...]:
    """Read the inputs that ship for a task, opening words for blog posts; a task may have none.

    Raises:
        UserError: If the file is missing or damaged.
    """
    try:
        inputs = json.loads(path.read_text(encoding="utf-8"))["inputs"]
        return tuple(str(text) for text in inputs.get(task, ()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path.name} holds no opening words or other inputs: restore it.") from error
