"""The memory of written texts: who asks for the same again reads the same again.

Engines compute rows in batches, so that the low bits of a row depend on what is read beside it and was
read before it, and where two words are a close call the same request could go on in other words each
time. A text that was written to its end is therefore kept for a while and given again. It is held in
this process alone, and found only by who brings the same request: what was read is kept as a salted digest.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from hashlib import blake2b

from persona_demo.lm.base import FrozenLM
from persona_demo.lm.decode import Ban, DecodeOptions, Voice, Written, decode

MOST = 512
"""Texts that are kept; the one that was asked for longest ago goes first."""
SECONDS = 3600.0
"""How long a text is kept after it was written."""


class TextMemory:
    """Texts that one frozen LM wrote under one ban or under none; safe to share between threads."""

    def __init__(
        self, *, most: int = MOST, seconds: float = SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Begin with nothing.

        Args:
            most: Texts that are kept.
            seconds: How long each is kept.
            clock: Tells the time in seconds.
        """
        self._most, self._seconds, self._clock = most, seconds, clock
        self._salt = secrets.token_bytes(32)
        self._texts: OrderedDict[bytes, tuple[float, Written]] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How many texts are kept."""
        with self._lock:
            self._drop_old()
            return len(self._texts)

    def forget(self) -> None:
        """Forget every text."""
        with self._lock:
            self._texts.clear()

    def decode(
        self,
        lm: FrozenLM,
        voices: Sequence[Voice],
        options: DecodeOptions,
        *,
        ban: Ban | None = None,
        started: float | None = None,
    ) -> Iterator[tuple[Written, ...]]:
        """Write all voices together, as :func:`~persona_demo.lm.decode.decode` does, but nothing a second time.

        Args:
            lm: The frozen LM, always the same one.
            voices: What to write.
            options: How.
            ban: Tokens that must not come next; always the same rule where there is one.
            started: Start of the request by ``time.perf_counter``; now, when left out.

        Yields:
            The state of every voice after each step. One that was written before is whole from the
            first state on, marked as remembered, with the times it took then.
        """
        keys = [self._digest(voice, options, banned=ban is not None) for voice in voices]
        known = [self._recall(key) for key in keys]
        if None not in known:
            yield tuple(state for state in known if state is not None)
            return
        new = [(key, voice) for key, voice, state in zip(keys, voices, known, strict=True) if state is None]
        for states in decode(lm, [voice for _, voice in new], options, ban=ban, started=started):
            for (key, _), state in zip(new, states, strict=True):
                if state.done:
                    self._keep(key, state)
            fresh = iter(states)
            yield tuple(state or next(fresh) for state in known)

    def _digest(self, voice: Voice, options: DecodeOptions, *, banned: bool) -> bytes:
        request = repr((voice.content, options, banned))
        return blake2b(request.encode(), key=self._salt, digest_size=32).digest()

    def _recall(self, key: bytes) -> Written | None:
        with self._lock:
            self._drop_old()
            if key not in self._texts:
                return None
            self._texts.move_to_end(key)
            return self._texts[key][1]

    def _keep(self, key: bytes, written: Written) -> None:
        with self._lock:
            # What was told first stays: two who asked at once must not be told different things later.
            self._texts.setdefault(key, (self._clock(), replace(written, remembered=True)))
            while len(self._texts) > self._most:
                self._texts.popitem(last=False)

    def _drop_old(self) -> None:
        oldest = self._clock() - self._seconds
        for key in [key for key, (when, _) in self._texts.items() if when < oldest]:
            del self._texts[key]
