"""What ships with the app and is there before any model is: people, inputs, map and showcase of a task.

A missing map or showcase leaves the page usable without it; knows nothing of Gradio or of models.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from persona_demo.errors import UserError
from persona_demo.evaluation.placement_figures import read_placement_error
from persona_demo.evaluation.plug_figures import PlugFigures, read_plug_figures
from persona_demo.history import UserHistory
from persona_demo.lm.base import FloatArray
from persona_demo.maps.atlas import Atlas, Placement
from persona_demo.maps.item_map import ItemMap
from persona_demo.maps.placing import PlacementError
from persona_demo.maps.regions import striking
from persona_demo.maps.subject_map import SubjectMap
from persona_demo.maps.task_map import TaskMap
from persona_demo.plug.config import PlugConfig
from persona_demo.plug.storage import plug_fingerprint, read_config
from persona_demo.samples import Sample, load_openings, load_samples
from persona_demo.shipped import DEFAULT_PLUG, PLUGS, atlas_of, shipped_plugs, task_map_of
from persona_demo.showcase import FIRST_PERSON, Showcase, load_showcase, showcase_of
from persona_demo.tasks import BLOG_POST, TASKS, Task, TaskName, Wording, task_named
from persona_demo.ui.state import NEW, SAMPLE, Session

FIRST: TaskName = "blog-post"
"""The task that a page is about unless another is named."""

Made = TypeVar("Made", Atlas, ItemMap, SubjectMap, TaskMap, Showcase)
Read = TypeVar("Read")


@dataclass(frozen=True)
class Shelf:
    """What is there of a task without a model.

    Attributes:
        samples: The sample people, by slug.
        openings: Inputs to start from.
        atlas: The map, where there is one.
        showcase: The comparison made in advance, where there is one.
        items: The map of items, where there is one.
        subjects: The map of people by subject, where there is one.
        everybody: The map of the people of all tasks of the plug, where there is one.
        task: The task.
        plug: Folder of the plug that serves it; None where it is the one that the models come with.
        form: The form of that plug, where it can be read.
        figures: What was measured of that plug, where it was.
        placement: What was measured of its map, where it was.
    """

    samples: tuple[Sample, ...]
    openings: tuple[str, ...]
    atlas: Atlas | None = None
    showcase: Showcase | None = None
    items: ItemMap | None = None
    subjects: SubjectMap | None = None
    everybody: TaskMap | None = None
    task: Task = BLOG_POST
    plug: Path | None = None
    form: PlugConfig | None = None
    figures: PlugFigures | None = None
    placement: PlacementError | None = None

    @property
    def wording(self) -> Wording:
        """What items and inputs are called."""
        return self.task.wording

    @cached_property
    def names(self) -> Mapping[str, str]:
        """Names of the sample people, by their id on the map."""
        return {SAMPLE + sample.slug: sample.history.name for sample in self.samples}

    @cached_property
    def striking(self) -> Mapping[str, str]:
        """What is most striking about how people on the map write, by their id."""
        return {} if self.atlas is None else dict(zip(self.atlas.ids, striking(self.atlas), strict=False))

    @property
    def opening(self) -> str:
        """The input the page starts with."""
        if self.showcase is not None:
            return self.showcase.opening
        return self.openings[0] if self.openings else ""

    @property
    def strength(self) -> float:
        """The strength the page starts with: that of the example it shows."""
        return self.showcase.strength if self.showcase is not None else 1.0

    def first_session(self) -> Session:
        """What a visitor finds on the table."""
        if self.showcase is not None:
            return self.session_of(SAMPLE + self.showcase.person)
        slugs = [sample.slug for sample in self.samples]
        named = FIRST_PERSON.get(self.task.name)
        return self.session_of(SAMPLE + (named if named in slugs else slugs[0]) if slugs else NEW)

    def session_of(self, who: str) -> Session:
        """Open somebody by id.

        Raises:
            UserError: If nobody has this id.
        """
        for sample in self.samples:
            if who == SAMPLE + sample.slug:
                return Session.open(who, sample.history, task=self.task.name)
        if who == NEW:
            return Session.open(NEW, UserHistory(name="Someone new"), task=self.task.name)
        if self.atlas is not None and who in self.atlas.ids:
            count = int(self.atlas.counts[self.atlas.index(who)])
            stands_for = self.wording.count(count)
            about = f"One of the people the plug learned from; their vector stands for {stands_for}."
            return Session.open(who, UserHistory(name=who, about=about), stored=True, task=self.task.name)
        if (of := who.partition("/")[0]) != who and of in TASKS:
            elsewhere = TASKS[of].wording.page
            raise UserError(f"This person is one of those behind “{elsewhere}”: open that page to take them.")
        raise UserError("There is nobody of that name: choose a person from the list or a point on the map.")

    def stored_vector(self, session: Session) -> FloatArray | None:
        """The stored user vector (D,) that stands in for a history that is not shipped, if one does."""
        if not session.stored or self.atlas is None:
            return None
        vector: FloatArray = self.atlas.vectors[self.atlas.index(session.who)]
        return vector

    def others(self, session: Session) -> tuple[UserHistory, ...]:
        """People whose texts are at hand, one of whom may stand in somebody's place."""
        return tuple(sample.history for sample in self.samples if session.who != SAMPLE + sample.slug)

    def shipped_place(self, session: Session) -> Placement | None:
        """Where somebody stands, as far as that is known without a model."""
        if session.stored and self.atlas is not None:
            row = self.atlas.index(session.who)
            x, y = self.atlas.coordinates[row].tolist()
            return dataclasses.replace(self.atlas.place(self.atlas.vectors[row]), x=x, y=y)
        if session.edited or self.showcase is None:
            return None
        return self.showcase.places.get(session.who.removeprefix(SAMPLE))

    def shipped_weights(self, session: Session, opening: str) -> tuple[float, ...] | None:
        """Weights of somebody's items, as far as they are known without a model."""
        case = self.showcase
        if case is None or session.edited or (session.who, opening) != (SAMPLE + case.person, case.opening):
            return None
        return case.weights if len(case.weights) == len(session.history.active) else None


