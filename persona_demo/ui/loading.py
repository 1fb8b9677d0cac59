"""Loading the models behind the pages: one thread, one runtime for all visitors, progress in words.

A page is there at once; this says how far its models are. Pages of other plugs share what is loaded
and put their plug beside it. Knows nothing of Gradio, nor of which models there are.
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


class PluggedIn(Loading):
    """The same models with another plug, which is read when the first visitor of its page asks."""

    def __init__(self, first: Loading, plug_in: Callable[[Runtime], Runtime]) -> None:
        """Wait for the models of another page.

        Args:
            first: Loads the models.
            plug_in: Makes a runtime of another plug out of a loaded one.
        """
        super().__init__(first._load)
        self._first, self._plug_in = first, plug_in
        self._refused = ""

    @property
    def progress(self) -> Progress:
        """How far it is: what the models say, and what is wrong with the plug where something is."""
        if self._first.runtime is not None:
            self._plugged()
        return Progress("failed", self._refused) if self._refused else self._first.progress

    @property
    def runtime(self) -> Runtime | None:
        """The runtime, once it is ready."""
        return self._plugged()

    def start(self) -> None:
        """Begin to load, unless that was begun; after a failure, try again."""
        self._refused = ""
        self._first.start()

    def wait(self, seconds: float) -> Runtime | None:
        """Wait for the runtime, as :meth:`Loading.wait` does."""
        self._first.wait(seconds)
        made = self._plugged()
        if self._refused:
            raise UserError(self._refused)
        return made

    def _plugged(self) -> Runtime | None:
        runtime = self._first.runtime
        with self._lock:
            if self._runtime is None and runtime is not None and not self._refused:
                try:
                    self._runtime = self._plug_in(runtime)
                except UserError as error:
                    self._refused = str(error)
                except Exception as error:
                    logger.error("plugging in failed: %s", type(error).__name__, exc_info=error)
                    self._refused = "The plug of this page could not be loaded: press Write to try again."
            return self._runtime
