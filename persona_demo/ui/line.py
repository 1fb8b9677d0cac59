"""Who waits for the language model: what is said to somebody whose turn has not come, and who has left."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Generator, Iterator
from typing import Any

import gradio as gr

from persona_demo.ui.changes import Changes

LANE = "lm"
"""Lane of everything that the language model does; one at a time has its turn."""
REMEMBERED = 1000
"""Tickets of those who left, the latest; older ones have had their turn long ago."""


class Line:
    """The queue before the language model, as Gradio keeps it, with a ticket for each turn.

    Gradio's page can cancel a run only once it knows its number, which takes a round trip; with a ticket whoever leaves
    before that is not served either.
    """

    def __init__(self, demo: gr.Blocks) -> None:
        """Look at the queue of an app.

        Args:
            demo: The app.
        """
        self._demo = demo
        self._left: dict[str, bool] = {}

    @property
    def ahead(self) -> int:
        """How many have their turn or wait for it."""
        # Gradio tells nobody outside how long a single lane is, so this reads what it counts by.
        lane = self._demo._queue.event_queue_per_concurrency_id.get(LANE)
        return 0 if lane is None else lane.current_concurrency + len(lane.queue)

    @property
    def words(self) -> str:
        """What is said to who joins now."""
        if not self.ahead:
            return "Waiting for a turn."
        return f"Waiting for a turn: you are number {self.ahead + 1} in line."

    def ticket(self) -> str:
        """A ticket for one turn, like no other."""
        return secrets.token_hex(8)

    def leave(self, *tickets: str, quietly: bool = False) -> None:
        """Give tickets back: their turns end, or never begin.

        Args:
            *tickets: Those of :meth:`ticket`; an empty one is nobody's.
            quietly: Whether nothing more is said of it, because the page is about somebody else by now.
        """
        self._left |= {ticket: quietly for ticket in tickets if ticket}
        for old in list(self._left)[:-REMEMBERED]:
            del self._left[old]

    def turn(
        self, run: Callable[..., Generator[Changes, None, None]], *, lastly: Callable[[Changes], Changes]
    ) -> Callable[..., Iterator[Changes]]:
        """A run that ends when whose turn it is has left.

        Args:
            run: A generator of changes.
            lastly: Out of all it changed so far, what tidies the page up after it.

        Returns:
            The same, with the ticket as its first argument.
        """

        def taken(ticket: str, *args: Any) -> Iterator[Changes]:
            changed: Changes = {}
            if ticket not in self._left:
                with contextlib.closing(run(*args)) as stream:
                    for changes in stream:
                        if ticket in self._left:
                            break
                        changed |= changes
                        yield changes
            if not self._left.get(ticket, True):
                yield lastly(changed)

        return taken
