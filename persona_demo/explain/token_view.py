"""One text under two arms, token by token: what each made likelier, and what it would have said instead.

The text is fixed and read twice; only what stands beside the input differs. Tokens come with the text
they add, so that a page can lay them out and the text reads as it was.

Alternatives are what the decoder could have written there, with the chances it would have given them.
The text's own tokens are measured without the decoder's limit (:mod:`persona_demo.explain.scoring` says
why), and those that it would not have written are told.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from persona_demo.arms import Arm, ArmInputs
from persona_demo.errors import UserError
from persona_demo.explain.pieces import piece_of, pieces
from persona_demo.explain.scoring import Blend, guided_logits, log_softmax, text_tokens
from persona_demo.lm.base import FrozenLM, TextCodec, Tokens

TOP = 5
MOST_TOP = 20
MOVERS = 8
"""Tokens that are listed for having changed most."""

Hide = Callable[[Sequence[int]], frozenset[int]]


@dataclass(frozen=True)
class Alternative:
    """A token that might have stood there.

    Attributes:
        token: Its id.
        text: What it would have added; empty for one that ends the text.
        log_probability: In nats, among what the decoder could write there.
        chosen: Whether it is the token that stands there.
        ends: Whether it ends the text.
    """

    token: int
    text: str
    log_probability: float
    chosen: bool
    ends: bool


@dataclass(frozen=True)
class ViewedToken:
    """One token of the text.

    Attributes:
        text: The text it adds.
        left: Its log-probability under the first arm, nats.
        right: Under the second.
        left_top: Likeliest tokens that could be written there under the first arm, likeliest first.
        right_top: Under the second.
        left_barred: Whether the decoder's limit keeps it from being written under the first arm.
        right_barred: Under the second.
    """

    text: str
    left: float
    right: float
    left_top: tuple[Alternative, ...]
    right_top: tuple[Alternative, ...]
    left_barred: bool = False
    right_barred: bool = False

    @property
    def change(self) -> float:
        """By how much the second arm makes it likelier, nats."""
        return self.right - self.left


@dataclass(frozen=True)
class TokenView:
    """A text under two arms.

    Attributes:
        left: Name of the first arm.
        right: Name of the second.
        strength: Of arms that have one.
        tokens: The tokens, in order.
        legend: How to read the colours, in words.
        left_limited: Whether the decoder's limit applies to the first arm at this strength.
        right_limited: To the second.
    """

    left: str
    right: str
    strength: float
    tokens: tuple[ViewedToken, ...]
    legend: str
    left_limited: bool = False
    right_limited: bool = False

    @property
    def text(self) -> str:
        """The text."""
        return "".join(token.text for token in self.tokens)

    @property
    def change(self) -> float:
        """By how much the second arm makes the whole text likelier, nats."""
        return sum(token.change for token in self.tokens)

    def movers(self, most: int = MOVERS) -> tuple[int, ...]:
        """Places of the tokens that change most, either way, the largest change first."""
        places = range(len(self.tokens))
        return tuple(sorted(places, key=lambda place: -abs(self.tokens[place].change))[:most])


def view_tokens(
    lm: FrozenLM,
    inputs: ArmInputs,
    left: Arm,
    right: Arm,
    text: str,
    *,
    strength: float = 1.0,
    top: int = TOP,
    hide: Hide | None = None,
) -> TokenView:
    """Score a text under two arms.

    Args:
        lm: The frozen LM.
        inputs: Person and input.
        left: The first arm; changes are counted from it.
        right: The second arm.
        text: What follows the input, as an arm wrote it.
        strength: Of arms that have a base, as in writing.
        top: Alternatives shown for each token.
        hide: Given the tokens so far (the opening included), those not to be shown as alternatives.

    Raises:
        UserError: If the text is empty or too long, or too many alternatives are asked for.
    """
    if not 1 <= top <= MOST_TOP:
        raise UserError(f"The number of alternatives is {top}: choose from 1 to {MOST_TOP}.")
    tokens = text_tokens(inputs, text)
    opening = inputs.codec.encode(inputs.task.prompt(inputs.input_text).opening)
    hidden = [hide((*opening, *tokens[:i])) if hide else frozenset[int]() for i in range(len(tokens))]
    sides = []
    for arm in (left, right):
        # One arm after the other: the logits of a long text take a hundred megabytes.
        blend = guided_logits(lm, inputs, arm.build(inputs), tokens, strength=strength)
        sides.append(_side(blend, tokens, hidden, top=top, codec=inputs.codec, eos=lm.info.eos))
    one, other = sides
    viewed = tuple(
        map(ViewedToken, pieces(inputs.codec, tokens), one.own, other.own, one.tops, other.tops, one.bars, other.bars)
    )
    change = sum(other.own) - sum(one.own)
    return TokenView(
        left=left.name,
        right=right.name,
        strength=strength,
        tokens=viewed,
        legend=(
            f"Each token is coloured by how much likelier it is under “{right.title}” than under “{left.title}”, "
            "as the change of its log-probability in nats: +1 is 2.7 times as likely, -1 a third as likely. "
            f"The whole text changes by {change:+.2f} nats, {change / len(tokens):+.3f} a token."
            + _limit_in_words(strength, limited=one.limited or other.limited)
        ),
        left_limited=one.limited,
        right_limited=other.limited,
    )


def _limit_in_words(strength: float, *, limited: bool) -> str:
    if not limited:
        return ""
    return (
        f" At strength {strength:g} only tokens that {'the persona' if strength > 1 else 'the control'} finds "
        "plausible are written, and alternatives keep to that. The tokens of this text are measured without that "
        "limit: under it a text with one implausible token would be impossible as a whole."
    )


@dataclass(frozen=True)
class _Side:
    """A text under one arm: of each token its log-probability, its alternatives, and whether it is barred."""

    own: list[float]
    tops: list[tuple[Alternative, ...]]
    bars: list[bool]
    limited: bool


def _side(
    blend: Blend,
    tokens: Tokens,
    hidden: Sequence[frozenset[int]],
    *,
    top: int,
    codec: TextCodec,
    eos: Sequence[int],
) -> _Side:
    """A text under one arm, place by place."""
    own, tops, bars = [], [], []
    for place, (token, hide) in enumerate(zip(tokens, hidden, strict=True)):
        own.append(float(log_softmax(blend.logits[place])[token]))
        bars.append(blend.bars(place, token))
        row = log_softmax(blend.written_by(place))
        # The token that stands there is no secret, whatever it is.
        banned = hide - {token}
        wanted = min(top + len(banned), len(row))
        best = np.argpartition(-row, wanted - 1)[:wanted]
        best = best[np.argsort(-row[best], kind="stable")]
        kept = [int(i) for i in best if int(i) not in banned][:top]
        # The limit gives way where nothing else may be written, as it does in writing.
        kept = [i for i in kept if not blend.bars(place, i)] or kept[:1]
        tops.append(
            tuple(
                Alternative(
                    token=i,
                    text="" if i in eos else piece_of(codec, i),
                    log_probability=float(row[i]),
                    chosen=i == token,
                    ends=i in eos,
                )
                for i in kept
            )
        )
    return _Side(own, tops, bars, blend.barred is not None)
