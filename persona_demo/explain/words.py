"""A persona in words: what it makes likelier, what its vectors are near to, and how the person writes.

A soft vector is no word, and the words nearest to it are no translation: they say in which corner of
the vocabulary it lies. Of the whole vector that corner is nearly the same for everybody, so what is
looked at is where it departs from the average person's, and words near to the control's vectors are
left out. How near a word comes to a vector of pure noise is measured beside it, since among tens of
thousands of words something is always near. What the persona does to the next word says more, and
stands first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from persona_demo.arms import ArmInputs, arm_named, stranger_for
from persona_demo.arms.soft import read_person
from persona_demo.errors import UserError
from persona_demo.explain.pieces import HALF, piece_of
from persona_demo.explain.scoring import log_softmax, row_of
from persona_demo.explain.style import StyleFigure, style_beside_population
from persona_demo.lm.base import FloatArray, FrozenLM, Tokens
from persona_demo.wordfilter import WordFilter

LIKELIER = 10
WORDS = 6
ITEMS = 5
CONTROL_NEAREST = 100
"""Tokens nearest to each of the control's vectors that are not shown for the persona."""
CANDIDATES = 400
NOISE = 16
"""Random vectors of which the median says how near a word comes by chance."""
CHUNK = 4096
LEAST_LETTERS = 3

CAVEAT = (
    "A few vectors carry habits: length, capitals, punctuation, slang, favourite subjects. They carry no facts: "
    "dates and events are averaged away, names come in at most as words copied from the history, and what the model "
    "makes of them is made up. The nearest words are hints about a place in the model's vocabulary, not a message "
    "that was stored there."
)


@dataclass(frozen=True)
class LikelierWord:
    """A next word the persona makes likelier.

    Attributes:
        word: The word or mark, without its blank.
        persona: Mean probability of it as the next one under the persona, 0 to 1.
        control: The same under the control.
        stranger: The same under somebody else's persona, averaged over inputs; None where nobody is at hand.
    """

    word: str
    persona: float
    control: float
    stranger: float | None = None


@dataclass(frozen=True)
class NearWord:
    """A word near a soft vector.

    Attributes:
        word: The word, without its blank.
        cosine: Cosine of its input embedding with the vector, -1 to 1.
    """

    word: str
    cosine: float


@dataclass(frozen=True)
class NearItem:
    """A history item near the person.

    Attributes:
        item: Its id.
        cosine: Cosine with the user vector, both as the projector reads them, -1 to 1.
    """

    item: str
    cosine: float


@dataclass(frozen=True)
class InWords:
    """A persona in words.

    Attributes:
        likelier: Next words it makes likelier, those that move most probability first.
        keywords: The person's own words that stand beside the persona vectors, the most telling first;
            empty for a stored person, whose words nobody kept, and for a plug without.
        excerpts: How the items nearest to the input begin, which stand there too; empty in the same cases.
        vectors: Words near what is personal in each persona vector, nearest first.
        chance: Cosine that the word nearest to a random vector reaches.
        items: History items nearest to the user vector, nearest first; empty for a stored person.
        style: Style figures beside the population's; empty for a stored person.
        labelled: Whether scores, tags or categories are counted in those, as the plug reads them.
        caveat: What all this cannot say.
    """

    likelier: tuple[LikelierWord, ...]
    keywords: tuple[str, ...]
    excerpts: tuple[str, ...]
    vectors: tuple[tuple[NearWord, ...], ...]
    chance: float
    items: tuple[NearItem, ...]
    style: tuple[StyleFigure, ...]
    labelled: bool = False
    caveat: str = CAVEAT

    @property
    def nearness(self) -> str:
        """How the nearest words compare with chance, for readers."""
        best = max((word.cosine for words in self.vectors for word in words), default=0.0)
        clear = sum(bool(words) and words[0].cosine > 1.25 * self.chance for words in self.vectors)
        many = f"{clear} of the {len(self.vectors)} vectors {'is' if clear == 1 else 'are'}"
        return (
            f"The nearest word has a cosine of {best:.2f}; the word nearest to pure noise has one of about "
            f"{self.chance:.2f}. {many} clearly nearer to a word than noise is."
        )


