"""What the page shows: plain JSON out of the core's records."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys

import pytest

from persona_demo.answers import ArmText
from persona_demo.arms import ARMS, arms_named
from persona_demo.history import HistoryItem, UserHistory
from persona_demo.lm.decode import Written
from persona_demo.maps.atlas import Neighbour, Placement
from persona_demo.tasks import BLOG_POST
from persona_demo.tasks.wording import plural
from persona_demo.ui import column_views, views
from persona_demo.ui.loading import Progress
from persona_demo.ui.state import FILE, Session
from tests import tiny


def arm_text(arm: str = "persona", *, soft: int = 9, retrieved: tuple[str, ...] = ()) -> ArmText:
    written = Written(text=" and so", tokens=(1, 2, 3), first_token_ms=180.4, total_ms=1234.0, done=True)
    return ArmText(arm, written, prompt_tokens=1014, soft_vectors=soft, bytes_per_user=8, retrieved=retrieved)


def session(*, muted: int = 0) -> Session:
    items = tuple(HistoryItem(id=f"p{n}", text=f"post {n}", muted=n < muted) for n in range(4))
    return Session.open("sample:ada", UserHistory(name="Ada", items=items, about="Keeps a lock."))


def test_what_follows_the_dial_says_where_it_stood() -> None:
    def told(arm: str, soft: int = 9) -> list[str]:
        costs = column_views.card(arm_text(arm, soft=soft), strength=3)["costs"]
        return [cost["value"] for cost in costs if cost["name"] == "Strength"]

    assert told("persona") == told("persona:other") == told("persona+bm25") == ["3 (trained at 1)"]
    assert told("task") == told("plain", soft=0) == told("bm25", soft=0) == []


def test_any_text_may_break_down_and_only_the_dial_has_a_way_back() -> None:
    def warned(arm: str, soft: int) -> str:
        text = arm_text(arm, soft=soft)
        broken = dataclasses.replace(text.written, text=" fix fix fix fix")
        said: str = column_views.card(dataclasses.replace(text, written=broken), strength=3)["warning"]
        return said

    assert "choose a strength nearer to 1" in warned("persona", 9)
    for arm, soft in (("plain", 0), ("task", 9), ("bm25", 0)):
        assert warned(arm, soft).startswith("This text has broken down") and "strength" not in warned(arm, soft)


def test_what_a_stored_vector_gives_away_is_pointed_to() -> None:
    stored = Session.open("p0007", UserHistory(name="p0007"), stored=True)
    assert "The tab In words, below, shows what such a vector gives away." in views.history(stored)["empty"]


def test_a_placebo_says_who_stands_in() -> None:
    text = dataclasses.replace(arm_text("persona:other"), stand_in="Bo")
    shown = column_views.columns([text, arm_text()], opening="so", shown=["persona", "persona:other"], seed=7)
    assert shown["cards"]["persona:other"]["who"] == "Bo stands in here (seed 7)."
    assert shown["cards"]["persona"]["who"] == ""


def test_views_know_no_gradio() -> None:
    # The package's __init__ builds the app and so imports it; the module itself must not.
    code = (
        "import ast,sys; print([n for n in ast.walk(ast.parse(open(sys.argv[1]).read())) if 'gradio' in ast.dump(n)])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(views.__file__)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_card_says_what_it_cost() -> None:
    card = column_views.card(arm_text(retrieved=("an old post",)))
    assert card["text"] == " and so"
    assert [(cost["name"], cost["value"]) for cost in card["costs"]] == [
        ("Wrote", "3 tokens"),
        ("First / all", "180 ms / 1.2 s"),
        ("Read", "1,014 tokens of text + 9 vectors"),
        ("Kept", "8 bytes a person"),
        ("Strength", "1"),
    ]
    assert card["retrieved"] == ["an old post"]
    assert column_views.card(arm_text(soft=0))["costs"][2]["value"] == "1,014 tokens of text"
    # What keeps nothing of anybody says nothing of it.
    bare = dataclasses.replace(arm_text(), bytes_per_user=0)
    assert [cost["name"] for cost in column_views.card(bare)["costs"]] == ["Wrote", "First / all", "Read", "Strength"]
    sizes = (1, 999, 1000, 1249, 99_949, 112_880, 2_345_678)
    said = ["1 byte", "999 bytes", "1.0 kB", "1.2 kB", "99.9 kB", "113 kB", "2,346 kB"]
    assert [column_views.size(count) for count in sizes] == said


def test_columns_are_json_and_can_be_rearranged_and_halted() -> None:
    made = column_views.columns([arm_text()], opening="The ferry", shown=["task", "persona"], running=True)
    assert json.loads(json.dumps(made)) == made
    assert column_views.rearranged(made, ["persona"])["shown"] == ["persona"]
    assert column_views.rearranged(made, ["persona"])["cards"] == made["cards"]
    assert column_views.halted(made) == {**made, "running": False}
    junk: object
    for junk in (None, "x", 3, [], {}):
        assert column_views.halted(junk)["cards"] == {}


def test_weights_stand_in_the_rows_order_and_sum_to_1() -> None:
    view = views.history(session(muted=1), [0.5, 0.3, 0.2])
    assert [row["share"] for row in view["rows"]] == ["muted", "50.0%", "30.0%", "20.0%"]
    assert [row["number"] for row in view["rows"]] == [1, 2, 3, 4]
    assert view["rows"][0]["bar"] == 0
    assert max(row["bar"] for row in view["rows"]) <= 1
    assert view["summary"] == "4 posts, 1 muted"


def test_percentages_add_up_to_100() -> None:
    assert views.percentages([1 / 3] * 3) == ["33.4%", "33.3%", "33.3%"]
    for count in (1, 7, 20, 512):
        shares = views.percentages([1 / count] * count)
        assert sum(float(share.rstrip("%")) for share in shares) == pytest.approx(100)
    assert views.percentages([]) == []


def test_even_weights_look_even_and_not_like_full_marks() -> None:
    view = views.history(session(), [0.25] * 4)
    assert [row["bar"] for row in view["rows"]] == [0.5] * 4
    assert view["even"] == 0.5


def test_without_weights_there_are_no_bars() -> None:
    view = views.history(session())
    assert not view["weighed"]
    assert view["even"] is None
    assert [row["share"] for row in view["rows"]] == [""] * 4


def test_an_empty_table_says_why() -> None:
    assert "not shipped" in views.history(Session.open("p0001", UserHistory("p0001"), stored=True))["empty"]
    assert "No posts yet" in views.history(Session.open("new", UserHistory("Someone new")))["empty"]


def test_arms_without_anything_to_go_by_say_so() -> None:
    arms = list(ARMS.values())
    assert column_views.arm_notes(arms, session()) == {}
    stored = column_views.arm_notes(arms, Session.open("p0001", UserHistory("p0001"), stored=True))
    assert set(stored) == {arm.name for arm in arms if arm.kind == "text"}
    assert "persona" in column_views.arm_notes(arms, session(muted=4))
    both = arms_named(["persona+bm25", "persona+bm25:other", "persona:other"])
    assert set(column_views.arm_notes(both, Session.open("p0001", UserHistory("p0001"), stored=True))) == {
        "persona+bm25:other"
    }
    assert column_views.arm_notes(both, session()) == {}


def test_a_place_in_words() -> None:
    near = tuple(Neighbour(name, 0.1) for name in ("p0001", "sample:ada", "sample:bo", "p0002", "p0003"))
    placement = Placement(0.0, 1.0, near)
    made = session().stand_at((0.0, 0.0)).stand_at((0.0, 1.0))
    words = views.place_in_words(made, placement, {"sample:bo": "Bo"})
    assert words == "Ada stands nearest to p0001, Bo and p0002, after 1 move."
    assert "no place" in views.place_in_words(session(muted=4), None, {})
    assert "follows" in views.place_in_words(session(), None, {})


def test_choices_reach_everybody() -> None:
    samples, atlas = tiny.samples(), tiny.atlas(4)
    assert views.sample_choices(samples, BLOG_POST.wording)[0] == ("Ada: Keeps a lock and a cat.", "sample:ada")
    assert views.sample_choices(samples, BLOG_POST.wording)[-1][1] == "new"
    assert {who for _, who in views.everyone(samples, atlas, BLOG_POST.wording)} == {
        "sample:ada",
        "sample:bo",
        *atlas.ids,
    }
    assert views.everyone(samples, None, BLOG_POST.wording)[-1] == ("Bo", "sample:bo")
    assert views.guest_choices(session(), {}) == []
    assert views.guest_choices(Session.open(FILE, UserHistory("Cy")), {})[0][1] == FILE
    assert views.guest_choices(session(), {"file:2": "Di"}) == [("Di: from your file", "file:2")]


def test_choices_say_whom_the_visitor_changed() -> None:
    choices = views.sample_choices(tiny.samples(), BLOG_POST.wording, changed={"sample:bo", "new"})
    assert [label for label, _ in choices] == [
        "Ada: Keeps a lock and a cat.",
        "Bo, with your changes: Counts swans.",
        "Someone new: as you left them",
    ]


@pytest.mark.parametrize("stage", ["idle", "loading", "ready", "failed"])
def test_every_stage_has_words(stage: str) -> None:
    view = views.status(Progress(stage, "fetching", 0.5))  # type: ignore[arg-type]
    assert view["words"][0].isupper()
    assert view["stage"] == stage


def test_small_words() -> None:
    assert views.enumerated([]) == ""
    assert views.enumerated(["a"]) == "a"
    assert views.enumerated(["a", "b"]) == "a and b"
    assert views.enumerated(["a", "b", "c"]) == "a, b and c"
    assert (column_views.duration(None), column_views.duration(999.4), column_views.duration(1500)) == (
        "-",
        "999 ms",
        "1.5 s",
    )
    assert (plural(1, "post"), plural(1200, "post")) == ("1 post", "1,200 posts")
