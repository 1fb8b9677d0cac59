"""How far the dials of the page go: the one place that its sliders, links and imported runs go by.

The command line reaches further. What is brought to the page must lie within these, because a slider
refuses whatever lies outside it, and nothing could be written then.
"""

from __future__ import annotations

from dataclasses import dataclass

from persona_demo.errors import UserError


@dataclass(frozen=True)
class Range:
    """Numbers from one to another, both included.

    Attributes:
        low: The least.
        high: The most.
    """

    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        """Whether a number lies within; one that is no number does not."""
        return self.low <= value <= self.high

    def __str__(self) -> str:
        """The range, as a sentence says it."""
        return f"from {self.low:.10g} to {self.high:.10g}"

    def check(self, value: float, what: str) -> None:
        """Refuse a number outside.

        Args:
            value: The number.
            what: What it is, as a sentence begins with it.

        Raises:
            UserError: If it lies outside.
        """
        if value not in self:
            raise UserError(f"{what} is {value:.10g}: it must lie {self}.")


STRENGTH = Range(-2, 4)
NEW_TOKENS = Range(8, 256)
TEMPERATURE = Range(0, 1.5)
TOP_P = Range(0.05, 1)
SEED = Range(0, 2**32 - 1)
