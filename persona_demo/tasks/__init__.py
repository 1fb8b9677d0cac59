"""The tasks, by name."""

from __future__ import annotations

from persona_demo.errors import UserError
from persona_demo.tasks.base import Metric, Prompt, Task, TaskName, WritingPair
from persona_demo.tasks.lamp import LAMP, LampTask
from persona_demo.tasks.own import BLOG_POST, OWN
from persona_demo.tasks.wording import Wording

__all__ = [
    "BLOG_POST",
    "TASKS",
    "LampTask",
    "Metric",
    "Prompt",
    "Task",
    "TaskName",
    "Wording",
    "WritingPair",
    "task_named",
]

TASKS: dict[TaskName, Task] = {task.name: task for task in (*OWN, *LAMP)}


def task_named(name: str) -> Task:
    """Find a task by its name.

    Raises:
        UserError: If there is none of that name.
    """
    for task in TASKS.values():
        if task.name == name:
            return task
    raise UserError(f"There is no task {name!r}: choose one of {', '.join(TASKS)}.")
