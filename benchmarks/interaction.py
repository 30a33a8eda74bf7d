"""How fast the app answers: every bar of speed measured in one run, printed as one JSON object.

``python -m benchmarks.interaction [--repeats N] [--quick] [--only SECTION]``, from the repository's root. It measures and
doesn't judge: what could not be measured is ``null`` or carries an ``error``, and the exit code is 0. What each number
means is in ``benchmarks/README.md``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import platform
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from importlib.metadata import version
from itertools import count
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from benchmarks import _servers as servers
from benchmarks._browser import chromium, click, fresh_page, press, slider
from benchmarks._session import Session, session

WARM_UP = 3
# Turning back after so many steps keeps the sliders inside their range, and a figure from being sent again while
# Streamlit's message cache (two runs) still has it.
SWEEP = 20
THINK_SECONDS = 0.3
SECTION_SECONDS = 150.0
LONG = "lab=shallow-network&steps=400000&units=20"
TITLE = '[data-testid="stMain"] :is(h1, h2)'
MAP = ".atlas-map a"


@dataclass(frozen=True)
class Subject:
    """A lab, its page, and the slider to move: the start of its label, and its values when its first handle is at x."""

    slug: str
    page: str
    label: str
    start: int
    values: Callable[[float], list[float]]


SUBJECTS = (
    Subject("gradient-descent", "foundations", "Steps", 20, lambda x: [x]),
    Subject("iou", "detection", "A, left to right", 15, lambda x: [x, 65.0]),
)


@dataclass(frozen=True)
class Plan:
    """How many samples each section takes."""

    repeats: int

    @property
    def messages(self) -> int:
        """Moves over the websocket, which are quick."""
        return self.repeats * 3 // 2

    @property
    def visits(self) -> int:
        """Cold visits, each with a new server."""
        return max(2, self.repeats // 8)

    @property
    def restarts(self) -> int:
        """Restarts, and stops, of a training."""
        return max(4, self.repeats // 4)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.interaction", description=__doc__)
    parser.add_argument("--repeats", type=int, default=40, help="samples of a slider's move; the others in proportion")
    parser.add_argument("--quick", action="store_true", help="5 repeats: shows that everything works")
    parser.add_argument("--only", choices=SECTIONS, help="one section")
    chosen = parser.parse_args(arguments)
    # Ended from outside, it still ends its servers on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    plan, start = Plan(5 if chosen.quick else chosen.repeats), time.monotonic()
    report: dict[str, Any] = {"machine": machine()}
    for name in [chosen.only] if chosen.only else SECTIONS:
        report[name] = section(name, plan)
    report["seconds"] = round(time.monotonic() - start, 1)
    print(json.dumps(report, indent=2))
    return 0


def machine() -> dict[str, Any]:
    """What the numbers depend on, load included: beside other work they mean little."""
    packages = {name: version(name) for name in ("streamlit", "plotly", "torch")}
    load = [round(x, 2) for x in os.getloadavg()] if hasattr(os, "getloadavg") else None
    with chromium() as browser:
        packages["chromium"] = browser.version
    return {"python": platform.python_version(), **packages, "cores": os.cpu_count(), "load_average": load}


def section(name: str, plan: Plan) -> dict[str, Any]:
    """Measure one section; what goes wrong is part of its report."""
    say(f"{name} …")
    try:
        with tempfile.TemporaryDirectory(prefix="atlas-bench-", ignore_cleanup_errors=True) as folder:
            return SECTIONS[name](plan, Path(folder))
    except Exception as problem:
        say(f"{name}: {problem!r}")
        return {"error": f"{type(problem).__name__}: {problem}"}


def say(text: str) -> None:
    """Progress, for the person who waits."""
    print(text, file=sys.stderr, flush=True)


def summary(milliseconds: Sequence[float]) -> dict[str, Any]:
    """Median and 95th percentile; ``missed`` counts what never happened."""
    good = sorted(ms for ms in milliseconds if math.isfinite(ms))
    missed = {"missed": len(milliseconds) - len(good)} if len(good) < len(milliseconds) else {}
    if not good:
        return {"median_ms": None, "p95_ms": None, "n": 0, **missed}
    p95 = good[math.ceil(0.95 * len(good)) - 1]
    return {"median_ms": round(statistics.median(good), 1), "p95_ms": round(p95, 1), "n": len(good), **missed}


def ratio(one: dict[str, Any], other: dict[str, Any]) -> float | None:
    """How many times the other's median."""
    a, b = one["median_ms"], other["median_ms"]
    return round(a / b, 3) if a and b else None