def persona_in_words(
    lm: FrozenLM,
    inputs: ArmInputs,
    words: WordFilter,
    *,
    openings: Sequence[str] = (),
    most_words: int = WORDS,
    most_items: int = ITEMS,
) -> InWords:
    """Say a persona in words.

    Args:
        lm: The frozen LM.
        inputs: Person and input.
        words: Words not to be shown.
        openings: Further inputs over which next words are averaged.
        most_words: For each vector.
        most_items: Of the history.

    Raises:
        UserError: If there is nothing to say: no history and no stored vector.
    """
    if inputs.stored is None and not inputs.items:
        raise UserError("There is no persona yet: add an item to the history.")
    persona, average, control = (_soft(inputs, arm) for arm in ("persona", "persona:mean", "task"))
    texts = inputs.texts() if inputs.stored is None else []
    keywords, excerpts = shown_words(inputs, words)
    # Before the persona vectors stand own words, which are words already, and the instruction, everybody's.
    first = inputs.plug.config.instruction.stop
    near, chance = nearest_words(lm, persona[first:] - average[first:], words, control=control, most=most_words)
    return InWords(
        likelier=likelier_words(lm, inputs, words, openings=openings),
        keywords=keywords,
        excerpts=excerpts,
        vectors=near,
        chance=chance,
        items=nearest_items(inputs, most=most_items) if texts else (),
        style=style_beside_population(texts, inputs.plug) if texts else (),
        labelled=bool(texts) and texts != [item.text for item in inputs.items],
    )


def shown_words(inputs: ArmInputs, words: WordFilter) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The person's keywords and excerpts as the plug reads them, less listed words."""
    made = read_person(inputs).tokens

    def clean(tokens: Tokens) -> list[str]:
        return [word for word in inputs.codec.decode(tokens).split() if words.is_clean(word)]

    return tuple(clean(made.keywords)), tuple(" ".join(clean(tokens)) for tokens in made.excerpts)


def _soft(inputs: ArmInputs, arm: str) -> FloatArray:
    soft = arm_named(arm).build(inputs).soft
    if soft is None:
        raise RuntimeError(f"{arm} makes no soft vectors")
    return soft


def likelier_words(
    lm: FrozenLM, inputs: ArmInputs, words: WordFilter, *, openings: Sequence[str] = (), most: int = LIKELIER
) -> tuple[LikelierWord, ...]:
    """Next words that the persona makes likelier than the control, averaged over inputs.

    They are ordered by p log(p / q), what each adds to the divergence of the persona from the
    control, so that neither rare words nor those that are always likely come first for that alone.

    Args:
        lm: The frozen LM.
        inputs: Person and input.
        words: Words not to be shown.
        openings: Further inputs.
        most: At most so many.
    """
    persona = arm_named("persona")
    arms = [arm for arm in (persona, arm_named("task"), stranger_for(persona, inputs)) if arm is not None]
    rows = []
    for text in dict.fromkeys((inputs.input_text, *openings)):
        given = replace(inputs, input_text=text)
        rows += [row_of(given, arm.build(given)) for arm in arms]
    # A target of one token asks for the logits right after the row, whatever the token is.
    scores = log_softmax(np.concatenate(lm.logits(rows, [(0,)] * len(rows))))
    mine, theirs, *_ = by_arm = [scores[place :: len(arms)] for place in range(len(arms))]
    adds = (np.exp(mine) * (mine - theirs)).mean(axis=0)
    chances = [np.exp(each).mean(axis=0) for each in by_arm]
    found: dict[str, LikelierWord] = {}
    for token in np.argsort(-adds, kind="stable")[:CANDIDATES].tolist():
        word = piece_of(lm.codec, token).strip()
        if len(found) == most or adds[token] <= 0:
            break
        if token not in lm.info.eos and word.isprintable() and word and HALF not in word and words.is_clean(word):
            found.setdefault(word, LikelierWord(word, *(float(each[token]) for each in chances)))
    return tuple(found.values())


