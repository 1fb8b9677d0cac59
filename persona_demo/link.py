"""Copy Link: the state of the page in a query string, and back.

A link carries a person by their id, an opening or another input by its number, and settings. What somebody typed is
carried only if they say so, and a history of one's own never is: a link is stored in browsers, chats
and logs. Nothing is kept on the server. Reading trusts nothing.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from persona_demo.arms import arm_named
from persona_demo.errors import UserError
from persona_demo.lm.decode import DecodeOptions
from persona_demo.ranges import NEW_TOKENS, SEED, STRENGTH, TEMPERATURE, TOP_P, Range

MAX_CHARACTERS = 8_000
"""Longest query string: what every browser and server still takes."""
MAX_TEXT = 2_000
_USUAL = DecodeOptions()


@dataclass(frozen=True)
class LinkState:
    """What a link carries.

    Attributes:
        person: Id of a sample person or of somebody on the map; None leaves whoever is there.
        prompt: The task's raw input; None leaves what is there.
        seed: Of the sampling.
        strength: Of arms that have one.
        arms: Names of the arms, in order; empty leaves those that are there.
        muted: Ids of items of that person that are muted.
        max_new_tokens: Length of the texts.
        temperature: Of the sampling.
        top_p: Of the sampling.
    """

    person: str | None = None
    prompt: str | None = None
    seed: int = 0
    strength: float = 1.0
    arms: tuple[str, ...] = ()
    muted: tuple[str, ...] = ()
    max_new_tokens: int = _USUAL.max_new_tokens
    temperature: float = _USUAL.temperature
    top_p: float = _USUAL.top_p

    @property
    def options(self) -> DecodeOptions:
        """How is written."""
        return DecodeOptions(
            max_new_tokens=self.max_new_tokens, temperature=self.temperature, top_p=self.top_p, seed=self.seed
        )


@dataclass(frozen=True)
class Link:
    """A query string.

    Attributes:
        query: Without the question mark.
        left_out: What it does not carry, in a sentence for readers; empty where it carries everything.
    """

    query: str
    left_out: str = ""


def to_link(
    state: LinkState,
    *,
    people: Collection[str],
    openings: Sequence[str],
    with_text: bool = False,
    many: str = "posts",
) -> Link:
    """Write a link.

    Args:
        state: The state of the page.
        people: Ids a link may carry.
        openings: Openings or other inputs that ship, which are no free text.
        with_text: Whether the visitor said that typed text may be carried.
        many: What the items of a history are called.

    Raises:
        UserError: If the text is too long for a link.
    """
    fields: list[tuple[str, str]] = []
    missing = []
    if state.person in people and state.person is not None:
        fields.append(("person", state.person))
        if state.muted:
            fields.append(("mute", ",".join(state.muted)))
    elif state.person is not None:
        missing.append(f"{many} of your own")
    prompt = (state.prompt or "").strip()
    if prompt in openings:
        fields.append(("opening", str(openings.index(prompt) + 1)))
    elif prompt and with_text:
        if len(prompt) > MAX_TEXT:
            raise UserError(f"The typed text has {len(prompt):,} characters: a link carries at most {MAX_TEXT:,}.")
        fields.append(("text", prompt))
    elif prompt:
        missing.append("the text you typed")
    fields += [("seed", str(state.seed)), ("strength", f"{state.strength:g}")]
    # What is usual today is carried too, so that a link means the same when that changes.
    fields += [("length", str(state.max_new_tokens)), ("temperature", f"{state.temperature:g}")]
    fields.append(("top_p", f"{state.top_p:g}"))
    if state.arms:
        fields.append(("arms", ",".join(state.arms)))
    query = urlencode(fields)
    if len(query) > MAX_CHARACTERS:
        raise UserError("This state is too long for a link: unmute some items or shorten the text.")
    return Link(query, f"The link does not carry {' or '.join(missing)}." if missing else "")


def from_link(
    query: str | Mapping[str, str], *, people: Mapping[str, Collection[str]], openings: Sequence[str]
) -> LinkState | None:
    """Read a link.

    Args:
        query: A query string, or its fields.
        people: Ids a link may name, with the ids of the items of each.
        openings: Openings or other inputs that ship.

    Returns:
        The state, or None where the query is none of ours; fields of others (``__theme``) are left alone.

    Raises:
        UserError: If a field is not as it must be; says which.
    """
    fields = _fields(query)
    if not fields:
        return None
    person = fields.get("person")
    if person is not None and person not in people:
        raise UserError(f"The link names somebody who is not here ({person[:40]!r}): choose a person from the list.")
    muted = tuple(dict.fromkeys(_names(fields.get("mute", ""))))
    known = people[person] if person is not None else ()
    if unknown := [item for item in muted if item not in known]:
        raise UserError(f"The link mutes an item that is not in this history ({unknown[0][:40]!r}).")
    # Each once, so there are never more than the page has columns.
    arms = tuple(dict.fromkeys(arm_named(name).name for name in _names(fields.get("arms", ""))))
    return LinkState(
        person=person,
        prompt=_prompt(fields, openings),
        seed=_whole(fields.get("seed", "0"), "seed", low=int(SEED.low), high=int(SEED.high)),
        strength=_number(fields.get("strength", "1"), "strength", STRENGTH),
        arms=arms,
        muted=muted,
        max_new_tokens=_whole(
            fields.get("length", str(_USUAL.max_new_tokens)),
            "length",
            low=int(NEW_TOKENS.low),
            high=int(NEW_TOKENS.high),
        ),
        temperature=_number(fields.get("temperature", str(_USUAL.temperature)), "temperature", TEMPERATURE),
        top_p=_number(fields.get("top_p", str(_USUAL.top_p)), "top-p", TOP_P),
    )


_OURS = frozenset({"person", "mute", "opening", "text", "seed", "strength", "arms", "length", "temperature", "top_p"})


def _fields(query: str | Mapping[str, str]) -> dict[str, str]:
    if isinstance(query, str):
        if len(query) > MAX_CHARACTERS:
            raise UserError(f"The link is longer than {MAX_CHARACTERS:,} characters, which none of this page is.")
        try:
            pairs = parse_qsl(query.removeprefix("?"), keep_blank_values=True, max_num_fields=100)
        except ValueError as error:
            raise UserError("The link has too many fields to be one of this page.") from error
    else:
        pairs = list(query.items())
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in _OURS:
            if name in found:
                raise UserError(f"The link gives {name!r} twice: keep one.")
            # A lone surrogate or a control character is nothing a page could show.
            found[name] = "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in value)
    if sum(map(len, found.values())) > MAX_CHARACTERS:
        raise UserError(f"The link is longer than {MAX_CHARACTERS:,} characters, which none of this page is.")
    return found


def _names(value: str) -> list[str]:
    return [name.strip() for name in value.split(",") if name.strip()]


def _prompt(fields: Mapping[str, str], openings: Sequence[str]) -> str | None:
    if "text" in fields:
        text = fields["text"].strip()
        if len(text) > MAX_TEXT:
            raise UserError(f"The text in the link has {len(text):,} characters: at most {MAX_TEXT:,} are read.")
        return text or None
    if "opening" not in fields:
        return None
    if not openings:
        raise UserError("The link names an input by its number, and none are shipped here: write one.")
    return openings[_whole(fields["opening"], "opening", low=1, high=len(openings)) - 1]


def _whole(value: str, what: str, *, low: int, high: int) -> int:
    # int() would take blanks, underscores and digits of other scripts.
    if not (value.isascii() and value.isdigit() and len(value) <= len(str(high)) and low <= int(value) <= high):
        raise UserError(f"The {what} in the link is {value[:20]!r}: it must be a whole number from {low} to {high}.")
    return int(value)


def _number(value: str, what: str, among: Range) -> float:
    try:
        number = float(value) if len(value) <= 20 and value.isascii() else math.nan
    except ValueError:
        number = math.nan
    if number not in among:
        raise UserError(f"The {what} in the link is {value[:20]!r}: it must be a number {among}.")
    return number
