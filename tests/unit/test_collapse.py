"""The collapse warning: each sign has its text, and whole texts have none."""

from __future__ import annotations

import pytest

from persona_demo.explain.collapse import MOST_SURPRISE, signs_of_collapse
from persona_demo.samples import load_samples

STANDS = (
    "I put the kettle on, then the phone rang again!! My brother fixed the gate; it closes now, mostly. Soooo good :)"
)


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("a box with a box, a box that has a box, a box with a box in a box", "loop"),
        ("it rains and it pours it said it would it never it stops it always it goes", "one word"),
        ("help me now,,,,,,,,,,,,,,,, please do", "stutter"),
        ("mac-10.1-1000/0.0.2_x86-64 :: 2.2.2 mac-2010-12 :-", "marks"),
        ("she said Mahasisfarethamahalaahahaahahafar and left", "endless word"),
    ],
)
def test_each_sign_has_its_text(text: str, sign: str) -> None:
    found = signs_of_collapse(text)
    assert sign in found.signs
    assert found and "collapsed" in found.sentence


def test_whole_texts_have_no_sign() -> None:
    for text in (STANDS, "", "Ha!", "no no no", "!!!"):
        assert not signs_of_collapse(text)
        assert signs_of_collapse(text).sentence == ""
    for sample in load_samples():
        for item in sample.history:
            assert not signs_of_collapse(item.text), item.id


def test_surprise_is_only_told_where_it_is_measured() -> None:
    assert not signs_of_collapse(STANDS, surprise=MOST_SURPRISE)
    assert signs_of_collapse(STANDS, surprise=MOST_SURPRISE + 0.1).signs == ("surprise",)
