"""What happens when a visitor has the arms write: wait for a turn, stream, stop.

One handler and one stream for all columns. Which arms or models there are, nobody here asks.
"""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable, Generator, Sequence
from typing import Any

import gradio as gr

from persona_demo.answers import ArmText
from persona_demo.arms import ARMS, KNOWN, Placebo, arms_named
from persona_demo.errors import UserError
from persona_demo.lm.decode import DecodeOptions
from persona_demo.ui import column_views, views
from persona_demo.ui.changes import Changes
from persona_demo.ui.inside import guess
from persona_demo.ui.loading import Loading
from persona_demo.ui.page import Page
from persona_demo.ui.shelf import Shelf
from persona_demo.ui.state import Session, key_of
from persona_demo.ui.verbs import Verbs, guarded, seed_of, whole
from persona_demo.ui.written import Outcome

FRAME = 0.08
"""Least seconds between two states of the columns that are sent; faster than this nobody reads."""
USUAL = tuple(name for name in ARMS if ":" not in name)
"""Columns that a page starts with."""
Stream = Generator[tuple[ArmText, ...], None, None]


class Writing(Verbs):
    """What the arms write."""

    def __init__(self, page: Page, shelf: Shelf, loading: Loading, *, gpu: Callable[[Any], Any] | None = None) -> None:
        """Bind the verbs to a page.

        Args:
            page: Its components.
            shelf: What ships.
            loading: The models.
            gpu: Decorates what needs a GPU that is only lent for the length of a call.
        """
        super().__init__(page, shelf, loading)
        self._stream: Callable[..., Stream] = (gpu or (lambda fn: fn))(self._written)

    def begin(self, waiting: str) -> Changes:
        """Answer the button at once; the turn itself may have to wait for other visitors.

        Args:
            waiting: What is said meanwhile.
        """
        return {
            self.page.write: gr.Button(interactive=False),
            self.page.next_seed: gr.Button(interactive=False),
            self.page.stop: gr.Button(interactive=True),
            self.page.caption: views.caption(waiting),
            self.page.notice: views.notice(),
            # Columns with names beside a blind guess would give it away.
            **guess.none_dealt(self.page.inside.guess),
        }

    @guarded
    def write(
        self,
        record: dict[str, Any],
        opening: str,
        strength: float,
        max_new_tokens: float,
        temperature: float,
        top_p: float,
        seed: float,
        arms: list[str],
        placebo: bool,
        allow_listed_words: bool,
        placebos: Sequence[Placebo] = ("other",),
    ) -> Generator[Changes, None, None]:
        """Let the arms write together."""
        session = Session.from_record(record)
        names = shown_arms(arms, placebo, placebos)
        if not opening.strip():
            raise UserError(self.task.nothing_given)
        options = DecodeOptions(
            max_new_tokens=whole(max_new_tokens, "number of new tokens"),
            temperature=temperature,
            top_p=top_p,
            seed=seed_of(seed),
        )
        for words in self.awaited("Your text is next"):
            # The timer may have given up after a failure; it says when the models are there.
            yield {self.page.caption: views.caption(words), self.page.timer: gr.Timer(active=True)}
        arms_shown = arms_named(names)
        notes = column_views.arm_notes(arms_shown, session)
        writing = [arm.name for arm in arms_shown if arm.kind == "soft" or arm.name not in notes]
        if not writing:
            raise UserError(
                f"None of these columns has anything to go by: add {self.wording.a}, or tick another under Advanced."
            )
        show = functools.partial(
            column_views.columns,
            opening=self.task.begun(opening),
            shown=names,
            notes=notes,
            strength=strength,
            seed=options.seed,
        )
        of_whom = f"for {session.history.name} at strength {strength:g}"
        yield {self.page.columns: show((), running=True), self.page.caption: views.caption(f"Writing {of_whom}.")}
        texts: tuple[ArmText, ...] = ()
        sent = 0.0
        key = key_of(session, opening)
        kept = functools.partial(
            Outcome, opening.strip(), strength, options, key=key, person=session.history.name,
            allow_listed_words=allow_listed_words,
        )  # fmt: skip
        stream = self._stream(record, opening, writing, strength, options, allow_listed_words)
        with contextlib.closing(stream):
            for texts in stream:
                if time.perf_counter() - sent > FRAME:
                    yield {
                        self.page.columns: show(texts, running=True),
                        self.page.written: kept(texts=texts).as_record(),
                    }
                    sent = time.perf_counter()
        yield {
            self.page.columns: show(texts),
            self.page.written: kept(texts=texts).as_record(),
            self.page.caption: views.caption(f"Written {of_whom}.", key),
            **self.idle(),
        }

    def _written(
        self,
        record: dict[str, Any],
        opening: str,
        names: Sequence[str],
        strength: float,
        options: DecodeOptions,
        allow_listed_words: bool,
    ) -> Stream:
        """What the arms write; takes and gives plain values, as a lent GPU asks for."""
        runtime, session = self.loading.runtime, Session.from_record(record)
        if runtime is None:
            raise UserError("The models are not loaded: press Write again.")
        inputs = runtime.arm_inputs(
            session.history,
            runtime.task(self.task.name),
            opening,
            seed=options.seed,
            stored=self.shelf.stored_vector(session),
            others=self.shelf.others(session),
        )
        yield from runtime.compare(
            inputs,
            arms_named(names),
            strength=strength,
            options=options,
            allow_listed_words=allow_listed_words,
        )

    @guarded
    def stopped(self, columns: dict[str, Any], written: dict[str, Any] | None) -> Changes:
        """Say so, once writing was stopped; what was written stays."""
        return {
            self.page.columns: column_views.halted(columns),
            self.page.caption: views.caption(
                "Stopped. What was written so far stays.", "" if written is None else Outcome.from_record(written).key
            ),
            **self.idle(),
        }

    @guarded
    def choose_arms(
        self, columns: dict[str, Any], arms: list[str], placebo: bool, placebos: Sequence[Placebo] = ("other",)
    ) -> Changes:
        """Show or hide columns."""
        return {self.page.columns: column_views.rearranged(columns, shown_arms(arms, placebo, placebos))}

    def next_seed(self, seed: float | None) -> float:
        """The next seed."""
        return (seed or 0) + 1


def shown_arms(arms: Sequence[str], placebo: bool, placebos: Sequence[Placebo] = ("other",)) -> list[str]:
    """Names of the arms that are asked for, in the order of the registry.

    Args:
        arms: Names of those that were ticked.
        placebo: Whether placebos are shown beside them.
        placebos: What stands in the person's place in them; each beside every arm of vectors it fits.
            Where no such arm is ticked, it is shown for the persona.

    Raises:
        UserError: If there is none.
    """
    names = [name for name in KNOWN if name in arms]
    if placebo:
        able = [name for name in names if KNOWN[name].kind in ("soft", "both") and KNOWN[name].placebos]
        of = [(name, kind) for name in able or ["persona"] for kind in KNOWN[name].placebos if kind in placebos]
        names += [f"{name}:{kind}" for name, kind in of]
    if not names:
        raise UserError("No column is chosen: tick at least one under Advanced.")
    return names
