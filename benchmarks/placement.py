"""How far placing a person on the frozen map is from refitting it: one person in ten held out of the shipped one."""

from __future__ import annotations

from dataclasses import asdict

from benchmarks.common import Figures
from persona_demo.maps.atlas import Atlas
from persona_demo.maps.placing import directions_of, placement_error
from persona_demo.shipped import DEFAULT_ATLAS


def run() -> Figures:
    """Hold people out, place them, refit with them, compare.

    Raises:
        UserError: If there is no map.
    """
    atlas = Atlas.load(DEFAULT_ATLAS)
    found = placement_error(directions_of(atlas.vectors / atlas.scale))
    return {name: float(value) for name, value in asdict(found).items()}
