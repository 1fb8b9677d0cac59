"""What is mixed on the tab of people algebra: which arithmetic, with whom, and how much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from persona_demo.errors import UserError
from persona_demo.tasks import Wording
from persona_demo.ui import views
from persona_demo.ui.kept import Kept
from persona_demo.ui.shelf import Shelf
from persona_demo.ui.state import NEW, Session

What = Literal["blend", "apart", "alone", "times", "swap"]
FARTHEST = 20
"""Most items of the second person that can be gone back, latest first."""

EXPLAINED: dict[What, str] = {
    "blend": "A straight line from one person to the other; the slider says how far along.",
    "apart": "What sets this person apart from the average of everybody, taken 0, 1 or more times, or turned around.",
    "alone": "This person minus the average of everybody: a difference between people, used as though it were one.",
    "times": "The first half of the {many} against the second half: the same person, earlier and later. Beside them "
    "are two halves whose {many} take turns: what sets those apart is no matter of time.",
    "swap": "The same history on another person's {each}, beside that person's own. The {one} it is taken from is "
    "read by neither.",
}


def kinds(of: Wording) -> list[tuple[str, What]]:
    """What can be tried."""
    return [
        ("Between two people", "blend"),
        ("Away from the average person", "apart"),
        ("Minus the average person", "alone"),
        ("Early me and late me", "times"),
        (f"On another person's {of.each}", "swap"),
    ]


@dataclass(frozen=True)
class Recipe:
    """What is mixed.

    Attributes:
        what: Which arithmetic.
        other: Id of the second person, where one is chosen.
        share: How much of the second person, 0 to 1.
        factor: How many times what sets a person apart.
        back: Which input of the second person, 1 being the latest.
    """

    what: What
    other: str | None = None
    share: float = 0.5
    factor: float = 2.0
    back: float = 1

    def explained(self, of: Wording) -> str:
        """What the arithmetic is, for readers."""
        return EXPLAINED[self.what].format(one=of.one, many=of.many, each=of.each)

    def second(self, session: Session, kept: Kept, shelf: Shelf) -> Session:
        """The second person, as the visitor left them.

        Args:
            session: The first person.
            kept: Who was left.
            shelf: Who ships.

        Raises:
            UserError: If there is none, or it is the first person.
        """
        if self.other is None:
            raise UserError("There is no second person: choose one from the list.")
        if self.other == session.who:
            raise UserError(f"{session.history.name} is on the table already: choose somebody else as second person.")
        return kept.session_of(self.other) or shelf.session_of(self.other)


def second_choices(shelf: Shelf, session: Session, kept: Kept) -> list[tuple[str, str]]:
    """Who can be the second person: everybody who ships, and whom the visitor brought or wrote.

    Args:
        shelf: Who ships.
        session: Who is on the table, and stays in the list so that a choice is not lost on the way.
        kept: Who was left.
    """
    ships = {who: label for label, who in views.everyone(shelf.samples, shelf.atlas, shelf.wording)}
    guests = {who: label for label, who in views.guest_choices(session, kept.files) if who not in ships}
    if NEW in kept.changed or session.who == NEW:
        guests[NEW] = "Someone new: as you left them"
    ships |= {who: f"{ships[who]}, with your changes" for who in kept.changed if who in ships}
    return [(label, who) for who, label in (guests | ships).items()]


def first_other(shelf: Shelf) -> str | None:
    """The second person before anybody chose one."""
    own = shelf.first_session().who
    return next((who for _, who in views.sample_choices(shelf.samples, shelf.wording) if who not in (own, NEW)), None)
