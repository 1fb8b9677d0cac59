"""What differs between two texts: nothing of them is lost, and what both have is not marked."""

from __future__ import annotations

import pytest

from persona_demo.explain.difference import Piece, differences
from persona_demo.ui.inside.tables import text_card

PAIRS = [
    (" the ferry was late again,\n\nand  so was I ", " the ferry was early, and so was I"),
    ("", " anything"),
    (" anything", ""),
    (" no word in common", " everything else entirely"),
    (" same as ever — 🦢", " same as ever — 🦢"),
    (" the the the " * 100, " the cat " * 100),
]


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_pieces_join_to_the_text_and_both_sides_share_the_same_words(one: str, other: str) -> None:
    mine, theirs = differences(one, other), differences(other, one)
    assert "".join(piece.text for piece in mine) == one
    assert "".join(piece.text for piece in theirs) == other

    def shared(pieces: tuple[Piece, ...]) -> list[str]:
        return [word for piece in pieces if not piece.differs for word in piece.text.split()]

    assert set(shared(mine)) <= set(other.split()) and len(shared(mine)) == len(shared(theirs))
    if one == other:
        assert not any(piece.differs for piece in mine)


def test_what_differs_is_marked_and_counted_in_words() -> None:
    assert differences(" a b c", " a x c") == (Piece(" a", False), Piece(" b", True), Piece(" c", False))
    card = text_card("s0", " a b c", opening="It", beside=" a x c")
    assert [(piece["text"], piece["differs"]) for piece in card["pieces"]] == [
        (" a", False),
        (" b", True),
        (" c", False),
    ]
    assert card["note"] == "1 of 3 words is not in the other text; it is underlined."
    assert text_card("s0", " a b c d", opening="It", beside=" a x")["note"].startswith("3 of 4 words are not")
    assert (
        text_card("s0", " a b", opening="It", beside=" a b")["note"]
        == "All its words are in the other text, in this order."
    )
    # A text that starts afresh is shown without its first blank, and so are its pieces.
    assert text_card("s0", " a b", beside=" x b")["pieces"][0]["text"] == "a"
    assert text_card("s0", " a b")["pieces"] == [] and text_card("s0", " a b")["note"] == ""
