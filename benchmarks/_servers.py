"""Streamlit servers to measure: the app as configured, and bare pages to compare it with."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60.0
# The app loads PyTorch and its workers a moment after its first page; a server isn't quiet before that.
WARM_SECONDS = 2.5
QUIET_SHARE = 0.1

# One slider over the lab's own figures, drawn the way a first Streamlit app draws them.
BARE = """
import streamlit as st
import torch  # so that a collection costs what it costs beside the app

from engine.lab import load

lab = load(st.query_params["lab"])
if lab.slug == "iou":
    params = lab.params(a_across=st.slider("A, left to right", 0.0, 100.0, (15.0, 65.0), 1.0))
else:
    params = lab.params(steps=st.slider("Steps", 0, 60, 20))
for figure in next(lab.run(params)).figures.values():
    st.plotly_chart(figure)
"""

EMPTY = """
import streamlit as st

st.title("Empty")
st.write("hello")
"""


@dataclass(frozen=True)
class Server:
    """A running server."""

    port: int
    process: psutil.Process
    is_app: bool

    @property
    def url(self) -> str:
        """The address of its home page, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def torch_loaded(self) -> bool | None:
        """Whether the process has PyTorch's library in memory; None where the system doesn't say."""
        try:
            return "libtorch" in Path(f"/proc/{self.process.pid}/maps").read_text()
        except OSError:
            return None

    def settle(self, seconds: float = 30.0) -> None:
        """Wait until the server and its workers have stopped loading things."""
        end = time.monotonic() + seconds
        used, calm = self._cpu_seconds(), 0
        while calm < 2 and time.monotonic() < end:
            time.sleep(0.5)
            before, used = used, self._cpu_seconds()
            calm = calm + 1 if used - before < QUIET_SHARE * 0.5 else 0

    def _cpu_seconds(self) -> float:
        total = 0.0
        for process in family(self.process):
            with suppress(psutil.Error):
                times = process.cpu_times()
                total += times.user + times.system
        return total


@contextmanager
def app() -> Iterator[Server]:
    """The app, as ``streamlit run streamlit_app.py`` starts it."""
    with _serve(ROOT / "streamlit_app.py", ROOT) as server:
        yield server


@contextmanager
def bare(folder: Path, collect: bool) -> Iterator[Server]:
    """The bare page under Streamlit's defaults, with or without the collection after each run."""
    script = folder / "bare.py"
    script.write_text(BARE, encoding="utf-8")
    flags = ["--browser.gatherUsageStats=false", f"--runner.postScriptGC={str(collect).lower()}"]
    with _serve(script, folder, flags) as server:
        yield server


@contextmanager
def empty(folder: Path) -> Iterator[Server]:
    """A page of two lines, configured like the app."""
    home = folder / "empty"
    shutil.copytree(ROOT / ".streamlit", home / ".streamlit", dirs_exist_ok=True)
    script = home / "empty.py"
    script.write_text(EMPTY, encoding="utf-8")
    with _serve(script, home) as server:
        yield server


@contextmanager
def _serve(script: Path, cwd: Path, flags: Sequence[str] = ()) -> Iterator[Server]:
    port = _free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(script)]
    address = ["--server.headless=true", "--server.address=127.0.0.1", f"--server.port={port}"]
    # One thread a process, as `make run` sets it.
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    quiet = subprocess.DEVNULL
    with subprocess.Popen([*command, *address, *flags], cwd=cwd, env=env, stdout=quiet, stderr=quiet) as popen:
        try:
            server = Server(port, psutil.Process(popen.pid), cwd == ROOT)
            _wait_until_healthy(server, popen)
            yield server
        finally:
            _end(popen)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_healthy(server: Server, popen: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and popen.poll() is None:
        with suppress(OSError), urllib.request.urlopen(f"{server.url}/_stcore/health", timeout=2):
            return
        time.sleep(0.05)
    raise RuntimeError(f"The server of {popen.args!r} did not start.")


def family(process: psutil.Process) -> list[psutil.Process]:
    """A process with all its children."""
    with suppress(psutil.Error):
        return [process, *process.children(recursive=True)]
    return []


def _end(popen: subprocess.Popen[bytes]) -> None:
    """End a server and whatever workers it leaves behind."""
    with suppress(psutil.Error):
        workers = family(psutil.Process(popen.pid))[1:]
        popen.terminate()
        try:
            popen.wait(5)
        except subprocess.TimeoutExpired:
            popen.kill()
        for worker in psutil.wait_procs(workers, timeout=2)[1]:
            with suppress(psutil.Error):
                worker.kill()
