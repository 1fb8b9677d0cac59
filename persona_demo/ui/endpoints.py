"""Three endpoints for programs: what the pages do, without a page, and without keeping anything."""

from __future__ import annotations

import collections
import json
import logging
import math
import traceback
from collections.abc import Callable
from typing import Any, TypeVar

import gradio as gr
from gradio import events

from persona_demo.answers import ArmText
from persona_demo.arms import arms_named
from persona_demo.errors import UserError
from persona_demo.history import UserHistory
from persona_demo.history_io import parse_history
from persona_demo.history_records import kind_of
from persona_demo.lm.decode import DecodeOptions
from persona_demo.runtime import Runtime
from persona_demo.tasks import TaskName
from persona_demo.ui import views
from persona_demo.ui.line import LANE
from persona_demo.ui.loading import Loading
from persona_demo.ui.shelf import FIRST, Shelf
from persona_demo.ui.verbs import PATIENCE

logger = logging.getLogger(__name__)

MOST_ARMS = 8
NAMELESS = "Somebody"
"""What somebody is called of whom only texts are given."""
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


class Endpoints:
    """The endpoints, over the runtimes of the pages."""

    def __init__(self, *pages: tuple[Shelf, Loading], gpu: Callable[[Any], Any] | None = None) -> None:
        """Stand on what the pages stand on.

        Args:
            *pages: Of each page, what ships and the models.
            gpu: Decorates what needs a GPU that is only lent for the length of a call.
        """
        self._pages = {shelf.task.name: (shelf, loading) for shelf, loading in pages}
        self._written = (gpu or (lambda fn: fn))(self._write)

    def register(self) -> None:
        """Add them to the current Blocks."""
        for name in ("compare", "persona_vector", "map"):
            # They wait for the models, so what writes shares the lane of writing, and the others have one to
            # themselves: in that of the page's edits no visitor could do anything while they wait.
            lane = {"concurrency_id": LANE if name == "compare" else "vectors", "concurrency_limit": 1}
            events.api(getattr(self, name), api_name=name, **lane)

    def compare(
        self,
        history: dict[str, Any] | list[str],
        prompt: str,
        arms: list[str] | None = None,
        strength: float = 1.0,
        max_new_tokens: int = 64,
        temperature: float = 0.0,
        seed: int = 0,
        task: str = FIRST,
    ) -> dict[str, Any]:
        """Let arms write for the same input.

        Args:
            history: A list of texts, oldest first, or a history file's content:
                {"name": "...", "items": [{"text": "..."}, ...]}.
            prompt: The input: opening words of a blog post, or what the task asks for.
            arms: Names of the arms, "persona" or "bm25:other" say; task and persona unless given.
            strength: Of arms that have one: 0 the control, 1 the persona.
            max_new_tokens: Length of the texts.
            temperature: 0 always takes the likeliest next token.
            seed: Of the sampling and of placebos.
            task: One of the tasks that have a page.

        Returns:
            The texts and their costs, as "generate --json" prints them.
        """
        return _told(lambda: self._compare(history, prompt, arms, strength, max_new_tokens, temperature, seed, task))

    def persona_vector(
        self, history: dict[str, Any] | list[str], query: str | None = None, task: str = FIRST
    ) -> dict[str, Any]:
        """What the plug makes of a person.

        Args:
            history: A list of texts, or a history file's content.
            query: The input that items are weighed for; without it weights are even.
            task: One of the tasks that have a page.

        Returns:
            Persona vectors, the weight of each item and the user vector, as "embed --json" prints them.
        """
        return _told(lambda: self._vector(history, query, task))

    def map(self, history: dict[str, Any] | list[str], task: str = FIRST) -> dict[str, Any]:
        """Where a person stands on the map of people.

        Args:
            history: A list of texts, or a history file's content.
            task: One of the tasks that have a page.

        Returns:
            Coordinates x and y, and the nearest people with their distances.
        """
        return _told(lambda: self._place(history, task))

    def _page(self, task: object) -> tuple[Shelf, Loading]:
        if not isinstance(task, str):
            raise UserError(f"The task is {kind_of(task)}: it must be text.")
        for name, page in self._pages.items():
            if name == task:
                return page
        raise UserError(f"There is no page for the task {task[:40]!r}: choose one of {', '.join(self._pages)}.")

    def _runtime(self, task: object) -> Runtime:
        _, loading = self._page(task)
        loading.start()
        while True:
            runtime = loading.wait(PATIENCE)
            if runtime is not None:
                return runtime

    def _compare(
        self, history: object, prompt: object, arms: object, strength: object, length: object, temperature: object,
        seed: object, task: object,
    ) -> dict[str, Any]:  # fmt: skip
        # All of it is checked before anybody waits for the models.
        read, opening, names = _history(history), _text(prompt, "prompt"), _names(arms)
        force = _number(strength, "strength")
        options = DecodeOptions(
            max_new_tokens=_count(length, "max_new_tokens"),
            temperature=_number(temperature, "temperature"),
            seed=_count(seed, "seed"),
        )
        name = self._page(task)[0].task.name
        engine = self._runtime(name).lm.info.engine
        texts: tuple[ArmText, ...] = self._written(read, opening, names, force, options, name)
        return {
            "task": name,
            "prompt": opening,
            "strength": force,
            "engine": engine,
            "arms": [text.told() | {"remembered": text.written.remembered} for text in texts],
        }

    def _write(
        self, history: UserHistory, prompt: str, names: list[str], strength: float, options: DecodeOptions,
        task: TaskName,
    ) -> tuple[ArmText, ...]:  # fmt: skip
        runtime = self._runtime(task)
        others = tuple(sample.history for sample in self._page(task)[0].samples)
        inputs = runtime.arm_inputs(history, runtime.task(task), prompt, seed=options.seed, others=others)
        states = runtime.compare(inputs, arms_named(names), strength=strength, options=options)
        return collections.deque(states, maxlen=1).pop()

    def _vector(self, history: object, query: object, task: object) -> dict[str, Any]:
        read, asked = _history(history), None if query is None else _text(query, "query")
        runtime, name = self._runtime(task), self._page(task)[0].task.name
        made = runtime.embed(read, runtime.task(name), query=asked if asked and asked.strip() else None)
        return made.told(read.active)

    def _place(self, history: object, task: object) -> dict[str, Any]:
        read, runtime, name = _history(history), self._runtime(task), self._page(task)[0].task.name
        placement = runtime.place(runtime.embed(read, runtime.task(name)).user_vector)
        near = [{"id": each.id, "distance": each.distance} for each in placement.neighbours]
        return {"x": placement.x, "y": placement.y, "neighbours": near}


