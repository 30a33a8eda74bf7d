"""A warm pool of worker processes: a queue in front, limits on each run, a replacement for every worker that dies."""

from __future__ import annotations

import atexit
import itertools
import logging
import pickle
import threading
import time
from collections import deque
from multiprocessing import Pipe
from multiprocessing.connection import wait

from engine.executor.interface import LOAD, State, Status
from engine.executor.process import WorkerProcess
from engine.executor.worker import Task
from engine.params import Params
from engine.snapshot import Snapshot

MOST_UNPOLLED = 200
TICK_SECONDS = 0.1
# How long a worker has to leave a stopped run; then it is killed.
GRACE_SECONDS = 1.0

BUSY = "The server is busy and its queue is full ({waiting} waiting); try again later."
CLOSING = "The server is shutting down; run this again in a moment."
NO_WORKER = "No worker could be started for this lab; the server's log says why."
CRASHED = (
    "The worker running this lab stopped unexpectedly (exit code {code}) and was replaced; "
    "run it again or make the settings smaller."
)
TOO_BIG = "This lab needed more than {megabytes} MB of memory and was stopped; make the settings smaller."
TOO_LONG = "This lab ran for more than {seconds:g} s and was stopped; make the settings smaller."

log = logging.getLogger(__name__)


class PoolJob:
    """One run in the pool. Everything but its task changes under the pool's lock."""

    def __init__(self, pool: WorkerPool, task: Task) -> None:
        """A job at the end of no queue yet."""
        self._pool = pool
        self.task = task
        self.state: State = "waiting"
        self.message = ""
        self.started = 0.0  # on time.monotonic's clock
        # Oldest out first: a page that polls too slowly misses frames rather than filling the server's memory.
        self.frames: deque[bytes] = deque(maxlen=MOST_UNPOLLED)

    @property
    def status(self) -> Status:
        """Where the job stands now."""
        return self._pool.status(self)

    def poll(self) -> list[Snapshot]:
        """The snapshots that arrived since the last poll, in order: the newest 200 at most."""
        return [pickle.loads(frame) for frame in self._pool.take(self)]

    def stop(self) -> None:
        """End the run at once; its worker is free within about a second, or replaced."""
        self._pool.stop(self)

    def end(self, state: State, message: str = "") -> None:
        """Settle how the job ended, unless it has already."""
        if self.state in ("waiting", "running"):
            self.state, self.message = state, message


