"""Runs in the caller: no processes, one slice of work per poll."""

from __future__ import annotations

import logging
import threading
import time

from engine.executor.interface import LOAD, State, Status, sentence, snapshots
from engine.params import Params
from engine.snapshot import Snapshot

SLICE_SECONDS = 0.1

log = logging.getLogger(__name__)


class Inline:
    """An executor without workers: a job advances only while it is polled."""

    def __init__(self, load: str = LOAD) -> None:
        """``load`` names the function from slug to lab."""
        self._load = load

    def submit(self, slug: str, params: Params) -> InlineJob:
        """Take a run; the first poll begins it."""
        return InlineJob(self._load, slug, params)

    def warm(self) -> None:
        """Nothing to start."""

    def close(self) -> None:
        """Nothing to let go of."""


class InlineJob:
    """A run that its caller carries. Stopping is safe from another thread: a poll under way ends after its frame."""

    def __init__(self, load: str, slug: str, params: Params) -> None:
        """A run at its beginning; nothing is loaded before the first poll."""
        self._frames = snapshots(load, slug, params)
        self._advancing = threading.Lock()
        self._state: State = "running"
        self._message = ""

    @property
    def status(self) -> Status:
        """Where the job stands: running from the start, since there is no queue."""
        return Status(self._state, message=self._message)

    def poll(self) -> list[Snapshot]:
        """Work for about 0.1 s, up to the first frame past it, and return the frames."""
        arrived: list[Snapshot] = []
        with self._advancing:
            until = time.monotonic() + SLICE_SECONDS
            while self._state == "running" and time.monotonic() < until:
                arrived += self._advance()
        if self._state == "stopped":
            self._close()
            return []
        return arrived

    def stop(self) -> None:
        """Close the lab's generator, here or at the end of the poll that is advancing it."""
        if self._state != "running":
            return
        self._state = "stopped"
        if not self._advancing.locked():
            self._close()

    def _advance(self) -> list[Snapshot]:
        try:
            return [next(self._frames)]
        except StopIteration:
            self._end("done")
        except Exception as error:
            self._end("failed", sentence(error))
        return []

    def _end(self, state: State, message: str = "") -> None:
        if self._state == "running":
            self._state, self._message = state, message

    def _close(self) -> None:
        with self._advancing:
            try:
                self._frames.close()
            except Exception:
                log.exception("A lab failed while it was being stopped.")
