"""Each tab of measurements in a real browser: what it shows, that it follows the page, and that it stops."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from persona_demo.ui.palette import TINT
from tests.ui import dots
from tests.ui.stage import OPENINGS, App, card, choose, finished, message, opening_words, press_write, rows, written
from tests.ui.tabs import body_rows, measure, open_tab, said

# Gradio's own queue statistics still use what pandas is about to drop.
pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")]


def mixing(app: App, page: Page) -> None:
    """Begin to write mixtures, slowly, until something of them is there."""
    app.models.pause = 0.3
    open_tab(page, "Mix people")
    page.locator("#pd-mix-go").click()
    page.wait_for_function("document.querySelectorAll('#pd-mix-texts .pd-new:not(:empty)').length > 1")


def test_the_dial_has_a_curve_and_its_table(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    measure(page, "dial")
    # The persona and its placebo.
    expect(page.locator("#pd-dial-chart polyline")).to_have_count(2)
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
    # What no strength applies to broke down by itself.
    expect(card(page, "plain").locator(".pd-new")).to_have_text(" fix fix fix fix")
    expect(card(page, "plain").locator(".pd-warning")).to_contain_text("without any persona")
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
    # All of them, because the first may be the first in any order, and a key is lost on a row that is drawn anew.
    expect(body_rows(page, "pd-posts-table")).to_contain_text([f"Post {n}" for n in range(1, 5)])
    page.locator("#pd-posts-table").get_by_role("button", name="Post 3").press("Enter")
    expect(page.get_by_label("Post 3", exact=True)).to_be_focused()
    expect(rows(page).nth(2)).to_have_class(re.compile("pd-pointed"))


def test_an_old_table_of_posts_stays_that_of_its_person(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    open_tab(page, "Single posts")
    measure(page, "posts")
    table = page.locator("#pd-posts-table")
    before = table.inner_text()
    choose(page, "#pd-person", "Bo")
    expect(page.locator(".pd-name")).to_have_text("Bo")
    page.get_by_label("Oldest").check()
    page.get_by_label("Largest effect").check()
    expect(table).to_have_text(before, use_inner_text=True)
    # Items of both have the same ids, and what is clicked is not one of those in sight.
    table.get_by_role("button", name="Post 3").press("Enter")
    expect(page.locator(".pd-elsewhere")).to_have_text("That post is not here: it is of somebody else, or was deleted.")
    expect(page.locator(".pd-pointed")).to_have_count(0)
    choose(page, "#pd-person", "Ada")
    expect(page.locator(".pd-elsewhere")).to_be_hidden()
    table.get_by_role("button", name="Post 3").press("Enter")
    expect(rows(page).nth(2)).to_have_class(re.compile("pd-pointed"))


def test_the_text_that_is_measured_is_shown_with_whose_it_is(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    line = page.locator("#pd-look-line")
    shown = " ".join(written(page, "persona").split())
    expect(line).to_contain_text(shown)
    expect(line).to_contain_text("written by “Persona” for Ada")
    choose(page, "#pd-person", "Bo")
    expect(line).to_contain_text("That was before your last change")
    measure(page, "dial", who="Bo")
    expect(said(page, "dial")).to_contain_text("The text was written by “Persona” for Ada")
    press_write(page)
    finished(page)
    expect(line).to_contain_text("written by “Persona” for Bo")
    expect(line).not_to_contain_text("before your last change")
    choose(page, "#pd-look-text", "A text I type")
    expect(line).to_have_text("There is no such text yet.")
    page.locator("#pd-typed textarea").fill(" and ${6*7} gulls")
    expect(line).to_have_text("Text: “and ${6*7} gulls”, typed by you.")


def test_an_edit_makes_measurements_old(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    measure(page, "dial")
    page.get_by_label("Mute post 1", exact=True).check()
    expect(said(page, "dial")).to_contain_text("Measured before your last change")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".pd-summary")).to_have_text("4 posts.")
    expect(said(page, "dial")).not_to_contain_text("before your last change")
    measure(page, "dial")
    expect(said(page, "dial")).not_to_contain_text("before your last change")


def test_another_text_makes_measurements_of_the_first_one_old(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    measure(page, "dial")
    expect(page.locator("#pd-dial-chart polyline")).to_have_count(2)
    choose(page, "#pd-look-text", "Trained, no person")
    expect(said(page, "dial")).to_contain_text("Measured before your last change")
    choose(page, "#pd-look-text", "Persona")
    expect(said(page, "dial")).not_to_contain_text("before your last change")
    choose(page, "#pd-look-text", "A text I type")
    page.locator("#pd-typed textarea").fill(" and the gulls")
    expect(said(page, "dial")).to_contain_text("Measured before your last change")
    measure(page, "dial")
    expect(said(page, "dial")).not_to_contain_text("before your last change")
    page.locator("#pd-typed textarea").fill(" and the gulls again")
    expect(said(page, "dial")).to_contain_text("Measured before your last change")


def test_what_was_stopped_is_of_what_was_there_when_it_began(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    mixing(app, page)
    page.locator("#pd-mix-stop").click()
    expect(said(page, "mix")).to_contain_text("Stopped")
    expect(said(page, "mix")).not_to_contain_text("before your last change")
    page.get_by_label("Mute post 1", exact=True).check()
    expect(said(page, "mix")).to_contain_text("Measured before your last change")
    page.get_by_role("button", name="Undo").click()
    expect(said(page, "mix")).not_to_contain_text("before your last change")
    # Nothing else tells a screen reader that the texts are as they stay.
    expect(page.locator("#pd-mix-texts [aria-busy]")).to_have_attribute("aria-busy", "false")


def test_what_is_stopped_before_anything_came_leaves_the_last_result_its_name(
    app: App, visit: Callable[..., Page]
) -> None:
    page = visit(app)
    measure(page, "dial")
    page.get_by_label("Mute post 1", exact=True).check()
    expect(said(page, "dial")).to_contain_text("Measured before your last change")
    # Somebody else has the language model, so that this waits.
    mixing(app, page)
    open_tab(page, "Strength")
    page.locator("#pd-dial-go").click()
    page.locator("#pd-dial-stop").click()
    expect(said(page, "dial")).to_contain_text("Stopped. Nothing new was measured. For Ada")
    expect(said(page, "dial")).to_contain_text("Measured before your last change")


def test_a_refusal_leaves_the_last_result_its_name(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    open_tab(page, "Single posts")
    measure(page, "posts")
    choose(page, "#pd-find", "p0007")
    expect(page.locator(".pd-name")).to_have_text("p0007")
    page.locator("#pd-posts-go").click()
    expect(page.locator(".pd-notice")).to_contain_text("Only a list of numbers is kept")
    expect(said(page, "posts")).to_contain_text("For Ada")
    expect(said(page, "posts")).to_contain_text("Measured before your last change")
    expect(body_rows(page, "pd-posts-table")).to_have_count(4)


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
    mixing(app, page)
    page.locator("#pd-mix-stop").click()
    expect(said(page, "mix")).to_contain_text("Stopped")
    assert app.models.closed.wait(60)
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
    choose(page, "#pd-find", "p0007")
    expect(page.locator(".pd-name")).to_have_text("p0007")
    measure(page, "words", who="p0007")
    # Nobody kept their texts, and still the map knows how they write.
    expect(body_rows(page, "pd-words-style")).to_have_count(12)
    expect(body_rows(page, "pd-words-posts")).to_have_count(0)


def test_people_are_mixed_and_the_line_is_drawn(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    line, shapes = page.locator("#pd-mix-line"), "document.querySelector('#pd-map .pd-map-plot').layout?.shapes.length"
    dots.drawn(page, "pd-map")
    assert page.evaluate(shapes) == 0
    # What the tab speaks of is there as soon as it is opened.
    open_tab(page, "Mix people")
    expect(line).to_contain_text("Here the mixture stands nearest to")
    page.wait_for_function(f"{shapes} === 20")
    expect(message(page).first).to_contain_text("The line leads from Ada to Bo")
    opening_words(page).fill("rain on the roof")
    page.get_by_label("Mute post 1", exact=True).check()
    expect(page.locator(".pd-muted")).to_have_count(1)
    # The map is drawn anew for the edit, and with the line again for what follows it.
    page.wait_for_timeout(1000)
    page.wait_for_function(f"{shapes} === 20")
    expect(message(page).first).to_contain_text("The line leads from Ada to Bo")
    expect(line).not_to_contain_text("before your last change")
    page.get_by_role("button", name="Undo").click()
    share = page.locator("#pd-mix-share input[type=number]")
    share.fill("1")
    share.press("Tab")
    expect(page.locator("#pd-inside")).to_contain_text("Here the mixture stands nearest to")
    measure(page, "mix")
    texts = page.locator("#pd-mix-texts .pd-new")
    # The control stands before the three.
    expect(texts).to_have_count(4)
    # All of the second person is the second person.
    assert texts.nth(2).inner_text() == texts.nth(3).inner_text()
    page.get_by_label("On another person's opening").check()
    page.wait_for_function(f"{shapes} === 0")
    expect(message(page).first).not_to_contain_text("The line")
    page.get_by_label("Early me and late me").check()
    page.wait_for_function(f"{shapes} === 1")
    measure(page, "mix")
    expect(page.locator("#pd-mix-texts h3").first).to_contain_text("Trained, no person")
    expect(page.locator("#pd-mix-texts h3").nth(1)).to_contain_text("early")
    expect(texts).to_have_count(5)


def test_people_swap_inputs_and_arrow_keys_move_the_mixture(app: App, visit: Callable[..., Page]) -> None:
    page = visit(app)
    open_tab(page, "Mix people")
    asked: list[str] = []
    # Each is told by the share it asks for.
    moved = re.compile(r"\b0\.(55|6|65|7|75)\b")
    page.on("request", lambda request: asked.append(request.url) if moved.search(request.post_data or "") else None)
    # The mixture is drawn when its tab is opened.
    expect(page.locator("#pd-inside")).to_contain_text("Here the mixture stands nearest to")
    page.locator("#pd-mix-share input[type=range]").focus()
    page.keyboard.down("ArrowRight")
    for _ in range(4):
        # As a key that is held down repeats itself.
        page.keyboard.down("ArrowRight")
    page.keyboard.up("ArrowRight")
    page.wait_for_timeout(1_000)
    assert page.locator("#pd-mix-share input[type=number]").input_value() == "0.75"
    # Not at every repeat; on a busy machine the repeats may come too far apart to be one.
    assert 1 <= len(asked) < 5
    page.get_by_label("On another person's opening").check()
    measure(page, "mix")
    openings = page.locator("#pd-mix-texts .pd-opening")
    expect(openings).to_have_count(3)
    assert openings.first.inner_text() != OPENINGS[0]
    expect(said(page, "mix")).not_to_contain_text("before your last change")
    page.get_by_label("Mute post 1", exact=True).check()
    expect(said(page, "mix")).to_contain_text("Measured before your last change")


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
