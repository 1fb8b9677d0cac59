"""What every measurement has: a button, a Stop that stops, and a line that says how far it is."""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import gradio as gr
from gradio.events import Dependency

from persona_demo.ui.line import LANE, Line
from persona_demo.ui.widget import widget

if TYPE_CHECKING:
    from persona_demo.ui.changes import Changes

Stage = Literal["none", "loading", "said", "cut"]
"""Nothing measured yet, something runs, it is done, or it was stopped or refused."""
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
"""Of every listener: no spinners over what is being read, and no public endpoint."""


@dataclass(frozen=True)
class Of:
    """What results on the page are of, so that old ones are not taken for new ones.

    Attributes:
        words: For readers.
        key: Of the person, and of the input where it matters.
        text: Of the text that was measured, where one was.
        pins: Of the states that are compared, where there are such.
    """

    words: str
    key: str = ""
    text: str = ""
    pins: str = ""


@dataclass(frozen=True)
class RunBar:
    """A button, its Stop, and a line.

    Attributes:
        go: Starts.
        stop: Stops; there only while something runs.
        status: How far it is, in words and as a bar.
        ticket: That of the run that was begun last.
    """

    go: gr.Button
    stop: gr.Button
    status: gr.HTML
    ticket: gr.State

    @classmethod
    def lay_out(cls, label: str, *, name: str) -> RunBar:
        """Lay one out.

        Args:
            label: What the button says.
            name: Of its elements on the page.
        """
        with gr.Row(elem_classes="pd-runbar"):
            go = gr.Button(label, variant="primary", size="md", min_width=150, elem_id=f"pd-{name}-go")
            stop = gr.Button("Stop", variant="stop", size="md", visible=False, min_width=80, elem_id=f"pd-{name}-stop")
            status = widget("status", said("none"), elem_id=f"pd-{name}-status")
        return cls(go, stop, status, gr.State(""))

    def busy(self, words: str, share: float | None = None, *, of: Of | None = None) -> Changes:
        """While it runs; without a share the bar has no end.

        Args:
            words: How far it is.
            share: The same, 0 to 1.
            of: What the results are of that come with it, where some do.
        """
        return {self.status: said("loading", words, share, of=of)}

    def done(self, of: Of) -> Changes:
        """Afterwards: the buttons are ready again, and the line says what was measured."""
        return {self.status: said("said", of.words, of=of)} | self._ready()

    def cut(self, words: str = "") -> Changes:
        """After a stop or a refusal: the line goes on saying what the results that are there are of."""
        return {self.status: said("cut", words)} | self._ready()

    def cleared(self) -> Changes:
        """As it was at first."""
        return {self.status: said("none")} | self._ready()

    def begun(self, waiting: str) -> Changes:
        """Answer the button at once; the turn itself may have to wait for other visitors.

        Args:
            waiting: What is said meanwhile.
        """
        return {
            self.status: said("loading", waiting),
            self.go: gr.Button(interactive=False),
            self.stop: gr.Button(visible=True),
        }

    def _ready(self) -> Changes:
        return {self.go: gr.Button(interactive=True), self.stop: gr.Button(visible=False)}

    @property
    def parts(self) -> list[Any]:
        """Its components."""
        return [self.go, self.stop, self.status]

    def wire(
        self,
        run: Callable[..., Iterator[Changes]],
        inputs: Sequence[Any],
        outputs: Sequence[Any],
        *,
        notice: gr.HTML,
        line: Line,
    ) -> Dependency:
        """Bind it to what it runs, in the one lane of the language model.

        Args:
            run: A generator of changes.
            inputs: What it is given.
            outputs: What it changes.
            notice: The strip that errors go to.
            line: Who waits for the language model.

        Returns:
            The run, for others who may cancel it.
        """

        def begin() -> Changes:
            return self.begun(line.words) | {self.ticket: line.ticket(), notice: {"text": "", "kind": ""}}

        def stopped(ticket: str) -> Changes:
            line.leave(ticket)
            return self.cut("Stopped.")

        light: dict[str, Any] = {"queue": False, **QUIET}
        # One after the other, so that a quick refusal is not wiped away by the beginning.
        begun = self.go.click(begin, None, [*self.parts, self.ticket, notice], trigger_mode="once", **light)
        running: Dependency = begun.then(
            line.turn(at_last_entire(run), lastly=lambda _: self.cut("Stopped.")),
            [self.ticket, *inputs],
            [*outputs, *self.parts, notice],
            concurrency_id=LANE,
            concurrency_limit=1,
            **QUIET,
        )
        self.stop.click(None, cancels=[running]).then(stopped, self.ticket, self.parts, **light)
        return running


def at_last_entire(run: Callable[..., Iterator[Changes]]) -> Callable[..., Generator[Changes, None, None]]:
    """A run that ends by saying once more all that it changed.

    Gradio may close the stream of answers between two of them, and those are lost to the page; the last one is sent
    in full, so that with it nothing is missing.

    Args:
        run: A generator of changes.
    """

    @functools.wraps(run)
    def whole(*args: Any) -> Generator[Changes, None, None]:
        changed: Changes = {}
        for changes in run(*args):
            changed |= changes
            yield changes
        yield changed

    return whole


def said(stage: Stage, words: str = "", share: float | None = None, *, of: Of | None = None) -> dict[str, Any]:
    """Value of the line.

    Args:
        stage: How it stands.
        words: What it says.
        share: How far it is, 0 to 1, where that is known.
        of: What the results that come with it are of.
    """
    return {"stage": stage, "words": words, "share": share, "of": None if of is None else asdict(of)}