# Home page, cold


def home_first_paint(plan: Plan, folder: Path) -> dict[str, Any]:
    """From navigation to the title painted, a new server and an empty cache each time, the app and the empty app in turns."""
    kinds: dict[str, list[dict[str, Any]]] = {"app": [], "empty": []}
    end = time.monotonic() + SECTION_SECONDS
    with chromium() as browser:
        for _ in range(plan.visits):
            if time.monotonic() > end:
                break
            with servers.app() as server:
                kinds["app"].append(_visit(browser, server, MAP))
            with servers.empty(folder) as server:
                kinds["empty"].append(_visit(browser, server, TITLE))
    report: dict[str, Any] = {
        name: {part: summary([visit[part] for visit in visits]) for part in ("shell", "title", "whole")}
        for name, visits in kinds.items()
    }
    report["title_ratio"] = ratio(report["app"]["title"], report["empty"]["title"])
    report["whole_ratio"] = ratio(report["app"]["whole"], report["empty"]["whole"])
    report["torch_imported_at_first_paint"] = [visit["torch"] for visit in kinds["app"]]
    return report


def _visit(browser: Browser, server: servers.Server, last: str) -> dict[str, Any]:
    """One first visit: the shell's first paint, the title's, and that of the last thing the page shows."""
    server.settle(10)
    page = fresh_page(browser)
    page.goto(server.url, wait_until="commit")
    title = page.evaluate("(selector) => bench.content(selector)", TITLE)
    torch = server.torch_loaded
    whole = page.evaluate("(selector) => bench.content(selector)", last) if last != TITLE else title
    paint = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN"
    shell = page.evaluate(paint)
    page.context.close()
    return {"shell": shell, "title": title, "whole": whole, "torch": torch}


# Slider to painted


def slider_to_painted(plan: Plan, folder: Path) -> dict[str, Any]:
    """The app beside two bare pages, in rounds, so that whatever else the machine does hits all three alike."""
    with ExitStack() as stack:
        running = {
            "app": stack.enter_context(servers.app()),
            "bare_without_collection": stack.enter_context(servers.bare(folder, collect=False)),
            "bare_defaults": stack.enter_context(servers.bare(folder, collect=True)),
        }
        browser = stack.enter_context(chromium())
        return {subject.slug: _compare(browser, running, subject, plan.repeats) for subject in SUBJECTS}