def nearest_words(
    lm: FrozenLM, vectors: FloatArray, words: WordFilter, *, control: FloatArray, most: int = WORDS, seed: int = 0
) -> tuple[tuple[tuple[NearWord, ...], ...], float]:
    """Words whose input embeddings are nearest to vectors, and how near one comes by chance.

    Args:
        lm: The frozen LM.
        vectors: Vectors in the embedding space, (P, H).
        words: Words not to be shown.
        control: Vectors whose nearest tokens are left out, (C, H).
        most: Words for each vector.
        seed: Of the random vectors.

    Returns:
        For each vector its words, nearest first; and the median over random vectors of the cosine of
        the nearest token. A word is a token that starts one and is all letters; the same word in
        other letters counts once.
    """
    noise = np.random.default_rng(seed).normal(size=(NOISE, vectors.shape[1])).astype(np.float32)
    cosines = _cosines(lm, np.concatenate([vectors, control, noise]))
    mine, theirs, chance = np.split(cosines, [len(vectors), len(vectors) + len(control)])
    usual = {int(i) for row in theirs for i in np.argsort(-row, kind="stable")[:CONTROL_NEAREST]}
    without = set(lm.info.eos) | usual
    near = tuple(tuple(_words(lm, row, words, without=without, most=most)) for row in mine)
    return near, float(np.median(chance.max(axis=1)))


def _cosines(lm: FrozenLM, vectors: FloatArray) -> FloatArray:
    """Cosines of vectors (P, H) with all input embeddings, (P, V)."""
    units = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    found = []
    for start in range(0, lm.info.vocab_size, CHUNK):
        table = lm.embed(range(start, min(start + CHUNK, lm.info.vocab_size)))
        found.append(units @ table.T / np.maximum(np.linalg.norm(table, axis=1), 1e-9))
    return np.asarray(np.concatenate(found, axis=1), dtype=np.float32)


def _words(lm: FrozenLM, cosines: FloatArray, words: WordFilter, *, without: set[int], most: int) -> Iterator[NearWord]:
    seen: set[str] = set()
    for token in np.argsort(-cosines, kind="stable")[:CANDIDATES].tolist():
        if len(seen) == most:
            return
        piece = "" if token in without else piece_of(lm.codec, token)
        word = piece.strip()
        if is_word(piece) and word.lower() not in seen and words.is_clean(word):
            seen.add(word.lower())
            yield NearWord(word=word, cosine=float(cosines[token]))


def is_word(piece: str) -> bool:
    """Whether the text a token adds starts a word: a blank, then letters only, and enough of them."""
    word = piece[1:]
    return piece.startswith(" ") and word.isalpha() and len(word) >= LEAST_LETTERS


@torch.no_grad()
def nearest_items(inputs: ArmInputs, *, most: int = ITEMS) -> tuple[NearItem, ...]:
    """History items whose vectors are nearest to the user vector.

    Args:
        inputs: Person and input.
        most: At most so many.
    """
    plug = inputs.plug
    spread = plug.spread.numpy()
    items = plug.reduce(plug.standardise(torch.from_numpy(inputs.encoder.encode(inputs.texts())))).numpy() / spread
    person = read_person(inputs).user_vector / spread
    norms = np.linalg.norm(items, axis=1) * np.linalg.norm(person)
    cosines = items @ person / np.maximum(norms, 1e-9)
    order = np.argsort(-cosines, kind="stable")[:most].tolist()
    return tuple(NearItem(inputs.items[i].id, float(cosines[i])) for i in order)
