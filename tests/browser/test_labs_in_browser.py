"""Each of the labs as a stranger uses it: a slider, an upload, a stop, a reload."""

from __future__ import annotations

import io
import wave

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.labs import (
    drawn,
    metric,
    open_lab,
    parameters,
    press,
    says_nothing_went_wrong,
    settle,
    stop_button,
    wait_for_new,
)

LABS = {
    "gradient-descent": ("foundations", "steps"),
    "shallow-network": ("foundations", "units"),
    "edges": ("cnns", "rate"),
    "iou": ("detection", "a_across"),
    "spectrogram": ("speech", "window"),
}


@pytest.mark.parametrize("slug", LABS)
def test_slider_changes_figure_and_link_and_reload_restores_it(page: Page, server: str, slug: str) -> None:
    folder, name = LABS[slug]
    open_lab(page, server, f"{folder}?lab={slug}&seed=0")
    press(page, slug, name)
    page.wait_for_url(f"**{name}=**")
    moved = parameters(page)
    assert set(moved) == {"lab", name, "seed", "v"}
    says_nothing_went_wrong(page)
    page.reload()
    settle(page)
    assert parameters(page) == moved


def test_gradient_descent_reaches_five_and_says_when_it_diverges(page: Page, server: str) -> None:
    open_lab(page, server, "foundations?lab=gradient-descent&rate=0.3&steps=60&seed=0")
    assert metric(page, "w") == "5"
    page.get_by_role("button", name="Diverges").click()
    page.get_by_text("overshoots further at every step").wait_for()
    page.get_by_role("button", name="Try rate 0.25").click()
    page.wait_for_url("**rate=0.25**")
    expect(page.get_by_text("overshoots further at every step")).to_have_count(0)


def test_training_streams_stops_and_runs_again(page: Page, server: str) -> None:
    open_lab(page, server, "foundations?lab=shallow-network&units=50&steps=400000&seed=0")
    first = drawn(page)
    second = wait_for_new(page, first)
    assert wait_for_new(page, second).split("/")[0] == first.split("/")[0]
    stop_button(page).click()
    page.get_by_role("button", name="Run again").wait_for()
    expect(page.get_by_text("the last frame stays")).to_be_visible()
    page.wait_for_timeout(700)  # what had arrived before is still drawn
    stopped = drawn(page)
    page.wait_for_timeout(700)
    assert drawn(page) == stopped
    page.get_by_role("button", name="Run again").click()
    stop_button(page).wait_for()
    assert wait_for_new(page, stopped).split("/")[0] != stopped.split("/")[0]


def test_moving_a_slider_restarts_a_training(page: Page, server: str) -> None:
    open_lab(page, server, "foundations?lab=shallow-network&units=40&steps=400000&seed=1")
    wait_for_new(page, drawn(page))
    before = drawn(page).split("/")[0]
    press(page, "shallow-network", "units")
    page.wait_for_function("b => !document.querySelector('.atlas-view').dataset.drawn.startsWith(b)", arg=before)
    page.wait_for_url("**units=41**")


def test_frames_of_a_training_can_be_replayed(page: Page, server: str) -> None:
    open_lab(page, server, "foundations?lab=shallow-network&steps=4000&seed=2")
    page.get_by_role("button", name="Run again").wait_for()
    page.wait_for_timeout(700)
    last = drawn(page)
    page.get_by_role("button", name="First frame").click()
    assert wait_for_new(page, last).endswith("/0")
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("b => document.querySelector('.atlas-view').dataset.drawn === b", arg=last)


def test_own_picture_is_taken_by_edges(page: Page, server: str) -> None:
    open_lab(page, server, "cnns?lab=edges&seed=0")
    pixels = np.zeros((60, 40, 3), np.uint8)
    pixels[:, :20] = 255
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    before = drawn(page)
    page.get_by_role("button", name="Use your own picture").click()
    upload = {"name": "mine.png", "mimeType": "image/png", "buffer": file.getvalue()}
    page.locator("input[type=file]").first.set_input_files(upload)
    page.wait_for_url("**picture=upload-**")
    wait_for_new(page, before)
    expect(page.get_by_role("combobox", name="Picture")).to_have_value("Yours: mine.png")


def test_a_bad_file_gets_one_sentence(page: Page, server: str) -> None:
    open_lab(page, server, "cnns?lab=edges&seed=0")
    page.get_by_role("button", name="Use your own picture").click()
    upload = {"name": "broken.png", "mimeType": "image/png", "buffer": b"\x89PNG\r\n\x1a\nnothing"}
    page.locator("input[type=file]").first.set_input_files(upload)
    alert = page.locator("[data-testid=stAlertContentError]")
    alert.wait_for()
    assert "Traceback" not in alert.inner_text()
    assert "picture" not in parameters(page)


def test_camera_gives_a_picture(page: Page, server: str) -> None:
    open_lab(page, server, "cnns?lab=edges&seed=0")
    page.get_by_role("button", name="Use your own picture").click()
    page.wait_for_function("() => document.querySelector('video')?.videoWidth > 0")
    page.get_by_role("button", name="Take Photo").click()
    page.wait_for_url("**picture=upload-**")


def test_own_sound_is_taken_and_played(page: Page, server: str) -> None:
    open_lab(page, server, "speech?lab=spectrogram&seed=0")
    tone = (np.sin(np.arange(16000) / 16000 * 2 * np.pi * 1000) * 20000).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setparams((1, 2, 16000, 0, "NONE", ""))
        out.writeframes(tone.tobytes())
    page.get_by_role("button", name="Use your own sound").click()
    upload = {"name": "tone.wav", "mimeType": "audio/wav", "buffer": file.getvalue()}
    page.locator("input[type=file]").first.set_input_files(upload)
    page.wait_for_url("**sound=upload-**")
    settle(page)
    assert metric(page, "Strongest").startswith(("1000", "1.00", "1 k"))
    page.wait_for_function("() => document.querySelector('audio')?.duration > 0.9")


def test_microphone_gives_a_sound(page: Page, server: str) -> None:
    open_lab(page, server, "speech?lab=spectrogram&seed=0")
    page.get_by_role("button", name="Use your own sound").click()
    page.get_by_role("button", name="Record").click()
    page.wait_for_timeout(1500)
    page.get_by_role("button", name="Stop recording").click()
    page.wait_for_url("**sound=upload-**")


def test_a_box_of_iou_is_dragged(page: Page, server: str) -> None:
    open_lab(page, server, "detection?lab=iou&seed=0")
    before = metric(page, "IoU")
    box = page.evaluate(
        """() => {
          const plot = document.querySelector('.atlas-view .plot'), l = plot._fullLayout
          const shape = plot.layout.shapes.find(s => s.name === 'b'), r = plot.getBoundingClientRect()
          const at = (x, y) => [r.left + l.xaxis._offset + l.xaxis.d2p(x), r.top + l.yaxis._offset + l.yaxis.d2p(y)]
          return {from: at(shape.x1 - 4, (shape.y0 + shape.y1) / 2), to: at(shape.x1 - 14, (shape.y0 + shape.y1) / 2)}
        }"""
    )
    page.mouse.move(*box["from"])
    page.mouse.down()
    page.mouse.move(*box["to"], steps=6)
    page.mouse.up()
    page.wait_for_url("**b_across=**")
    settle(page)
    assert metric(page, "IoU") != before