def _history(content: object) -> UserHistory:
    if isinstance(content, list):
        items = [{"text": _text(text, f"text {n} of the history")} for n, text in enumerate(content, start=1)]
        content = {"name": NAMELESS, "items": items}
    if not isinstance(content, dict):
        raise UserError(f"The history is {kind_of(content)}: give a list of texts or a history file's content.")
    return parse_history(json.dumps({"schema": 1, **content}).encode("utf-8"), filename="history.json")


def _names(arms: object) -> list[str]:
    if arms is None or arms == []:
        return ["task", "persona"]
    if not isinstance(arms, list):
        raise UserError(f'The arms are {kind_of(arms)}: give a list of names, ["task", "persona"] say.')
    names = [arm.name for arm in arms_named([_text(name, "name of an arm") for name in arms])]
    if len(names) > MOST_ARMS:
        raise UserError(f"{len(names)} arms are asked for: name at most {MOST_ARMS}.")
    return names


def _text(value: object, what: str) -> str:
    if not isinstance(value, str):
        raise UserError(f"The {what} is {kind_of(value)}: it must be text.")
    return value


def _number(value: object, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise UserError(f"The {what} is {kind_of(value)}: it must be a plain number.")
    return float(value)


def _count(value: object, what: str) -> int:
    number = _number(value, what)
    if number != int(number):
        raise UserError(f"The {what} is {number:g}: it must be a whole number.")
    return int(number)


def _told(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Do it; whatever goes wrong becomes one sentence, and the log is told no text."""
    try:
        return work()
    except UserError as error:
        raise gr.Error(str(error), print_exception=False) from None
    except Exception as error:
        frames = "".join(traceback.format_tb(error.__traceback__))
        logger.error("%s in an endpoint\n%s", type(error).__name__, frames)
        raise gr.Error(views.CALM, print_exception=False) from None
