"""What ships with the project: plugs by task, and the map of each."""

from __future__ import annotations

from pathlib import Path

from persona_demo.errors import UserError
from persona_demo.tasks import TaskName

ASSETS = Path(__file__).resolve().parent.parent / "assets"
PLUGS = ASSETS / "plugs"
DEFAULT_PLUG = PLUGS / "blog-post"
DEFAULT_ATLAS = ASSETS / "atlas" / "blog-post"


def plug_for(task: TaskName, *, plugs: Path = PLUGS) -> Path:
    """Folder of the shipped plug that serves a task.

    Args:
        task: The task.
        plugs: Where plugs lie, a folder each.

    Raises:
        UserError: If none does.
    """
    from persona_demo.plug.storage import CONFIG, read_config

    for config in sorted(plugs.glob(f"*/{CONFIG}")):
        if task in read_config(config.parent).tasks:
            return config.parent
    raise UserError(f"No plug for {task} ships with the project: train one, and name its folder with --plug.")


def atlas_of(plug: Path) -> Path:
    """Folder of a plug's maps: among the shipped ones, or inside the plug's own folder."""
    if plug.resolve().parent == PLUGS:
        return ASSETS / "atlas" / plug.name
    return plug / "atlas"
