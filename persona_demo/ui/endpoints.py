"""Three endpoints for programs: what the page does, without the page, and without keeping anything."""

from __future__ import annotations

import collections
import json
import logging
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
from persona_demo.lm.decode import DecodeOptions
from persona_demo.runtime import Runtime
from persona_demo.ui import views
from persona_demo.ui.loading import Loading
from persona_demo.ui.shelf import TASK, Shelf
from persona_demo.ui.verbs import PATIENCE

logger = logging.getLogger(__name__)

MOST_ARMS = 8
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


class Endpoints:
    """The endpoints, over the one runtime of the page."""

    def __init__(self, shelf: Shelf, loading: Loading, *, gpu: Callable[[Any], Any] | None = None) -> None:
        """Stand on what the page stands on.

        Args:
            shelf: What ships.
            loading: The models.
            gpu: Decorates what needs a GPU that is only lent for the length of a call.
        """
        self._shelf, self._loading = shelf, loading
        self._written = (gpu or (lambda fn: fn))(self._write)

    def register(self) -> None:
        """Add them to the current Blocks."""
        for name in ("compare", "persona_vector", "map"):
            heavy = {"concurrency_id": "lm" if name == "compare" else "desk", "concurrency_limit": 1}
            events.api(getattr(self, name), api_name=name, **heavy)

    def compare(
        self,
        history: dict[str, Any],
        prompt: str,
        arms: list[str] | None = None,
        strength: float = 1.0,
        max_new_tokens: int = 64,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> dict[str, Any]:
        """Let arms go on from the same opening words.

        Args:
            history: A history file's content: {"name": "...", "items": [{"text": "..."}, ...]}.
            prompt: The opening words.
            arms: Names of the arms, "persona" or "bm25:other" say; task and persona unless given.
            strength: Of arms that have one: 0 the control, 1 the persona.
            max_new_tokens: Length of the texts.
            temperature: 0 always takes the likeliest next token.
            seed: Of the sampling and of placebos.

        Returns:
            The texts and their costs, as "generate --json" prints them.
        """
        return _told(lambda: self._compare(history, prompt, arms, strength, max_new_tokens, temperature, seed))

    def persona_vector(self, history: dict[str, Any], query: str | None = None) -> dict[str, Any]:
        """What the plug makes of a person.

        Args:
            history: A history file's content.
            query: Opening words that posts are weighed for; without them weights are even.

        Returns:
            Persona vectors, the weight of each post and the user vector, as "embed --json" prints them.
        """
        return _told(lambda: self._vector(history, query))

    def map(self, history: dict[str, Any]) -> dict[str, Any]:
        """Where a person stands on the map of people.

        Args:
            history: A history file's content.

        Returns:
            Coordinates x and y, and the nearest people with their distances.
        """
        return _told(lambda: self._place(history))

    def _runtime(self) -> Runtime:
        self._loading.start()
        while True:
            runtime = self._loading.wait(PATIENCE)
            if runtime is not None:
                return runtime

    def _compare(
        self, history: dict[str, Any], prompt: str, arms: list[str] | None, strength: float, length: int,
        temperature: float, seed: int,
    ) -> dict[str, Any]:  # fmt: skip
        names = list(dict.fromkeys(arms or ["task", "persona"]))
        if len(names) > MOST_ARMS:
            raise UserError(f"{len(names)} arms are asked for: name at most {MOST_ARMS}.")
        options = DecodeOptions(max_new_tokens=length, temperature=temperature, seed=seed)
        self._runtime()
        texts: tuple[ArmText, ...] = self._written(_history(history), prompt, names, strength, options)
        return {
            "task": TASK,
            "prompt": prompt,
            "strength": strength,
            "arms": [text.told() for text in texts],
        }

    def _write(
        self, history: UserHistory, prompt: str, names: list[str], strength: float, options: DecodeOptions
    ) -> tuple[ArmText, ...]:
        runtime = self._runtime()
        others = tuple(sample.history for sample in self._shelf.samples)
        inputs = runtime.arm_inputs(history, runtime.task(TASK), prompt, seed=options.seed, others=others)
        states = runtime.compare(inputs, arms_named(names), strength=strength, options=options)
        return collections.deque(states, maxlen=1).pop()

    def _vector(self, history: dict[str, Any], query: str | None) -> dict[str, Any]:
        runtime, read = self._runtime(), _history(history)
        return runtime.embed(read, runtime.task(TASK), query=query or None).told(read.active)

    def _place(self, history: dict[str, Any]) -> dict[str, Any]:
        runtime = self._runtime()
        placement = runtime.place(runtime.embed(_history(history), runtime.task(TASK)).user_vector)
        near = [{"id": each.id, "distance": each.distance} for each in placement.neighbours]
        return {"x": placement.x, "y": placement.y, "neighbours": near}


def _history(content: dict[str, Any]) -> UserHistory:
    return parse_history(json.dumps({"schema": 1, **content}).encode("utf-8"), filename="history.json")


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
