"""Boxes that the pointer drags, adds and takes away, in the labs of detection."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.browser.labs import drawn, metric, open_lab, parameters, says_nothing_went_wrong, settle, wait_for_new

PLACE = """([title, x, y]) => {
  const figures = [...document.querySelectorAll('.atlas-view figure')]
  const plot = figures.find((each) => each.querySelector('figcaption').textContent === title).querySelector('.plot')
  const l = plot._fullLayout, r = plot.getBoundingClientRect()
  return [r.left + l.xaxis._offset + l.xaxis.d2p(x), r.top + l.yaxis._offset + l.yaxis.d2p(y)]
}"""


def place(page: Page, title: str, x: float, y: float) -> list[float]:
    """Where a point of a figure's plane is on the page."""
    found: list[float] = page.evaluate(PLACE, [title, x, y])
    return found


def drag(page: Page, title: str, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Pull at a point; the middle third of a box moves it, the others stretch it."""
    before = drawn(page)
    page.mouse.move(*place(page, title, *start))
    page.mouse.down()
    page.mouse.move(*place(page, title, *end), steps=6)
    page.mouse.up()
    wait_for_new(page, before)
    settle(page)


def click(page: Page, title: str, x: float, y: float) -> None:
    before = drawn(page)
    page.mouse.click(*place(page, title, x, y))
    wait_for_new(page, before)
    settle(page)


def test_boxes_of_nms_are_dragged_added_and_taken_away(page: Page, server: str) -> None:
    open_lab(
        page, server, "detection?lab=nms&rows=10~10~40~40~0.9~car,14~12~44~42~0.8~car&step=17&seed=0".replace("~", "+")
    )
    assert (metric(page, "Kept"), metric(page, "Discarded")) == ("1", "1")
    drag(page, "Boxes", (27, 28), (67, 68))
    assert (metric(page, "Kept"), metric(page, "Discarded")) == ("2", "0")
    assert parameters(page)["rows"].endswith(", 54 52 84 82 0.8 car")
    click(page, "Boxes", 80, 20)
    assert metric(page, "Kept") == "3"
    assert parameters(page)["rows"].endswith(", 68 8 92 32 0.75 car")
    drag(page, "Boxes", (80, 20), (80, -30))
    assert metric(page, "Kept") == "2"
    drag(page, "Boxes", (10, 90), (34, 62))
    assert parameters(page)["rows"].endswith(", 10 62 34 90 0.75 car")
    says_nothing_went_wrong(page)


def test_a_bar_of_nms_leads_to_its_step_and_the_walk_goes_back(page: Page, server: str) -> None:
    open_lab(page, server, "detection?lab=nms&seed=0")
    assert metric(page, "Kept") == "1"
    before = drawn(page)
    page.mouse.move(*place(page, "Scores", 0.5, 1))
    assert wait_for_new(page, before).split("/")[0] == before.split("/")[0], "a step must not run the lab again"
    assert metric(page, "Kept") == "2"
    page.mouse.move(5, 5)
    before = drawn(page)
    page.get_by_role("button", name="First frame").click()
    wait_for_new(page, before)
    assert metric(page, "Kept") == "0"


def test_an_object_of_the_grid_is_dragged_and_a_cell_looked_at(page: Page, server: str) -> None:
    open_lab(page, server, "detection?lab=yolo-grid&rows=10+10+40+40+car&seed=0")
    click(page, "Picture", 80, 80)
    page.get_by_text("Cell in row 2, column 2").wait_for()
    drag(page, "Picture", (28, 22), (78, 72))
    page.get_by_text("A: bx =").wait_for()
    assert metric(page, "Slots in use") == "1 of 9"
    says_nothing_went_wrong(page)
