"""What every measurement has: a button, a Stop that stops, and a line that says how far it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import gradio as gr
from gradio.events import Dependency

from persona_demo.ui.line import LANE, Line
from persona_demo.ui.widget import widget

if TYPE_CHECKING:
    from persona_demo.ui.changes import Changes

Depends = Literal["person", "input", "text"]
"""What a measurement is about: the person alone, their input too, or also the text that the tabs look at."""
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
"""Of every listener: no spinners over what is being read, and no public endpoint."""


@dataclass(frozen=True)
class RunBar:
    """A button, its Stop, and a line.

    Attributes:
        go: Starts.
        stop: Stops; there only while something runs.
        status: How far it is, in words and as a bar.
        depends: What is measured is about this, and old when it changes.
    """

    go: gr.Button
    stop: gr.Button
    status: gr.HTML
    depends: Depends = "input"

    @classmethod
    def lay_out(cls, label: str, *, name: str, depends: Depends = "input") -> RunBar:
        """Lay one out.

        Args:
            label: What the button says.
            name: Of its elements on the page.
            depends: What is measured is about this.
        """
        with gr.Row(elem_classes="pd-runbar"):
            go = gr.Button(label, variant="primary", size="md", min_width=150, elem_id=f"pd-{name}-go")
            stop = gr.Button("Stop", variant="stop", size="md", visible=False, min_width=80, elem_id=f"pd-{name}-stop")
            status = widget("status", cls.said(""), elem_id=f"pd-{name}-status")
        return cls(go, stop, status, depends)

    @staticmethod
    def said(
        words: str, share: float | None = None, *, busy: bool = False, key: str = "", text: str = "",
        cut: Depends | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """Value of the line.

        Args:
            words: What it says.
            share: How far it is, 0 to 1, where that is known.
            busy: Whether something runs.
            key: Of what was measured, so that the page can tell when that is no longer there.
            text: Of the text that was measured, where one was.
            cut: Where it was stopped, what it is about; the page then compares with what was there when it began.
        """
        stage = "loading" if busy else "said" if words else "none"
        return {"stage": stage, "words": words, "share": share, "key": key, "text": text, "cut": cut}

    def busy(self, words: str, share: float | None = None) -> Changes:
        """While it runs; without a share the bar has no end."""
        return {self.status: self.said(words, share, busy=True)}

    def done(self, words: str, *, key: str = "", text: str = "", cut: Depends | None = None) -> Changes:
        """Afterwards: the buttons are ready again, and the line says what was measured."""
        return {
            self.status: self.said(words, key=key, text=text, cut=cut),
            self.go: gr.Button(interactive=True),
            self.stop: gr.Button(visible=False),
        }

    def begun(self, waiting: str) -> Changes:
        """Answer the button at once; the turn itself may have to wait for other visitors.

        Args:
            waiting: What is said meanwhile.
        """
        return {
            self.status: self.said(waiting, busy=True),
            self.go: gr.Button(interactive=False),
            self.stop: gr.Button(visible=True),
        }

    @property
    def parts(self) -> list[Any]:
        """Its components."""
        return [self.go, self.stop, self.status]

    def wire(
        self, run: Callable[..., Any], inputs: Sequence[Any], outputs: Sequence[Any], *, notice: gr.HTML, line: Line
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
            return self.begun(line.words) | {notice: {"text": "", "kind": ""}}

        def stopped() -> Changes:
            return self.done("Stopped. What was measured so far stays.", cut=self.depends)

        light: dict[str, Any] = {"queue": False, **QUIET}
        # One after the other, so that a quick refusal is not wiped away by the beginning.
        begun = self.go.click(begin, None, [*self.parts, notice], trigger_mode="once", **light)
        running: Dependency = begun.then(
            run, list(inputs), [*outputs, *self.parts, notice], concurrency_id=LANE, concurrency_limit=1, **QUIET
        )
        self.stop.click(None, cancels=[running]).then(stopped, None, self.parts, **light)
        return running
