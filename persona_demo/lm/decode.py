"""The decoder: many rows of one frozen LM, continued in lockstep, token by token.

It is a plain generator over plain rows: close it and everything stops. It knows token ids and
logits; what an arm or a person is, it does not know. Guidance (:mod:`persona_demo.lm.guidance`) needs
a second row for a voice, which is fed the same tokens; at strengths 0 and 1 no second row is computed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from persona_demo.errors import UserError
from persona_demo.lm.base import FloatArray, FrozenLM, LMSession, Row, Tokens
from persona_demo.lm.guidance import guided

SHORT_ROW = 96
"""Rows of at most this many positions are read, and show their first token, before longer ones."""
STOP_AT = "\n\n"
"""Unless told otherwise, a blank line ends a text: what follows would be another one."""

Ban = Callable[[Sequence[int]], frozenset[int]]


@dataclass(frozen=True)
class DecodeOptions:
    """How to write.

    Attributes:
        max_new_tokens: Most tokens a voice writes.
        min_new_tokens: Before this many, a voice may not end: a text of five words shows little of anybody.
        temperature: 0 picks the likeliest token; above, tokens are sampled.
        top_p: When sampling, only the likeliest tokens that together have this probability.
        no_repeat: No run of this many tokens is written twice; 0 allows it. Small models loop.
        seed: Of the sampling; all voices share it, so that they differ by their rows alone.
        stop: Text that ends a voice; it is not shown, nor is what follows it.
    """

    max_new_tokens: int = 64
    min_new_tokens: int = 24
    temperature: float = 0.0
    top_p: float = 0.95
    no_repeat: int = 3
    seed: int = 0
    stop: str = STOP_AT

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            UserError: If a value is out of range.
        """
        if not 1 <= self.max_new_tokens <= 512:
            raise UserError(f"The number of new tokens is {self.max_new_tokens}: choose from 1 to 512.")
        if self.min_new_tokens < 1:
            raise UserError(f"The least number of new tokens is {self.min_new_tokens}: choose 1 or more.")
        if not 0 <= self.temperature <= 2:
            raise UserError(f"The temperature is {self.temperature}: choose from 0 to 2.")
        if not 0 < self.top_p <= 1:
            raise UserError(f"top-p is {self.top_p}: choose above 0, up to 1.")
        if self.no_repeat < 0 or self.no_repeat == 1:
            raise UserError(f"The length of runs not to repeat is {self.no_repeat}: choose 0 or at least 2.")
        if self.seed < 0:
            raise UserError(f"The seed is {self.seed}: choose 0 or more.")
        if not self.stop:
            raise UserError("The text to stop at is empty: name at least one character.")


@dataclass(frozen=True)
class Voice:
    """One text to be written.

    Attributes:
        row: What is read before it.
        base: What strength leads away from; without it strength does nothing.
        strength: 0 the base, 1 the row, above 1 more than the row, below 0 its opposite.
    """

    row: Row
    base: Row | None = None
    strength: float = 1.0

    @property
    def needed(self) -> tuple[Row, ...]:
        """The rows to be read: one, or two that differ where strength is neither 0 nor 1."""
        if self.base is None or self.strength == 1 or self.row.content == self.base.content:
            return (self.row,)
        return (self.base,) if self.strength == 0 else (self.row, self.base)

    @property
    def content(self) -> tuple[object, ...]:
        """What its text depends on besides the options: equal for two voices that must say the same."""
        rows = self.needed
        return (*(row.content for row in rows), self.row.opening, self.strength if len(rows) > 1 else None)


@dataclass(frozen=True)
class Written:
    """The state of one voice.

    Attributes:
        text: What was written so far.
        tokens: Its token ids.
        first_token_ms: From the start of the request to the first token, or None before it.
        total_ms: From the start of the request to the last token.
        done: Whether it has ended.
        remembered: Whether it was written for an earlier request that asked for the same; its times
            are those it took then.
    """

    text: str = ""
    tokens: Tokens = ()
    first_token_ms: float | None = None
    total_ms: float = 0.0
    done: bool = False
    remembered: bool = False


@dataclass(eq=False)
class _Writer:
    """A voice being written: its rows in the session and the tokens so far."""

    voice: Voice
    rng: np.random.Generator
    rows: tuple[int, ...] = ()
    logits: list[FloatArray] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)
    state: Written = field(default_factory=Written)

    def blended(self) -> FloatArray:
        """Next logits, guided."""
        if len(self.logits) == 1:
            return self.logits[0]
        row, base = self.logits
        return guided(row, base, self.voice.strength)


