"""Who waits for the language model: what is said to somebody whose turn has not come."""

from __future__ import annotations

import gradio as gr

LANE = "lm"
"""Lane of everything that the language model does; one at a time has its turn."""


class Line:
    """The queue before the language model, as Gradio keeps it."""

    def __init__(self, demo: gr.Blocks) -> None:
        """Look at the queue of an app.

        Args:
            demo: The app.
        """
        self._demo = demo

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
