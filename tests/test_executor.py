"""Runs in the caller and in worker processes: frames, queue, stopping, limits, and workers that die."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from engine.errors import AtlasError
from engine.executor import Executor, Inline, Status, WorkerPool, executor
from engine.executor.pool import MOST_UNPOLLED
from tests.executor_labs import LOAD, LONG, PATIENCE, STUBBORN, Try, alive, ended, finish, first, notes, pid_of, until

# Everything here waits for processes that share the cores with whatever else runs.
pytestmark = pytest.mark.alone

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def pair() -> Iterator[WorkerPool]:
    """Two workers with no limits to speak of."""
    pool = WorkerPool(2, load=LOAD)
    pool.warm()
    yield pool
    pool.close()


@pytest.fixture(scope="module")
def tight() -> Iterator[WorkerPool]:
    """One worker with every limit low."""
    pool = WorkerPool(1, seconds=3.0, megabytes=1200, most_waiting=1, load=LOAD)
    pool.warm()
    yield pool
    pool.close()


@pytest.fixture(params=["inline", "pool"])
def anywhere(request: pytest.FixtureRequest) -> Executor:
    return Inline(LOAD) if request.param == "inline" else request.getfixturevalue("pair")


# Everywhere


def test_frames_arrive_in_order_and_complete(anywhere: Executor) -> None:
    job = anywhere.submit("count", Try(frames=50))
    assert finish(job) == [str(number) for number in range(50)]
    assert job.status == Status("done")
    assert job.poll() == []


def test_a_snapshot_carries_figures_as_text_and_pictures_as_arrays(anywhere: Executor) -> None:
    job = anywhere.submit("count", Try(frames=1))
    shots: list[Any] = []
    until(lambda: shots.extend(job.poll()) or shots)
    assert '"y":[1,2]' in shots[0].figures["Line"] and not shots[0].frame.figures
    job = anywhere.submit("picture", Try())
    until(lambda: shots.extend(job.poll()) or len(shots) == 2)
    assert shots[1].frame.pictures["Grey"].shape == (2, 2, 3)


def test_the_same_seed_gives_the_same_numbers_everywhere(pair: WorkerPool) -> None:
    here, there, other = (
        finish(place.submit("random", Try(frames=4, seed=seed)))
        for place, seed in ((Inline(LOAD), 7), (pair, 7), (pair, 8))
    )
    assert here == there != other


def test_a_labs_own_error_passes_through(anywhere: Executor, caplog: pytest.LogCaptureFixture) -> None:
    job = anywhere.submit("refuse", Try())
    assert finish(job) == ["0"]
    assert job.status == Status("failed", message="The rate must be below 2, got 3.")
    assert not caplog.records


def test_any_other_error_is_one_sentence_without_details(anywhere: Executor) -> None:
    job = anywhere.submit("fail", Try())
    assert finish(job) == ["0"]
    sentence = "This lab stopped because of an error in its code (ZeroDivisionError), which the server has logged."
    assert job.status == Status("failed", message=sentence)


def test_an_impossible_allocation_is_out_of_memory(anywhere: Executor) -> None:
    job = anywhere.submit("full", Try())
    finish(job)
    assert job.status == Status(
        "failed", message="This lab ran out of memory; make the settings smaller and run it again."
    )


def test_stop_takes_effect_at_once_and_closes_the_lab(anywhere: Executor, tmp_path: Path) -> None:
    job = anywhere.submit("count", LONG.model_copy(update={"folder": tmp_path}))
    first(job)
    assert not (tmp_path / "closed").exists()
    job.stop()
    assert job.status == Status("stopped")
    until((tmp_path / "closed").exists)
    assert job.poll() == []
    job.stop()
    assert job.status == Status("stopped") and job.poll() == []


def test_stop_after_the_end_changes_nothing(anywhere: Executor) -> None:
    done, failed = anywhere.submit("count", Try()), anywhere.submit("refuse", Try())
    finish(done), finish(failed)
    done.stop(), failed.stop()
    assert (done.status.state, failed.status.state) == ("done", "failed")


def test_stopping_a_lab_that_fails_to_clean_up(anywhere: Executor) -> None:
    job = anywhere.submit("untidy", Try())
    first(job)
    job.stop()
    assert job.status == Status("stopped")
    assert finish(anywhere.submit("count", Try())) == ["0", "1", "2"]


# Inline


def test_inline_works_in_slices() -> None:
    job = Inline(LOAD).submit("count", Try(frames=20, seconds=0.03))
    assert 0 < len(job.poll()) < 20
    assert job.status == Status("running")


def test_inline_logs_a_surprise(caplog: pytest.LogCaptureFixture) -> None:
    finish(Inline(LOAD).submit("fail", Try()))
    assert "secret detail" in caplog.text


def test_inline_logs_a_failed_clean_up(caplog: pytest.LogCaptureFixture) -> None:
    job = Inline(LOAD).submit("untidy", Try())
    job.poll()
    job.stop()
    assert "A lab failed while it was being stopped." in caplog.text


def test_inline_stops_from_another_thread(tmp_path: Path) -> None:
    job = Inline(LOAD).submit("count", Try(frames=3, seconds=0.3, folder=tmp_path))
    job.poll()
    stopper = threading.Timer(0.1, job.stop)
    stopper.start()
    assert job.poll() == []
    stopper.join()
    assert job.status == Status("stopped") and (tmp_path / "closed").exists()


# The pool: queue


def test_two_run_at_once_and_the_rest_know_their_place(pair: WorkerPool) -> None:
    one, two, three, four = (pair.submit("count", LONG) for _ in range(4))
    first(one), first(two)
    assert [job.status for job in (three, four)] == [Status("waiting", 1), Status("waiting", 2)]
    one.stop()
    first(three)
    assert (two.status, four.status) == (Status("running"), Status("waiting", 1))
    four.stop()
    assert four.status == Status("stopped")
    five = pair.submit("count", LONG)
    assert five.status.place == 1
    two.stop()
    first(five)
    three.stop(), five.stop()


def test_a_stopped_job_in_the_queue_never_runs(tight: WorkerPool, tmp_path: Path) -> None:
    running = tight.submit("count", LONG)
    first(running)
    waiting = tight.submit("count", Try(folder=tmp_path))
    waiting.stop()
    running.stop()
    assert finish(tight.submit("count", Try())) == ["0", "1", "2"]
    assert waiting.status == Status("stopped") and not (tmp_path / "pid").exists()


def test_the_queue_has_an_end(tight: WorkerPool) -> None:
    running = tight.submit("count", LONG)
    first(running)
    waiting, refused = tight.submit("count", Try()), tight.submit("count", Try())
    assert waiting.status == Status("waiting", 1)
    assert refused.status == Status(
        "failed", message="The server is busy and its queue is full (1 waiting); try again later."
    )
    running.stop()
    assert finish(waiting) == ["0", "1", "2"]


def test_only_the_newest_frames_are_kept(pair: WorkerPool) -> None:
    job = pair.submit("count", Try(frames=MOST_UNPOLLED + 30))
    until(lambda: ended(job))
    assert notes(job) == [str(number) for number in range(30, MOST_UNPOLLED + 30)]


# The pool: stopping


def test_a_stop_drops_the_frames_that_wait_and_those_on_the_way(tight: WorkerPool) -> None:
    job = tight.submit("count", Try(frames=100_000))
    until(lambda: len(job.frames) > 1)
    with tight._lock:  # while it is held no frame comes off the pipe
        until(tight._workers[0].pipe.poll)
        job.stop()
    assert job.poll() == []
    finish(tight.submit("count", Try()))
    assert job.poll() == []


def test_stop_frees_the_worker_without_replacing_it(tight: WorkerPool, tmp_path: Path) -> None:
    pid = pid_of(tight, tmp_path)
    job = tight.submit("count", LONG)
    first(job)
    job.stop()
    assert pid_of(tight, tmp_path) == pid


def test_a_worker_that_ignores_a_stop_is_replaced(tight: WorkerPool, tmp_path: Path) -> None:
    pid = pid_of(tight, tmp_path)
    job = tight.submit("count", STUBBORN)
    first(job)
    job.stop()
    assert job.status == Status("stopped")
    assert pid_of(tight, tmp_path) != pid
    assert not alive(pid)


def test_stopping_one_job_never_stops_the_next(tight: WorkerPool) -> None:
    for _ in range(20):
        before = tight.submit("count", LONG)
        after = tight.submit("count", Try(frames=5))
        until(lambda job=before: job.status.state == "running")
        before.stop()
        assert finish(after) == ["0", "1", "2", "3", "4"]


def test_a_late_stop_is_for_the_job_it_names(tight: WorkerPool) -> None:
    before = tight.submit("count", Try(frames=1))
    finish(before)
    after = tight.submit("count", Try(frames=5, seconds=0.05))
    first(after)
    tight._workers[0].tell(before.task.number)
    assert finish(after)[-1] == "4"


# The pool: what goes wrong


@pytest.mark.parametrize(("slug", "code"), [("leave", 3), ("killed", -signal.SIGKILL), ("orphan", 3)])
def test_a_crash_is_told_and_the_pool_serves_on(pair: WorkerPool, slug: str, code: int) -> None:
    crashing, beside = pair.submit(slug, Try()), pair.submit("count", Try(frames=20, seconds=0.01))
    assert finish(crashing) == ["0"]
    assert crashing.status == Status(
        "failed",
        message=f"The worker running this lab stopped unexpectedly (exit code {code}) and was replaced; "
        "run it again or make the settings smaller.",
    )
    assert len(finish(beside)) == 20
    both = [pair.submit("count", LONG) for _ in range(2)]
    until(lambda: all(job.status.state == "running" for job in both))
    for job in both:
        job.stop()


def test_a_worker_that_dies_idle_is_replaced(tight: WorkerPool, tmp_path: Path) -> None:
    pid = pid_of(tight, tmp_path)
    os.kill(pid, signal.SIGKILL)
    until(lambda: any(worker._pid not in (0, pid) for worker in tight._workers))
    assert pid_of(tight, tmp_path) != pid


def test_too_much_memory(tight: WorkerPool) -> None:
    job = tight.submit("hog", Try())
    finish(job)
    message = "This lab needed more than 1200 MB of memory and was stopped; make the settings smaller."
    assert job.status == Status("failed", message=message)
    assert finish(tight.submit("count", Try())) == ["0", "1", "2"]


@pytest.mark.parametrize("params", [LONG, STUBBORN], ids=["willing", "stubborn"])
def test_too_much_time(tight: WorkerPool, params: Try) -> None:
    job = tight.submit("count", params)
    waiting = tight.submit("count", Try())
    finish(job)
    assert job.status == Status(
        "failed", message="This lab ran for more than 3 s and was stopped; make the settings smaller."
    )
    assert finish(waiting) == ["0", "1", "2"]


@pytest.mark.parametrize("interpreter", ["/bin/false", "/nowhere/python"])
def test_workers_that_can_not_start(monkeypatch: pytest.MonkeyPatch, interpreter: str) -> None:
    monkeypatch.setattr(sys, "executable", interpreter)
    pool = WorkerPool(1, load=LOAD)
    job = pool.submit("count", Try())
    until(lambda: ended(job))
    pool.close()
    assert job.status == Status("failed", message="No worker could be started for this lab; the server's log says why.")


def test_an_unknown_lab_is_told_by_the_real_registry() -> None:
    job = Inline().submit("nowhere", Try())
    assert job.poll() == []
    assert job.status.state == "failed" and job.status.message.startswith("Lab 'nowhere' is not known")


# The pool: processes


def test_workers_leave_the_cores_to_the_server(pair: WorkerPool) -> None:
    assert finish(pair.submit("threads", Try())) == [f"1 1 {min(os.nice(0) + 10, 19)}"]


def test_close_leaves_nothing_behind() -> None:
    before, threads = set(psutil.Process().children()), set(threading.enumerate())
    pool = WorkerPool(2, load=LOAD)
    running, waiting = pool.submit("count", LONG), [pool.submit("count", LONG) for _ in range(3)]
    first(running)
    assert len(set(psutil.Process().children()) - before) == 2
    pool.close()
    assert set(psutil.Process().children()) <= before and set(threading.enumerate()) <= threads
    assert {job.status.state for job in (running, *waiting)} == {"stopped"}
    late = pool.submit("count", Try())
    assert late.status == Status("failed", message="The server is shutting down; run this again in a moment.")
    pool.warm(), pool.close()
    assert set(psutil.Process().children()) <= before


SERVER = """
print("the script runs")
import os, signal, sys
from engine.executor import WorkerPool
from tests.executor_labs import LOAD, LONG, PATIENCE, STUBBORN, Try, alive, ended, finish, first, notes, pid_of, until
job = WorkerPool(1, load="tests.executor_labs:load").submit("count", Try(frames=2, seconds=60))
while not job.poll():
    pass
