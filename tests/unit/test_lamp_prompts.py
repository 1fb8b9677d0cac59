"""LaMP's prompts and retrieval: what a profile becomes beside an input, to the token."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persona_demo.arms import ARMS
from persona_demo.arms.text import rank_okapi
from persona_demo.history import HistoryItem, UserHistory
from persona_demo.lm.codec import HFCodec
from persona_demo.runtime import Runtime
from persona_demo.tasks.lamp import SHAPES
from tests import folders, tiny

CODEC = HFCodec(tiny.tokenizer())


ITEMS = {
    1: HistoryItem("a", "A title", input="An abstract"),
    2: HistoryItem("a", "A film", label="comedy"),
    3: HistoryItem("a", "A review", label="4"),
    4: HistoryItem("a", "A headline", input="An article"),
    5: HistoryItem("a", "A title", input="An abstract"),
    7: HistoryItem("a", "A tweet"),
}
PROMPTS = {
    1: 'The title, and "A title", and "A title" "T"?',
    2: 'the tag for the movie: "A film" is "comedy" , and the tag for the movie: "A film" is "comedy" . ',
    3: '4 is the score for "A review" , and 4 is the score for "A review" . ',
    4: '"A headline" is the title for "An article" , and "A headline" is the title for "An article" . ',
    5: '"A title" is a title for "An abstract" , and "A title" is a title for "An abstract" . '
    "Following the given patterns ",
    7: '"A tweet" , and "A tweet"  are written by a person. Following the given patterns ',
}


@pytest.mark.parametrize("number", folders.LAMP_NUMBERS)
def test_profiles_stand_in_the_prompt_as_lamp_puts_them(number: int) -> None:
    task = folders.lamp_task(number)
    asked = 'The title "T"?' if number == 1 else "Do it: something"
    shots = task.shots([ITEMS[number]] * 2, asked, codec=CODEC, tokens=2_000)
    made = task.prompt(asked, retrieved=shots)
    assert made.context == PROMPTS[number] + ("" if number == 1 else asked) + "\n"
    assert made.opening == ""
    assert task.prompt(asked).context == f"{asked}\n"


@pytest.mark.parametrize("number", folders.LAMP_NUMBERS)
@given(
    asked=st.integers(0, 300), words=st.lists(st.integers(0, 150), min_size=1, max_size=6), tokens=st.integers(8, 512)
)
@settings(max_examples=40, deadline=None)
def test_snippets_and_a_share_of_the_input_keep_within_the_length(
    number: int, asked: int, words: list[int], tokens: int
) -> None:
    task = folders.lamp_task(number)
    items = [replace(ITEMS[number], text=f"x{' gull' * n}", input=f"y{' lock' * n}") for n in words]
    if number in (4, 5):
        items = [replace(item, text="A title") for item in items]
    question = "title" + " kettle" * asked
    shots = task.shots(items, question, codec=CODEC, tokens=tokens)
    assert len(shots) in (0, len(items))
    used, length = sum(len(CODEC.encode(shot)) for shot in shots), len(CODEC.encode(question))
    # Joining marks are counted as two tokens each; the tiny tokenizer needs a few more for them.
    assert used <= tokens + 2 * len(items)
    if length <= 0.6 * tokens and tokens - length >= 70 * len(items):
        assert len(shots) == len(items)
        assert used + length <= tokens + 2 * len(items)


class WordCodec:
    """A tokenizer whose tokens are the words between white space."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.start: tuple[int, ...] = ()
        self.end: tuple[int, ...] = ()

    def encode(self, text: str) -> tuple[int, ...]:
        self.words += (words := text.split())
        return tuple(range(len(self.words) - len(words), len(self.words)))

    def decode(self, tokens: Sequence[int]) -> str:
        return " ".join(self.words[token] for token in tokens)


@pytest.mark.parametrize(
    ("number", "tokens", "special", "lengths"),
    [
        # Room 30 - 3, less 3 for marks and 8 for the closing words: 8 a tweet, of which 1 for its marks.
        (7, 30, 0, [3, 11]),
        # The same with a special token in every count: room 26, 9 closing words, share 7, marks 2, text and 1.
        (7, 30, 1, [3, 5]),
        # Room 60 - 3, less 5: share 17 of three, 7 of them for the words around a review.
        (3, 60, 0, [3, 17, 10]),
        # Citations: room 40 - 3, less 4: 11 a title, 2 of them for marks.
        (1, 40, 0, [3, 15, 9]),
        # Room 60 - 3, less 5 and 4 for the closing words: 16, of which "title" is a title " " takes 6 here.
        (5, 60, 0, [3, 17, 10]),
    ],
)
def test_lengths_are_lamp_s_to_the_token(number: int, tokens: int, special: int, lengths: list[int]) -> None:
    codec = WordCodec()
    codec.end = (0,) * special
    bodies = ["w " * 3, "w " * 50, "w " * 50][: len(lengths)]
    field = "input" if number in (4, 5) else "text"
    items = [replace(ITEMS[number], **{"text": "T", field: body.strip()}) for body in bodies]  # type: ignore[arg-type]
    shots = folders.lamp_task(number).shots(items, "Do it: x", codec=codec, tokens=tokens)
    assert [len(re.findall(r"\bw\b", shot)) for shot in shots] == lengths


