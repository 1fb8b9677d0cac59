"""The collapse warning: each sign has its text, and whole texts have none."""

from __future__ import annotations

import pytest

from persona_demo.explain.collapse import LONG, MOST_SURPRISE, signs_of_collapse
from persona_demo.samples import load_samples

STANDS = (
    "I put the kettle on, then the phone rang again!! My brother fixed the gate; it closes now, mostly. Soooo good :)"
)


def test_a_text_without_a_persona_breaks_down_by_itself() -> None:
    said = signs_of_collapse(" 2014-02-22: 22000").warning(None)
    assert said.startswith("This text has broken down (there is no word in it)") and "strength" not in said
    for whole in ("2.14.0", "3/5", "4", "", "2014-02", STANDS):
        assert signs_of_collapse(whole).warning(None) == ""


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("a box with a box, a box that has a box, a box with a box in a box", "loop"),
        ("it rains and it pours it said it would it never it stops it always it goes", "one word"),
        ("help me now,,,,,,,,,,,,,,,, please do", "stutter"),
        ("mac-10.1-1000/0.0.2_x86-64 :: 2.2.2 mac-2010-12 :-", "marks"),
        (" 2014-02-22: 22000", "no word"),
        ("I\nThe last train left without you\n.\n.\nA\n.\nB\n.\nC", "crumbs"),
        ("she said Mahasisfarethamahalaahahaahahafar and left", "endless word"),
    ],
)
def test_each_sign_has_its_text(text: str, sign: str) -> None:
    found = signs_of_collapse(text)
    assert sign in found.signs
    assert found and "collapsed" in found.sentence


BROKEN = (
    "fix fix fix fix",
    "Fix: fix, fix and fix",
    "fix the fix the fix the fix",
    "Update the parser to fix fix fix fix",
    "Removed removed removed the memo file removed removed",
    "Emergency timetable timetable timetable timetable timetable",
    "the theory of the theory of the theory of the",
    "Hand hosting Hand hosting Hand hosting",
    "2013-02-24 12:22:11.111211:",
    "[r[o[n[m]]]][r]m[']][[o[n]]",
)
SHORT = (
    # Subjects of commits.
    "Fix fix for fix of X",
    "fix: fix the fix",
    'Revert "Revert "Add retry to upload""',
    "Merge branch 'main' into main",
    "git: teach git to run git",
    "Bump 1.2.3 to 1.2.4",
    "v2.0.1-rc3",
    "Bump 10.2.13 to 10.2.14",
    "[data] 24:10 -> 00:10 next day",
    "2.14.0",
    "t3210: move to t0601",
    "docs: docs for the docs folder",
    "Allow -v -v -v for even more words",
    "tests: test the test helper's own tests",
    "Rename a to b, b to c and c to a",
    # Titles of papers.
    "Multi-Task and Multi-Lingual Learning for Multi-Party Dialogue",
    "Learning to Learn to Disambiguate",
    "Translating a Translation: Is It Still a Translation?",
    "What Do Models Know about What Models Know?",
    "Event-Event Relations between Events",
    "Attention!!! 2018: 9th Workshop",
    # Headlines.
    "Boom... Boom... Boom: Three Chimneys Fall",
    "New York, New York",
    "Late Late Show Goes on Late, Again",
    "The Man, the Myth, the Mayor",
    "7 Ways to Say No, No and No Again",
    "Walla Walla",
    # Lines of critics.
    "Too long, too loud, too late.",
    "Never funny, never meaningful, never coherent, never animated.",
    "A good film about a good man in a bad war.",
    "No, no, no.",
    "So-so.",
    "3/5",
    "***½ out of *****",
)


@pytest.mark.parametrize("text", BROKEN)
def test_short_texts_that_broke_are_told(text: str) -> None:
    assert len(text.split()) < LONG
    assert signs_of_collapse(text).signs


@pytest.mark.parametrize("text", SHORT)
def test_short_texts_that_stand_have_no_sign(text: str) -> None:
    assert not signs_of_collapse(text).signs


def test_what_is_advised_fits_the_strength() -> None:
    broken = signs_of_collapse(BROKEN[0])
    for strength in (-2, -0.25, 1.25, 3):
        assert broken.warning(strength) == f"{broken.sentence[:-1]}: choose a strength nearer to 1."
    for strength in (0, 0.5, 1):
        assert broken.warning(strength).startswith(broken.sentence) and "nearer" not in broken.warning(strength)
        assert "the model does this by itself" in broken.warning(strength)


def test_whole_texts_have_no_sign() -> None:
    for text in (STANDS, "", "Ha!", "no no no", "!!!"):
        assert not signs_of_collapse(text)
        assert signs_of_collapse(text).sentence == signs_of_collapse(text).warning(3) == ""
    for sample in load_samples():
        for item in sample.history:
            assert not signs_of_collapse(item.text), item.id
    for task in ("commit-subject", "film-review", "headline", "paper-title"):
        for sample in load_samples(task):
            for item in sample.history:
                assert not signs_of_collapse(item.text), item.id


def test_surprise_is_only_told_where_it_is_measured() -> None:
    assert not signs_of_collapse(STANDS, surprise=MOST_SURPRISE)
    assert signs_of_collapse(STANDS, surprise=MOST_SURPRISE + 0.1).signs == ("surprise",)
