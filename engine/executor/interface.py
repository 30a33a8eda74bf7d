"""What every executor offers, and what they share: the stream of a run and the sentence for what went wrong."""

from __future__ import annotations

import logging
import pkgutil
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from typing import Literal, Protocol

from engine.errors import AtlasError
from engine.params import Params
from engine.snapshot import Snapshot, snapshot

State = Literal["waiting", "running", "done", "stopped", "failed"]

# Where labs come from, as pkgutil.resolve_name reads it, so that it can be named to another process.
LOAD = "engine.lab:load"

OUT_OF_MEMORY = "This lab ran out of memory; make the settings smaller and run it again."

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Status:
    """Where a job stands.

    ``place`` is its place in the queue, 1 for the next; 0 when it isn't waiting, or waits in a queue that a cluster keeps
    to itself. ``message`` is one sentence when it failed.
    """

    state: State
    place: int = 0
    message: str = ""


class Job(Protocol):
    """One run, somewhere."""

    def poll(self) -> list[Snapshot]:
        """The snapshots that arrived since the last poll, in order, without waiting for more."""

    @property
    def status(self) -> Status:
        """Where the job stands now."""

    def stop(self) -> None:
        """End the run at once, whatever it is doing; nothing happens if it has ended."""


class Executor(Protocol):
    """A place where runs happen."""

    def submit(self, slug: str, params: Params) -> Job:
        """Start a run or queue it. What goes wrong later is in the job's status."""

    def warm(self) -> None:
        """Start workers ahead of the first run; returns at once."""

    def close(self) -> None:
        """Stop every run and let go of all processes and threads."""


def snapshots(load: str, slug: str, params: Params) -> Generator[Snapshot]:
    """Run one lab, its frames ready to travel. Closing this closes the lab's own generator, too, and at once."""
    with closing(pkgutil.resolve_name(load)(slug).frames(params)) as frames:
        for frame in frames:
            yield snapshot(frame)


def sentence(error: Exception) -> str:
    """What a person reads about an error in a lab; the log has the rest where the error is a surprise."""
    if isinstance(error, AtlasError):
        return str(error)
    log.error("A lab failed.", exc_info=error)
    # PyTorch raises its own error for a card's memory, and a plain RuntimeError for the machine's.
    name = type(error).__name__
    if isinstance(error, MemoryError) or name == "OutOfMemoryError" or "can't allocate memory" in str(error):
        return OUT_OF_MEMORY
    return f"This lab stopped because of an error in its code ({name}), which the server has logged."
