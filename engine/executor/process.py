"""The server's side of one worker process: starting it, talking to it, measuring it, ending it."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from multiprocessing import Pipe
from typing import TYPE_CHECKING

import psutil

from engine.executor.worker import Word

if TYPE_CHECKING:
    from engine.executor.pool import PoolJob


class WorkerProcess:
    """A worker and the job it has, if any."""

    def __init__(self, load: str) -> None:
        """Start the process; OSError if the machine refuses."""
        self.pipe, theirs = Pipe()
        with theirs:
            self._process = _start(theirs.fileno(), load)
        self._pid = 0
        self.job: PoolJob | None = None
        self.stop_by: float | None = None  # on time.monotonic's clock

    @property
    def ready(self) -> bool:
        """Whether it has said that it is warm."""
        return self._pid > 0

    @property
    def memory(self) -> int:
        """Its resident memory, in bytes; 0 when it is gone."""
        try:
            return int(psutil.Process(self._pid).memory_info().rss)
        except psutil.NoSuchProcess:
            return 0

    @property
    def gone(self) -> bool:
        """Whether it died without an end of file on its pipe, which a child of its own may be holding open."""
        try:
            return self._process.poll() is not None and not self.pipe.poll()
        except BrokenPipeError:
            return False

    def hear(self) -> Word | None:
        """The next word, or None if it died."""
        try:
            word: Word = self.pipe.recv()
        except (EOFError, OSError):
            return None
        if word.kind == "ready":
            # Not the pid of what was started: in a virtual environment on Windows that is a launcher.
            self._pid = word.pid
        return word

    def tell(self, message: object) -> None:
        """Send a task, or the number of a job to stop. A dead worker hears nothing and is found by its end of file."""
        with suppress(OSError):
            self.pipe.send(message)

    def kill(self) -> None:
        """End the process, whatever it is doing, without waiting for the end."""
        self.pipe.close()
        self._process.kill()

    def exit_code(self, seconds: float) -> int | None:
        """Its exit code, waiting at most ``seconds``; None if it is still there."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None


def _start(handle: int, load: str) -> subprocess.Popen[bytes]:
    """Start a fresh interpreter that inherits one end of a pipe.

    Not multiprocessing's own spawn: that runs the server's main script again in every child, and under Streamlit the main
    script is the app. It also leaves the environment as it is, and OMP_NUM_THREADS counts only before PyTorch loads.
    """
    command = [sys.executable, "-c", f"from engine.executor.worker import main; main({handle}, {load!r})"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    if sys.platform == "win32":
        os.set_handle_inheritable(handle, True)
        only = subprocess.STARTUPINFO(lpAttributeList={"handle_list": [handle]})
        return subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, startupinfo=only)
    return subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, pass_fds=(handle,))
