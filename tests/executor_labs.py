"""Labs that misbehave, for the executors' tests, and ways to wait for them; workers load the labs by name from here.

Heavy imports wait for the runs that need them, so that a server in a test starts quickly.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

from engine.errors import AtlasError
from engine.executor import Job, WorkerPool
from engine.lab import Frame, Lab
from engine.params import Params


class Try(Params):
    frames: int = 3
    seconds: float = 0.0
    folder: Path = Path()


def frame(value: Any) -> Frame:
    import plotly.graph_objects as go

    return Frame(figures={"Line": go.Figure({"data": [{"type": "scatter", "y": [1, 2]}]})}, says="", note=str(value))


def count(params: Try) -> Iterator[Frame]:
    """As many frames as asked, so far apart; notes its process, and its end, in the folder if there is one."""
    if params.folder.name:
        (params.folder / "pid").write_text(str(os.getpid()))
    try:
        for number in range(params.frames):
            yield frame(number)
            time.sleep(params.seconds)
    finally:
        if params.folder.name:
            (params.folder / "closed").touch()


def random(params: Try) -> Iterator[Frame]:
    import torch

    from engine.seeding import generator

    for draw in torch.randn(params.frames, generator=generator(params.seed)):
        yield frame(draw.item())


def picture(params: Try) -> Iterator[Frame]:
    import numpy as np

    yield Frame(figures={}, says="", pictures={"Grey": np.full((2, 2, 3), 128, np.uint8)})


def threads(params: Try) -> Iterator[Frame]:
    import torch

    yield frame(f"{torch.get_num_threads()} {os.environ['OMP_NUM_THREADS']} {os.nice(0)}")


def leave(params: Try) -> Iterator[Frame]:
    yield frame(0)
    os._exit(3)


def killed(params: Try) -> Iterator[Frame]:
    yield frame(0)
    os.kill(os.getpid(), signal.SIGKILL)


def orphan(params: Try) -> Iterator[Frame]:
    """Dies while a child of its own holds its pipe open."""
    yield frame(0)
    if os.fork() == 0:
        time.sleep(5)
    os._exit(3)


def hog(params: Try) -> Iterator[Frame]:
    import numpy as np

    held = []
    while True:
        held.append(np.ones(25_000_000))  # 200 MB
        yield frame(len(held))
        time.sleep(0.05)


def full(params: Try) -> Iterator[Frame]:
    import torch

    yield frame(0)
    torch.empty(2**55)


def refuse(params: Try) -> Iterator[Frame]:
    yield frame(0)
    raise AtlasError("The rate must be below 2, got 3.")


def fail(params: Try) -> Iterator[Frame]:
    yield frame(0)
    raise ZeroDivisionError("secret detail")


def untidy(params: Try) -> Iterator[Frame]:
    try:
        while True:
            yield frame(0)
            time.sleep(0.02)
    finally:
        raise ZeroDivisionError("secret detail")


RUNS: dict[str, Callable[[Try], Iterator[Frame]]] = {
    run.__name__: run
    for run in (count, random, picture, threads, leave, killed, orphan, hog, full, refuse, fail, untidy)
}


def load(slug: str) -> Lab[Try]:
    return Lab(slug=slug, summary="", params=Try, run=RUNS[slug], look_for="", maths="", code=())


LOAD = "tests.executor_labs:load"
PATIENCE = 120.0  # seconds; only a failure takes so long

LONG = Try(frames=100_000, seconds=0.01)
STUBBORN = Try(frames=2, seconds=60)


def until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.005)


def ended(job: Job) -> bool:
    return job.status.state not in ("waiting", "running")


def first(job: Job) -> str:
    arrived: list[str] = []
    until(lambda: arrived.extend(notes(job)) or arrived)
    return arrived[0]


def notes(job: Job) -> list[str]:
    return [shot.frame.note for shot in job.poll()]


def finish(job: Job) -> list[str]:
    arrived: list[str] = []
    until(lambda: arrived.extend(notes(job)) or ended(job))
    return arrived + notes(job)


def pid_of(pool: WorkerPool, folder: Path) -> int:
    """The process of the worker that is free next."""
    finish(pool.submit("count", Try(folder=folder)))
    return int((folder / "pid").read_text())


def alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
