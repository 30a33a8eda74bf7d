"""Sequence models as a stranger uses them: own text pasted, a temperature moved, a sentence tagged, a tune taken home."""

from __future__ import annotations

import io

import soundfile
from playwright.sync_api import Page, expect

from tests.browser.labs import drawn, metric, open_lab, says_nothing_went_wrong, settle

TEXTS = "() => [...document.querySelectorAll('.atlas-view .plot')].map((p) => p.textContent).join(' ')"


def finished(page: Page) -> None:
    expect(page.get_by_role("button", name="Run again")).to_be_visible(timeout=90_000)
    settle(page)


def test_pasted_text_of_any_script_is_learned_from(page: Page, server: str) -> None:
    open_lab(page, server, "sequence_models?lab=sampling&steps=20&seed=0")
    page.get_by_role("button", name="Use your own text").click()
    field = page.get_by_label("Or paste it")
    field.fill("שלום עולם\nمرحبا بالعالم\n\U0001f996\U0001f995 <b>&\n" * 5)
    field.press("Control+Enter")
    page.wait_for_url("**upload-**")
    page.keyboard.press("Escape")
    finished(page)
    assert metric(page, "Cost").endswith("nats")
    expect(page.get_by_text("The vocabulary holds").first).to_be_visible()
    says_nothing_went_wrong(page)


def test_text_that_is_none_gets_one_sentence(page: Page, server: str) -> None:
    open_lab(page, server, "sequence_models?lab=sequence-notation&seed=0")
    page.get_by_role("button", name="Use your own text").click()
    page.locator("[data-testid=stFileUploader] input[type=file]").first.set_input_files(
        {"name": "photo.txt", "mimeType": "text/plain", "buffer": b"\x89PNG\r\n\x1a\n\xde\xad"}
    )
    expect(page.get_by_text("The text 'photo.txt' must be written in UTF-8")).to_be_visible()


def test_a_temperature_draws_anew_without_training_again(page: Page, server: str) -> None:
    open_lab(page, server, "sequence_models?lab=sampling&steps=40&seed=0")
    finished(page)
    run, before = drawn(page).split("/")[0], page.evaluate(TEXTS)
    page.locator(".st-key-sampling-temperature input[type=range]").focus()
    page.keyboard.press("Home")
    page.wait_for_function(f"b => ({TEXTS})() !== b", arg=before)
    assert drawn(page).split("/")[0] == run
    says_nothing_went_wrong(page)


def test_a_typed_sentence_is_tagged_by_the_network_that_is_there(page: Page, server: str) -> None:
    open_lab(page, server, "sequence_models?lab=ner&seed=0")
    finished(page)
    run, before = drawn(page).split("/")[0], page.evaluate(TEXTS)
    field = page.get_by_label("Sentence", exact=True)
    field.fill("Maria Silva met Tom in Paris on Monday")
    field.press("Enter")
    page.wait_for_function(f"b => ({TEXTS})() !== b", arg=before)
    assert drawn(page).split("/")[0] == run and "Paris" in page.evaluate(TEXTS)
    says_nothing_went_wrong(page)


def test_a_tune_is_played_and_taken_home(page: Page, server: str) -> None:
    open_lab(page, server, "sequence_models?lab=music&seed=0")
    finished(page)
    expect(page.locator("audio").first).to_be_visible()
    files = {}
    for name in ("melody.mid", "melody.wav"):
        with page.expect_download() as coming:
            page.get_by_role("button", name=name).click()
        files[name] = coming.value.path().read_bytes()
    samples, rate = soundfile.read(io.BytesIO(files["melody.wav"]))
    assert files["melody.mid"].startswith(b"MThd") and len(samples) > rate and abs(samples).max() > 0.1
    says_nothing_went_wrong(page)
