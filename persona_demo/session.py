"""A whole run as one JSON document: what was asked, of whom, of which models, and what came out.

The document is what a visitor takes home and brings back (:mod:`persona_demo.session_io` reads it).
A run of another plug can be looked at as it was; :meth:`Run.fits` says so.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from persona_demo import __version__
from persona_demo.answers import ArmText, Embedding
from persona_demo.errors import UserError
from persona_demo.history import UserHistory
from persona_demo.history_records import record_of
from persona_demo.lm.decode import DecodeOptions
from persona_demo.runtime import Runtime
from persona_demo.states import State, States
from persona_demo.tasks import TaskName

KIND = "persona-demo run"
SCHEMA = 2
"""Of what is written; schema 1 lacks the origin, the trail and the switch for listed words."""
MAX_BYTES = 10_000_000
DIGITS = 7
"""Significant digits of figures that are kept: all that float32 has."""


@dataclass(frozen=True)
class Models:
    """What a run was made with.

    Attributes:
        lm: Hub id of the frozen LM.
        lm_fingerprint: SHA-256 of its weights.
        engine: What ran it, in words.
        encoder: Hub id of the sentence encoder.
        encoder_fingerprint: SHA-256 of its weights.
        plug_fingerprint: SHA-256 of the plug's weights.
    """

    lm: str
    lm_fingerprint: str
    engine: str
    encoder: str
    encoder_fingerprint: str
    plug_fingerprint: str

    @classmethod
    def of(cls, runtime: Runtime, *, plug_fingerprint: str) -> Models:
        """The models of a runtime."""
        info, config = runtime.lm.info, runtime.plug.config
        return cls(
            lm=info.name,
            lm_fingerprint=info.fingerprint,
            engine=info.device,
            encoder=config.encoder_name,
            encoder_fingerprint=runtime.encoder_fingerprint,
            plug_fingerprint=plug_fingerprint,
        )


@dataclass(frozen=True)
class Vectors:
    """What the plug made of the person.

    Attributes:
        user_vector: Aggregate under uniform weights, D figures; of a stored person the vector that is kept.
        persona: Persona vectors, P of H figures.
        weights: Weight of each active item, by its id.
        words: Keyword and excerpt vectors, W of H figures; runs that were exported earlier have them under persona.
    """

    user_vector: tuple[float, ...] = ()
    persona: tuple[tuple[float, ...], ...] = ()
    weights: Mapping[str, float] = field(default_factory=dict)
    words: tuple[tuple[float, ...], ...] = ()

    @classmethod
    def of(cls, made: Embedding, history: UserHistory) -> Vectors:
        """Take over an embedding of a history."""
        return cls(
            user_vector=_rounded(made.user_vector),
            persona=tuple(_rounded(vector) for vector in made.persona),
            weights=dict(zip([item.id for item in history.active], _rounded(made.weights), strict=True)),
            words=tuple(_rounded(vector) for vector in made.words),
        )

    @classmethod
    def of_stored(cls, user_vector: np.ndarray[Any, Any]) -> Vectors:
        """What is known of a person of whom only a vector (D,) is kept."""
        return cls(user_vector=_rounded(user_vector))


def _rounded(values: np.ndarray[Any, Any]) -> tuple[float, ...]:
    return tuple(float(f"{value:.{DIGITS}g}") for value in values.tolist())


@dataclass(frozen=True)
class Run:
    """A whole run.

    Attributes:
        who: Id of the person: ``sample:<slug>``, ``new``, ``file``, or somebody on the map.
        stored: Whether only a stored vector is known of the person.
        states: The history, its edits, and which is on the table.
        origin: The history as it was loaded, which the states may have forgotten.
        trail: Earlier places on the map, oldest first; the last one is where the person stands.
        task: The task.
        prompt: Its raw input.
        arms: Names of the arms, in order.
        strength: Of arms that have one.
        options: How was written, the seed included.
        allow_listed_words: Whether words of the filter's lists might be written.
        models: What it was made with.
        vectors: What the plug made of the state on the table.
        outputs: What each arm wrote, and its costs.
    """

    who: str
    stored: bool
    states: States
    origin: UserHistory
    task: TaskName
    prompt: str
    arms: tuple[str, ...]
    strength: float
    options: DecodeOptions
    models: Models
    vectors: Vectors = field(default_factory=Vectors)
    outputs: tuple[ArmText, ...] = ()
    trail: tuple[tuple[float, float], ...] = ()
    allow_listed_words: bool = False

    def fits(self, plug_fingerprint: str) -> str:
        """What to know before going on with another plug than the run's; empty where it is the same."""
        if self.models.plug_fingerprint == plug_fingerprint:
            return ""
        return (
            "This run was made with another plug: its history, texts and costs are shown as they were, but "
            "its vectors have no place on this map, and writing again uses the plug that is loaded here."
        )

    def to_json(self) -> str:
        """The run as a JSON document; times in milliseconds.

        Raises:
            UserError: If it is too large to be read back.
        """
        document = {
            "kind": KIND,
            "schema": SCHEMA,
            "made_by": __version__,
            "who": self.who,
            "stored": self.stored,
            "states": [_state_record(state) for state in self.states.all],
            "current": self.states.current,
            "pinned": list(self.states.pinned),
            "origin": _history_record(self.origin),
            "trail": [list(place) for place in self.trail],
            "task": self.task,
            "prompt": self.prompt,
            "arms": list(self.arms),
            "strength": self.strength,
            "options": dataclasses.asdict(self.options),
            "allow_listed_words": self.allow_listed_words,
            "models": dataclasses.asdict(self.models),
            "vectors": dataclasses.asdict(self.vectors),
            "outputs": [dataclasses.asdict(text) for text in self.outputs],
        }
        text = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
        if len(text.encode("utf-8")) > MAX_BYTES:
            raise UserError(f"This run is larger than {MAX_BYTES // 10**6} MB: begin again from a shorter history.")
        return text


def _state_record(state: State) -> dict[str, Any]:
    history = _history_record(state.history)
    return {"id": state.id, "parent": state.parent, "note": state.note, "history": history}


def _history_record(history: UserHistory) -> dict[str, Any]:
    return {"name": history.name, "about": history.about, "items": [record_of(item) for item in history]}
