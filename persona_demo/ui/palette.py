"""The one theme of the app: every colour, the type and the spacing, for light and for dark.

Paper, ink and one hue. The persona owns that hue, so wherever it shows, the plug is at work; the
other arms are quiet greys and a cool family of blues. Colours reach the stylesheet and the map as
``--pd-...`` variables. Fonts are the reader's own: nothing is asked from outside. Knows nothing of
what is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

import gradio as gr
from gradio.themes.utils import sizes

SANS = ("ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Helvetica Neue", "Arial", "sans-serif")
SERIF = ("Iowan Old Style", "Palatino Linotype", "Palatino", "Book Antiqua", "Georgia", "serif")
MONO = ("ui-monospace", "SF Mono", "Cascadia Mono", "Menlo", "Consolas", "monospace")


@dataclass(frozen=True)
class Colour:
    """One colour in both modes.

    Attributes:
        light: Hex on light paper, ``#rrggbb``.
        dark: Hex on dark paper, ``#rrggbb``.
    """

    light: str
    dark: str


ARM_COLOURS: dict[str, Colour] = {
    "plain": Colour("#736c66", "#9a938a"),
    "task": Colour("#57514a", "#c3bcb1"),
    "persona": Colour("#b93c1b", "#f0835f"),
    "bm25": Colour("#2b6591", "#7fb2d9"),
    "dense": Colour("#4450a3", "#a3aef0"),
    "recent": Colour("#1d7072", "#6cc0bd"),
    "persona:other": Colour("#8b6256", "#c29a8d"),
}
"""The colour an arm has everywhere: as a column head, a bar, a line in the cost panel."""

NEUTRALS: dict[str, Colour] = {
    "page": Colour("#f7f5f0", "#141311"),
    "panel": Colour("#fffefb", "#1c1a18"),
    "sunken": Colour("#f1eee7", "#252320"),
    "line": Colour("#e4dfd5", "#37332e"),
    "ink": Colour("#23201c", "#efeae2"),
    "ink-soft": Colour("#655e55", "#aaa297"),
    "edge": Colour("#979084", "#6f685f"),
    "dot": Colour("#979084", "#766f65"),
    "contour": Colour("#e5ddcc", "#36312a"),
    "named": Colour("#1f4468", "#a9c8ec"),
    "wash": Colour("#fbebe3", "#3a211a"),
    "focus": Colour("#2b6591", "#7fb2d9"),
    "alert": Colour("#9a2a10", "#ff9d7c"),
}
"""Everything that is not an arm. ``wash`` is the persona's hue as a background."""

STEPS = (
    Colour("#b9c7d6", "#33475c"), Colour("#8fadc9", "#45688a"), Colour("#5f8fb8", "#5b8cb6"),
    Colour("#2f6c9c", "#83b5dc"), Colour("#123f66", "#c4e1fb"),
)  # fmt: skip
"""From little to much, where points of a map are coloured by a quantity."""

TINT = {"light": 0.70, "dark": 0.50}
"""Most of a colour behind a token of a text, by mode: ink on it stays legible, at a contrast of 4.5 and more."""
TINTS = {"more": ARM_COLOURS["persona"], "less": NEUTRALS["focus"]}
"""Colours behind tokens that are likelier and less likely."""

HUES = (
    Colour("#2b6591", "#7fb2d9"), Colour("#b07d10", "#e2b955"), Colour("#7a4a9c", "#c39be0"),
    Colour("#2f8552", "#74c795"), Colour("#b0406f", "#ee93b8"), Colour("#6b6f2a", "#bcc26b"),
    Colour("#4450a3", "#a3aef0"), Colour("#1d7c85", "#62c5cf"), Colour("#87594a", "#cf9f8d"),
    Colour("#6e6a64", "#a9a39a"),
)  # fmt: skip
"""Of groups that have no order; none is the persona's."""

_PERSONA = gr.themes.Color(
    "#fdf4f0", "#fbe5dc", "#f6c9b9", "#f0a88e", "#f0835f", "#d2542f",
    "#b93c1b", "#983116", "#782817", "#5b2116", "#341109", name="persona",
)  # fmt: skip
_STONE = gr.themes.Color(
    "#f7f5f0", "#f1eee7", "#e4dfd5", "#cfc8bb", "#aaa294", "#7d766b",
    "#655e55", "#4a453d", "#37332e", "#252320", "#141311", name="stone",
)  # fmt: skip

_SETTINGS = {
    "body_background_fill": "page",
    "body_text_color": "ink",
    "body_text_color_subdued": "ink-soft",
    "background_fill_primary": "panel",
    "background_fill_secondary": "sunken",
    "border_color_primary": "line",
    "color_accent_soft": "wash",
    "link_text_color": "ink",
    "link_text_color_visited": "ink",
    "link_text_color_hover": "arm-persona",
    "link_text_color_active": "arm-persona",
    "block_background_fill": "panel",
    "block_border_color": "line",
    "block_info_text_color": "ink-soft",
    "block_label_background_fill": "panel",
    "block_label_text_color": "ink-soft",
    "block_title_text_color": "ink-soft",
    "panel_background_fill": "sunken",
    "table_border_color": "line",
    "table_even_background_fill": "panel",
    "table_odd_background_fill": "panel",
    "input_background_fill": "panel",
    "input_border_color": "edge",
    "input_border_color_focus": "focus",
    "input_placeholder_color": "ink-soft",
    "slider_color": "arm-persona",
    "loader_color": "arm-persona",
    "checkbox_border_color": "edge",
    "checkbox_label_background_fill": "panel",
    "checkbox_label_background_fill_selected": "wash",
    "checkbox_label_text_color_selected": "ink",
    "button_primary_background_fill": "ink",
    "button_primary_background_fill_hover": "arm-persona",
    "button_primary_border_color": "ink",
    "button_primary_border_color_hover": "arm-persona",
    "button_primary_text_color": "panel",
    "button_secondary_background_fill": "panel",
    "button_secondary_background_fill_hover": "sunken",
    "button_secondary_border_color": "edge",
    "button_secondary_border_color_hover": "ink-soft",
    "button_secondary_text_color": "ink",
    "button_cancel_background_fill": "panel",
    "button_cancel_background_fill_hover": "sunken",
    "button_cancel_border_color": "alert",
    "button_cancel_text_color": "alert",
    "button_cancel_text_color_hover": "alert",
}
"""Which of our variables each of Gradio's settings takes, in light and in dark."""


