"""Tokens as readers see them: the stretch of text each one adds."""

from __future__ import annotations

from collections.abc import Sequence

from persona_demo.lm.base import TextCodec

HALF = "\ufffd"
"""What a decoder writes for a character of which only some bytes are there."""


def pieces(codec: TextCodec, tokens: Sequence[int]) -> tuple[str, ...]:
    """The text each token adds; joined they are the text of all of them, character for character.

    A character that is spread over several tokens is added by the last of them.

    Args:
        codec: The tokenizer.
        tokens: Token ids.
    """
    whole = codec.decode(tokens)
    found, done = [], 0
    for count in range(1, len(tokens) + 1):
        if count == len(tokens):
            end = len(whole)
        else:
            # What a later token completes is not there yet, and no two decoders say so in the same way.
            so_far = codec.decode(tokens[:count]).rstrip(HALF)
            same = (at for at, (a, b) in enumerate(zip(so_far, whole, strict=False)) if a != b)
            end = max(done, next(same, min(len(so_far), len(whole))))
        found.append(whole[done:end])
        done = end
    return tuple(found)


def piece_of(codec: TextCodec, token: int) -> str:
    """The text one token adds in the middle of a text, its blank included."""
    anchor = codec.encode(".")
    return codec.decode((*anchor, token))[len(codec.decode(anchor)) :]