class WorkerPool:
    """Runs labs in ``size`` processes, first come first served.

    Workers start with :meth:`warm` or the first job. Callers only touch the queue and send; one thread hears every worker,
    holds the limits and replaces the dead.
    """

    def __init__(
        self, size: int, seconds: float = 600.0, megabytes: int = 2048, most_waiting: int = 64, load: str = LOAD
    ) -> None:
        """A run may take ``seconds``, and its worker ``megabytes`` of memory; ``most_waiting`` jobs may queue.

        ``load`` names the function from slug to lab that the workers call.
        """
        self._size, self._seconds, self._megabytes, self._most_waiting = size, seconds, megabytes, most_waiting
        self._load = load
        self._lock = threading.RLock()
        self._numbers = itertools.count(1)
        self._waiting: deque[PoolJob] = deque()
        self._workers: list[WorkerProcess] = []
        self._killed: list[WorkerProcess] = []
        self._closed = False
        self._bell, self._cord = Pipe(duplex=False)
        self._thread = threading.Thread(target=self._supervise, name="worker-pool", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def submit(self, slug: str, params: Params) -> PoolJob:
        """Hand a run to an idle worker or queue it; a job that can't even wait comes back failed."""
        job = PoolJob(self, Task(next(self._numbers), slug, pickle.dumps(params)))
        with self._lock:
            if self._closed:
                job.end("failed", CLOSING)
                return job
            self._waiting.append(job)
            self._grow()
            self._hand_out()
            if len(self._waiting) > self._most_waiting:
                self._waiting.remove(job)
                job.end("failed", BUSY.format(waiting=self._most_waiting))
        return job

    def warm(self) -> None:
        """Start the workers; returns at once."""
        with self._lock:
            if not self._closed:
                self._grow()

    def close(self) -> None:
        """Stop every job and end every process and thread of the pool."""
        atexit.unregister(self.close)
        with self._lock:
            self._closed = True
            for job in [*self._waiting, *(worker.job for worker in self._workers if worker.job)]:
                self.stop(job)
        self._cord.close()
        self._thread.join()
        self._bell.close()
        for worker in self._workers:
            worker.kill()
        for worker in [*self._workers, *self._killed]:
            worker.exit_code(GRACE_SECONDS)
        self._workers, self._killed = [], []

    def status(self, job: PoolJob) -> Status:
        """Where a job of this pool stands."""
        with self._lock:
            place = self._waiting.index(job) + 1 if job.state == "waiting" else 0
            return Status(job.state, place, job.message)

    def take(self, job: PoolJob) -> list[bytes]:
        """Empty a job's unpolled frames."""
        with self._lock:
            frames = list(job.frames)
            job.frames.clear()
        return frames

    def stop(self, job: PoolJob) -> None:
        """Take a job out of the queue or off its worker; nothing happens if it has ended."""
        with self._lock:
            if job.state == "waiting":
                self._waiting.remove(job)
            elif job.state == "running":
                self._call_off(job)
            else:
                return
            job.end("stopped")
            job.frames.clear()

    def _call_off(self, job: PoolJob) -> None:
        worker = next(worker for worker in self._workers if worker.job is job)
        worker.stop_by = time.monotonic() + GRACE_SECONDS
        worker.tell(job.task.number)

    def _grow(self) -> None:
        try:
            while len(self._workers) < self._size:
                self._workers.append(WorkerProcess(self._load))
        except OSError:
            log.exception("A worker could not be started.")
        if not self._workers:
            self._fail_waiting()

    def _fail_waiting(self) -> None:
        for job in self._waiting:
            job.end("failed", NO_WORKER)
        self._waiting.clear()

    def _hand_out(self) -> None:
        for worker in self._workers:
            if self._waiting and worker.ready and worker.job is None:
                job = self._waiting.popleft()
                job.state, job.started = "running", time.monotonic()
                worker.job, worker.stop_by = job, None
                worker.tell(job.task)

    def _supervise(self) -> None:
        while not self._closed:
            with self._lock:
                workers = {worker.pipe: worker for worker in self._workers}
            for pipe in wait([self._bell, *workers], TICK_SECONDS):
                if pipe in workers:
                    self._hear(workers[pipe])
            with self._lock:
                for worker in list(self._workers):
                    self._hold_limits(worker)
                self._killed = [worker for worker in self._killed if worker.exit_code(0) is None]

    def _hear(self, worker: WorkerProcess) -> None:
        word = worker.hear()
        if word is None:
            self._lose(worker)
            return
        with self._lock:
            job = worker.job
            if job and word.kind == "frame":
                if job.state == "running":
                    job.frames.append(word.frame)
            elif job and (word.kind == "done" or word.kind == "failed"):
                job.end(word.kind, word.message)
                worker.job = None
            self._hand_out()

    def _hold_limits(self, worker: WorkerProcess) -> None:
        job, now = worker.job, time.monotonic()
        if worker.gone:
            self._lose(worker)
        elif job is None:
            return
        elif worker.stop_by is not None:
            if now > worker.stop_by:
                self._replace(worker)
        elif worker.memory > self._megabytes * 1e6:
            job.end("failed", TOO_BIG.format(megabytes=self._megabytes))
            self._replace(worker)
        elif now - job.started > self._seconds:
            job.end("failed", TOO_LONG.format(seconds=self._seconds))
            self._call_off(job)

    def _lose(self, worker: WorkerProcess) -> None:
        """A worker has died: settle its job and replace it, unless it never came up, when the next would fail as well."""
        code = worker.exit_code(GRACE_SECONDS)
        with self._lock:
            if worker.job:
                worker.job.end("failed", CRASHED.format(code=code))
            log.warning("A worker stopped unexpectedly (exit code %s).", code)
            if worker.ready:
                self._replace(worker)
            else:
                self._remove(worker)
                if not self._workers:
                    self._fail_waiting()

    def _replace(self, worker: WorkerProcess) -> None:
        self._remove(worker)
        self._grow()

    def _remove(self, worker: WorkerProcess) -> None:
        self._workers.remove(worker)
        self._killed.append(worker)
        worker.kill()
