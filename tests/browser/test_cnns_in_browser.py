"""What only a browser shows of the convolutional labs: a drawn digit, a network's list of layers, walks, own pictures."""

from __future__ import annotations

import io
import zipfile

import numpy as np
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.labs import drawn, metric, open_lab, parameters, says_nothing_went_wrong, settle, wait_for_new

# A six, as shares of the pad's width and height.
SIX = [(0.6, 0.15), (0.4, 0.35), (0.33, 0.6), (0.38, 0.8), (0.55, 0.84), (0.67, 0.72), (0.6, 0.57), (0.4, 0.6)]


def test_a_drawn_digit_is_read_while_it_is_drawn_and_travels_with_the_link(page: Page, server: str) -> None:
    open_lab(page, server, "cnns?lab=lenet&epochs=5&seed=0")
    page.get_by_role("button", name="Run again").wait_for(timeout=150_000)
    pad = page.locator(".atlas-pad")
    box = pad.bounding_box()
    assert box is not None
    before = drawn(page).split("/")[0]
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in SIX]
    page.mouse.move(*places[0])
    page.mouse.down()
    seen = set()
    for place in places[1:]:
        page.mouse.move(*place, steps=5)
        page.wait_for_timeout(300)
        seen.add(metric(page, "Sure"))
    assert len(seen) > 1, "the answer must follow the stroke"
    page.mouse.up()
    page.wait_for_url("**pad=**")
    page.wait_for_function("() => [...document.querySelectorAll('dd')].some((d) => d.textContent === '6')")
    assert drawn(page).split("/")[0] == before, "drawing must not train again"
    link = parameters(page)
    page.reload()
    settle(page)
    assert parameters(page) == link and metric(page, "It reads") == "6"
    page.get_by_role("button", name="Clear the pad").click()
    page.wait_for_function("() => !location.search.includes('pad=')")


def test_layers_are_changed_moved_added_and_removed(page: Page, server: str) -> None:
    open_lab(page, server, "cnns?lab=conv-layer&seed=0")
    assert metric(page, "Parameters") == "62,958"
    page.get_by_role("button", name="Conv 16, 5×5 s1 p0").click()
    page.get_by_label("Filters").fill("32")
    page.keyboard.press("Enter")
    page.wait_for_url("**conv~32~5~1~0**")
    settle(page)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="+ Dense").click()
    page.wait_for_url("**dense~64**")
    settle(page)
    page.get_by_role("button", name="Dense 84").wait_for()
    expect(page.locator(".st-key-layer-list [data-testid=stPopover]")).to_have_count(8)
    says_nothing_went_wrong(page)
    page.get_by_test_id("stTooltipHoverTarget").first.wait_for()
    page.get_by_role("button", name="The course's 39 x 39 x 3").click()
    page.wait_for_url("**side=39**")
    settle(page)
    expect(page.get_by_role("button", name="Conv 10, 3×3 s1 p0")).to_be_visible()


def test_a_walk_is_stepped_through_and_a_picked_cell_is_gone_to(page: Page, server: str) -> None:
    open_lab(page, server, "cnns?lab=pooling&seed=0")
    count = page.locator(".atlas-view .count")
    first, _, frames = count.inner_text().partition(" / ")
    assert int(frames) >= 8
    before = drawn(page)
    page.get_by_role("button", name="One frame on").click()
    assert wait_for_new(page, before) != before
    assert count.inner_text().startswith(f"{int(first) + 1} /")
    page.get_by_role("button", name="First frame").click()
    cell = page.evaluate(
        """() => {
          const plot = [...document.querySelectorAll('.atlas-view figure')]
            .find((f) => f.querySelector('figcaption').textContent === 'Output A').querySelector('.plot')
          const l = plot._fullLayout, r = plot.getBoundingClientRect()
          return [r.left + l.xaxis._offset + l.xaxis.d2p(1), r.top + l.yaxis._offset + l.yaxis.d2p(1)]
        }"""
    )
    page.mouse.move(*cell)
    page.wait_for_function("() => !document.querySelector('.atlas-view .count').textContent.startsWith('1 /')")
    page.mouse.click(*cell)
    page.wait_for_url("**step=**")
    says_nothing_went_wrong(page)


def archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as out:
        for name, level in (("dark", 30), ("bright", 200)):
            for i in range(4):
                picture = io.BytesIO()
                Image.fromarray(np.full((48, 48, 3), level + 5 * i, np.uint8)).save(picture, "PNG")
                out.writestr(f"{name}/{i}.png", picture.getvalue())
    return file.getvalue()


def test_a_zip_of_folders_is_learned_and_a_cell_opens_its_pictures(page: Page, server: str) -> None:
    open_lab(page, server, "cnns?lab=fine-tune&seed=0")
    page.get_by_role("button", name="Use your own pictures").click()
    upload = {"name": "mine.zip", "mimeType": "application/zip", "buffer": archive()}
    page.get_by_test_id("stPopoverBody").locator("input[type=file]").first.set_input_files(upload)
    page.wait_for_url("**pictures=upload-**")
    expect(page.get_by_text("bright: 4, dark: 4")).to_be_visible()
    page.keyboard.press("Escape")
    page.wait_for_function(
        "() => [...document.querySelectorAll('dd')].some((d) => d.textContent === '100%')", timeout=120_000
    )
    expect(page.get_by_role("button", name="head.safetensors")).to_be_visible()
    says_nothing_went_wrong(page)


def test_a_picture_without_a_network_is_answered_by_the_bundled_one(page: Page, server: str) -> None:
    open_lab(page, server, "cnns?lab=image-classifier&seed=0")
    page.get_by_text("The bundled Atlas-20 answers instead").wait_for(timeout=120_000)
    expect(page.get_by_role("button", name="answers.csv")).to_be_visible()
