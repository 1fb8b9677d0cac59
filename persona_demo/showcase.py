"""The showcase: one whole comparison, made in advance, that the app shows before any model is loaded.

It holds what every arm wrote for one sample person, what it cost, how the aggregator weighed the
person's items, and where all sample people stand on the map. It ships as one JSON file a task and names
the plug it was made with. How it is drawn, it does not know.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from persona_demo.answers import ArmText
from persona_demo.arms import ARMS
from persona_demo.errors import UserError
from persona_demo.files import whole
from persona_demo.lm.decode import DecodeOptions
from persona_demo.maps.atlas import Neighbour, Placement
from persona_demo.runtime import Runtime
from persona_demo.samples import Sample
from persona_demo.shipped import ASSETS
from persona_demo.tasks import TaskName

SCHEMA = 1
FIRST_PERSON: Mapping[TaskName, str] = {
    "blog-post": "tama",
    "film-review": "zofia",
    "film-rating": "zofia",
    "paper-title": "odile",
    "headline": "delphine",
    "commit-subject": "fergus",
}
"""Slug of the sample person a task's page opens with: their manner shows at a glance."""
FIRST_STRENGTH: Mapping[TaskName, float] = {"blog-post": 3.0, "film-review": 2.0}
"""Strength a task's page opens with, where not 1: where a plug is faint at 1, a manner shows above it."""
SHOWCASES = ASSETS / "examples" / "showcase"

Report = Callable[[str, float | None], None]


def showcase_of(task: TaskName) -> Path:
    """File of a task's showcase, whether it is there or not."""
    return SHOWCASES / f"{task}.json"


SHOWCASE = showcase_of("blog-post")


@dataclass(frozen=True)
class Showcase:
    """A comparison made in advance.

    Attributes:
        task: Its task.
        person: Slug of the sample person it is about.
        opening: The task's raw input.
        strength: Strength of the arms that have one.
        engine: What ran the LM, in words.
        plug_fingerprint: SHA-256 of the plug's weights.
        texts: What every arm wrote, and its costs, in the order of the registry.
        weights: Weight of each of the person's history items, in file order, summing to 1.
        places: Where each sample person stands, by slug; empty where there was no map.
    """

    task: TaskName
    person: str
    opening: str
    strength: float
    engine: str
    plug_fingerprint: str
    texts: tuple[ArmText, ...]
    weights: tuple[float, ...]
    places: Mapping[str, Placement]

    def to_json(self) -> str:
        """The showcase as a JSON document; times in milliseconds."""
        document = {"schema": SCHEMA, **dataclasses.asdict(self)}
        return json.dumps(document, ensure_ascii=False, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Showcase:
        """Read a showcase.

        Raises:
            UserError: If the text is not a showcase of this schema.
        """
        try:
            values: dict[str, Any] = json.loads(text)
            if values.pop("schema") != SCHEMA:
                raise ValueError("schema")
            values["texts"] = tuple(ArmText.from_record(record) for record in values["texts"])
            values["weights"] = tuple(float(weight) for weight in values["weights"])
            values["places"] = {slug: _placement(place) for slug, place in values["places"].items()}
            return cls(**values)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise UserError("The showcase is damaged: restore it, or make it anew from the plug.") from error


def _placement(record: dict[str, Any]) -> Placement:
    return Placement(**record | {"neighbours": tuple(Neighbour(**near) for near in record["neighbours"])})


def build_showcase(
    runtime: Runtime,
    samples: Sequence[Sample],
    *,
    person: str,
    opening: str,
    plug_fingerprint: str,
    task: TaskName = "blog-post",
    strength: float = 1.0,
    options: DecodeOptions | None = None,
    report: Report = lambda message, share: None,
) -> Showcase:
    """Make the showcase.

    Args:
        runtime: Models, plug and map.
        samples: All sample people.
        person: Slug of the one it is about.
        opening: The task's raw input.
        plug_fingerprint: SHA-256 of the plug's weights.
        task: The task.
        strength: Of the arms that have one.
        options: How to write.
        report: Told what is being done.

    Raises:
        UserError: If nobody has this slug, or an arm cannot be had.
    """
    people = {sample.slug: sample.history for sample in samples}
    if person not in people:
        raise UserError(f"There is no sample person {person!r}: choose one of {', '.join(people)}.")
    kind, history = runtime.task(task), people[person]
    arms = [arm for arm in ARMS.values() if runtime.atlas is not None or ":" not in arm.name]
    report("writing with every arm", None)
    others = [other for slug, other in people.items() if slug != person]
    inputs = runtime.arm_inputs(history, kind, opening, others=others)
    states = tuple(runtime.compare(inputs, arms, strength=strength, options=options))
    places = {}
    for done, (slug, other) in enumerate(people.items()):
        report("placing the sample people on the map", done / len(people))
        if runtime.atlas is not None:
            places[slug] = runtime.place(runtime.embed(other, kind).user_vector)
    return Showcase(
        task=task,
        person=person,
        opening=opening,
        strength=strength,
        engine=runtime.lm.info.device,
        plug_fingerprint=plug_fingerprint,
        texts=states[-1],
        weights=tuple(round(float(w), 6) for w in runtime.embed(history, kind, query=opening).weights),
        places=places,
    )


def save_showcase(showcase: Showcase, path: Path = SHOWCASE) -> None:
    """Write a showcase, whole or not at all."""
    with whole(path) as draft:
        draft.write_text(showcase.to_json(), encoding="utf-8")


def load_showcase(path: Path = SHOWCASE) -> Showcase:
    """Read the showcase.

    Raises:
        UserError: If it is missing or damaged.
    """
    try:
        return Showcase.from_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"There is no readable showcase at {path.name}: make it from the plug.") from error
