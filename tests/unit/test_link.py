"""Copy Link: what it carries comes back, private text stays here unless asked for, nonsense is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_demo.arms import EVERY
from persona_demo.errors import UserError
from persona_demo.link import MAX_TEXT, LinkState, from_link, to_link

PEOPLE = {"sample:ada": ("p00", "p01"), "p0007": ()}
OPENINGS = ("The last train left", "I put the kettle on")
STATE = LinkState(
    "sample:ada", OPENINGS[1], seed=5, strength=-1.5, arms=("task", "persona:mean"), muted=("p01",),
    max_new_tokens=16, temperature=0.85, top_p=0.4,
)  # fmt: skip


def test_a_link_carries_the_state_and_no_free_text() -> None:
    link = to_link(STATE, people=PEOPLE, openings=OPENINGS)
    assert link.left_out == ""
    assert OPENINGS[1] not in link.query
    assert from_link(link.query, people=PEOPLE, openings=OPENINGS) == STATE
    assert from_link("?" + link.query + "&__theme=dark", people=PEOPLE, openings=OPENINGS) == STATE


def test_every_column_that_there_is_fits_into_a_link() -> None:
    names = tuple(arm.name for arm in EVERY)
    link = to_link(LinkState("p0007", arms=names), people=PEOPLE, openings=OPENINGS)
    back = from_link(link.query, people=PEOPLE, openings=OPENINGS)
    assert back is not None and back.arms == names
    twice = from_link("arms=task,persona,task", people=PEOPLE, openings=OPENINGS)
    assert twice is not None and twice.arms == ("task", "persona")


def test_typed_text_and_own_posts_stay_here_unless_asked_for() -> None:
    own = LinkState("file", "my secret & private", seed=1)
    link = to_link(own, people=PEOPLE, openings=OPENINGS)
    assert "secret" not in link.query and "file" not in link.query
    assert "posts of your own" in link.left_out and "typed" in link.left_out
    asked = to_link(own, people=PEOPLE, openings=OPENINGS, with_text=True)
    assert "typed" not in asked.left_out
    back = from_link(asked.query, people=PEOPLE, openings=OPENINGS)
    assert back is not None and back.prompt == own.prompt and back.person is None


@given(
    text=st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=80),
    seed=st.integers(0, 2**32 - 1),
    strength=st.integers(-8, 16).map(lambda quarter: quarter / 4),
)
def test_any_text_comes_back_as_it_was(text: str, seed: int, strength: float) -> None:
    state = LinkState("p0007", text, seed=seed, strength=strength)
    link = to_link(state, people=PEOPLE, openings=OPENINGS, with_text=True)
    back = from_link(link.query, people=PEOPLE, openings=OPENINGS)
    assert back is not None
    shown = "".join(c if c.isprintable() else "\ufffd" for c in text.strip())
    assert (back.prompt or "").strip() == shown.strip()
    assert (back.seed, back.strength, back.person) == (seed, strength, "p0007")


def test_a_query_that_is_none_of_ours_is_left_alone() -> None:
    for query in ("", "?", "__theme=dark&view=api", "utm=1"):
        assert from_link(query, people=PEOPLE, openings=OPENINGS) is None
    # Links that were made before they carried these say nothing of them.
    assert from_link({"person": "p0007"}, people=PEOPLE, openings=OPENINGS) == LinkState("p0007")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("person=nobody", "not here"),
        ("person=<script>", "not here"),
        ("person=sample:ada&mute=p99", "mutes"),
        ("mute=p00", "mutes"),
        ("opening=0", "opening"),
        ("opening=3", "opening"),
        ("opening=x", "opening"),
        ("opening=%D9%A1", "opening"),
        ("seed=-1", "seed"),
        ("seed=1e3", "seed"),
        ("seed=99999999999", "seed"),
        ("strength=nan", "strength"),
        ("strength=inf", "strength"),
        ("strength=7", "strength"),
        ("strength=-2.1", "from -2 to 4"),
        ("strength=", "strength"),
        ("length=7", "length"),
        ("length=257", "length"),
        ("length=16.5", "length"),
        ("temperature=1.6", "from 0 to 1.5"),
        ("temperature=warm", "temperature"),
        ("top_p=0", "top-p"),
        ("top_p=nan", "top-p"),
        ("arms=task,magic", "no arm"),
        ("arms=" + ",".join(["persona"] * 3 + ["plain", "task", "bm25", "dense", "recent"]) + ",bm25:magic", "no arm"),
        ("seed=1&seed=2", "twice"),
        ("text=" + "x" * (MAX_TEXT + 1), "text"),
        ("text=" + "x" * 9_000, "longer"),
        ("&".join(f"a{n}=1" for n in range(200)), "too many"),
    ],
)
def test_nonsense_is_refused_in_a_sentence(query: str, said: str) -> None:
    with pytest.raises(UserError, match=said) as raised:
        from_link(query, people=PEOPLE, openings=OPENINGS)
    assert "\n" not in str(raised.value)


def test_what_does_not_fit_into_a_link_is_said() -> None:
    with pytest.raises(UserError, match="carries at most"):
        to_link(LinkState(None, "x" * 3000), people=PEOPLE, openings=OPENINGS, with_text=True)
    with pytest.raises(UserError, match="too long"):
        to_link(LinkState("p0007", muted=("x" * 90,) * 90), people=PEOPLE, openings=OPENINGS)
    with pytest.raises(UserError, match="none are shipped"):
        from_link("opening=1", people=PEOPLE, openings=())
