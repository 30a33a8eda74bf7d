"""A server and a Chromium for the tests of what only a browser shows."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

ROOT = Path(__file__).resolve().parent.parent.parent
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]
SLOW = 60_000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder drives a browser."""
    for item in items:
        if Path(item.fspath).is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.browser)


def _chromium() -> str | None:
    names = (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    return next((path for name in names if name and (path := shutil.which(name))), None)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server(NamedTuple):
    """Where the app is served, and by which process."""

    address: str
    pid: int


@contextmanager
def serve(script: str = "streamlit_app.py", **environment: str) -> Iterator[Server]:
    """A script on a free port, as ``make run`` starts the app."""
    port = _free_port()
    command = [sys.executable, "-m", "streamlit", "run", script, "--server.headless=true"]
    command += [f"--server.port={port}", "--server.address=127.0.0.1"]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), **environment}
    process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_until_up(f"http://127.0.0.1:{port}/_stcore/health", process)
        yield Server(f"http://127.0.0.1:{port}", process.pid)
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait_until_up(health: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        assert process.poll() is None, "the server ended at once"
        try:
            with urllib.request.urlopen(health, timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the server did not come up within 30 s")


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    with serve() as served:
        yield served.address


class Launcher(NamedTuple):
    """What starts a Chromium, with flags beside the usual ones."""

    playwright: Playwright
    path: str

    @contextmanager
    def open(self, *flags: str) -> Iterator[Browser]:
        """A Chromium until the block ends."""
        browser = self.playwright.chromium.launch(executable_path=self.path, args=[*FLAGS, *flags])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def launcher() -> Iterator[Launcher]:
    path = _chromium()
    if path is None:
        pytest.skip("no Chromium found: install one or name it in CHROMIUM")
    with sync_playwright() as playwright:
        yield Launcher(playwright, path)


@pytest.fixture(scope="session")
def chromium(launcher: Launcher) -> Iterator[Browser]:
    with launcher.open() as browser:
        yield browser


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """A fresh visitor, whose pages must load nothing from outside and raise no script error."""
    found = chromium.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True)
    found.set_default_timeout(SLOW)
    yield found
    found.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    problems: list[str] = []
    tab = context.new_page()
    tab.on("pageerror", lambda error: problems.append(str(error)))
    tab.on("request", lambda r: problems.append(r.url) if _is_outside(r.url) else None)
    yield tab
    assert not problems


def _is_outside(url: str) -> bool:
    return not url.startswith(("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:", "about:"))
