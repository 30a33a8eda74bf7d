"""A worker process of the pool: holds PyTorch ready, runs one lab at a time, and sends its frames back as they come.

Down the pipe come tasks, and bare job numbers that mean "stop this one"; up the pipe go words. Frames and parameters travel
as bytes, so the pool between lab and page never has to unpickle them, nor to import what is in them.
"""

from __future__ import annotations

import gc
import os
import pickle
import signal
import sys
import threading
from contextlib import closing
from dataclasses import dataclass
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Literal, NamedTuple

from engine.executor.interface import sentence, snapshots


@dataclass(frozen=True)
class Task:
    """One run: the job's number, the lab's slug and its pickled parameters."""

    number: int
    slug: str
    params: bytes


class Word(NamedTuple):
    """What a worker says: it is ready, here is a pickled snapshot of its job, or its job has ended."""

    kind: Literal["ready", "frame", "done", "failed"]
    frame: bytes = b""
    message: str = ""
    pid: int = 0


class Worker:
    """The worker's side of the pipe. Job numbers only grow, so a late stop can never hit the job that came after."""

    def __init__(self, pipe: Connection, load: str) -> None:
        """``load`` names the function from slug to lab."""
        self._pipe = pipe
        self._load = load
        self._tasks: SimpleQueue[Task] = SimpleQueue()
        self._stopped = 0

    def serve(self) -> None:
        """Run tasks as they come; ends with the process."""
        threading.Thread(target=self._listen, daemon=True).start()
        self._pipe.send(Word("ready", pid=os.getpid()))
        while True:
            # No name holds a task while the worker waits: a person's uploads don't outlast their run.
            self._pipe.send(self._run(self._tasks.get()))

    def _listen(self) -> None:
        # A thread of its own hears a stop, and the death of the server, in the middle of a frame.
        try:
            while True:
                message = self._pipe.recv()
                if isinstance(message, Task):
                    self._tasks.put(message)
                else:
                    self._stopped = message
                del message
        except (EOFError, OSError):
            os._exit(0)

    def _run(self, task: Task) -> Word:
        try:
            with closing(snapshots(self._load, task.slug, pickle.loads(task.params))) as frames:
                for frame in frames:
                    if self._stopped == task.number:
                        break
                    self._pipe.send(Word("frame", pickle.dumps(frame)))
        except Exception as error:
            return Word("failed", message=sentence(error))
        return Word("done")


def prepare() -> None:
    """Make the process a good neighbour, then load what every lab that trains needs."""
    # Ctrl-C reaches the whole terminal; the server decides when its workers end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Training takes every core it is given: the web server, at normal priority, stays responsive beside it.
    if hasattr(os, "nice"):
        os.nice(10)
    import torch

    from engine.figures.theme import figure

    torch.set_num_threads(1)
    # The drawing library loads most of itself with its first figure.
    figure([{"type": "scatter"}]).to_json(validate=False)
    # What is loaded by now stays for good; without it each collection while training skips over some 100 ms of modules.
    gc.collect()
    gc.freeze()


def main(handle: int, load: str) -> None:
    """Serve the pool at the other end of an inherited handle: a file descriptor, or a pipe's handle on Windows."""
    if sys.platform == "win32":
        from multiprocessing.connection import PipeConnection

        pipe = PipeConnection(handle)
    else:
        pipe = Connection(handle)
    prepare()
    Worker(pipe, load).serve()
