"""A person's own examples: a table with its columns chosen, a bad one, and points drawn on the figure."""

from __future__ import annotations

import numpy as np
from playwright.sync_api import Page, expect

from tests.browser.labs import drawn, metric, open_lab, parameters, says_nothing_went_wrong, wait_for_new

LAB = "foundations?lab=shallow-network&steps=300&seed=0"


def table() -> bytes:
    """Two columns that tell the class, one that doesn't, and the class in words."""
    draw = np.random.default_rng(0)
    label = np.arange(80) % 2
    x = draw.normal(0, 0.3, (80, 3)) + np.stack([4 * label, 2 * label, 0 * label], 1)
    rows = [f"{a:.3f};{b:.3f};{c:.3f};{'yes' if k else 'no'}" for (a, b, c), k in zip(x, label, strict=True)]
    return "\n".join(["height;width;noise;class", *rows]).encode()


def upload(page: Page, name: str, data: bytes) -> None:
    page.get_by_role("button", name="Use your own table").click()
    page.locator("input[type=file]").first.set_input_files({"name": name, "mimeType": "text/csv", "buffer": data})


def test_own_table_is_learned_from_the_columns_that_are_chosen(page: Page, server: str) -> None:
    open_lab(page, server, LAB)
    upload(page, "mine.csv", table())
    # Three columns of numbers are one too many for the plane: the page says so, and which two is the person's choice.
    page.get_by_text("must be used with two columns").wait_for()
    page.get_by_role("button", name="Remove noise").or_(page.get_by_label("Remove noise")).first.click()
    page.locator(".atlas-view[data-drawn]").wait_for()
    page.wait_for_url("**examples=upload-**")
    page.get_by_role("button", name="Run again").wait_for()
    assert float(metric(page, "Dev accuracy").rstrip("%")) > 95
    says_nothing_went_wrong(page)


def test_a_bad_table_gets_one_sentence(page: Page, server: str) -> None:
    open_lab(page, server, LAB)
    upload(page, "bad.csv", b"x,y,class\n1,2,a\n3,four,b\n5,6,a\n")
    alert = page.locator("[data-testid=stAlertContentError]")
    alert.wait_for()
    assert "got 'four' in row 3" in alert.inner_text()
    assert "examples" not in parameters(page)


def test_a_click_draws_a_point(page: Page, server: str) -> None:
    open_lab(page, server, f"{LAB}&examples=drawn")
    page.get_by_role("button", name="Run again").wait_for()
    before = drawn(page)
    page.locator(".js-plotly-plot .draglayer .nsewdrag").first.click(position={"x": 60, "y": 60})
    wait_for_new(page, before)
    page.wait_for_url("**drawn=**")
    assert parameters(page)["drawn"].count("!") == 12
    expect(page.locator("[data-testid=stException]")).to_have_count(0)
