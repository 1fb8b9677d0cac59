"""What all tabs share: whom and what they look at, waiting for the models, and a clean end after an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from persona_demo.arms import KNOWN, Arm, ArmInputs
from persona_demo.errors import UserError
from persona_demo.lm.decode import DecodeOptions
from persona_demo.runtime import Runtime
from persona_demo.tasks.wording import plural
from persona_demo.ui.changes import Changes
from persona_demo.ui.inside.runbar import Of, RunBar
from persona_demo.ui.inside.tables import shortened
from persona_demo.ui.loading import Loading
from persona_demo.ui.page import Page
from persona_demo.ui.shelf import Shelf
from persona_demo.ui.state import Record, Session, key_of
from persona_demo.ui.verbs import Verbs, seed_of

AT_ONE = "At strength 1, as it was trained."
"""What is said of likelihoods that do not follow the dial."""
LED = frozenset(name for name, arm in KNOWN.items() if arm.kind in ("soft", "both") and arm.placebos)
"""Arms that a strength applies to."""
Lend = Callable[[Any], Any]


class Look(Verbs):
    """Verbs of one tab."""

    def __init__(
        self, page: Page, bar: RunBar | None, shelf: Shelf, loading: Loading, *, gpu: Lend | None = None
    ) -> None:
        """Bind the verbs to a page.

        Args:
            page: Its components.
            bar: The buttons and the line of this tab, where it measures something.
            shelf: What ships.
            loading: The models.
            gpu: Decorates what needs a GPU that is only lent for the length of a call.
        """
        super().__init__(page, shelf, loading)
        self._bar = bar
        self.lent: Lend = gpu or (lambda fn: fn)

    def idle(self) -> Changes:
        """The buttons of this tab while nothing runs."""
        return {} if self._bar is None else self._bar.cut()

    @property
    def bar(self) -> RunBar:
        """The buttons and the line of this tab."""
        if self._bar is None:
            raise RuntimeError("this tab measures nothing")
        return self._bar

    def waiting(self) -> Iterator[Changes]:
        """Say so while the models are loading."""
        for words in self.awaited("This is next"):
            yield self.bar.busy(words)

    def of(self, session: Session, opening: str | None, *, more: str = "", text: str = "") -> Of:
        """What results are of.

        Args:
            session: Of whom.
            opening: For which input; None where for none.
            more: What else is said of it.
            text: Key of the text that was measured, where one was.
        """
        return Of(f"{about(session, opening)} {more}".strip(), key=key_of(session, opening), text=text)

    @property
    def runtime(self) -> Runtime:
        """The runtime.

        Raises:
            UserError: If it is not ready.
        """
        runtime = self.loading.runtime
        if runtime is None:
            raise UserError("The models are still loading: try again in a moment.")
        return runtime

    def with_texts(self, record: Record) -> Session:
        """The person on the table, for what cannot do without their texts.

        Raises:
            UserError: If only a vector is kept of them.
        """
        session, many = Session.from_record(record), self.wording.many
        if session.stored:
            raise UserError(
                f"Only a list of numbers is kept of {session.history.name}, and no {many}: choose somebody whose "
                f"{many} are shown here."
            )
        return session

    def inputs(self, session: Session, opening: str, *, seed: float = 0) -> ArmInputs:
        """What arms may look at for the person on the table.

        Raises:
            UserError: If there is no input.
        """
        if not opening.strip():
            raise UserError(self.task.nothing_given)
        return self.runtime.arm_inputs(
            session.history,
            self.runtime.task(self.task.name),
            opening,
            seed=seed_of(seed),
            stored=self.shelf.stored_vector(session),
            others=self.shelf.others(session),
        )


def written_at(strength: float, options: DecodeOptions) -> str:
    """How texts were written, so that two of them can be compared."""
    how = f"At strength {strength:g}, temperature {options.temperature:g}"
    sampled = f", top-p {options.top_p:g}, seed {options.seed}" if options.temperature else f", seed {options.seed}"
    return f"{how}{sampled}, at most {plural(options.max_new_tokens, 'token')}."


def about(session: Session, opening: str | None) -> str:
    """Of whom and what a measurement is, so that an old one is not taken for a new one."""
    of = session.wording
    read = "a stored vector" if session.stored else of.count(len(session.history.active))
    after = "" if opening is None else f", {of.follows} “{shortened(opening, 60)}”"
    return f"For {session.history.name}, from {read}{after}."


def standing_in(arm: Arm, name: str, title: str, **given: Any) -> Arm:
    """An arm that reads something else than the person on the table.

    Args:
        arm: Any arm.
        name: What it is called.
        title: For readers.
        **given: What it reads instead, fields of :class:`ArmInputs`.
    """
    return replace(arm, name=name, title=title, placebos=(), build=lambda inputs: arm.build(replace(inputs, **given)))
