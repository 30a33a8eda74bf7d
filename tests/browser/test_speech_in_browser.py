"""Speech as a stranger uses it: digits said into a microphone, a zip of recordings, a language model that insists."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from playwright.sync_api import Page, expect

from engine.data.samples import sound_sample
from engine.data.voices import RATE, TRIGGER, said
from engine.functional.waveform import resample
from tests.browser.conftest import SLOW, Launcher
from tests.browser.labs import metric, open_lab, says_nothing_went_wrong, settle, wait_for_metric

MICROPHONE_RATE = 48_000


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is said into the microphone: the sample of digits, then silence."""
    sample = sound_sample("spoken-digits")
    samples = resample(np.pad(sample.mono, (0, 8 * sample.rate)), sample.rate, MICROPHONE_RATE)
    path = tmp_path_factory.mktemp("said") / "digits.wav"
    soundfile.write(path, samples, MICROPHONE_RATE, subtype="PCM_16")
    return path


@pytest.fixture
def speaker(spoken: Path, launcher: Launcher) -> Iterator[Page]:
    """A page in a Chromium whose microphone hears that file, from its start."""
    with launcher.open(f"--use-file-for-fake-audio-capture={spoken}") as browser:
        context = browser.new_context(permissions=["microphone"], viewport={"width": 1440, "height": 900})
        context.set_default_timeout(SLOW)
        yield context.new_page()


def finished(page: Page) -> None:
    expect(page.get_by_role("button", name="Run again")).to_be_visible(timeout=90_000)
    settle(page)


def record(page: Page, milliseconds: int) -> None:
    """Say it, through the door for one's own sound."""
    page.get_by_role("button", name="Use your own sound").click()
    page.get_by_role("button", name="Record", exact=True).click()
    page.wait_for_timeout(milliseconds)
    page.get_by_role("button", name="Stop recording").click()
    page.wait_for_url("**upload-**")


def test_digits_said_into_the_microphone_are_read(speaker: Page, server: str) -> None:
    open_lab(speaker, server, "speech?lab=recognise&seed=0")
    record(speaker, 5000)
    expect(speaker.locator(".atlas-view .says")).to_contain_text("audio.wav", timeout=SLOW)
    assert metric(speaker, "Heard").startswith("31415")
    says_nothing_went_wrong(speaker)


def test_a_zip_of_recordings_is_counted_and_a_zip_of_none_refused(page: Page, server: str) -> None:
    open_lab(page, server, "speech?lab=recognise&seed=0")
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for digit, word in (("3", "three"), ("9", "nine"), ("1", "six")):
            wav = io.BytesIO()
            soundfile.write(wav, said(word)[3].samples, RATE, format="WAV")
            archive.writestr(f"{digit}_me.wav", wav.getvalue())
    page.get_by_role("button", name="Use your own recordings").click()
    door = page.locator("[data-testid=stFileUploader] input[type=file]").first
    door.set_input_files({"name": "mine.zip", "mimeType": "application/zip", "buffer": file.getvalue()})
    page.wait_for_url("**upload-**")
    wait_for_metric(page, "Test recordings", "3")
    assert metric(page, "Word error rate") == "33.3%"
    says_nothing_went_wrong(page)
    door = page.locator("[data-testid=stFileUploader] input[type=file]").first
    door.set_input_files({"name": "notes.txt", "mimeType": "text/plain", "buffer": b"hello"})
    expect(page.get_by_text("The sound 'notes.txt' must be")).to_be_visible()


@pytest.fixture
def caller(tmp_path_factory: pytest.TempPathFactory, launcher: Launcher) -> Iterator[Page]:
    """A page in a Chromium whose microphone hears the trigger word, once every three seconds."""
    once = np.pad(said(TRIGGER)[4].samples, (RATE, 0))
    samples = resample(np.pad(once, (0, 3 * RATE - len(once))), RATE, MICROPHONE_RATE)
    path = tmp_path_factory.mktemp("called") / "activate.wav"
    soundfile.write(path, samples, MICROPHONE_RATE, subtype="PCM_16")
    with launcher.open(f"--use-file-for-fake-audio-capture={path}") as browser:
        context = browser.new_context(permissions=["microphone"], viewport={"width": 1440, "height": 900})
        context.set_default_timeout(SLOW)
        yield context.new_page()


def test_the_trigger_word_is_heard_through_the_microphone(caller: Page, server: str) -> None:
    open_lab(caller, server, "speech?lab=trigger-word&look=recording&seed=0")
    finished(caller)
    record(caller, 6000)
    caller.wait_for_function(
        "() => [...document.querySelectorAll('.atlas-view dd')].some((d) => /^[1-9] time/.test(d.textContent))"
    )
    expect(caller.locator("audio").first).to_be_visible()
    says_nothing_went_wrong(caller)


def test_attention_writes_what_the_microphone_hears(speaker: Page, server: str) -> None:
    open_lab(speaker, server, "speech?lab=speech-attention&look=recording&seed=0")
    finished(speaker)
    record(speaker, 5000)
    settle(speaker)
    assert metric(speaker, "By CTC").replace(" ", "").startswith("31415")
    says_nothing_went_wrong(speaker)


def test_a_clip_goes_through_the_stages_of_the_pipeline(page: Page, server: str) -> None:
    open_lab(page, server, "speech?lab=phoneme-pipeline&seed=0")
    finished(page)
    says_nothing_went_wrong(page)
