"""Runs on a Ray cluster, for when one machine isn't enough. Its nodes need Deep Atlas; Ray is an optional extra."""

from __future__ import annotations

import socket
from typing import Any

from engine.errors import AtlasError
from engine.executor.interface import LOAD, OUT_OF_MEMORY, State, Status, sentence, snapshots
from engine.params import Params
from engine.snapshot import Snapshot

REACH_SECONDS = 5.0


class RayCluster:
    """An executor whose queue, workers and limits are the cluster's."""

    def __init__(self, address: str, load: str = LOAD) -> None:
        """Join the cluster at ``address``; AtlasError if it can't be reached or Ray isn't installed."""
        try:
            import ray
        except ImportError:
            raise AtlasError("Ray is not installed: install deep-atlas[cluster], or unset DEEP_ATLAS_RAY.") from None
        try:
            _reach(address)
            ray.init(address=address, ignore_reinit_error=True, log_to_driver=False)
        except (OSError, ValueError) as error:
            raise AtlasError(
                f"DEEP_ATLAS_RAY must be the address of a running Ray cluster, got {address!r}."
            ) from error
        self._load = load
        # Without retries: a lab that brings down its worker would do it again.
        self._stream: Any = ray.remote(num_returns="streaming", max_retries=0)(snapshots)

    def submit(self, slug: str, params: Params) -> RayJob:
        """Send a run to the cluster."""
        return RayJob(self._stream.remote(self._load, slug, params))

    def warm(self) -> None:
        """The cluster keeps its own workers."""

    def close(self) -> None:
        """Leave the cluster, which ends the runs this server sent there."""
        import ray

        ray.shutdown()


class RayJob:
    """One run on the cluster; waiting, at a place the cluster keeps to itself, until its first frame is here."""

    def __init__(self, stream: Any) -> None:
        """``stream`` is the task's generator of object references."""
        self._stream = stream
        self._state: State = "waiting"
        self._message = ""

    @property
    def status(self) -> Status:
        """Where the job stood at the last poll."""
        return Status(self._state, message=self._message)

    def poll(self) -> list[Snapshot]:
        """The snapshots that have reached this machine since the last poll."""
        import ray

        arrived: list[Snapshot] = []
        while self._state in ("waiting", "running") and ray.wait([self._stream], timeout=0)[0]:
            try:
                arrived.append(ray.get(next(self._stream)))
                self._settle("running")
            except StopIteration:
                self._settle("done")
            except ray.exceptions.RayError as error:
                self._settle("failed", _sentence(error))
        return [] if self._state == "stopped" else arrived

    def stop(self) -> None:
        """Cancel the task: in the lab that is an interrupt, which closes its generator."""
        import ray

        if self._state in ("waiting", "running"):
            self._state = "stopped"
            ray.cancel(self._stream)

    def _settle(self, state: State, message: str = "") -> None:
        if self._state in ("waiting", "running"):
            self._state, self._message = state, message


def _reach(address: str) -> None:
    # ray.init keeps trying a host where nobody listens for many minutes, and a page would wait with it.
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if port.isdigit():
        socket.create_connection((host, int(port)), REACH_SECONDS).close()


def _sentence(error: Exception) -> str:
    from ray import exceptions

    if isinstance(error, exceptions.OutOfMemoryError):
        return OUT_OF_MEMORY
    if isinstance(error, exceptions.TaskCancelledError):
        return "The cluster cancelled this lab; run it again."
    if isinstance(error, exceptions.RayTaskError):
        return sentence(error.cause)
    return "The cluster lost the worker running this lab; run it again or make the settings smaller."
