"""Each tab in a real browser: what it shows, that it follows the page, and that it stops."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from persona_demo.ui.palette import TINT
from tests.ui.stage import App, card, choose, finished, message, press_write, rows, written
from tests.ui.tabs import body_rows, measure, open_tab, said

# Gradio's own queue statistics still use what pandas is about to drop.
pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")]


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
    app.models.says = " fix fix fix fix"
    press_write(page)
    warning = card(page, "persona").locator(".pd-warning")
    expect(warning).to_contain_text("The text has collapsed (it repeats the same words")
    expect(warning).to_contain_text("choose a strength nearer to 1.")
    # What no strength applies to did not collapse from one.
    expect(card(page, "plain").locator(".pd-new")).to_have_text(" fix fix fix fix")
    expect(card(page, "plain").locator(".pd-warning")).to_be_hidden()
    field.fill("1")
    field.press("Tab")
    press_write(page)
    expect(page.locator("#pd-caption")).to_contain_text("Written for Ada at strength 1.")
    expect(warning).to_contain_text("The strength is not the cause")


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
    expect(said(page, "posts")).to_contain_text("At strength 1, as it was trained.")
    expect(page.locator("#pd-posts-table thead")).to_contain_text("Turns the person by")
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
    field = page.locator("#pd-strength input[type=number]")
    field.fill("3")
    field.press("Tab")
    open_tab(page, "Word by word")
    measure(page, "tokens")
    expect(page.locator(".pd-legend")).to_contain_text("At strength 3 only tokens that the persona finds plausible")
    run = page.locator(".pd-run")
    shown = run.evaluate("node => node.textContent")
    case = app.shelf.showcase
    assert case is not None
    assert shown == next(text.written.text for text in case.texts if text.arm == "persona")
    # The page mixes the colours as the palette's own figures do.
    tinted = run.locator("span:not([data-side=''])").first
    share = float(tinted.evaluate("node => getComputedStyle(node).getPropertyValue('--pd-share')"))
    painted = tinted.evaluate("node => getComputedStyle(node).backgroundColor")
    assert float(re.split(r"[ /)]+", painted)[-2]) == pytest.approx(TINT["light"] * share, abs=0.01)
    run.locator("span").first.click()
    expect(page.locator(".pd-alternatives")).to_contain_text("Token 1")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".pd-alternatives")).to_contain_text("Token 2")
    expect(page.locator(".pd-pair > div")).to_have_count(2)
    expect(page.locator(".pd-pair li")).to_have_count(10)
    expect(page.locator(".pd-pair > div").first).to_contain_text(re.compile(r"This token: "))
    expect(page.locator(".pd-pair > div").nth(1)).to_contain_text("This token, without the limit:")


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
        # At once, one after the other: neither may undo the other.
        page.locator("#pd-pinned").get_by_label(box).check()
    expect(page.locator("#pd-pins-line")).to_contain_text("apart")
    expect(page.locator("#pd-pinned input:checked")).to_have_count(2)
    expect(body_rows(page, "pd-pins-table").first).to_contain_text("muted")
    measure(page, "pins")
    expect(page.locator("#pd-pins-texts .pd-new")).to_have_count(2)
    expect(said(page, "pins")).to_contain_text(
        re.compile(r"At strength 1, temperature 0, seed \d+, at most \d+ tokens")
    )
    for text in page.locator("#pd-pins-texts .pd-card").all():
        note, marks = text.locator(".pd-note").inner_text(), text.locator("mark")
        assert bool(marks.count()) is ("underlined" in note)
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
    expect(said(page, "growth")).to_contain_text("At strength 1, as it was trained.")
    expect(page.locator("#pd-growth-chart polyline")).to_have_count(6)
    expect(body_rows(page, "pd-growth-table").first).to_contain_text("0")
    measure(page, "growth-texts", who="Bo")
    expect(page.locator("#pd-growth-texts .pd-new")).to_have_count(5)
