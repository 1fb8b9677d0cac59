"""The tabs in a real browser: what each shows, that it follows the page, stops, and survives hostile text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from gradio_client import Client
from playwright.sync_api import Locator, Page, expect

from tests import tiny
from tests.ui.stage import OPENINGS, App, card, choose, finished, message, opening_words, press_write, rows, written

# Gradio's own queue statistics still use what pandas is about to drop.
pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")]

TABS = (
    "Strength",
    "Placebos",
    "Single posts",
    "Word by word",
    "In words",
    "Maps",
    "Mix people",
    "Few and many posts",
    "States",
    "Save and share",
)
INJECTIONS = ("${6*7}", "<img src=x onerror=alert(1)>")


def open_tab(page: Page, name: str) -> None:
    tab = page.get_by_role("tab", name=name, exact=True)
    if not tab.is_visible():
        page.locator("#pd-inside .overflow-menu button").first.click()
        page.locator("#pd-inside .overflow-dropdown").get_by_text(name, exact=True).click()
    else:
        tab.click()


def said(page: Page, name: str) -> Locator:
    return page.locator(f"#pd-{name}-status .pd-status span")


def measure(page: Page, name: str, *, who: str = "Ada") -> None:
    page.locator(f"#pd-{name}-go").click()
    expect(said(page, name)).to_contain_text(f"For {who}")


def body_rows(page: Page, table: str) -> Locator:
    return page.locator(f"#{table} tbody tr")


def test_the_dial_has_a_curve_and_its_table(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    measure(page, "dial")
    expect(page.locator("#pd-dial-chart polyline")).to_have_count(1)
    expect(body_rows(page, "pd-dial-table")).to_have_count(13)
    zero = body_rows(page, "pd-dial-table").filter(has_text=re.compile(r"^0-")).first
    expect(zero).to_contain_text("+0.000")


def test_strength_goes_below_0_and_a_collapse_is_told(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    field = page.locator("#pd-strength input[type=number]")
    field.fill("-2")
    field.press("Tab")
    press_write(page)
    expect(page.locator("#pd-caption")).to_contain_text("Written for Ada at strength -2")
    assert written(page, "persona") != written(page, "task")
    expect(card(page, "plain").locator(".pd-warning")).to_be_hidden()


def test_every_placebo_can_stand_beside_the_persona(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    page.locator("#pd-advanced button.label-wrap").click()
    for label in ("The average person", "Noise, as loud as the person", "Nothing"):
        page.locator("#pd-placebos").get_by_label(label).check()
    page.get_by_label("Could this be placebo?").check()
    press_write(page)
    finished(page)
    for kind in ("other", "mean", "random", "zero"):
        assert written(page, f"persona:{kind}")


def test_the_scorecard_has_a_plain_verdict(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    open_tab(page, "Placebos")
    measure(page, "score")
    expect(body_rows(page, "pd-score-table")).to_have_count(6)
    expect(body_rows(page, "pd-score-table").nth(2)).to_contain_text(re.compile("Too little to tell|placebo|personal"))
    expect(page.locator("#pd-inside")).to_contain_text("of Ada, each predicted from what came before it")


def test_single_posts_show_weight_beside_effect_and_lead_to_their_rows(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    open_tab(page, "Single posts")
    measure(page, "posts")
    expect(body_rows(page, "pd-posts-table")).to_have_count(4)
    expect(page.locator("#pd-inside")).to_contain_text("eights and measured effects")
    page.get_by_label("Oldest").check()
    expect(body_rows(page, "pd-posts-table").first).to_contain_text("Post 1")
    page.locator("#pd-posts-table").get_by_role("button", name="Post 3").press("Enter")
    expect(page.get_by_label("Post 3", exact=True)).to_be_focused()
    expect(rows(page).nth(2)).to_have_class(re.compile("pd-pointed"))


def test_an_edit_makes_measurements_old(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    measure(page, "dial")
    page.get_by_label("Mute post 1", exact=True).check()
    expect(said(page, "dial")).to_contain_text("Measured before your last change")
    page.get_by_role("button", name="Undo").click()
    measure(page, "dial")
    expect(said(page, "dial")).not_to_contain_text("before your last change")


def test_tokens_are_coloured_and_show_what_else_might_have_stood_there(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    open_tab(page, "Word by word")
    measure(page, "tokens")
    run = page.locator(".pd-run")
    shown = run.evaluate("node => node.textContent")
    case = app.shelf.showcase
    assert case is not None
    assert shown == next(text.written.text for text in case.texts if text.arm == "persona")
    run.locator("span").first.click()
    expect(page.locator(".pd-alternatives")).to_contain_text("Token 1")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".pd-alternatives")).to_contain_text("Token 2")
    expect(page.locator(".pd-pair > div")).to_have_count(2)
    expect(page.locator(".pd-pair li")).to_have_count(10)


def test_stop_stops_a_measurement(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    app.models.pause = 0.2
    open_tab(page, "Mix people")
    page.locator("#pd-mix-go").click()
    page.wait_for_function("document.querySelectorAll('#pd-mix-texts .pd-new:not(:empty)').length > 1")
    page.locator("#pd-mix-stop").click()
    expect(said(page, "mix")).to_contain_text("Stopped")
    assert app.models.closed.wait(5)
    frozen = page.locator("#pd-mix-texts").inner_text()
    page.wait_for_timeout(1000)
    assert page.locator("#pd-mix-texts").inner_text() == frozen
    expect(page.locator("#pd-mix-go")).to_be_enabled()
    expect(page.locator("#pd-mix-stop")).to_be_hidden()


def test_the_persona_is_said_in_words_with_a_caveat(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    open_tab(page, "In words")
    measure(page, "words")
    expect(body_rows(page, "pd-words-style")).to_have_count(12)
    expect(page.locator("#pd-inside")).to_contain_text("They carry no facts")


def test_people_are_mixed_and_the_line_is_drawn(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    open_tab(page, "Mix people")
    share = page.locator("#pd-mix-share input[type=number]")
    share.fill("1")
    share.press("Tab")
    expect(page.locator("#pd-inside")).to_contain_text("Here the mixture stands nearest to")
    measure(page, "mix")
    texts = page.locator("#pd-mix-texts .pd-new")
    expect(texts).to_have_count(3)
    # All of the second person is the second person.
    assert texts.nth(1).inner_text() == texts.nth(2).inner_text()
    page.get_by_label("Early me and late me").check()
    measure(page, "mix")
    expect(page.locator("#pd-mix-texts h3").first).to_contain_text("early")


def test_a_map_is_coloured_searched_isolated_and_cleared(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    open_tab(page, "Maps")
    people = page.locator("#pd-map-people")
    expect(people.locator(".pd-map-tools")).to_be_visible()
    choose(page, "#pd-colour", "How many posts")
    expect(people.locator(".pd-map-tint")).to_contain_text("Posts they stand for")
    assert people.locator(".pd-map-tint-list li").count() == 5
    page.locator("#pd-sentence textarea").fill("nine swans on the lock")
    page.locator("#pd-sentence textarea").press("Enter")
    expect(people.locator(".pd-map-tint")).to_contain_text("Likeness to your sentence")
    expect(page.locator("#pd-near")).to_contain_text("Most like your sentence")
    people.get_by_role("button", name="Only the nearest").click()
    expect(people.get_by_role("button", name="Only the nearest")).to_have_attribute("aria-pressed", "true")
    people.get_by_role("button", name="Clear").click()
    expect(people.locator(".pd-map-tint")).to_be_hidden()
    expect(page.locator("#pd-sentence textarea")).to_have_value("")
    # The map of posts is not there, and says so.
    expect(page.locator("#pd-map-posts .pd-map-message")).to_contain_text("There is no map of posts here yet")


def test_a_neighbour_is_taken_everywhere_from_the_table(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    open_tab(page, "Maps")
    first = page.locator("#pd-near tbody button").first
    who = first.inner_text()
    first.press("Enter")
    expect(page.locator(".pd-name")).to_have_text(who)
    expect(page.locator("#pd-history .pd-empty")).to_contain_text("texts are not shipped")
    expect(page.locator("#pd-map-people .pd-map-message")).to_contain_text(f"{who} stands nearest to")
    expect(message(page).first).to_contain_text(who)


def test_states_are_kept_pinned_and_gone_back_to(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    page.get_by_label("Mute post 1", exact=True).check()
    expect(page.locator(".pd-summary")).to_have_text("4 posts, 1 muted.")
    open_tab(page, "States")
    expect(body_rows(page, "pd-states")).to_have_count(2)
    expect(body_rows(page, "pd-states").first).to_contain_text("post 1 muted")
    for box in ("s1: post 1 muted", "s0: as it was loaded"):
        page.locator("#pd-pinned").get_by_label(box).check()
        expect(page.locator("#pd-pinned").get_by_label(box)).to_be_checked()
    expect(page.locator("#pd-pins-line")).to_contain_text("apart")
    expect(body_rows(page, "pd-pins-table").first).to_contain_text("muted")
    measure(page, "pins")
    expect(page.locator("#pd-pins-texts .pd-new")).to_have_count(2)
    page.locator("#pd-states").get_by_role("button", name="s0").click()
    expect(page.locator(".pd-summary")).to_have_text("4 posts.")
    page.get_by_role("button", name="Redo").click()
    expect(page.locator(".pd-summary")).to_have_text("4 posts, 1 muted.")


def test_the_history_grows_from_nothing(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    choose(page, "#pd-person", "Bo")
    expect(page.locator(".pd-name")).to_have_text("Bo")
    open_tab(page, "Few and many posts")
    measure(page, "growth", who="Bo")
    expect(page.locator("#pd-growth-chart polyline")).to_have_count(6)
    expect(body_rows(page, "pd-growth-table").first).to_contain_text("0")
    measure(page, "growth-texts", who="Bo")
    expect(page.locator("#pd-growth-texts .pd-new")).to_have_count(5)


def test_an_exported_run_brings_the_same_page_back(app: App, visit: Callable[..., Page], tmp_path: Path) -> None:
    page = visit(app)
    opening_words(page).fill("a smaller tin for")
    page.get_by_label("Post 1", exact=True).fill("an entirely new post")
    page.get_by_label("Post 1", exact=True).blur()
    expect(message(page).first).to_contain_text("after 1 move")
    press_write(page)
    finished(page)
    texts = [written(page, arm) for arm in ("plain", "persona", "recent")]
    weights = page.locator(".pd-cell-weight").all_inner_texts()
    open_tab(page, "Save and share")
    with page.expect_download() as download:
        page.locator("#pd-export").click()
    path = tmp_path / "run.json"
    download.value.save_as(path)
    run = json.loads(path.read_text(encoding="utf-8"))
    assert [state["note"] for state in run["states"]] == ["", "post 1 reworded"]

    other = visit(app)
    open_tab(other, "Save and share")
    other.locator("#pd-bring input[type=file]").set_input_files(path)
    expect(other.locator("#pd-caption")).to_contain_text("A run brought in, for Ada")
    expect(opening_words(other)).to_have_value("a smaller tin for")
    expect(other.get_by_label("Post 1", exact=True)).to_have_value("an entirely new post")
    assert [written(other, arm) for arm in ("plain", "persona", "recent")] == texts
    assert other.locator(".pd-cell-weight").all_inner_texts() == weights
    other.get_by_role("button", name="Undo").click()
    expect(other.get_by_label("Post 1", exact=True)).to_have_value(re.compile("^the ferry was late"))
    path.write_text('{"kind": "persona-demo run"}', encoding="utf-8")
    other.locator("#pd-bring input[type=file]").set_input_files(path)
    expect(other.locator(".pd-notice")).to_contain_text("This run is of schema")


def test_a_link_opens_the_same_state(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    choose(page, "#pd-person", "Bo")
    expect(page.locator(".pd-name")).to_have_text("Bo")
    page.get_by_label("Mute post 2", exact=True).check()
    expect(page.locator(".pd-summary")).to_have_text("6 posts, 1 muted.")
    page.get_by_role("button", name=OPENINGS[1]).click()
    field = page.locator("#pd-strength input[type=number]")
    field.fill("2")
    field.press("Tab")
    open_tab(page, "Save and share")
    page.locator("#pd-copy-link").click()
    link = page.locator("#pd-address input")
    expect(link).to_have_value(re.compile("person=sample%3Abo"))
    address = link.input_value()
    other = visit(app, query=address[address.index("?") :])
    expect(other.locator(".pd-name")).to_have_text("Bo")
    expect(other.locator(".pd-summary")).to_have_text("6 posts, 1 muted.")
    expect(opening_words(other)).to_have_value(OPENINGS[1])
    expect(other.locator("#pd-strength input[type=number]")).to_have_value("2")
    expect(other.locator("#pd-caption")).to_contain_text("The link is open")
    assert written(other, "persona") == ""


def test_a_link_carries_typed_words_only_if_asked(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    opening_words(page).fill("my private words")
    open_tab(page, "Save and share")
    page.locator("#pd-copy-link").click()
    expect(page.locator("#pd-address")).to_contain_text("does not carry the text you typed")
    assert "private" not in page.locator("#pd-address input").input_value()
    page.get_by_label("The link may carry the opening words I typed").check()
    page.locator("#pd-copy-link").click()
    expect(page.locator("#pd-address input")).to_have_value(re.compile("my\\+private\\+words"))
    wrong = visit(app, query="?person=nobody")
    expect(wrong.locator(".pd-notice")).to_contain_text("The link names somebody who is not here")


def test_hostile_text_does_nothing_in_any_tab(app: App, visit: Callable[..., Page], tmp_path: Path) -> None:
    page = visit(app)
    hostile = " ".join(INJECTIONS)
    path = tmp_path / "person.json"
    # Nothing is predicted from a near copy of itself, so the posts differ.
    items = [{"id": f"{hostile} {n}", "text": f"{text} {hostile} {n}"} for n, text in enumerate(tiny.SENTENCES)]
    path.write_text(json.dumps({"schema": 1, "name": hostile, "about": hostile, "items": items}), encoding="utf-8")
    page.locator(".pd-tools input[type=file]").set_input_files(path)
    expect(page.locator(".pd-name")).to_have_text(hostile)
    opening_words(page).fill(hostile)
    choose(page, "#pd-look-text", "A text I type")
    page.locator("#pd-typed textarea").fill(hostile)
    for tab, name in (
        ("Strength", "dial"),
        ("Placebos", "score"),
        ("Single posts", "posts"),
        ("Word by word", "tokens"),
        ("In words", "words"),
        ("Mix people", "mix"),
        ("Few and many posts", "growth"),
    ):
        open_tab(page, tab)
        measure(page, name, who="")
        expect(said(page, name)).to_contain_text(hostile[:20])
    open_tab(page, "Maps")
    page.locator("#pd-sentence textarea").fill(hostile)
    page.locator("#pd-sentence textarea").press("Enter")
    expect(page.locator("#pd-map-people .pd-map-tint")).to_contain_text("Likeness")
    page.get_by_label("Mute post 1", exact=True).check()
    open_tab(page, "States")
    for box in page.locator("#pd-pinned input").all():
        box.check()
    measure(page, "pins", who="")
    open_tab(page, "Save and share")
    page.get_by_label("The link may carry the opening words I typed").check()
    page.locator("#pd-copy-link").click()
    expect(page.locator("#pd-address")).to_contain_text("Cop")
    assert page.locator("img[src=x]").count() == 0
    assert "42" not in page.locator(".pd-name").inner_text()


def test_errors_stay_one_sentence_in_the_strip(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    choose(page, "#pd-find", "p0007")
    expect(page.locator(".pd-name")).to_have_text("p0007")
    open_tab(page, "Single posts")
    page.locator("#pd-posts-go").click()
    expect(page.locator(".pd-notice")).to_contain_text("There are no items to leave out")
    expect(page.locator("#pd-posts-go")).to_be_enabled()
    open_tab(page, "Placebos")
    page.locator("#pd-score-go").click()
    expect(page.locator(".pd-notice")).to_contain_text("Nothing can be held out of a stored vector")
    opening_words(page).fill("other words")
    open_tab(page, "Strength")
    page.locator("#pd-dial-go").click()
    expect(page.locator(".pd-notice")).to_contain_text("written after other opening words")


def test_clear_empties_the_tabs(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    choose(page, "#pd-look-text", "A text I type")
    page.locator("#pd-typed textarea").fill("my own secret")
    measure(page, "dial")
    page.get_by_role("button", name="Clear my data").click()
    expect(page.locator(".pd-notice")).to_contain_text("cleared")
    expect(page.locator("#pd-typed textarea")).to_have_value("")
    expect(page.locator("#pd-dial-chart svg")).to_have_count(0)
    expect(said(page, "dial")).to_have_text("")


@pytest.mark.parametrize("query", ["?__theme=light", "?__theme=dark"])
def test_no_tab_scrolls_sideways_on_a_phone(app: App, visit: Callable[..., Page], query: str) -> None:
    page = visit(app, query=query, width=390, height=844)
    for tab in TABS:
        open_tab(page, tab)
        page.wait_for_timeout(150)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, tab


def test_the_main_job_by_keyboard_alone(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    page.locator("#pd-person input").focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("Bo")
    page.keyboard.press("Enter")
    expect(page.locator(".pd-name")).to_have_text("Bo")
    opening_words(page).focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("the gulls did")
    page.keyboard.press("Enter")
    finished(page)
    page.get_by_role("tab", name="Strength", exact=True).focus()
    page.keyboard.press("Enter")
    page.locator("#pd-dial-go").focus()
    page.keyboard.press("Enter")
    expect(said(page, "dial")).to_contain_text("For Bo")


def test_programs_can_ask_the_same(app: App) -> None:
    client = Client(app.url, verbose=False)
    history = {"name": "Me", "items": [{"text": "the ferry was late"}, {"text": "rain on the roof"}]}
    made = client.predict(history, OPENINGS[0], ["task", "persona"], 0.0, 8, api_name="/compare")
    assert [arm["arm"] for arm in made["arms"]] == ["task", "persona"]
    assert made["arms"][0]["text"] == made["arms"][1]["text"]
    vector = client.predict(history, api_name="/persona_vector")
    assert sum(weight["weight"] for weight in vector["weights"]) == pytest.approx(1, abs=1e-5)
    place = client.predict(history, api_name="/map")
    assert len(place["neighbours"]) == 15
    with pytest.raises(Exception, match="no active items"):
        client.predict({"name": "Me", "items": []}, api_name="/map")
