"""A Chromium that measures from inside the page: from a key or click to the frame painted after the change it causes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from playwright.sync_api import Browser, Locator, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
LIMIT_SECONDS = 20
# A first page loads PyTorch, which a busy machine takes its time over.
OPEN_SECONDS = 90
VIEWPORT = {"width": 1280, "height": 900}

# Runs in every page before its own scripts. A change is looked for at every frame, alike for all pages: `figures` when
# the lines and shapes of every plot differ from before, `run` when the app's chart has drawn another run, `stopped` when
# the button to start again is there. A message sent from a frame's callback arrives when that frame is painted.
SCRIPT = """
window.bench = (() => {
  const plots = () => [...document.querySelectorAll(".js-plotly-plot")].map((plot) =>
    [...plot.querySelectorAll(".scatterlayer path, .shapelayer path")]
      .map((path) => path.getAttribute("d") + path.getAttribute("transform")).join())
  const drawn = () => document.querySelector(".atlas-view")?.dataset.drawn ?? ""
  const run = () => drawn().split("/")[0]
  const changes = {
    figures: () => {
      const before = plots()
      return () => { const now = plots(); return now.length === before.length && now.every((p, i) => p && p !== before[i]) }
    },
    run: () => { const before = run(); return () => run() && run() !== before },
    stopped: () => () => [...document.querySelectorAll("button")].some((b) => b.textContent.includes("Run again")),
  }
  const painted = () => new Promise((resolve) => {
    const channel = new MessageChannel()
    channel.port1.onmessage = () => resolve(performance.now())
    channel.port2.postMessage(0)
  })
  const until = (reached, limit) => new Promise((resolve) => {
    const end = performance.now() + limit * 1000
    const look = () => {
      if (reached()) painted().then(resolve)
      else if (performance.now() > end) resolve(NaN)
      else requestAnimationFrame(look)
    }
    requestAnimationFrame(look)
  })
  const bench = { plots, drawn }
  bench.arm = (event, change, limit) => {
    const reached = changes[change]()
    bench.result = new Promise((resolve) => addEventListener(event, () => {
      const start = performance.now()
      until(reached, limit).then((end) => resolve(end - start))
    }, { capture: true, once: true }))
  }
  bench.content = (selector) => until(() => document.querySelector(selector)?.textContent.trim(), 60)
  bench.frames = (seconds) => new Promise((resolve) => {
    const start = performance.now(), seen = new Set()
    const look = () => {
      seen.add(drawn())
      const passed = (performance.now() - start) / 1000
      if (passed < seconds) requestAnimationFrame(look)
      else resolve((seen.size - 1) / passed)
    }
    requestAnimationFrame(look)
  })
  return bench
})()
"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """The machine's Chromium, or the one that playwright installed."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found)
        try:
            yield browser
        finally:
            browser.close()


def fresh_page(browser: Browser) -> Page:
    """A page with an empty cache."""
    context = browser.new_context(viewport=VIEWPORT)  # type: ignore[arg-type]
    context.set_default_timeout(OPEN_SECONDS * 1000)
    context.add_init_script(SCRIPT)
    return context.new_page()


def slider(page: Page, label: str) -> Locator:
    """The first handle of the slider whose label starts so."""
    return page.locator(f'input[type=range][aria-label^="{label}"]').first


def press(page: Page, handle: Locator, key: str, change: Literal["figures", "run"]) -> float:
    """Milliseconds from a key on a slider to the change painted; NaN if it never came."""
    handle.focus()
    page.evaluate("([change, limit]) => bench.arm('keydown', change, limit)", [change, LIMIT_SECONDS])
    page.keyboard.press(key)
    return float(page.evaluate("bench.result"))


def click(page: Page, button: str, change: Literal["run", "stopped"]) -> float:
    """Milliseconds from a click on a button to the change painted; NaN if it never came."""
    page.evaluate("([change, limit]) => bench.arm('click', change, limit)", [change, LIMIT_SECONDS])
    # Streamlit's own header has a Stop as well, while a script runs.
    page.get_by_test_id("stMain").get_by_role("button", name=button).click()
    return float(page.evaluate("bench.result"))
