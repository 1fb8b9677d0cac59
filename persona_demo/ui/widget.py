"""Widgets of our own: a template and a script each, in files under ``widgets/``.

A template is constant and holds no value, because Gradio evaluates it as code; the script puts
values on the page as text nodes.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import gradio as gr


def asset(name: str) -> str:
    """Text of a file under ``widgets/``."""
    return files(__package__).joinpath("widgets", name).read_text(encoding="utf-8")


def widget(name: str, value: dict[str, Any], **props: Any) -> gr.HTML:
    """Make a widget.

    Args:
        name: Of its template (``.html``) and script (``.js``).
        value: What it shows first, plain JSON.
        **props: What its script reads and nobody changes, and options of ``gr.HTML``.
    """
    return gr.HTML(
        value,
        html_template=asset(f"{name}.html"),
        js_on_load=asset("common.js") + asset(f"{name}.js"),
        apply_default_css=False,
        **props,
    )