def load_shelf(task: TaskName = FIRST, *, plug: Path = DEFAULT_PLUG, maps: Path | None = None) -> Shelf:
    """Read what ships for a task.

    Args:
        task: The task.
        plug: Folder of the plug that serves it; what was made with another is left out.
        maps: Folder of the maps; where they are looked for, when left out.

    Raises:
        UserError: If the sample people or the inputs are damaged.
    """
    folder = atlas_of(plug, task) if maps is None else maps

    def there(load: Callable[[], Read]) -> Read | None:
        try:
            return load()
        except UserError:
            return None

    made_with = there(lambda: plug_fingerprint(plug))

    def own(load: Callable[[], Made]) -> Made | None:
        found = there(load)
        return found if found is not None and found.plug_fingerprint == made_with else None

    return Shelf(
        samples=load_samples(task),
        openings=load_openings(task),
        atlas=own(lambda: Atlas.load(folder)),
        showcase=own(lambda: load_showcase(showcase_of(task))),
        items=own(lambda: ItemMap.load(folder)),
        subjects=own(lambda: SubjectMap.load(folder)),
        everybody=own(lambda: TaskMap.load(task_map_of(plug))),
        task=task_named(task),
        plug=plug,
        form=there(lambda: read_config(plug)),
        figures=None if made_with is None else read_plug_figures(task, made_with),
        # It was measured of the first page's map, and a plug for several tasks has others.
        placement=None if made_with is None or task != FIRST else read_placement_error(made_with),
    )


def load_shelves(plugs: Path = PLUGS) -> tuple[Shelf, ...]:
    """Read what ships for every task that a shipped plug serves, in the order of the tasks.

    Args:
        plugs: Where plugs lie, a folder each.

    Raises:
        UserError: If the sample people or the inputs are damaged.
    """
    found = shipped_plugs(plugs) or {FIRST: plugs / DEFAULT_PLUG.name}
    return tuple(load_shelf(task, plug=plug) for task, plug in found.items())
