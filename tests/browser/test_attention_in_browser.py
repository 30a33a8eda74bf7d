"""Attention as a stranger uses it: a date typed, a weight overwritten by a click, a head switched off, scenes and sentences."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.labs import drawn, metric, open_lab, says_nothing_went_wrong, settle
from tests.browser.test_boxes_in_browser import place

TEXTS = "() => [...document.querySelectorAll('.atlas-view .plot')].map((p) => p.textContent).join(' ')"


def finished(page: Page) -> None:
    expect(page.get_by_role("button", name="Run again")).to_be_visible(timeout=90_000)
    settle(page)


def typed(page: Page, label: str, text: str) -> None:
    """Type into a field and wait for the figure that follows, which no new run is needed for."""
    run, before = drawn(page).split("/")[0], page.evaluate(TEXTS)
    field = page.get_by_label(label, exact=True)
    field.fill(text)
    field.press("Enter")
    page.wait_for_function(f"b => ({TEXTS})() !== b", arg=before)
    settle(page)
    assert drawn(page).split("/")[0] == run


def test_a_date_of_ones_own_is_read_and_an_overwritten_weight_changes_it(page: Page, server: str) -> None:
    open_lab(page, server, "attention?lab=attention&seed=0")
    finished(page)
    typed(page, "Your date", "le 14 juillet 1789")
    assert metric(page, "Answer") == "1789-07-14"
    page.mouse.click(*place(page, "Attention", 14, 7))
    page.wait_for_url("**overwrite=one**")
    assert metric(page, "Untouched") == "1789-07-14" and metric(page, "Sum of every row") == "1.0000 to 1.0000"
    says_nothing_went_wrong(page)


def test_a_date_that_is_none_is_told(page: Page, server: str) -> None:
    open_lab(page, server, "attention?lab=attention&seed=0")
    finished(page)
    typed(page, "Your date", "30 February 2009")
    expect(page.get_by_text("There is no day 30: February 2009 has 28 days.").first).to_be_visible()


def test_a_click_switches_a_head_off(page: Page, server: str) -> None:
    open_lab(page, server, "attention?lab=transformer&seed=0")
    finished(page)
    run, before = drawn(page).split("/")[0], page.url
    page.locator(".atlas-view .plot").first.click(position={"x": 120, "y": 120})
    page.wait_for_function("b => location.href !== b", arg=before)
    settle(page)
    assert metric(page, "Later characters leak") == "0" and run
    says_nothing_went_wrong(page)


def test_scenes_are_told_one_after_the_other(page: Page, server: str) -> None:
    open_lab(page, server, "attention?lab=captioning&seed=0")
    finished(page)
    run, before = drawn(page).split("/")[0], page.evaluate(TEXTS)
    page.locator(".st-key-captioning-which input[type=range]").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"b => ({TEXTS})() !== b", arg=before)
    assert drawn(page).split("/")[0] == run
    says_nothing_went_wrong(page)


def test_a_french_sentence_is_translated_and_an_unknown_word_named(page: Page, server: str) -> None:
    open_lab(page, server, "attention?lab=seq2seq&seed=0")
    finished(page)
    typed(page, "French sentence", "Jane visite la Chine en mai avec un dragon.")
    expect(page.get_by_text("Not in the grammar and left out: dragon.").first).to_be_visible()
    says_nothing_went_wrong(page)


def test_a_wider_beam_blames_anew_without_searching_again(page: Page, server: str) -> None:
    open_lab(page, server, "attention?lab=beam-errors&seed=0")
    finished(page)
    run = drawn(page).split("/")[0]
    narrow = metric(page, "Beam search at fault")
    page.locator(".st-key-beam-errors-width input[type=range]").focus()
    page.keyboard.press("End")
    page.wait_for_url("**width=20**")
    settle(page)
    assert drawn(page).split("/")[0] == run and metric(page, "Beam search at fault") != narrow
    says_nothing_went_wrong(page)
