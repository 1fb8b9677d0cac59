"""The Maps tab: what its choices offer, what its colours tell, and what its search finds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gradio as gr
import numpy as np
import pytest

from persona_demo.errors import UserError
from persona_demo.maps.figures import SCORE
from persona_demo.tasks import BLOG_POST
from persona_demo.ui.inside.finding import items_on_map, own_items
from persona_demo.ui.inside.map_views import FIGURE_MARK, colour_choices, steps, stored_posts_table
from persona_demo.ui.inside.maps import Maps
from persona_demo.ui.inside.twice import movers_table
from persona_demo.ui.layout import lay_out
from persona_demo.ui.loading import Loading
from persona_demo.ui.page import Page
from persona_demo.ui.shelf import Shelf
from tests import tiny


def with_scores(shelf: Shelf) -> Shelf:
    """The shelf with both maps, whose people and items give scores, but for the last of them."""
    assert shelf.atlas is not None
    atlas = tiny.labelled(shelf.atlas)
    items = tiny.item_map(atlas)

    def scored(style: np.ndarray) -> np.ndarray:
        given = np.append(np.resize([1, 2, 4, 5], len(style) - 1), np.nan)
        return np.column_stack([style, given]).astype(np.float32)

    assert atlas.style is not None
    names = (*atlas.style_names, SCORE)
    return replace(
        shelf,
        atlas=replace(atlas, style=scored(atlas.style), style_names=names),
        items=replace(items, style=scored(items.style), style_names=names),
    )


@pytest.fixture(scope="module")
def scored(shelf: Shelf) -> tuple[Shelf, Page]:
    made = with_scores(shelf)
    with gr.Blocks():
        return made, lay_out(made)


def test_without_a_map_of_items_it_says_so(shelf: Shelf, page: Page, loading: Loading) -> None:
    on, record = Maps(page, None, shelf, loading), shelf.first_session().as_record()
    shown: Any = on.follow(record, [], "")
    assert "There is no map of posts here yet" in shown[page.inside.maps.posts]["message"]
    assert "There is no map of posts here yet" in on.find(record, "swans")[page.notice]["text"]


def test_scores_are_offered_where_somebody_gives_one(scored: tuple[Shelf, Page], shelf: Shelf) -> None:
    given, _ = scored
    for made, offered in ((given, True), (shelf, False)):
        assert made.atlas is not None
        names = [name for _, name in colour_choices(made.atlas, made.atlas.style_names, BLOG_POST.wording)]
        assert (FIGURE_MARK + SCORE in names) is offered


def test_points_are_coloured_by_score(scored: tuple[Shelf, Page], loading: Loading) -> None:
    shelf, page = scored
    on = Maps(page, None, shelf, loading)
    shown: Any = on.recolour(shelf.first_session().as_record(), FIGURE_MARK + SCORE, "")
    for part in (page.inside.maps.people, page.inside.maps.posts):
        tint = shown[part]["tint"]
        assert tint["title"] == "Score given, 1 to 5" and tint["ordered"]
        assert [group["unknown"] for group in tint["groups"]] == [False] * (len(tint["groups"]) - 1) + [True]
        assert tint["groups"][-1] == {"label": "none given", "count": 1, "unknown": True}
        assert tint["of"][-1] == str(len(tint["groups"]) - 1)
    assert [group["label"] for group in shown[page.inside.maps.posts]["tint"]["groups"][:-1]] == ["1", "2", "4", "5"]


def test_a_stored_person_s_scores_are_told(scored: tuple[Shelf, Page]) -> None:
    shelf, _ = scored
    assert shelf.items is not None
    last = len(shelf.items.ids) - 1
    view = stored_posts_table(shelf.session_of("p0000"), shelf.items, [0, last])
    assert view["heads"][-1]["text"] == "score given, 1 to 5"
    assert [row["cells"][-1]["text"] for row in view["rows"]] == ["1", "none"]


def test_of_whom_nothing_is_known_has_no_step() -> None:
    assert steps(np.full(3, np.nan), title="t").groups[0].unknown
    known = steps(np.arange(10.0), title="t")
    assert len(known.groups) == 5 and not any(group.unknown for group in known.groups)


def test_items_are_found_by_words_number_and_id(scored: tuple[Shelf, Page]) -> None:
    shelf, _ = scored
    session = shelf.first_session()
    assert shelf.items is not None
    ids = [item.id for item in session.history]
    assert own_items(session, "NINE swans") == (ids[3],)
    assert own_items(session, "post 2") == (ids[1],)
    # The third post ends with this number.
    assert own_items(session, "2") == (ids[1], ids[2])
    assert own_items(session, "no such thing") == () == own_items(session, " ")
    assert items_on_map(shelf.items, " p0003 ") == ("p0003.1", "p0003.2")
    assert items_on_map(shelf.items, "P0003.2") == ("p0003.2",)
    assert items_on_map(shelf.items, "p000") == ()


def test_what_is_not_found_is_one_sentence_and_nothing_typed_goes_back_to_all(
    scored: tuple[Shelf, Page], loading: Loading
) -> None:
    shelf, page = scored
    on, record = Maps(page, None, shelf, loading), shelf.first_session().as_record()
    assert set(on.find(record, "${6*7}")) == {page.notice}
    assert len(on.find(record, "swans")[page.inside.maps.posts]["people"]) == 1
    assert len(on.find(record, "  ")[page.inside.maps.posts]["people"]) == 4


def test_people_by_subject_are_offered_where_there_is_such_a_map(shelf: Shelf, page: Page, loading: Loading) -> None:
    assert shelf.atlas is not None
    made = replace(shelf, subjects=tiny.subject_map(shelf.atlas))
    with gr.Blocks():
        other = lay_out(made)
    offered = [[name for _, name in each.inside.maps.which.choices] for each in (page, other)]
    assert offered == [["both", "people", "posts"], ["both", "people", "posts", "twice"]]
    on, session = Maps(other, None, made, loading), made.first_session()
    shown: Any = on.follow(session.as_record(), [], "")
    value = shown[other.inside.maps.twice.people]
    assert value["you"]["name"] == "Ada" and value["neighbours"]
    assert value["neighbours"] == shown[other.inside.maps.people]["neighbours"]
    stored: Any = on.follow(made.session_of("p0003").as_record(), [], "")
    assert stored[other.inside.maps.twice.people]["selected"] == "p0003"
    rows = movers_table(made)["rows"]
    assert [row["id"] for row in rows] == [mover.id for mover in made.subjects.movers]  # type: ignore[union-attr]
    assert rows[0]["cells"][2]["text"].endswith("of 39")


def test_people_of_all_tasks_are_coloured_by_task(shelf: Shelf, page: Page, loading: Loading) -> None:
    assert shelf.atlas is not None
    made = replace(shelf, everybody=tiny.task_map(shelf.atlas, here="blog-post", other="headline"))
    with gr.Blocks():
        other = lay_out(made)
    assert [name for _, name in other.inside.maps.which.choices] == ["both", "people", "posts", "tasks"]
    on, session = Maps(other, None, made, loading), made.first_session()
    value: Any = on.follow(session.as_record(), [], "")[other.inside.maps.by_task.people]
    assert value["you"]["name"] == "Ada" and len(value["neighbours"]) == 15
    tint = value["tint"]
    assert [(group["label"], group["count"]) for group in tint["groups"]] == [("Blog posts", 40), ("Headlines", 20)]
    assert tint["of"] == "0" * 40 + "1" * 20
    ours = sum("/" not in each for each in value["neighbours"])
    assert f"the 15 nearest people are {ours} of Blog posts, {15 - ours} of Headlines." in value["message"]
    stored: Any = on.follow(made.session_of("p0003").as_record(), [], "")[other.inside.maps.by_task.people]
    assert stored["selected"] == stored["neighbours"][0] == "p0003"
    with pytest.raises(UserError, match="“Headlines”: open that page"):
        made.session_of("headline/p0003")
    with pytest.raises(UserError, match="nobody of that name"):
        made.session_of("no-task/p0003")


def test_a_pinned_state_is_marked_where_it_stands(shelf: Shelf, page: Page, loading: Loading) -> None:
    on, session = Maps(page, None, shelf, loading), shelf.first_session()
    first: Any = on.follow(session.as_record(), [], "")
    assert "pinned" not in first[page.inside.maps.people]
    session = session.mute(session.history.items[0].id, True).pin("s0", True).pin("s1", True)
    shown: Any = on.follow(session.as_record(), [], "")
    value = shown[page.inside.maps.people]
    # The state on the table is the person's own point.
    assert value["pinned"] == [{"name": "s0", "at": first[page.inside.maps.people]["you"]["at"]}]
    assert "Pinned, and marked ◆: s0." in value["message"]


def test_a_sentence_rings_those_most_like_it_and_tells_distances(scored: tuple[Shelf, Page], loading: Loading) -> None:
    shelf, page = scored
    on = Maps(page, None, shelf, loading)
    shown: Any = on.compare_sentence(shelf.first_session().as_record(), "nine swans on the lock")
    value, near = shown[page.inside.maps.people], shown[page.inside.maps.near]
    assert value["neighbours"] == [row["id"] for row in near["rows"]]
    assert value["message"] == "The rings are the 8 people most like your sentence."
    ranges = [group["label"].split(": ")[1].split(" to ") for group in value["tint"]["groups"]]
    ends = [float(end) for pair in reversed(ranges) for end in pair]
    assert ends == sorted(ends), "the most alike are the least apart"
    assert len(shown[page.inside.maps.posts]["neighbours"]) == 8
