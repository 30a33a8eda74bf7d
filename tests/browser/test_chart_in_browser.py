"""The chart: zoom and camera survive updates, themes, narrow screens, downloads."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import ROOT, serve
from tests.browser.labs import VIEW, drawn, metric, open_lab, press, settle, wait_for_new

RANGE = "() => document.querySelector('.atlas-view .plot')._fullLayout.xaxis.range.map(Number)"
CAMERA = "() => document.querySelectorAll('.atlas-view .plot')[1]._fullLayout.scene.camera.eye"


def _drag(page: Page, figure: int, start: tuple[float, float], end: tuple[float, float]) -> None:
    box = page.locator(".atlas-view .plot").nth(figure).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + start[0] * box["width"], box["y"] + start[1] * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + end[0] * box["width"], box["y"] + end[1] * box["height"], steps=8)
    page.mouse.up()


def test_zoom_survives_a_slider(page: Page, server: str) -> None:
    open_lab(page, server, "foundations?lab=gradient-descent&seed=0")
    whole = page.evaluate(RANGE)
    _drag(page, 0, (0.4, 0.4), (0.7, 0.7))
    page.wait_for_function(f"w => ({RANGE})()[0] !== w[0]", arg=whole)
    zoomed = page.evaluate(RANGE)
    press(page, "gradient-descent", "steps")
    assert page.evaluate(RANGE) == zoomed


def test_camera_survives_a_slider(page: Page, server: str) -> None:
    open_lab(page, server, "foundations?lab=gradient-descent&surface=bowl&seed=0")
    before = page.evaluate(CAMERA)
    page.locator(".atlas-view .plot").nth(1).scroll_into_view_if_needed()
    _drag(page, 1, (0.5, 0.5), (0.7, 0.55))
    page.wait_for_function(f"b => ({CAMERA})().x !== b.x", arg=before)
    turned = page.evaluate(CAMERA)
    press(page, "gradient-descent", "steps")
    assert page.evaluate(CAMERA) == pytest.approx(turned)


def test_click_on_the_figure_moves_the_start(page: Page, server: str) -> None:
    open_lab(page, server, "foundations?lab=gradient-descent&seed=0")
    before = drawn(page)
    box = page.locator(".atlas-view .plot").first.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 0.7 * box["width"], box["y"] + 0.5 * box["height"])
    page.wait_for_url("**start=**")
    wait_for_new(page, before)


def test_the_chart_is_not_remounted_by_an_update(page: Page, server: str) -> None:
    open_lab(page, server, "foundations?lab=shallow-network&units=40&steps=400000&seed=5")
    page.evaluate("() => { document.querySelector('.atlas-view .plot').dataset.mark = 'kept' }")
    wait_for_new(page, drawn(page))
    press(page, "shallow-network", "units")
    assert page.evaluate("() => document.querySelector('.atlas-view .plot').dataset.mark") == "kept"


def test_figure_is_in_sight_at_1440_by_900(page: Page, server: str) -> None:
    for where in ("foundations?lab=gradient-descent", "detection?lab=iou", "speech?lab=spectrogram", "cnns?lab=edges"):
        open_lab(page, server, f"{where}&seed=0")
        figure = page.locator(".atlas-view .plot").first.bounding_box()
        controls = page.locator(".st-key-controls").bounding_box()
        assert figure is not None and controls is not None
        assert figure["y"] + figure["height"] <= 900, where
        assert controls["x"] + controls["width"] <= figure["x"], where


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_phone(chromium: Browser, server: str, scheme: str) -> None:
    context = chromium.new_context(viewport={"width": 390, "height": 844}, color_scheme=scheme)  # type: ignore[arg-type]
    context.set_default_timeout(60_000)
    page = context.new_page()
    open_lab(page, server, "foundations?lab=gradient-descent&seed=0")
    expect(page.locator(".st-key-controls")).to_be_hidden()
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    switch = page.get_by_text("Controls", exact=True)
    figure = page.locator(".atlas-view").bounding_box()
    place = switch.bounding_box()
    assert figure is not None and place is not None and place["y"] > figure["y"]
    switch.click()
    expect(page.locator(".st-key-controls")).to_be_visible()
    color = page.evaluate("() => document.querySelector('.atlas-view .plot')._fullLayout.font.color")
    assert color == {"light": "#1d232b", "dark": "#e6e8ec"}[scheme]
    context.close()


def test_downloads(page: Page, server: str, tmp_path: Path) -> None:
    open_lab(page, server, "foundations?lab=gradient-descent&rate=0.3&seed=0")
    page.get_by_role("button", name="Export", exact=True).click()
    for label, name in {"Numbers as JSON": "gradient-descent.json", "Python script": "gradient-descent.py"}.items():
        with page.expect_download() as download:
            page.get_by_role("button", name=label).click()
        assert download.value.suggested_filename == name
        download.value.save_as(tmp_path / name)
    assert json.loads((tmp_path / "gradient-descent.json").read_text())
    assert "rate=0.3" in (tmp_path / "gradient-descent.py").read_text()


def test_compare_shows_the_run_before(page: Page, server: str) -> None:
    open_lab(page, server, "foundations?lab=gradient-descent&seed=0")
    earlier = metric(page, "w")
    press(page, "gradient-descent", "steps")
    page.get_by_text("Compare with the last run").click()
    page.get_by_text("Changed since: steps 20 → 21").wait_for()
    expect(page.locator(".atlas-view")).to_have_count(2)
    expect(page.locator(".atlas-view").nth(1).locator("dd").first).to_have_text(earlier)
    settle(page)


def test_maths_and_code_open(page: Page, server: str) -> None:
    open_lab(page, server, "foundations?lab=gradient-descent&seed=0")
    page.get_by_text("The maths").click()
    page.locator(".katex").first.wait_for()
    page.get_by_text("The code").click()
    page.get_by_text("def descend").first.wait_for()


def test_the_notes_mistake_is_computed(page: Page, server: str) -> None:
    open_lab(page, server, "detection?lab=iou&seed=0")
    page.get_by_text("What the notes get wrong").click()
    page.get_by_text("Often written").wait_for()


def test_hover_and_click_come_back_as_values(page: Page, server: str, tmp_path: Path) -> None:
    open_lab(page, server, "detection?lab=iou&seed=0")  # by now the app serves plotly's script
    shutil.copytree(ROOT / "static", tmp_path / "static")
    shutil.copy(ROOT / "tests" / "browser" / "hover_app.py", tmp_path)
    with serve(str(tmp_path / "hover_app.py")) as served:
        page.goto(served.address)
        page.wait_for_selector(VIEW)
        place = page.evaluate(
            """() => {
              const plot = document.querySelector('.atlas-view .plot'), l = plot._fullLayout
              const r = plot.getBoundingClientRect()
              return [r.left + l.xaxis._offset + l.xaxis.d2p(3), r.top + l.yaxis._offset + l.yaxis.d2p(9)]
            }"""
        )
        page.mouse.move(place[0] - 30, place[1])
        page.mouse.move(*place, steps=4)
        page.get_by_text("hover on Squares at 3.0, 9.0 squares").wait_for()
        page.mouse.click(*place)
        page.get_by_text("click on Squares at 3.0, 9.0").wait_for()
