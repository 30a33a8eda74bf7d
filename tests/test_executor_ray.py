"""Runs on a Ray cluster, here a local one: frames, stopping, and what goes wrong."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from engine.errors import AtlasError
from engine.executor import Inline, RayCluster, Status
from tests.executor_labs import LOAD, LONG, Try, finish, first, until

pytestmark = [pytest.mark.slow, pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed")]


@pytest.fixture(scope="module")
def cluster() -> Iterator[RayCluster]:
    import ray

    ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False)
    cluster = RayCluster("auto", load=LOAD)
    yield cluster
    cluster.close()


def test_ray_streams_frames_in_order(cluster: RayCluster) -> None:
    cluster.warm()
    job = cluster.submit("count", Try(frames=20, seconds=0.01))
    assert job.status == Status("waiting")
    assert finish(job) == [str(number) for number in range(20)]
    assert job.status == Status("done")
    job.stop()
    assert job.status == Status("done")


def test_ray_gives_the_same_numbers(cluster: RayCluster) -> None:
    assert finish(cluster.submit("random", Try(seed=7))) == finish(Inline(LOAD).submit("random", Try(seed=7)))


def test_ray_stops_running_and_queued_jobs(cluster: RayCluster, tmp_path: Path) -> None:
    running = cluster.submit("count", LONG.model_copy(update={"folder": tmp_path}))
    queued = cluster.submit("count", LONG)
    first(running)
    assert (running.status.state, queued.status.state) == ("running", "waiting")
    for job in (queued, running):
        job.stop()
        assert job.status == Status("stopped") and job.poll() == []
    until((tmp_path / "closed").exists)
    assert finish(cluster.submit("count", Try())) == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("slug", "message"),
    [
        ("refuse", "The rate must be below 2, got 3."),
        ("fail", "This lab stopped because of an error in its code (ZeroDivisionError), which the server has logged."),
        ("full", "This lab ran out of memory; make the settings smaller and run it again."),
        ("leave", "The cluster lost the worker running this lab; run it again or make the settings smaller."),
    ],
)
def test_ray_says_what_went_wrong(cluster: RayCluster, slug: str, message: str) -> None:
    job = cluster.submit(slug, Try())
    finish(job)
    assert job.status == Status("failed", message=message)
    assert finish(cluster.submit("count", Try())) == ["0", "1", "2"]


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nonsense", "host:70000"])
def test_ray_that_is_not_there(address: str) -> None:
    with pytest.raises(
        AtlasError, match=f"DEEP_ATLAS_RAY must be the address of a running Ray cluster, got '{address}'."
    ):
        RayCluster(address)


def test_ray_cancelled_by_somebody_else(cluster: RayCluster) -> None:
    import ray

    job = cluster.submit("count", LONG)
    first(job)
    ray.cancel(job._stream)
    finish(job)
    assert job.status == Status("failed", message="The cluster cancelled this lab; run it again.")
