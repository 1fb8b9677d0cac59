"""What every task promises: inputs, targets that end, prompts, and examples of the prompt's own shape."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast

from persona_demo.errors import UserError
from persona_demo.history import HistoryItem
from persona_demo.lm.codec import HFCodec
from persona_demo.tasks import TASKS, LampTask, Task, task_named
from persona_demo.tasks.base import shortened
from tests import tiny

CODEC = HFCodec(tiny.tokenizer())
OWN = [task for task in TASKS.values() if not isinstance(task, LampTask)]
ASKED = [task for task in OWN if task.name != "blog-post"]
ITEM = HistoryItem(id="i", text="One  two\nthree", input="Some  input\n\nof two lines", label="4")


def items(count: int, *, words: int = 5) -> list[HistoryItem]:
    """Items that have everything."""
    return [
        HistoryItem(f"i{n}", text=f"text {n} " * words, input=f"input {n} " * words, label=str(1 + n % 5))
        for n in range(count)
    ]


def test_a_blog_post_is_put_to_the_models_as_the_shipped_plug_was_trained() -> None:
    task = task_named("blog-post")
    text = "  One two three, four five six\nseven eight nine ten. \n"
    pair = task.pair(HistoryItem("i", text))
    assert pair is not None
    assert (pair.input, pair.target) == ("One two three, four five six\nseven eight", " nine ten.")
    ranked = [HistoryItem("b", " Newer post."), HistoryItem("a", "Old post. ")]
    made = task.prompt(pair.input, retrieved=task.shots(ranked, pair.input, codec=CODEC, tokens=99))
    assert (made.context, made.opening) == ("From my blog:\n\nOld post.\n\nNewer post.\n\n", pair.input)
    assert task.target_tokens(pair.target, CODEC) == CODEC.encode(" nine ten.")[:64]
    assert task.item_text(HistoryItem("i", "text", label="tag")) == "tag: text"
    assert (task.query("  as it is "), task.stop, task.min_new_tokens) == ("  as it is ", "\n\n", None)
    assert task.split("seven words are one too few here") is None
    assert task.serves(HistoryItem("i", "short"))


@pytest.mark.parametrize("task", ASKED, ids=lambda task: task.name)
def test_an_item_is_an_input_and_a_target_of_one_line_that_ends(task: Task) -> None:
    pair = task.pair(ITEM)
    assert pair is not None
    assert "\n" not in pair.target
    assert pair.answer in ("One two three", "4")
    tokens = task.target_tokens(pair.target, CODEC)
    assert CODEC.decode(tokens) == f"{pair.target}\n"
    made = task.prompt(pair.input)
    assert made.opening == ("" if task.needs == "input" else " ")
    assert f"{made.opening}{pair.target}" == f" {pair.answer}"
    assert made.context.endswith(":")
    assert "\n\n" not in made.context
    long = task.target_tokens(" word" * 500, CODEC)
    assert len(long) == task.max_target_tokens
    assert long[-1] != tokens[-1]


def test_a_typed_text_follows_its_input_as_written_ones_do() -> None:
    blog, title, stars = (task_named(name) for name in ("blog-post", "paper-title", "film-rating"))
    assert blog.typed("I ran. ", "The train left") == " I ran."
    assert blog.typed(", so I ran", "The train left") == ", so I ran"
    assert blog.typed(" I ran", "") == "I ran"
    assert title.typed('"Why?"', "An abstract.") == ' "Why?"'
    # The blank before a figure stands there already.
    assert stars.typed(" 4", "Quite good.") == "4"
    assert stars.prompt("Quite good.").opening == " "


@pytest.mark.parametrize(
    ("name", "without"),
    [("film-review", "input"), ("paper-title", "input"), ("film-rating", "label"), ("movie-stars", "label")],
)
def test_items_that_lack_what_is_wanted_are_not_of_the_task(name: str, without: str) -> None:
    lacking = {"text": "Some words", "input": "Asked", "label": "3", without: None}
    task = task_named(name)
    assert not task.serves(HistoryItem("i", **lacking))  # type: ignore[arg-type]
    assert task.serves(ITEM)
    if task.answers:
        assert not task.serves(HistoryItem("i", "Some words", label="9/10"))


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
def test_the_label_is_part_of_what_the_encoder_reads_and_can_be_left_out(task: Task) -> None:
    item = HistoryItem("i", "Some words", label="3")
    assert "3" in task.item_text(item)
    assert task.item_text(item, labels=False) == "Some words"
    assert task.item_text(HistoryItem("i", "Some words")) == "Some words"


@pytest.mark.parametrize("task", ASKED, ids=lambda task: task.name)
def test_examples_have_the_shape_of_the_prompt_and_the_best_is_nearest(task: Task) -> None:
    ranked = items(3)
    shots = task.shots(ranked, "Asked now", codec=CODEC, tokens=400)
    context = task.prompt("Asked now", retrieved=shots).context
    blank = re.sub(r"(input|text) \d |\d", "", context)
    lines = blank.split("\n")
    assert lines[0].split(":")[0] == lines[2].split(":")[0] == lines[-2].split(":")[0]
    assert lines[1].split(":")[0] == lines[-1].split(":")[0]
    assert len(shots) == 3
    best = task.pair(ranked[0])
    assert best is not None
    assert shots[-1].endswith(f"{best.target}\n")


@given(words=st.integers(1, 200), count=st.integers(0, 6), tokens=st.integers(20, 300))
def test_examples_keep_within_their_budget_and_keep_their_answers_whole(words: int, count: int, tokens: int) -> None:
    task = task_named("paper-title")
    ranked = [HistoryItem(f"i{n}", f"Title {n}", input="many words " * words) for n in range(count)]
    shots = task.shots(ranked, "Asked", codec=CODEC, tokens=tokens)
    assert sum(len(CODEC.encode(shot)) for shot in shots) <= tokens
    for shot in shots:
        assert re.search(r"\nTitle: Title \d\n$", shot)
    if tokens >= 40 * count:
        assert len(shots) == count


@given(text=st.text(min_size=1, max_size=300), characters=st.integers(1, 300))
def test_inputs_are_cut_at_a_word(text: str, characters: int) -> None:
    cut = shortened(text, characters)
    assert len(cut) <= characters
    assert text.startswith(cut)
    if len(text) <= characters:
        assert cut == text


def test_every_task_cuts_inputs_to_its_budget_but_opening_words_are_refused() -> None:
    for task in TASKS.values():
        if task.name == "blog-post":
            with pytest.raises(UserError, match="shorten"):
                task.prompt("word " * 2_000)
        else:
            assert len(task.prompt("word " * 9_000).context) <= task.max_input_characters + 60


def test_a_tokenizer_without_line_breaks_closes_targets_with_its_own_mark() -> None:
    made = Tokenizer(WordLevel({"<pad>": 0, "</s>": 1, "<unk>": 2, "a": 3, "title": 4}, unk_token="<unk>"))
    made.pre_tokenizer = WhitespaceSplit()
    made.post_processor = TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    t5 = HFCodec(PreTrainedTokenizerFast(tokenizer_object=made, eos_token="</s>", pad_token="<pad>", unk_token="<unk>"))
    assert (t5.start, t5.end) == ((), (1,))
    assert task_named("paper-title").target_tokens(" a title", t5) == (3, 4, 1)
    assert (CODEC.start, CODEC.end) == ((), ())


def test_what_is_missing_is_said_in_the_task_s_words() -> None:
    assert "opening words" in task_named("blog-post").nothing_given
    assert "abstract" in task_named("paper-title").nothing_given
    with pytest.raises(UserError, match="no task"):
        task_named("poem")
