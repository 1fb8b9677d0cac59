"""A measured curve: what runs it, what it shows in a sentence, the picture, and the same in numbers."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from persona_demo.ui.inside.runbar import RunBar
from persona_demo.ui.inside.tables import chart, table
from persona_demo.ui.widget import widget


@dataclass(frozen=True)
class Curve:
    """The components of a curve.

    Attributes:
        bar: Runs it.
        line: What it shows, in a sentence.
        chart: The curve.
        table: The same in numbers.
    """

    bar: RunBar
    line: gr.HTML
    chart: gr.HTML
    table: gr.HTML

    @classmethod
    def lay_out(cls, *, name: str) -> Curve:
        """Lay one out.

        Args:
            name: Of its elements on the page.
        """
        bar = RunBar.lay_out("Measure", name=name)
        line = widget("line", {"text": ""}, elem_classes="pd-finding")
        with gr.Row(equal_height=False):
            with gr.Column(scale=3, min_width=320):
                picture = widget("chart", chart(), elem_id=f"pd-{name}-chart")
            with gr.Column(scale=2, min_width=280):
                figures = widget("table", table(), go="", elem_id=f"pd-{name}-table")
        return cls(bar, line, picture, figures)