def arm_colour(arm: str) -> Colour:
    """The colour of an arm, also of one that has none of its own.

    Args:
        arm: Name of the arm. A placebo falls back on the muted hue, whatever builds on the persona
            on the persona's, anything else on that of dense retrieval.
    """
    if arm in ARM_COLOURS:
        return ARM_COLOURS[arm]
    if ":" in arm:
        return ARM_COLOURS["persona:other"]
    return ARM_COLOURS["persona" if arm.startswith("persona") else "dense"]


def arm_variable(arm: str) -> str:
    """Name of the CSS variable that holds an arm's colour, ``--pd-arm-persona-other`` say.

    An arm without a colour of its own shares that of :func:`arm_colour`.
    """
    colour = arm_colour(arm)
    named = arm if arm in ARM_COLOURS else next(name for name, each in ARM_COLOURS.items() if each == colour)
    return "--pd-arm-" + named.replace(":", "-").replace("+", "-")


def contrast(first: str, second: str) -> float:
    """WCAG 2 contrast ratio of two ``#rrggbb`` colours, 1 to 21."""
    low, high = sorted((_luminance(first), _luminance(second)))
    return (high + 0.05) / (low + 0.05)


def mixed(over: str, under: str, share: float) -> str:
    """A ``#rrggbb`` colour laid over another, as CSS's ``color-mix(in srgb, ...)`` does.

    Args:
        over: The colour on top.
        under: The one beneath.
        share: Of the colour on top, 0 to 1.
    """
    pairs = ((int(over[i : i + 2], 16), int(under[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(share * top + (1 - share) * below):02x}" for top, below in pairs)


def _luminance(colour: str) -> float:
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def stylesheet() -> str:
    """The app's CSS: the variables for light and dark, then the rules that use them."""
    named = {f"--pd-{name}": colour for name, colour in NEUTRALS.items()}
    named |= {arm_variable(arm): colour for arm, colour in ARM_COLOURS.items()}
    named |= {f"--pd-step-{n}": colour for n, colour in enumerate(STEPS)}
    named |= {f"--pd-hue-{n}": colour for n, colour in enumerate(HUES)}
    fonts = {"--pd-sans": SANS, "--pd-serif": SERIF, "--pd-mono": MONO}
    families = {name: ", ".join(f"'{f}'" if " " in f else f for f in stack) for name, stack in fonts.items()}
    named |= {f"--pd-tint-{side}": colour for side, colour in TINTS.items()}
    tint = {mode: {"--pd-tint": f"{share:.0%}"} for mode, share in TINT.items()}
    light = _block(":root", {name: colour.light for name, colour in named.items()} | tint["light"] | families)
    # Behind the app Gradio's page has colours of its own, and the browser draws scroll bars and form fields.
    behind = {"--bg": "var(--pd-page)", "--col": "var(--pd-ink)", "color-scheme": "dark"}
    dark = _block(".dark", {name: colour.dark for name, colour in named.items()} | tint["dark"] | behind)
    rules = files(__package__).joinpath("palette.css").read_text(encoding="utf-8")
    return "\n".join((light, dark, rules))


def _block(selector: str, values: Mapping[str, str]) -> str:
    return selector + " {\n" + "".join(f"  {name}: {value};\n" for name, value in values.items()) + "}"


def theme() -> gr.themes.Base:
    """Gradio's own widgets in these colours; goes to ``launch(theme=..., css=stylesheet())``."""
    base = gr.themes.Base(
        primary_hue=_PERSONA,
        secondary_hue=_STONE,
        neutral_hue=_STONE,
        text_size=sizes.text_md,
        spacing_size=sizes.spacing_lg,
        radius_size=sizes.radius_sm,
        font=SANS,
        font_mono=MONO,
    )
    # Base gives most settings a dark twin of its own; ours are the same variable in both modes.
    twice = {name: f"var(--pd-{variable})" for name, variable in _SETTINGS.items()}
    return base.set(
        **twice,
        **{f"{name}_dark": value for name, value in twice.items()},
        color_accent="var(--pd-arm-persona)",
        # One step darker in the dark, for the white tick.
        checkbox_background_color_selected="*primary_600",
        checkbox_background_color_selected_dark="*primary_500",
        checkbox_border_color_selected="*primary_600",
        checkbox_border_color_selected_dark="*primary_500",
        block_border_width="1px",
        block_border_width_dark="1px",
        block_label_border_width="0px",
        block_label_border_width_dark="0px",
        block_title_text_weight="500",
        block_shadow="none",
        block_shadow_dark="none",
        input_border_width="1px",
        input_shadow="none",
        input_shadow_focus="none",
        button_border_width="1px",
        button_border_width_dark="1px",
        button_primary_shadow="none",
        button_secondary_shadow="none",
        button_large_text_size="*text_md",
        button_large_text_weight="500",
        button_medium_text_weight="500",
        button_small_text_weight="500",
        button_transition="background-color 120ms ease, border-color 120ms ease",
    )
