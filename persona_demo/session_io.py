"""Reading an exported run back: nothing is trusted, and whatever is wrong is told in one sentence.

Every field is checked for its kind, its range and what it names, so that nothing later has to. Knows
the form of :class:`~persona_demo.session.Run` and nothing of models or pages.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from typing import Any

from persona_demo.answers import ArmText
from persona_demo.arms import arm_named
from persona_demo.errors import UserError
from persona_demo.history import MAX_ITEM_CHARACTERS, UserHistory
from persona_demo.history_records import items_from, kind_of
from persona_demo.lm.decode import DecodeOptions, Written
from persona_demo.ranges import NEW_TOKENS, SEED, STRENGTH, TEMPERATURE, TOP_P
from persona_demo.session import KIND, MAX_BYTES, SCHEMA, Models, Run, Vectors
from persona_demo.states import MAX_STATES, MAX_TRAIL, State, States
from persona_demo.tasks import task_named

SCHEMAS = (1, SCHEMA)
"""What is read."""
MAX_OUTPUTS = 32
MAX_FIGURES = 1_000_000


def read_run(data: str | bytes) -> Run:
    """Read a run.

    Raises:
        UserError: If anything in it is not as it must be; says what and where.
    """
    record = _object(_parsed(data), "The file")
    if record.get("kind") != KIND:
        raise UserError("This file is not an exported run: choose one that Export wrote.")
    schema = record.get("schema")
    if isinstance(schema, bool) or schema not in SCHEMAS:
        raise UserError(f"This run is of schema {str(schema)[:20]}, and {SCHEMA} is read here.")
    states = _states(record)
    former = schema == 1
    options, strength = _options(_take(record, "options")), _number(record, "strength")
    STRENGTH.check(strength, "The run's strength")
    arms = tuple(arm_named(_string(name, "an arm")).name for name in _list(record, "arms", most=MAX_OUTPUTS))
    prompt = _text(record, "prompt")
    if len(prompt) > MAX_ITEM_CHARACTERS:
        raise UserError(f"The run's prompt has {len(prompt):,} characters: at most {MAX_ITEM_CHARACTERS:,} fit.")
    vectors = _vectors(_object(_take(record, "vectors"), "vectors"), states.here.history)
    return Run(
        who=_text(record, "who"),
        stored=_switch(record, "stored"),
        states=states,
        origin=states.all[0].history if former else _history(_take(record, "origin"), "the origin"),
        trail=() if former else _trail(record),
        task=task_named(_text(record, "task")).name,
        prompt=prompt,
        arms=arms,
        strength=strength,
        options=options,
        allow_listed_words=False if former else _switch(record, "allow_listed_words"),
        models=_models(_object(_take(record, "models"), "models")),
        vectors=vectors,
        outputs=tuple(_output(value) for value in _list(record, "outputs", most=MAX_OUTPUTS)),
    )


def _parsed(data: str | bytes) -> object:
    size = len(data if isinstance(data, bytes) else data.encode("utf-8", "replace"))
    if size > MAX_BYTES:
        raise UserError(f"This file is larger than {MAX_BYTES // 10**6} MB, which no exported run is.")
    try:
        text = data.decode("utf-8-sig") if isinstance(data, bytes) else data
        value: object = json.loads(text, object_pairs_hook=_pairs, parse_constant=_no_constant)
        return value
    except UnicodeDecodeError as error:
        raise UserError("This file is not text in UTF-8: choose one that Export wrote.") from error
    except json.JSONDecodeError as error:
        raise UserError(f"This file is not whole JSON (line {error.lineno}, column {error.colno}).") from error
    except RecursionError as error:
        raise UserError("This file is nested too deeply to be an exported run.") from error
    except ValueError as error:
        raise UserError("This file holds a number that no exported run holds.") from error


def _pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise UserError(f"The file gives {twice[:40]!r} twice in one place: keep one.")
    return found


def _no_constant(name: str) -> object:
    raise ValueError(name)


def _switch(record: Mapping[str, Any], name: str) -> bool:
    value = _take(record, name)
    if not isinstance(value, bool):
        raise UserError(f"In the run, {name} is {kind_of(value)}: it must be true or false.")
    return value


def _object(value: object, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UserError(f"{what[0].upper()}{what[1:]} of the run is {kind_of(value)}: it must be an object.")
    return value


def _take(record: Mapping[str, Any], name: str) -> Any:
    if name not in record:
        raise UserError(f"The run lacks {name!r}: export it again.")
    return record[name]


def _string(value: object, what: str) -> str:
    if not isinstance(value, str):
        raise UserError(f"In the run, {what} is {kind_of(value)}: it must be text.")
    return value


def _text(record: Mapping[str, Any], name: str) -> str:
    return _string(_take(record, name), name)


def _finite(value: object, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise UserError(f"In the run, {what} is {kind_of(value)}: it must be a plain number.")
    return float(value)


def _number(record: Mapping[str, Any], name: str) -> float:
    return _finite(_take(record, name), name)


def _count(record: Mapping[str, Any], name: str) -> int:
    value = _number(record, name)
    if value < 0 or value != int(value):
        raise UserError(f"In the run, {name} is {value:g}: it must be a whole number, 0 or more.")
    return int(value)


def _list(record: Mapping[str, Any], name: str, *, most: int) -> list[Any]:
    value = _take(record, name)
    if not isinstance(value, list):
        raise UserError(f"In the run, {name} is {kind_of(value)}: it must be a list.")
    if len(value) > most:
        raise UserError(f"In the run, {name} has {len(value):,} entries: at most {most:,} are read.")
    return value


def _states(record: Mapping[str, Any]) -> States:
    states = []
    for value in _list(record, "states", most=MAX_STATES):
        entry = _object(value, "a state")
        parent = _take(entry, "parent")
        states.append(
            State(
                id=_text(entry, "id"),
                parent=None if parent is None else _string(parent, "the parent of a state"),
                history=_history(_take(entry, "history"), "the history"),
                note=_text(entry, "note"),
            )
        )
    pinned = tuple(_string(name, "a pinned state") for name in _list(record, "pinned", most=MAX_STATES))
    return States(all=tuple(states), current=_text(record, "current"), pinned=pinned)


def _history(value: object, what: str) -> UserHistory:
    record = _object(value, what)
    items = items_from(_list(record, "items", most=10_000), source="the run")
    return UserHistory(name=_text(record, "name"), items=items, about=_text(record, "about"))


def _trail(record: Mapping[str, Any]) -> tuple[tuple[float, float], ...]:
    places = [_figures(place, "a place of the trail") for place in _list(record, "trail", most=MAX_TRAIL)]
    if any(len(place) != 2 for place in places):
        raise UserError("In the run, a place of the trail is not two numbers: export it again.")
    return tuple((x, y) for x, y in places)


def _options(value: object) -> DecodeOptions:
    record = _object(value, "options")
    known = {f.name: f.default for f in dataclasses.fields(DecodeOptions)}
    if unknown := sorted(set(record) - set(known)):
        raise UserError(f"The run has the unknown option {unknown[0][:40]!r}: it was made by another version.")
    given: dict[str, Any] = {}
    for name in record:
        default = known[name]
        if isinstance(default, str):
            given[name] = _text(record, name)
        else:
            given[name] = _count(record, name) if isinstance(default, int) else _number(record, name)
    options = DecodeOptions(**given)
    NEW_TOKENS.check(options.max_new_tokens, "The run's number of new tokens")
    TEMPERATURE.check(options.temperature, "The run's temperature")
    TOP_P.check(options.top_p, "The run's top-p")
    SEED.check(options.seed, "The run's seed")
    return options


def _models(record: Mapping[str, Any]) -> Models:
    return Models(**{f.name: _text(record, f.name) for f in dataclasses.fields(Models)})


def _figures(value: object, what: str) -> tuple[float, ...]:
    if not isinstance(value, list):
        raise UserError(f"In the run, {what} is {kind_of(value)}: it must be a list.")
    if len(value) > MAX_FIGURES:
        raise UserError(f"In the run, {what} has {len(value):,} figures: at most {MAX_FIGURES:,} are read.")
    return tuple(_finite(figure, f"a figure of {what}") for figure in value)


def _vectors(record: Mapping[str, Any], history: UserHistory) -> Vectors:
    persona = tuple(_figures(v, "persona") for v in _list(record, "persona", most=MAX_FIGURES))
    # Runs that were exported earlier have none of their own.
    words = tuple(_figures(v, "words") for v in _list({"words": [], **record}, "words", most=MAX_FIGURES))
    if len({len(vector) for vector in persona + words}) > 1:
        raise UserError("In the run, the persona vectors differ in length: export it again.")
    weights = {
        name: _finite(weight, f"the weight of {name[:40]!r}")
        for name, weight in _object(_take(record, "weights"), "weights").items()
    }
    active = {item.id for item in history.active}
    if weights and (set(weights) != active or min(weights.values()) < 0 or abs(sum(weights.values()) - 1) > 0.01):
        raise UserError("In the run, the weights are not one share for each item of the history: export it again.")
    return Vectors(_figures(_take(record, "user_vector"), "user_vector"), persona, weights, words)


def _texts(record: Mapping[str, Any], name: str) -> tuple[str, ...]:
    return tuple(_string(text, f"a {name} text") for text in _list(record, name, most=MAX_OUTPUTS))


def _output(value: object) -> ArmText:
    record = _object(value, "an output")
    written = _object(_take(record, "written"), "what an arm wrote")
    first = _take(written, "first_token_ms")
    tokens = _figures(_take(written, "tokens"), "tokens")
    if any(token < 0 or token != int(token) for token in tokens):
        raise UserError("In the run, tokens are not all whole numbers: export it again.")
    return ArmText(
        arm=arm_named(_text(record, "arm")).name,
        written=Written(
            text=_text(written, "text"),
            tokens=tuple(map(int, tokens)),
            first_token_ms=None if first is None else _finite(first, "first_token_ms"),
            total_ms=_number(written, "total_ms"),
            done=_switch(written, "done"),
            remembered=_switch({"remembered": False, **written}, "remembered"),
        ),
        prompt_tokens=_count(record, "prompt_tokens"),
        soft_vectors=_count(record, "soft_vectors"),
        bytes_per_user=_count(record, "bytes_per_user"),
        retrieved=_texts(record, "retrieved"),
        # Runs that were exported earlier do not say.
        copied=_texts({"copied": [], **record}, "copied"),
        stand_in=_string({"stand_in": "", **record}["stand_in"], "the name of who stands in"),
    )
