"""Loading the models behind the page: one thread, one runtime for all visitors, progress in words.

The page is there at once; this says how far its models are. Knows nothing of Gradio, nor of which
models there are.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from persona_demo.errors import UserError
from persona_demo.runtime import Report, Runtime

logger = logging.getLogger(__name__)

Stage = Literal["idle", "loading", "ready", "failed"]


@dataclass(frozen=True)
class Progress:
    """How far loading is.

    Attributes:
        stage: Where it stands.
        words: What is being done, or what went wrong and what to do.
        share: Part of it that is done, 0 to 1, where that is known.
    """

    stage: Stage
    words: str
    share: float | None = None


class Loading:
    """A runtime that is being loaded, or has been."""

    def __init__(self, load: Callable[[Report], Runtime]) -> None:
        """Prepare, and load nothing yet.

        Args:
            load: Loads a runtime and reports what it is doing.
        """
        self._load = load
        self._runtime: Runtime | None = None
        self._lock = threading.Lock()
        self._settled = threading.Event()
        self._progress = Progress("idle", "The models are not loaded yet.")

    @property
    def progress(self) -> Progress:
        """How far it is."""
        return self._progress

    @property
    def runtime(self) -> Runtime | None:
        """The runtime, once it is ready."""
        return self._runtime

    def start(self) -> None:
        """Begin to load, unless that was begun; after a failure, try again."""
        with self._lock:
            if self._progress.stage in ("loading", "ready"):
                return
            self._settled.clear()
            self._progress = Progress("loading", "Starting to load the models")
        threading.Thread(target=self._run, name="loading", daemon=True).start()

    def wait(self, seconds: float) -> Runtime | None:
        """Wait for the runtime.

        Args:
            seconds: How long at most.

        Returns:
            The runtime, or None where it is not ready by then.

        Raises:
            UserError: If it could not be loaded.
        """
        self._settled.wait(seconds)
        if self._progress.stage == "failed":
            raise UserError(self._progress.words)
        return self._runtime

    def _report(self, message: str, share: float | None) -> None:
        self._progress = Progress("loading", message, share)

    def _run(self) -> None:
        try:
            self._runtime = self._load(self._report)
            self._progress = Progress("ready", "Ready", 1.0)
        except UserError as error:
            self._progress = Progress("failed", str(error))
        except Exception as error:
            logger.error("loading failed: %s", type(error).__name__, exc_info=error)
            self._progress = Progress(
                "failed", "The models could not be loaded: press Write to try again, or restart the app."
            )
        finally:
            self._settled.set()
