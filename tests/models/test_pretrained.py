"""Fetching weights from a server on this machine: whole, broken, wrong, unreachable, with no room, and forgotten."""

from __future__ import annotations

import errno
import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import hub
from torchvision.models import get_model, get_model_weights

from engine.errors import BadInput
from engine.models import pretrained
from engine.models.pretrained import Unavailable, fetch, load, place
from tests.models.served import Server, serving, url_of

NAME = "squeezenet1_1"
REAL = Path(__file__).resolve().parents[3] / "shared" / "real" / "weights"


def random_weights() -> bytes:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        file = io.BytesIO()
        torch.save(get_model(NAME).state_dict(), file)
    return file.getvalue()


@pytest.fixture(scope="module")
def content() -> bytes:
    return random_weights()


@pytest.fixture
def server(content: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    """A server that holds the file under a name that ends in its hash, and an empty cache."""
    member = get_model_weights(NAME)["IMAGENET1K_V1"]
    stand_in = SimpleNamespace(url=url_of(NAME, content), meta=member.meta, transforms=member.transforms)
    monkeypatch.setattr(pretrained, "weights", lambda name: stand_in)
    with serving(content, tmp_path, monkeypatch) as found:
        yield found


def left_over(server: Server) -> list[Path]:
    return list(place(NAME).parent.glob("*")) if place(NAME).parent.exists() else []


def test_a_file_arrives_with_progress_and_is_asked_for_once(server: Server, content: bytes) -> None:
    shares = list(fetch(NAME))
    assert shares == sorted(shares) and shares[-1] == 1 and len(shares) >= len(content) // pretrained.CHUNK
    assert place(NAME).read_bytes() == content and left_over(server) == [place(NAME)]
    assert list(fetch(NAME)) == [] and server.asked == 1
    loaded = load(NAME)
    state = torch.load(io.BytesIO(content))
    assert all(torch.equal(p, state[name]) for name, p in loaded.network.state_dict().items())
    assert not loaded.network.training and len(loaded.labels) == 1000 and loaded.labels[0] == "tench"
    assert loaded.size == sum(p.numel() * 4 for p in state.values())


def test_a_wrong_hash_is_refused_and_nothing_is_kept(server: Server, content: bytes) -> None:
    server.content = content[:-1] + bytes([content[-1] ^ 1])
    with pytest.raises(Unavailable, match=r"SqueezeNet 1\.1 can't be had here \(the file's hash must begin with"):
        list(fetch(NAME))
    assert left_over(server) == []


def test_a_cut_connection_is_said_and_not_tried_again_at_once(server: Server, content: bytes) -> None:
    server.cut = len(content) // 2
    with pytest.raises(Unavailable, match=r"the connection broke after [\d,]+ of [\d,]+ bytes|IncompleteRead"):
        list(fetch(NAME))
    assert left_over(server) == []
    server.cut = 0
    with pytest.raises(Unavailable):
        list(fetch(NAME))
    assert server.asked == 1
    pretrained._failed.clear()
    assert list(fetch(NAME))[-1] == 1


def test_without_a_network_it_is_said(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEP_ATLAS_WEIGHTS", "http://127.0.0.1:9")
    with pytest.raises(Unavailable, match=r"can't be had here \(.*refused.*\)"):
        list(fetch(NAME))
    with pytest.raises(Unavailable, match="are not here yet"):
        load(NAME)


def test_a_full_disk_is_said_and_nothing_is_kept(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pretrained.Path, "replace", full)
    with pytest.raises(Unavailable, match="No space left on device"):
        list(fetch(NAME))
    assert left_over(server) == []


def test_a_damaged_file_in_the_cache_is_said(server: Server) -> None:
    place(NAME).parent.mkdir(parents=True)
    place(NAME).write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(Unavailable, match="got a damaged one: delete it"):
        load(NAME)


def test_networks_used_longest_ago_make_room(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    list(fetch(NAME))
    size = load(NAME).size
    monkeypatch.setattr(pretrained, "MOST_MEMORY", 2.5 * size)
    monkeypatch.setattr(pretrained, "TITLES", {**pretrained.TITLES, "a": "A", "b": "B"})
    build = get_model
    monkeypatch.setattr("torchvision.models.get_model", lambda _, **more: build(NAME, **more))
    load("a"), load(NAME), load("b")
    assert list(pretrained._loaded) == [NAME, "b"]


def test_an_unknown_network_is_named() -> None:
    with pytest.raises(BadInput, match=r"must be one of squeezenet1_0, .*, got 'lenet'"):
        pretrained.weights("lenet")


def test_every_network_is_torchvisions() -> None:
    for name in pretrained.WEIGHTS:
        member = pretrained.weights(name)
        assert pretrained.place(name).name == member.url.rpartition("/")[2]
        assert pretrained.address(name).startswith("http://127.0.0.1:9/")


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "file", "cached"),
    [
        ("mobilenet_v2", "mobilenet_v2_from_int8.pth", "mobilenet_v2-b0353104.pth"),
        ("squeezenet1_0", "squeezenet1_0_from_deep_compression.pth", "squeezenet1_0-b66bff10.pth"),
    ],
)
def test_real_weights_load_from_torchvisions_cache(
    name: str, file: str, cached: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not (REAL / file).exists():
        pytest.skip(f"{REAL / file} is not there")
    monkeypatch.setattr(hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    shutil.copyfile(REAL / file, tmp_path / "checkpoints" / cached)
    assert list(fetch(name)) == []
    found = load(name)
    expected = torch.load(REAL / file, weights_only=True)
    assert torch.equal(found.network.state_dict()[next(iter(expected))], next(iter(expected.values())))
    pretrained._loaded.pop(name)