def _compare(browser: Browser, running: dict[str, servers.Server], subject: Subject, repeats: int) -> dict[str, Any]:
    pages = {name: _opened(browser, server, subject) for name, server in running.items()}
    time.sleep(servers.WARM_SECONDS)
    for server in running.values():
        server.settle()
    taken: dict[str, list[float]] = {name: [] for name in pages}
    end = time.monotonic() + SECTION_SECONDS / len(SUBJECTS)
    for i in range(WARM_UP + repeats):
        if time.monotonic() > end:
            break
        for name, page in pages.items():
            page.bring_to_front()
            key = "ArrowRight" if (i // SWEEP) % 2 == 0 else "ArrowLeft"
            taken[name].append(press(page, slider(page, subject.label), key, "figures"))
            time.sleep(THINK_SECONDS)
    for page in pages.values():
        page.context.close()
    report: dict[str, Any] = {name: summary(times[WARM_UP:]) for name, times in taken.items()}
    for other in ("bare_without_collection", "bare_defaults"):
        report[f"app_to_{other}"] = ratio(report["app"], report[other])
    return report


def _opened(browser: Browser, server: servers.Server, subject: Subject) -> Page:
    page = fresh_page(browser)
    path = f"/{subject.page}" if server.is_app else "/"
    page.goto(f"{server.url}{path}?lab={subject.slug}&seed=0")
    page.wait_for_function("bench.plots().length > 1 && bench.plots().every(Boolean)")
    return page


# Over the websocket


def rerun_to_message(plan: Plan, folder: Path) -> dict[str, Any]:
    """From a moved slider sent to the message with its figure received, without a browser."""
    return asyncio.run(_messages(plan))


async def _messages(plan: Plan) -> dict[str, Any]:
    report = {}
    with servers.app() as server:
        for subject in SUBJECTS:
            async with session(server.url, subject.page, f"lab={subject.slug}&seed=0") as person:
                await asyncio.sleep(servers.WARM_SECONDS)
                await asyncio.to_thread(server.settle)
                times = [ms async for ms in _moves(person, subject, WARM_UP + plan.messages, 0.1)]
            report[subject.slug] = summary(times[WARM_UP:])
    return report


async def _moves(person: Session, subject: Subject, moves: int, think: float) -> AsyncIterator[float]:
    """Milliseconds of each move; NaN for one that never showed."""
    end = time.monotonic() + SECTION_SECONDS / 2
    for i in range(1, moves + 1):
        # Up and down the sweep: 1, 2 … SWEEP … 2, 1, 0, 1 …
        at = subject.start + SWEEP - abs(SWEEP - i % (2 * SWEEP))
        try:
            yield 1000 * await person.move(subject.label, subject.values(float(at)))
        except TimeoutError:
            yield math.nan
        if time.monotonic() > end:
            return
        await asyncio.sleep(think)


# Beside trainings


def other_sessions(plan: Plan, folder: Path) -> dict[str, Any]:
    """A fifth person moves a slider while four have started trainings."""
    return asyncio.run(_beside_trainings(plan))


async def _beside_trainings(plan: Plan) -> dict[str, Any]:
    subject = SUBJECTS[0]
    with servers.app() as server:
        async with AsyncExitStack() as stack:
            person = await stack.enter_async_context(session(server.url, subject.page, f"lab={subject.slug}&seed=0"))
            await asyncio.sleep(servers.WARM_SECONDS)
            await asyncio.to_thread(server.settle)
            alone = [ms async for ms in _moves(person, subject, WARM_UP + plan.messages // 2, THINK_SECONDS)]
            trainings = [
                await stack.enter_async_context(session(server.url, "foundations", f"{LONG}&seed={seed}"))
                for seed in range(1, 5)
            ]
            await _all_started(trainings)
            before, start = [len(each.frames) for each in trainings], time.monotonic()
            beside = [ms async for ms in _moves(person, subject, WARM_UP + plan.messages, THINK_SECONDS)]
            seconds = time.monotonic() - start
            frames = [len(each.frames) - then for each, then in zip(trainings, before, strict=True)]
            waiting = sum("Waiting" in each.progress for each in trainings)
    return {
        "alone": summary(alone[WARM_UP:]),
        "beside_trainings": summary(beside[WARM_UP:]),
        "trainings_running": sum(n > 0 for n in frames),
        "trainings_queued": waiting,
        "frames_per_second_each": [round(n / seconds, 1) for n in frames],
    }


async def _all_started(trainings: Sequence[Session]) -> None:
    """Until every session has frames of its training or knows its place in the queue."""
    for each in trainings:
        await each.until(lambda each=each: len(each.frames) > 2 or "Waiting" in each.progress, 60)  # type: ignore[misc]


# A training in the browser


def live_training(plan: Plan, folder: Path) -> dict[str, Any]:
    """Restart by slider, stop by button, and frames drawn meanwhile."""
    moved, stopped, rates = [], [], []
    with servers.app() as server, chromium() as browser:
        page = fresh_page(browser)
        page.goto(f"{server.url}/foundations?{LONG}&seed=1")
        _frames_flow(page)
        time.sleep(servers.WARM_SECONDS)
        end = time.monotonic() + SECTION_SECONDS / 2
        for i in count():
            if i == plan.restarts or time.monotonic() > end:
                break
            moved.append(press(page, slider(page, "Hidden units"), "ArrowLeft" if i % 2 else "ArrowRight", "run"))
            _frames_flow(page)
            if i % 4 == 0:
                rates.append(page.evaluate("bench.frames(2)"))
            stopped.append(click(page, "Stop", "stopped"))
            time.sleep(THINK_SECONDS)
            click(page, "Run again", "run")
            _frames_flow(page)
    return {
        "slider_to_new_run_painted": summary(moved),
        "stop_to_stopped": summary(stopped),
        "frames_drawn_per_second": round(statistics.median(rates), 1) if rates else None,
    }


def _frames_flow(page: Page) -> None:
    """Wait until the third frame of a run is drawn."""
    page.wait_for_function("Number(bench.drawn().split('/')[1]) > 2")


SECTIONS: dict[str, Callable[[Plan, Path], dict[str, Any]]] = {
    "home_first_paint": home_first_paint,
    "slider_to_painted": slider_to_painted,
    "rerun_to_message": rerun_to_message,
    "other_sessions": other_sessions,
    "live_training": live_training,
}


if __name__ == "__main__":
    raise SystemExit(main())