def pick(logits: FloatArray, options: DecodeOptions, rng: np.random.Generator) -> int:
    """Pick the next token.

    Args:
        logits: Shape (V,); banned tokens are -inf.
        options: Temperature and top-p.
        rng: Source of randomness, used only above temperature 0.

    Returns:
        A token id.
    """
    if options.temperature == 0:
        return int(np.argmax(logits))
    scaled = logits.astype(np.float64) / options.temperature
    order = np.argsort(-scaled)
    chances = np.exp(scaled[order] - scaled[order[0]])
    chances /= chances.sum()
    kept = int(np.searchsorted(np.cumsum(chances), options.top_p)) + 1
    chances = chances[:kept] / chances[:kept].sum()
    return int(order[rng.choice(len(chances), p=chances)])


def repeats(tokens: Sequence[int], length: int) -> list[int]:
    """Tokens that would complete a run of ``length`` tokens that stands in ``tokens`` already."""
    if length == 0 or len(tokens) < length:
        return []
    tail = tuple(tokens[len(tokens) - length + 1 :])
    starts = range(len(tokens) - length + 1)
    return [tokens[i + length - 1] for i in starts if tuple(tokens[i : i + length - 1]) == tail]


def decode(
    lm: FrozenLM,
    voices: Sequence[Voice],
    options: DecodeOptions,
    *,
    ban: Ban | None = None,
    started: float | None = None,
) -> Iterator[tuple[Written, ...]]:
    """Write all voices together.

    Args:
        lm: The frozen LM.
        voices: What to write.
        options: How.
        ban: Given the tokens so far (the opening included), those that must not come next.
        started: Start of the request by ``time.perf_counter``; now, when left out.

    Yields:
        The state of every voice after each step. Voices with short rows show their first token
        before long rows are read. Voices that must say the same (a person at strength 0 and the
        control) are written once: an engine that computes in batches may tell two copies of a row
        apart in the low bits, and a near tie would become another word.
    """
    start = time.perf_counter() if started is None else started
    distinct: dict[tuple[object, ...], _Writer] = {}
    voiced = [_Writer(voice, np.random.default_rng(options.seed)) for voice in voices]
    voiced = [distinct.setdefault(w.voice.content, w) for w in voiced]
    writers = list(distinct.values())
    short = [w for w in writers if w.voice.row.text_tokens + w.voice.row.soft_vectors <= SHORT_ROW]
    long = [w for w in writers if w not in short]
    with lm.session() as session:
        for group in (short, long):
            if group:
                _read(session, group)
                _advance(lm, group, options, ban, start)
                yield tuple(w.state for w in voiced)
        while any(not w.state.done for w in writers):
            writing = [w for w in writers if not w.state.done]
            logits = session.step({row: w.tokens[-1] for w in writing for row in w.rows})
            for w in writing:
                w.logits = [logits[row] for row in w.rows]
            _advance(lm, writing, options, ban, start)
            yield tuple(w.state for w in voiced)


def _read(session: LMSession, group: Sequence[_Writer]) -> None:
    """Let the session read the rows of some writers."""
    rows = [row for w in group for row in w.voice.needed]
    logits = session.add(rows)
    first = session.rows - len(rows)
    place = 0
    for w in group:
        count = len(w.voice.needed)
        w.rows = tuple(range(first + place, first + place + count))
        w.logits = [logits[place + i] for i in range(count)]
        place += count


def _advance(lm: FrozenLM, writing: Sequence[_Writer], options: DecodeOptions, ban: Ban | None, start: float) -> None:
    """Pick one token for each writer and update its state."""
    for w in writing:
        logits = w.blended()
        forbidden = repeats(w.tokens, options.no_repeat)
        if ban is not None:
            forbidden += ban((*w.voice.row.opening, *w.tokens))
        if forbidden:
            logits = logits.copy()
            logits[list(forbidden)] = -np.inf
        token, text, ended = _next(lm, w, logits, options)
        w.tokens.append(token)
        now = 1000 * (time.perf_counter() - start)
        ended = ended or len(w.tokens) >= options.max_new_tokens
        w.state = Written(
            text=visible(text, ended=ended, stop=options.stop),
            tokens=tuple(w.tokens),
            first_token_ms=now if w.state.first_token_ms is None else w.state.first_token_ms,
            total_ms=now,
            done=ended,
        )


def _next(lm: FrozenLM, w: _Writer, logits: FloatArray, options: DecodeOptions) -> tuple[int, str, bool]:
    """The next token, the text with it, and whether it ends the text; no end comes too early."""
    while True:
        token = pick(logits, options, w.rng)
        text = lm.codec.decode([*w.tokens, token])
        ended = token in lm.info.eos or options.stop in text
        if not ended or len(w.tokens) + 1 >= options.min_new_tokens:
            return token, text, ended
        logits = logits.copy()
        logits[token] = -np.inf


def visible(text: str, *, ended: bool, stop: str = STOP_AT) -> str:
    """What may be shown: nothing after the text to stop at, no half-written character before the end."""
    text = text.split(stop)[0]
    return text.rstrip() if ended else text.rstrip("\ufffd")
