"""The detector and one's own pictures as a stranger uses them: sliders on stored answers, a training, an upload."""

from __future__ import annotations

import io
import json

from PIL import Image
from playwright.sync_api import Page, expect

from engine.data.scenes import CLASSES, draw_scenes
from engine.seeding import generator
from tests.browser.labs import drawn, metric, open_lab, says_nothing_went_wrong, settle

NAMED = """() => [...document.querySelectorAll('.atlas-view figure')]
  .find((f) => f.querySelector('figcaption').textContent === 'Above the score threshold')
  .querySelector('.plot').data[1].hovertext.length"""


def finished(page: Page) -> None:
    expect(page.get_by_role("button", name="Run again")).to_be_visible(timeout=90_000)
    settle(page)


def test_thresholds_of_the_detector_move_on_its_stored_answers(page: Page, server: str) -> None:
    open_lab(page, server, "detection?lab=yolo&seed=0")
    finished(page)
    run, few = drawn(page).split("/")[0], page.evaluate(NAMED)
    page.get_by_role("button", name="Every box believed").click()
    page.wait_for_url("**score=0.05**")
    page.wait_for_function(f"few => ({NAMED})() > few", arg=few)
    # No new run: the frame that was there is viewed anew.
    assert drawn(page).split("/")[0] == run
    says_nothing_went_wrong(page)


def test_a_detector_learns_before_your_eyes(page: Page, server: str) -> None:
    open_lab(page, server, "detection?lab=yolo&network=live&steps=40&seed=0")
    finished(page)
    assert metric(page, "Step") == "40 of 40"
    costs = page.evaluate(
        """() => [...document.querySelectorAll('.atlas-view figure')]
          .find((f) => f.querySelector('figcaption').textContent === 'Cost')
          .querySelector('.plot').calcdata[0].map((p) => p.y)"""
    )
    assert len(costs) == 40 and costs[-1] < costs[0]


def test_an_uploaded_picture_is_looked_at_and_its_boxes_download_as_coco(page: Page, server: str) -> None:
    open_lab(page, server, "detection?lab=detect-upload&seed=0")
    page.get_by_role("button", name="Use your own picture").first.click()
    scene = draw_scenes(1, generator(3), fewest=2)
    file = io.BytesIO()
    Image.fromarray((scene.pictures[0].permute(1, 2, 0) * 255).byte().numpy()).save(file, "PNG")
    page.locator("[data-testid=stFileUploader] input[type=file]").first.set_input_files(
        {"name": "mine.png", "mimeType": "image/png", "buffer": file.getvalue()}
    )
    page.wait_for_url("**upload-**")
    page.keyboard.press("Escape")
    finished(page)
    says_nothing_went_wrong(page)
    with page.expect_download() as coming:
        page.locator("[data-testid=stDownloadButton] button").first.click()
    told = json.loads(coming.value.path().read_text())
    assert {each["category_name"] for each in told} & {CLASSES[k] for k in scene.classes.tolist()}
    assert all(set(each) == {"image_id", "category_id", "category_name", "bbox", "score"} for each in told)