def test_what_a_short_item_leaves_goes_to_later_ones() -> None:
    task = folders.lamp_task(7)
    short, long = HistoryItem("a", "ok"), HistoryItem("b", "many words here " * 80)
    first = task.shots([short, long], "Do it: x", codec=CODEC, tokens=200)
    second = task.shots([long, short], "Do it: x", codec=CODEC, tokens=200)
    assert len(CODEC.encode(first[1])) > len(CODEC.encode(second[0])) + 20


def test_where_nothing_fits_the_bare_input_is_left() -> None:
    task = folders.lamp_task(5)
    huge = HistoryItem("a", "title " * 400, input="abstract")
    assert task.shots([huge], "Do it: x", codec=CODEC, tokens=256) == ()
    assert task.shots([], "Do it: x", codec=CODEC, tokens=256) == ()


def test_the_query_is_the_content_and_for_citations_the_references() -> None:
    asked = 'The author of the title "T" cites? [1]: "One" [2]: "Two"'
    assert folders.lamp_task(1).query(asked) == "T"
    assert folders.lamp_task(1).search(asked) == "One Two"
    assert folders.lamp_task(1).search('With a "mark" in "T": "One" "Two"') == "T One"
    assert folders.lamp_task(2).query("tags: [a] description:  a film: old ") == "a film: old"
    assert folders.lamp_task(3).query("Say. review: good") == folders.lamp_task(3).search("Say. review: good") == "good"
    assert folders.lamp_task(5).search("no such word") == "no such word"
    assert folders.lamp_task(7).search("Say it before or after it: a: b") == "a: b"
    assert folders.lamp_task(5).search_text(ITEMS[5]) == "A title An abstract"
    assert folders.lamp_task(2).search_text(ITEMS[2]) == "A film"


@given(
    st.lists(st.lists(st.sampled_from("abcd"), max_size=6), min_size=1, max_size=8), st.lists(st.sampled_from("abcde"))
)
def test_okapi_ranks_as_its_formula_says(documents: list[list[str]], query: list[str]) -> None:
    items = [
        HistoryItem(str(n), f"x{' '.join(words)}" if not words else " ".join(words))
        for n, words in enumerate(documents)
    ]
    texts = [item.text.split() for item in items]
    frequency = {word: sum(word in text for text in texts) for text in texts for word in text}
    idf = {word: math.log(len(texts) - n + 0.5) - math.log(n + 0.5) for word, n in frequency.items()}
    floor = 0.25 * sum(idf.values()) / len(idf)
    idf = {word: floor if value < 0 else value for word, value in idf.items()}
    mean = sum(map(len, texts)) / len(texts)
    scores = [
        sum(
            idf.get(word, 0) * text.count(word) * 2.5 / (text.count(word) + 1.5 * (0.25 + 0.75 * len(text) / mean))
            for word in query
        )
        for text in texts
    ]
    ranked = rank_okapi(items, " ".join(query), text=lambda item: item.text)
    assert sorted(ranked) == list(range(len(items)))
    assert all(scores[a] >= scores[b] - 1e-9 for a, b in itertools.pairwise(ranked))


@pytest.mark.parametrize("number", folders.LAMP_NUMBERS)
def test_retrieval_arms_of_lamp_put_the_best_first(runtime: Runtime, number: int) -> None:
    task = folders.lamp_task(number)
    words = ["gull kettle", "lantern orchard", "river saddle", "anchor basket", "feather garden", "hammer island"]
    items = tuple(
        replace(ITEMS[number], id=str(n), text=word, input=f"on {word}" if ITEMS[number].input else None)
        for n, word in enumerate(words)
    )
    asked = f'The title "T": [1] "river" [2] "saddle" {SHAPES[task.shape.number].marker} river saddle'
    inputs = runtime.arm_inputs(UserHistory("A", items), task, asked)
    best = ARMS["bm25"].build(inputs).retrieved
    assert len(best) == 4
    assert "river saddle" in best[0]
    assert "hammer island" in best[1]
    recent = ARMS["recent"].build(inputs).retrieved
    assert [next(w for w in words if w in shot) for shot in recent] == words[:1:-1]
    assert len(ARMS["dense"].build(inputs).retrieved) == 4
