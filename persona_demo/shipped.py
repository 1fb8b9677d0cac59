"""What ships with the project: plugs by task, and the maps of each task."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import get_args

from persona_demo.errors import UserError
from persona_demo.tasks import TaskName

ASSETS = Path(__file__).resolve().parent.parent / "assets"
PLUGS = ASSETS / "plugs"
DEFAULT_PLUG = PLUGS / "blog-post"
ATLASES = ASSETS / "atlas"
DEFAULT_ATLAS = ATLASES / "blog-post"


def plug_for(task: TaskName, *, plugs: Path = PLUGS) -> Path:
    """Folder of the shipped plug that serves a task.

    Args:
        task: The task.
        plugs: Where plugs lie, a folder each.

    Raises:
        UserError: If none does, or the one that would is damaged.
    """
    from persona_demo.plug.storage import read_config

    shipped = shipped_plugs(plugs)
    if task not in shipped:
        for plug in _folders(plugs):
            # One of those that cannot be read may be it: say what is wrong with it.
            read_config(plug)
        raise UserError(f"No plug for {task} ships with the project: train one, and name its folder with --plug.")
    read_config(shipped[task])
    return shipped[task]


def shipped_plugs(plugs: Path = PLUGS) -> Mapping[TaskName, Path]:
    """Folders of the shipped plugs by the tasks they serve, in the order of the tasks.

    Where several serve a task, it is the one whose folder is named after it, else the first. A plug whose form
    cannot be read counts as that of the tasks its folder is named after. A folder is named after several tasks by
    pluses: ``headline+commit-subject``.

    Args:
        plugs: Where plugs lie, a folder each.
    """
    from persona_demo.plug.storage import read_config

    found: dict[str, Path] = {}
    damaged: dict[str, Path] = {}
    for plug in _folders(plugs):
        try:
            tasks = read_config(plug).tasks
        except UserError:
            damaged |= dict.fromkeys(plug.name.split("+"), plug)
            continue
        found = dict.fromkeys(tasks, plug) | found | {task: plug for task in plug.name.split("+") if task in tasks}
    served = damaged | found
    return {task: served[task] for task in get_args(TaskName) if task in served}


def _folders(plugs: Path) -> list[Path]:
    from persona_demo.plug.storage import CONFIG, WEIGHTS

    return sorted({path.parent for name in (CONFIG, WEIGHTS) for path in plugs.glob(f"*/{name}")})


def atlas_of(plug: Path, task: TaskName) -> Path:
    """Folder of a plug's maps for a task: among the shipped ones, or inside the plug's own folder.

    A plug for several tasks has maps for each, because each has a population of its own.
    """
    return (ATLASES if plug.resolve().parent == PLUGS else plug / "atlas") / task


def task_map_of(plug: Path) -> Path:
    """Folder of the one map of everybody a plug for several tasks has learned from."""
    return ATLASES / plug.name if plug.resolve().parent == PLUGS else plug / "atlas"
