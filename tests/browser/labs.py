"""What the browser tests do on a lab's page."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, expect

VIEW = ".atlas-view[data-drawn]"


def open_lab(page: Page, address: str, where: str) -> None:
    """Open a lab by its link and wait for its figure."""
    page.goto(f"{address}/{where}")
    settle(page)


def settle(page: Page) -> None:
    """Wait until a figure is drawn and the script has ended."""
    page.wait_for_selector(VIEW)
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")


def drawn(page: Page) -> str:
    """Which run and frame the figure shows: ``run/frame``."""
    return page.locator(VIEW).first.get_attribute("data-drawn") or ""


def wait_for_new(page: Page, before: str) -> str:
    """Wait for another frame than ``before``."""
    drawn_now = "document.querySelector('.atlas-view')?.dataset.drawn"
    page.wait_for_function(f"b => {drawn_now} !== undefined && {drawn_now} !== b", arg=before)
    return drawn(page)


def run_of(page: Page) -> str:
    """Which run the figure shows."""
    return drawn(page).split("/")[0]


def wait_for_run(page: Page, before: str) -> None:
    """Wait for a frame of another run than ``before``."""
    drawn_now = "document.querySelector('.atlas-view')?.dataset.drawn"
    page.wait_for_function(f"b => {drawn_now} !== undefined && !{drawn_now}.startsWith(b)", arg=f"{before}/")


def slider(page: Page, lab: str, name: str) -> Any:
    """The input of a slider."""
    return page.locator(f".st-key-{lab}-{name} input[type=range]").first


def press(page: Page, lab: str, name: str, key: str = "ArrowRight", times: int = 1) -> str:
    """Move a slider by keys and wait for the figure that follows."""
    before = drawn(page)
    slider(page, lab, name).focus()
    for _ in range(times):
        page.keyboard.press(key)
    return wait_for_new(page, before)


def stop_button(page: Page) -> Any:
    """The lab's Stop; Streamlit has one of its own in the header."""
    return page.locator("[data-testid=stMain]").get_by_role("button", name="Stop", exact=True)


def metric(page: Page, label: str) -> str:
    """The text of a metric over the figure."""
    return _metric(page, label).inner_text()


def wait_for_metric(page: Page, label: str, text: str) -> None:
    """Wait until a metric over the figure says this."""
    expect(_metric(page, label)).to_have_text(text, timeout=30_000)


def _metric(page: Page, label: str) -> Any:
    return page.locator(".atlas-view .metric", has=page.locator("dt", has_text=label)).first.locator("dd")


def parameters(page: Page) -> dict[str, str]:
    """The query of the address."""
    from urllib.parse import parse_qsl, urlsplit

    return dict(parse_qsl(urlsplit(page.url).query))


def says_nothing_went_wrong(page: Page) -> None:
    """No traceback, no error box."""
    expect(page.locator("[data-testid=stException]")).to_have_count(0)
    expect(page.locator("[data-testid=stAlertContentError]")).to_have_count(0)
