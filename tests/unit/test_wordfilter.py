"""The word filter: what it finds, what it lets pass, and that no token path leads round it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from persona_demo.errors import UserError
from persona_demo.lm.base import Tokens
from persona_demo.wordfilter import AGREEMENT, EVERYDAY, WordFilter

# Mild stand-ins, so that the mechanics are tested without the words themselves.
MILD = WordFilter.of(["drat", "Blast it", "odd-bod", "cad", "fie"], stems=["zounds"], allowed=["fie", "cads"])


@dataclass(frozen=True)
class ToyCodec:
    """Longest-match pieces; like SentencePiece it can put a blank before every text."""

    pieces: tuple[str, ...]
    starts_words: bool = False

    def encode(self, text: str) -> Tokens:
        """Token ids, unknown characters left out."""
        rest = " " + text if self.starts_words and text[:1] not in ("", " ") else text
        tokens = []
        while rest:
            fitting = [p for p in self.pieces if rest.startswith(p)]
            piece = max(fitting, key=len, default="")
            if piece:
                tokens.append(self.pieces.index(piece))
            rest = rest[len(piece) or 1 :]
        return tuple(tokens)

    def decode(self, tokens: Sequence[int]) -> str:
        """The pieces joined."""
        text = "".join(self.pieces[i] for i in tokens)
        return text.removeprefix(" ") if self.starts_words else text

    @property
    def start(self) -> Tokens:
        """None."""
        return ()


PIECES: tuple[str, ...] = (
    " ",
    ".",
    "-",
    " dr",
    "dr",
    "at",
    "DR",
    "AT",
    " Dr",
    " drat",
    " drama",
    " d",
    "rat",
    " rat",
)
PIECES += (" the", " blast", " it", "it", "Bl", "ast", " bl", " its", " odd", "bod", "bo", "d", "zou", "nds")
PIECES += (" gad", "a")
CODECS = [ToyCodec(PIECES), ToyCodec(PIECES, starts_words=True)]


@pytest.mark.parametrize(
    ("text", "hits"),
    [
        ("Oh, DRAT! Drat.", ("drat",)),
        ("drats, dratted, drating", ("drats", "drating")),
        ("hydrate the drathole", ()),
        ("blast it and Blast-it", ("blast it",)),
        ("a blast. It was fun", ()),
        ("odd bod, odd-bods", ("odd bod",)),
        ("gadzounds", ("gadzounds",)),
        ("the cad's cads", ("cad",)),
        ("fie, fies", ()),
        ("dr@t", ("drat",)),
        ("dr4t it", ("drat",)),
        ("draaaaat", ("drat",)),
        ("\uff44\uff52\uff41\uff54", ("drat",)),
        ("dr\u200bat", ("drat",)),
        ("_drat_ *drat* d.r.a.t", ("drat",)),
        ("1234 $100 07a3", ()),
        ("", ()),
    ],
)
def test_hits(text: str, hits: tuple[str, ...]) -> None:
    """Whole words are found whatever their dress, and nothing inside harmless words."""
    assert MILD.hits(text) == hits
    assert MILD.is_clean(text) == (not hits)


@pytest.mark.parametrize(
    "text",
    [
        "She is gay, her friend is a lesbian, he is queer.",
        "Breast cancer runs in the family; God help us, what a hell of a week.",
        "Scunthorpe, Sussex, assassins, classic cocktails, Dickens and the Titanic.",
        "That vacuum cleaner sucks, and my bloody nose hurts like crap.",
        "A sexy dress for the grape harvest; the therapist analysed my essay.",
    ],
)
def test_default_lets_everyday_words_pass(text: str) -> None:
    """Words for who people are, the body in illness, faith, and look-alikes are not banned."""
    assert WordFilter.default().hits(text) == ()


def test_default_finds_profanity() -> None:
    """Agreed words are found with their forms; an everyday word inside them does not save them."""
    words = WordFilter.default()
    assert words.hits("Damn, damned GODDAMN pornography") == ("damn", "damned", "goddamn", "pornography")
    assert not words.words & EVERYDAY
    assert AGREEMENT > 1
    assert 1000 < len(words.words) < 4000
    assert words is WordFilter.default()


def test_default_is_fast() -> None:
    """A corpus of 85,000 posts takes well under a minute."""
    post = "we walked down to the river and then " * 12
    words = WordFilter.default()
    # Of its own time, whatever else the machine is doing.
    started = time.process_time()
    assert all(words.is_clean(post) for _ in range(850))
    assert time.process_time() - started < 0.6


@pytest.mark.parametrize("package", ["no_such_package_of_lists", "json"])
def test_missing_lists_are_a_user_error(package: str) -> None:
    """Without the package there is one sentence that says what to do."""
    with pytest.raises(UserError, match=f"pip install {package}"):
        WordFilter.default(package=package)


def banned(codec: ToyCodec, text: str) -> set[str]:
    """Pieces banned after a text."""
    return {codec.pieces[i] for i in MILD.banned_next(codec, codec.encode(text))}


@pytest.mark.parametrize("codec", CODECS)
def test_banned_next_completes_words_and_phrases(codec: ToyCodec) -> None:
    """Each way to finish a term is banned where it would finish it, and only there."""
    always = banned(codec, "the")
    assert " drat" in always
    assert not always & {" dr", " drama", " rat", " it", "bod"}
    assert banned(codec, "the dr") - always == {"at", "AT"}
    assert banned(codec, "the Dr") - always == {"at", "AT"}
    assert banned(codec, "the d") - always == {"rat"}
    assert banned(codec, "the blast") - always == {" it"}
    assert banned(codec, "the blast.") - always == set()
    assert {"bod"} <= banned(codec, "the odd-") and "d" in banned(codec, "the odd-bo")
    assert banned(codec, "zou") - always == {"nds"}
    assert banned(codec, "the gadzou") - always == {"nds"}


def test_banned_next_needs_no_text() -> None:
    """At the very start a bare word is banned too."""
    codec = ToyCodec(("drat", " drat", "drama", "."))
    assert MILD.banned_next(codec, ()) == {0, 1}


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("seed", range(5))
def test_no_token_path_leads_round_the_ban(codec: ToyCodec, seed: int) -> None:
    """Whatever unbanned tokens are drawn, in whatever split, the text stays clean."""
    rng = np.random.default_rng(seed)
    tokens: list[int] = []
    for _ in range(300):
        allowed = sorted(set(range(len(codec.pieces))) - MILD.banned_next(codec, tokens))
        tokens.append(int(rng.choice(allowed)))
    text = codec.decode(tokens)
    assert MILD.hits(text) == (), text
