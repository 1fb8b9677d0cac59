"""What all handlers share: the page, the shelf and the models, and what becomes of an error.

No exception leaves a handler: a :class:`UserError` becomes the sentence in the strip, anything else
one calm sentence, and the log is told the place of it but never a text.
"""

from __future__ import annotations

import functools
import inspect
import logging
import traceback
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import gradio as gr

from persona_demo.errors import UserError
from persona_demo.ranges import SEED
from persona_demo.tasks import Task, Wording
from persona_demo.ui import views
from persona_demo.ui.changes import Changes
from persona_demo.ui.loading import Loading
from persona_demo.ui.page import Page
from persona_demo.ui.shelf import Shelf

PATIENCE = 0.5
"""Seconds between two words about loading while somebody waits for it."""

logger = logging.getLogger(__name__)

Verb = TypeVar("Verb", bound=Callable[..., Any])


class Verbs:
    """Handlers of one part of the page."""

    def __init__(self, page: Page, shelf: Shelf, loading: Loading) -> None:
        """Bind them to a page.

        Args:
            page: Its components.
            shelf: What ships.
            loading: The models.
        """
        self.page, self.shelf, self.loading = page, shelf, loading

    @property
    def task(self) -> Task:
        """What the page is about."""
        return self.shelf.task

    @property
    def wording(self) -> Wording:
        """What its items and inputs are called."""
        return self.shelf.task.wording

    def refuse(self, sentence: str) -> Changes:
        """Say what went wrong, and change nothing else."""
        return {self.page.notice: views.notice(sentence)}

    def awaited(self, what: str) -> Iterator[str]:
        """Words to wait by, until the models are ready.

        Args:
            what: What follows then, as a sentence without its stop.
        """
        self.loading.start()
        while self.loading.wait(PATIENCE) is None:
            yield f"{what}. The models are still loading: {self.loading.progress.words}."

    def idle(self) -> Changes:
        """The buttons while nothing is being written."""
        return {
            self.page.write: gr.Button(interactive=True),
            self.page.next_seed: gr.Button(interactive=True),
            self.page.stop: gr.Button(interactive=False),
        }


def guarded(verb: Verb) -> Verb:
    """Turn whatever a handler raises into the sentence in the strip."""

    def excuse(self: Verbs, error: Exception) -> Changes:
        if isinstance(error, UserError):
            return self.refuse(str(error))
        frames = "".join(traceback.format_tb(error.__traceback__))
        logger.error("%s in %s\n%s", type(error).__name__, verb.__name__, frames)
        return self.refuse(views.CALM)

    if inspect.isgeneratorfunction(verb):

        @functools.wraps(verb)
        def streamed(self: Verbs, *args: Any, **kwargs: Any) -> Iterator[Changes]:
            try:
                yield from verb(self, *args, **kwargs)
            except Exception as error:
                yield excuse(self, error) | self.idle()

        return streamed  # type: ignore[return-value]

    @functools.wraps(verb)
    def called(self: Verbs, *args: Any, **kwargs: Any) -> Changes:
        try:
            return verb(self, *args, **kwargs)  # type: ignore[no-any-return]
        except Exception as error:
            return excuse(self, error)

    return called  # type: ignore[return-value]


def text_of(event: gr.EventData, field: str) -> str:
    """A text that came with an event.

    Raises:
        UserError: If it is none; anything may arrive from a browser.
    """
    data = event._data
    value = data.get(field) if isinstance(data, dict) else None
    if not isinstance(value, str):
        raise UserError("The page sent something that could not be read: reload it and try again.")
    return value


def whole(value: float | None, what: str) -> int:
    """A whole number out of a field.

    Raises:
        UserError: If the field is empty or holds a fraction.
    """
    if value is None or value != int(value):
        raise UserError(f"The {what} is not a whole number: write one.")
    return int(value)


def seed_of(value: float | None) -> int:
    """A seed out of a field.

    Raises:
        UserError: If the field is empty, or holds what is no seed.
    """
    seed = whole(value, "seed")
    SEED.check(seed, "The seed")
    return seed
