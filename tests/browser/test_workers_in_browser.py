"""Where trainings run, as a person meets it: the queue, a closed browser, a crash, no workers at all."""

from __future__ import annotations

import psutil
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import SLOW, serve
from tests.browser.labs import VIEW, drawn, open_lab, run_of, stop_button, wait_for_new, wait_for_run

LONG = "foundations?lab=shallow-network&units=50&points=1000&steps=400000&seed="


def _visitor(chromium: Browser) -> Page:
    page = chromium.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.set_default_timeout(SLOW)
    return page


def test_a_second_visitor_queues_until_the_first_closes_the_browser(chromium: Browser) -> None:
    with serve(DEEP_ATLAS_WORKERS="1") as served:
        first, second = _visitor(chromium), _visitor(chromium)
        open_lab(first, served.address, f"{LONG}1")
        wait_for_new(first, drawn(first))
        open_lab(second, served.address, f"{LONG}2")
        expect(second.get_by_text("place 1 in the queue")).to_be_visible(timeout=SLOW)
        start = drawn(second)
        assert start.endswith("/0")
        first.context.close()
        wait_for_new(second, start)
        second.context.close()


def test_a_crashed_worker_is_told_in_one_sentence_and_replaced(chromium: Browser) -> None:
    with serve(DEEP_ATLAS_WORKERS="1") as served:
        page = _visitor(chromium)
        open_lab(page, served.address, f"{LONG}3")
        wait_for_new(page, drawn(page))
        (worker,) = psutil.Process(served.pid).children()
        worker.kill()
        expect(page.get_by_text("stopped unexpectedly")).to_be_visible(timeout=SLOW)
        before = run_of(page)
        assert not drawn(page).endswith("/0")
        page.get_by_role("button", name="Run again").click()
        wait_for_run(page, before)
        wait_for_new(page, drawn(page))
        page.context.close()


def test_without_workers_a_training_runs_in_the_page_and_stops(chromium: Browser) -> None:
    with serve(DEEP_ATLAS_WORKERS="0") as served:
        page = _visitor(chromium)
        # The page itself trains, so its script hardly rests: there is no end of it to wait for.
        page.goto(f"{served.address}/{LONG}4")
        page.wait_for_selector(VIEW)
        while (seen := int(drawn(page).split("/")[1])) < 40:
            wait_for_new(page, drawn(page))
        held = int(page.locator(".atlas-view .count").inner_text().split(" / ")[1])
        assert held > seen / 2, "most of the frames must reach the browser"
        assert not psutil.Process(served.pid).children()
        stop_button(page).click()
        page.get_by_role("button", name="Run again").wait_for()
        page.context.close()
