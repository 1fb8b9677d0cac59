"""What ships for trying the demo without any text of one's own: invented people and opening words.

Knows where they lie and that they are well formed, and nothing of models or of the app.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from persona_demo.errors import UserError
from persona_demo.history import UserHistory
from persona_demo.history_io import load_history
from persona_demo.tasks import Task, TaskName

_ROOT = Path(__file__).resolve().parent.parent
SAMPLES = _ROOT / "sample_histories"
OPENINGS = _ROOT / "assets" / "examples" / "openings.json"


@dataclass(frozen=True)
class Sample:
    """One invented person.

    Attributes:
        slug: Name of the file, lower case.
        history: What they wrote.
    """

    slug: str
    history: UserHistory


def load_samples(folder: Path = SAMPLES) -> tuple[Sample, ...]:
    """Read the sample people, by slug.

    Raises:
        UserError: If one of the files is damaged.
    """
    return tuple(Sample(path.stem, load_history(path)) for path in sorted(folder.glob("*.json")))


def strangers(task: Task) -> tuple[UserHistory, ...]:
    """Sample people who write what a task is about, one of whom may stand in somebody's place.

    Raises:
        UserError: If one of the files is damaged.
    """
    people = (sample.history for sample in load_samples())
    return tuple(person for person in people if all(task.serves(item) for item in person.active))


def load_openings(task: TaskName, path: Path = OPENINGS) -> tuple[str, ...]:
    """Read the opening words that ship for a task; none where the file is for another.

    Raises:
        UserError: If the file is missing or damaged.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        openings = tuple(str(words) for words in document["openings"])
        return openings if document["task"] == task else ()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path.name} holds no opening words: restore it from the repository.") from error
