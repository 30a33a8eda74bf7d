"""Every lab that the registry finds, as a stranger meets it: open it, move one control, see the figure change."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from engine.lab import found, load
from engine.params import Control, controls
from tests.browser.labs import drawn, open_lab, says_nothing_went_wrong

FIGURES = "() => JSON.stringify([...document.querySelectorAll('.js-plotly-plot')].map(p => [p.data, p.layout.shapes]))"


def is_slider(control: Control) -> bool:
    return control.kind == "number" or (control.kind == "integer" and control.hint[1] - control.hint[0] <= 100_000)


def moved(page: Page, slug: str) -> bool:
    """Move the first slider that isn't folded away, or else take the first preset; whether that begins a new run."""
    lab = load(slug)
    slider = next((c for c in controls(lab.params) if is_slider(c) and not c.more), None)
    if slider is None:
        page.get_by_role("button", name=next(iter(lab.presets)), exact=True).click()
        return True
    handle = page.locator(f".st-key-{slug}-{slider.name} input[type=range]").first
    handle.focus()
    at_the_end = float(handle.get_attribute("value") or 0) >= float(handle.get_attribute("max") or 1)
    page.keyboard.press("ArrowLeft" if at_the_end else "ArrowRight")
    return slider.name not in lab.views


@pytest.mark.parametrize("slug", found())
def test_a_control_changes_the_figure(page: Page, server: str, slug: str) -> None:
    lab = load(slug)
    open_lab(page, server, f"{lab.entry.page}?lab={slug}&seed=0")
    says_nothing_went_wrong(page)
    before, run = page.evaluate(FIGURES), drawn(page).split("/")[0]
    address = page.url
    begins = moved(page, slug)
    page.wait_for_function("a => location.href !== a", arg=address)
    if begins:
        page.wait_for_function(
            "r => document.querySelector('.atlas-view')?.dataset.drawn?.split('/')[0] !== r", arg=run
        )
    page.wait_for_function(f"before => ({FIGURES})() !== before", arg=before)
    says_nothing_went_wrong(page)
    expect(page.locator(".atlas-view .js-plotly-plot").first).to_be_visible()