print(job._pool._workers[0]._pid, flush=True)
if sys.argv[1] == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("ending", ["exits", "killed"])
def test_a_script_runs_once_and_its_workers_end_with_it(tmp_path: Path, ending: str) -> None:
    """No ``if __name__`` guard, and a lab that is asleep when the server goes."""
    script = tmp_path / "server.py"
    script.write_text(SERVER)
    command = [sys.executable, str(script), ending]
    # To a file: a pipe would stay open, and be waited for, as long as a worker that outlives its server.
    with (tmp_path / "said").open("w") as said:
        subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=said, timeout=PATIENCE, check=False)
    once, pid = (tmp_path / "said").read_text().splitlines()
    assert once == "the script runs"
    until(lambda: not alive(int(pid)))


# Which


@pytest.fixture
def choose(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Executor]]:
    def chosen(**environment: str) -> Executor:
        for name in ("DEEP_ATLAS_RAY", "DEEP_ATLAS_WORKERS"):
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(f"DEEP_ATLAS_{name}", value)
        executor.cache_clear()
        return executor()

    yield chosen
    executor.cache_clear()


def test_the_environment_chooses(choose: Callable[..., Executor]) -> None:
    assert isinstance(choose(WORKERS="0"), Inline)
    assert executor() is executor()
    for environment, size in (({"WORKERS": "3", "RAY": ""}, 3), ({}, min(os.cpu_count() or 1, 4))):
        pool = choose(**environment)
        assert isinstance(pool, WorkerPool) and pool._size == size
        pool.close()


@pytest.mark.parametrize("value", ["-1", "two", "1.5", "65", "²"])
def test_a_bad_number_of_workers(choose: Callable[..., Executor], value: str) -> None:
    with pytest.raises(AtlasError, match=f"DEEP_ATLAS_WORKERS must be a whole number from 0 to 64, got '{value}'."):
        choose(WORKERS=value)


def test_ray_that_is_not_installed(choose: Callable[..., Executor], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(AtlasError, match="Ray is not installed"):
        choose(RAY="auto")
