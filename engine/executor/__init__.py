"""Where a run happens: in the caller, in a pool of worker processes, or on a Ray cluster, behind one interface.

Two environment variables decide, read once:

- ``DEEP_ATLAS_RAY``: the address of a Ray cluster, as ``ray.init`` takes it. Unset or empty means no cluster.
- ``DEEP_ATLAS_WORKERS``: how many worker processes, a whole number from 0 to 64. Unset means as many as cores, four at
  most, since each takes about 600 MB; 0 runs labs in the caller.
"""

from __future__ import annotations

import os
from functools import cache

from engine.errors import AtlasError
from engine.executor.inline import Inline
from engine.executor.interface import Executor, Job, State, Status
from engine.executor.pool import WorkerPool
from engine.executor.ray import RayCluster

__all__ = ["Executor", "Inline", "Job", "RayCluster", "State", "Status", "WorkerPool", "executor"]

MOST_WORKERS = 64
USUAL_WORKERS = 4


@cache
def executor() -> Executor:
    """The executor of this server, shared by all sessions; AtlasError if the environment asks for one it can't have."""
    if address := os.environ.get("DEEP_ATLAS_RAY"):
        return RayCluster(address)
    size = _workers()
    return WorkerPool(size) if size else Inline()


def _workers() -> int:
    text = os.environ.get("DEEP_ATLAS_WORKERS", "")
    if not text:
        return min(os.cpu_count() or 1, USUAL_WORKERS)
    if not (text.isascii() and text.isdigit() and int(text) <= MOST_WORKERS):
        raise AtlasError(f"DEEP_ATLAS_WORKERS must be a whole number from 0 to {MOST_WORKERS}, got {text!r}.")
    return int(text)
