"""Item vectors: the same text the same vector, in any company, from the cache or not."""

from __future__ import annotations

import numpy as np

from persona_demo.items import CACHE_ITEMS
from persona_demo.runtime import Runtime
from persona_demo.surface import SURFACE_NAMES, surface_figures
from tests import tiny


def test_vectors_come_in_the_order_of_the_texts_and_from_the_cache(runtime: Runtime) -> None:
    texts = list(tiny.SENTENCES)
    once = runtime.encoder.encode(texts)
    assert once.shape == (6, runtime.encoder.width)
    np.testing.assert_array_equal(runtime.encoder.encode(texts[::-1]), once[::-1])
    np.testing.assert_array_equal(runtime.encoder.encode([texts[2]] * 2), once[[2, 2]])


def test_only_texts_not_seen_before_are_encoded(runtime: Runtime) -> None:
    calls: list[int] = []
    sentence = runtime.encoder._sentence

    class Counting:
        """The sentence encoder, counting."""

        width = sentence.width

        def encode(self, texts: list[str]) -> np.ndarray:
            calls.append(len(texts))
            return sentence.encode(texts)

    runtime.encoder._sentence = Counting()  # type: ignore[assignment]
    try:
        runtime.encoder.encode(["a new sentence", "another new one"])
        runtime.encoder.encode(["a new sentence", "another new one", "and a third"])
    finally:
        runtime.encoder._sentence = sentence
    assert calls == [2, 1]
    assert CACHE_ITEMS > 10_000


def test_odd_texts_have_finite_vectors(runtime: Runtime) -> None:
    odd = [" ", "\u200b", "🙂🙂", "a" * 5000, "${6*7}", "<b>x</b>", "1\n2\n3"]
    assert np.isfinite(runtime.encoder.encode(odd)).all()


def test_no_texts_give_no_vectors(runtime: Runtime) -> None:
    assert runtime.encoder.encode([]).shape == (0, runtime.encoder.width)
    assert surface_figures([]).shape == (0, len(SURFACE_NAMES))


def test_surface_figures_tell_manners_apart() -> None:
    calm, loud = surface_figures(["I went home; it rained.", "I WENT HOME!!! sooo wet :) u know..."])
    figure = dict(zip(SURFACE_NAMES, zip(calm, loud, strict=True), strict=True))
    for name in ("upper case", "rate of ellipsis", "rate of exclamations", "rate of emoticon", "rate of stretched"):
        assert figure[name][0] < figure[name][1], name
    assert figure["rate of ;"][0] > figure["rate of ;"][1]
