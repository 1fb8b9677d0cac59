"""Words a class should neither train on nor be shown: profanity and sexual words, in English.

Knows which published lists to trust, how far, and how to find their words in a text. It writes no
list of bad words itself and judges no meaning. The lists come from the installed package
``expletives``, which keeps some twenty published lists apart and marks terms that are mostly
harmless. A term counts if :data:`AGREEMENT` lists have it or both :data:`MAINTAINED` ones do, so
that one list's odd ideas have no say. :data:`EVERYDAY` takes out what is still too broad for a
class: words for who people are, and words whose harmless sense is the common one.

While text is being generated, :meth:`WordFilter.banned_next` names the tokens that would complete a
term. It goes by the text so far and not by one tokenisation of a term, because a model that may not
write a word in one token writes it in two. A token that completes a term is banned even if a
harmless word could have gone on from there: the model then words it otherwise.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

from persona_demo.errors import UserError
from persona_demo.lm.base import TextCodec

AGREEMENT = 5
"""Lists that must agree on a term."""

MAINTAINED = frozenset({"ldnoobw-en", "dsojevic-profanity-en"})
"""The two lists that are still looked after."""

EVERYDAY = frozenset(
    "gay, gaylord, lesbian, queer, nazi, swastika, santorum, lolita, octopussy, twinkie, playboy, "
    "balls, barely legal, big black, bloody, butt, cocked, cocking, cornhole, damning, dike, dink, escort, "
    "fanny, fart, fecal, fingering, flange, girl on, girl on top, hard core, hardcore, hoar, hoare, "
    "hot chick, how to kill, how to murder, huge fat, jelly donut, knob, make me come, masochist, "
    "mr hands, muff, nob, pegging, poof, poop, pricked, pricking, s hit, sadism, sadist, scat, screwing, "
    "shag, shrimping, skeet, snowballing, sperm, spiced, spicing, spunk, strap on, suck, taste my, "
    "throating, tight white, tongue in a, tushy, willies, willy, wrapping men, xx".split(", ")
)
"""Listed terms that are allowed all the same, with their plurals."""

TAIL = 24
"""Tokens of the text so far that decide what is banned; longer than any listed phrase."""

_TOKEN = re.compile(r"[^\W_]+|[^\w\s-]|_")
# A word that may have symbols or digits for letters, as in "p0t@to".
_LEET = re.compile(r"[@$]?[^\W_]+(?:[@$!+]+[^\W_]+)*[@$]*")
_FOLDS = str.maketrans("@$!+013457", "asitoieast")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_STRETCHED = re.compile(r"(.)\1{2,}")


def _tokens(text: str) -> list[str]:
    """Words and punctuation marks; blanks and hyphens only separate, so "blow-up" is two words."""
    return _TOKEN.findall(text)


def _plain(text: str) -> str:
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)).lower()


def _inflections(word: str) -> Iterator[str]:
    yield word
    if word.endswith(("ing", "ed")):
        return
    if word.isalpha() and len(word) > 2:
        yield word + ("es" if word.endswith(("s", "x", "ch", "sh")) else "s")
    if word.isalpha() and len(word) > 3:
        base = word.removesuffix("e")
        yield from (base + "ed", base + "ing")


@dataclass(frozen=True, eq=False)
class WordFilter:
    """A set of words and phrases, and the search for them.

    Matches are whole words, whatever their case; hyphens count as blanks, punctuation breaks a
    phrase. Stretched letters ("coooool") and symbols for letters ("p0t@to") are seen through.

    Attributes:
        words: Single words, lower case, inflected.
        phrases: Token tuples of two or more, under their first token.
        stems: Strings that count anywhere inside a word.
    """

    words: frozenset[str]
    phrases: Mapping[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)
    stems: tuple[str, ...] = ()
    _bans: dict[int, _Bans] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def of(cls, terms: Iterable[str], *, stems: Iterable[str] = (), allowed: Collection[str] = ()) -> WordFilter:
        """Build a filter.

        Args:
            terms: Words and phrases to find; plurals and -ed/-ing forms of words are added.
            stems: Strings to find anywhere inside a word.
            allowed: Words and phrases to leave out, with their inflections.
        """
        found = {tuple(_tokens(_plain(form))) for term in terms for form in _inflections(term)}
        found -= {tuple(_tokens(_plain(form))) for term in allowed for form in _inflections(term)}
        phrases: dict[str, list[tuple[str, ...]]] = {}
        for tokens in sorted(found):
            if len(tokens) > 1:
                phrases.setdefault(tokens[0], []).append(tokens)
        return cls(
            words=frozenset(tokens[0] for tokens in found if len(tokens) == 1),
            phrases={first: tuple(group) for first, group in phrases.items()},
            stems=tuple(sorted(stems)),
        )

    @classmethod
    def default(cls, *, package: str = "expletives") -> WordFilter:
        """The filter for classes, read once.

        Args:
            package: The installed package whose ``data/catalog.json`` holds the lists.

        Raises:
            UserError: If the package is not installed or its lists cannot be read.
        """
        return _read(package)

    def hits(self, text: str) -> tuple[str, ...]:
        """Listed words and phrases of a text in lower case, each once, in order of their kind and place."""
        return tuple(dict.fromkeys(self._find(text)))

    def is_clean(self, text: str) -> bool:
        """Whether a text holds no listed word or phrase."""
        return next(self._find(text), None) is None

    def banned_next(self, codec: TextCodec, tokens: Sequence[int]) -> frozenset[int]:
        """Token ids that would complete a listed word or phrase.

        The first call with a codec takes about a second, later ones some microseconds.

        Args:
            codec: The tokenizer; the same object every time.
            tokens: Token ids so far, oldest first; the last :data:`TAIL` are read.
        """
        bans = self._bans.get(id(codec))
        if bans is None:
            bans = self._bans[id(codec)] = _Bans(self, codec)
        return bans.after(_plain(codec.decode(tokens[-TAIL:])))

    def _find(self, text: str) -> Iterator[str]:
        plain = _plain(text)
        tokens = _tokens(plain)
        stems = [stem for stem in self.stems if stem in plain]
        for place, token in enumerate(tokens):
            if token in self.words or (stems and any(stem in token for stem in stems)):
                yield token
            for phrase in self.phrases.get(token, ()):
                if tuple(tokens[place : place + len(phrase)]) == phrase:
                    yield " ".join(phrase)
        for word in _disguised(plain):
            if word in self.words or any(stem in word for stem in self.stems):
                yield word


def _disguised(text: str) -> Iterator[str]:
    """What words with stretched letters, or with symbols and digits for letters, may stand for."""
    for found in _LEET.findall(text):
        if not found.isalpha() and sum(map(str.isalpha, found)) * 2 > len(found):
            found = found.translate(_FOLDS)
            yield found
        if _STRETCHED.search(found):
            yield _STRETCHED.sub(r"\1", found)
            yield _STRETCHED.sub(r"\1\1", found)


class _Bans:
    """For one codec: the tokens that complete a term, by the unfinished word they complete."""

    def __init__(self, words: WordFilter, codec: TextCodec) -> None:
        self._codec = codec
        self._anchor = codec.encode(".")
        self._known: dict[str, frozenset[int]] = {}
        self._stems = self._endings(words.stems)
        self._words = self._endings(words.words)
        self._phrases: dict[str, list[tuple[str, ...]]] = {}
        for phrase in (phrase for group in words.phrases.values() for phrase in group):
            self._phrases.setdefault(phrase[-2], []).append(phrase)
        self._always = self._ids(*words.stems, *(" " + word for word in words.words))

    def after(self, text: str) -> frozenset[int]:
        """Token ids banned after a text in lower case."""
        before = _tokens(text)
        unfinished = before[-1] if text[-1:].isalnum() else ""
        banned = self._always | self._words.get(unfinished, frozenset())
        for start in range(len(unfinished)):
            banned |= self._stems.get(unfinished[start:], frozenset())
        for phrase in self._phrases_after(before):
            banned |= self._ids(" " + phrase[-1], *([] if unfinished else [phrase[-1]]))
        for phrase in self._phrases_after(before[:-1]) if unfinished else ():
            if phrase[-1].startswith(unfinished):
                banned |= self._ids(phrase[-1][len(unfinished) :])
        return banned

    def _phrases_after(self, before: list[str]) -> Iterator[tuple[str, ...]]:
        for phrase in self._phrases.get(before[-1], ()) if before else ():
            if tuple(before[1 - len(phrase) :]) == phrase[:-1]:
                yield phrase

    def _endings(self, words: Iterable[str]) -> dict[str, frozenset[int]]:
        """For every beginning of the words, the ids of single tokens that complete one of them."""
        endings: dict[str, set[int]] = {}
        for word in words:
            for cut in range(len(word)):
                endings.setdefault(word[:cut], set()).update(self._ids(word[cut:]))
        return {beginning: frozenset(ids) for beginning, ids in endings.items() if ids}

    def _ids(self, *texts: str) -> frozenset[int]:
        """Ids of the single tokens that read as one of the texts, in small or capital letters."""
        for text in texts:
            if text not in self._known:
                cased = {text, text.upper(), text.title()}
                self._known[text] = frozenset(i for i in map(self._id, cased) if i is not None)
        return frozenset[int]().union(*(self._known[text] for text in texts))

    def _id(self, text: str) -> int | None:
        # Some tokenizers take the start of a text for the start of a word, so a piece from inside a
        # word is asked for behind a full stop as well; the decoded text tells which answer is right.
        behind_stop = self._codec.encode("." + text)[len(self._anchor) :]
        for tokens in (self._codec.encode(text), behind_stop):
            if len(tokens) == 1 and self._codec.decode((*self._anchor, *tokens)) == "." + text:
                return tokens[0]
        return None


@cache
def _read(package: str) -> WordFilter:
    try:
        source = resources.files(package) / "data" / "catalog.json"
        catalog = json.loads(source.read_text(encoding="utf-8"))
        lists = {
            name
            for name, facts in catalog["sources"].items()
            if facts["nature"] == "profanity" and facts["language"].startswith("en")
        }
        terms, stems = [], []
        for term, facts in catalog["entries"].items():
            # Two files hold the same list, LDNOOBW, at two dates: one vote.
            votes = {name.replace("ldnoobw-en", "ldnoobw") for name in facts["sources"] if name in lists}
            if re.fullmatch(r"\*[a-z]+\*", term):
                stems.append(term.strip("*"))
            elif "*" in term or facts["is_okayish"]:
                continue
            elif len(votes) >= AGREEMENT or set(facts["sources"]) >= MAINTAINED:
                terms.append(term)
    except (ModuleNotFoundError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"The word lists cannot be read: install them with 'pip install {package}' or switch the word filter off."
        ) from error
    return WordFilter.of(terms, stems=stems, allowed=EVERYDAY)
