"""R-CNN, Fast and Faster: work equal to what PyTorch counts on the run, features equal to those of torchvision's pooling."""

import numpy as np
import pytest
import torch
from torch.nn.functional import grid_sample
from torch.utils.flop_counter import FlopCounterMode
from torchvision.ops import batched_nms, roi_align

from engine.data.drawn import SHAPES
from engine.data.media import Picture
from engine.labs.detection.region_proposals import LAB, RegionProposals
from engine.models.answering import atlas
from engine.models.atlas20 import Atlas20
from engine.models.regions import by_crops, by_pooling, from_maps, pooling_work, shared_maps, work
from engine.results.regions import CALLS, WAYS, named


@pytest.fixture
def network() -> Atlas20:
    torch.manual_seed(0)
    plain = Atlas20().eval().requires_grad_(False)
    plain.load_state_dict(atlas().network.state_dict())
    return plain.cpu()


def drawn(height: int, width: int) -> torch.Tensor:
    return torch.rand(3, height, width, generator=torch.Generator().manual_seed(0))


BOXES = torch.tensor([[0.0, 0, 120, 90], [10, 20, 70, 80], [33, 5, 64, 88], [60, 30, 119, 61]])


def counted(task) -> int:  # type: ignore[no-untyped-def]
    with FlopCounterMode(display=False) as counter:
        task()
    return counter.get_total_flops() // 2


@pytest.mark.parametrize(("height", "width"), [(90, 120), (192, 144), (64, 64), (41, 67)])
def test_the_work_equals_pytorchs_count(network: Atlas20, height: int, width: int) -> None:
    picture, regions = drawn(height, width), BOXES.clamp(max=40)[:3] + torch.tensor([0, 0, 1, 1])
    rows = work(height, width, len(regions), 7)
    maps = shared_maps(network, picture)
    assert sum(rows[0]) == counted(lambda: by_crops(network, picture, regions))
    assert rows[1][1] == rows[2][1] == counted(lambda: shared_maps(network, picture))
    head = counted(lambda: network.head(torch.zeros(3, 64)))
    assert rows[0][2] == head and rows[1][2] == head + 3 * pooling_work()
    assert rows[2][0] == counted(lambda: from_maps(network, maps, 5))
    assert rows[2][2] == counted(lambda: network.head(torch.zeros(7, 64))) + 7 * pooling_work()


def test_pooling_reads_four_numbers_for_each_counted_sample(network: Atlas20) -> None:
    maps = shared_maps(network, drawn(90, 120))
    x0, y0, x1, y1 = (BOXES[1] / 8).tolist()
    x, y = (low + (torch.arange(14) + 0.5) * (high - low) / 14 for low, high in ((x0, x1), (y0, y1)))
    at = torch.stack(torch.meshgrid(2 * x / maps.shape[3] - 1, 2 * y / maps.shape[2] - 1, indexing="xy"), -1)
    samples = grid_sample(maps, at[None], mode="bilinear", padding_mode="border", align_corners=False)
    assert 4 * samples.numel() == pooling_work()
    torch.testing.assert_close(
        by_pooling(network, maps, BOXES[[1]])[0], network.head(samples.mean((2, 3)))[0], atol=1e-4, rtol=0
    )


def test_fasts_features_are_torchvisions_pooling_of_the_networks_own_maps(network: Atlas20) -> None:
    picture, seen = drawn(90, 120), []
    network.blocks.register_forward_hook(lambda module, inputs, output: seen.append(output))
    with torch.inference_mode():
        network(picture[None])
    ours = shared_maps(network, picture)
    torch.testing.assert_close(ours, seen[0], atol=1e-5, rtol=0)
    pooled = roi_align(seen[0], [BOXES], (7, 7), 1 / 8, 2, aligned=True)
    torch.testing.assert_close(by_pooling(network, ours, BOXES), network.head(pooled.mean((2, 3))), atol=1e-5, rtol=0)


def test_for_the_whole_picture_the_ways_agree(network: Atlas20) -> None:
    picture = drawn(64, 64)
    whole = torch.tensor([[0.0, 0, 64, 64]])
    torch.testing.assert_close(by_crops(network, picture, whole), network(picture[None]), atol=1e-5, rtol=0)
    small = drawn(56, 56)  # 7 x 7 cells, so every one counts the same in the pooling
    pooled = by_pooling(network, shared_maps(network, small), torch.tensor([[0.0, 0, 56, 56]]))
    torch.testing.assert_close(pooled, network(small[None]), atol=1e-4, rtol=0)


@pytest.mark.parametrize("changed", [{}, *LAB.presets.values()])
def test_passes_on_the_run_are_those_counted(changed: dict) -> None:
    shapes: list[tuple[int, ...]] = []
    hook = atlas().network.stem.register_forward_hook(lambda module, inputs, output: shapes.append(inputs[0].shape))
    first, last = LAB.frames(RegionProposals(**changed))
    hook.remove()
    height, width = last.state.grouped.pixels.shape[:2]
    crops = [s[0] for s in shapes if s[2:] == (64, 64)]
    whole = [s for s in shapes if s[2:] == (height, width)]
    n, own = len(last.state.grouped.proposed), len(last.state.boxes["Faster"])
    assert sum(crops) == CALLS * n and len(whole) == CALLS and len(crops) + len(whole) == len(shapes)
    assert last.state.work.tolist() == work(height, width, n, own)
    (table,) = last.tables.values()
    assert [table[part] for part in ("proposals", "maps", "regions")] == last.state.work.T.tolist()
    assert table["backbone passes"][0] == f"{n} of 64 x 64" and last.metrics["Regions"] == str(n)
    times = last.state.times
    assert ((times > 0) == [[True, True, False], [True, True, True], [True, True, True]]).all()
    bars = [np.asarray(trace.x, float).tolist() for trace in last.figures["Time"].data]
    np.testing.assert_allclose(np.array(bars).T, times)
    assert first.progress < 1 and last.progress == 1


def test_each_ways_answers_are_the_networks() -> None:
    state = LAB.last_frame(RegionProposals()).state
    device = next(atlas().network.parameters()).device
    seen = torch.from_numpy(state.grouped.pixels.copy()).permute(2, 0, 1).float().to(device) / 255
    x0, y0, x1, y1 = state.boxes["R-CNN"][3]
    crop = torch.nn.functional.interpolate(
        seen[None, :, y0:y1, x0:x1], (64, 64), mode="bilinear", antialias=True, align_corners=False
    )
    with torch.inference_mode():
        theirs = atlas().network(crop).softmax(1)[0].cpu().numpy()
        maps = atlas().network.blocks(atlas().network.stem(atlas().network.scaled(seen[None])))
        for way in WAYS[1:]:
            boxes = torch.from_numpy(state.boxes[way]).float().to(device)
            pooled = roi_align(maps, [boxes], (7, 7), 1 / 8, 2, aligned=True).mean((2, 3))
            answers = atlas().network.head(pooled).softmax(1).cpu().numpy()
            np.testing.assert_allclose(state.probabilities[way], answers, atol=1e-4)
    np.testing.assert_allclose(state.probabilities["R-CNN"][3], theirs, atol=1e-4)
    np.testing.assert_array_equal(state.boxes["Fast"], state.grouped.proposed)


def test_answers_are_sure_shapes_after_suppression() -> None:
    state = LAB.last_frame(RegionProposals()).state
    boxes, names = named(state.boxes["R-CNN"], state.probabilities["R-CNN"])
    sure, best = (x.numpy() for x in torch.from_numpy(state.probabilities["R-CNN"]).max(1))
    kept = np.flatnonzero((sure >= 0.5) & (best < len(SHAPES)))
    arrays = (state.boxes["R-CNN"][kept].astype(np.float32), sure[kept], best[kept])
    left = kept[batched_nms(*map(torch.from_numpy, arrays), 0.3).numpy()]
    np.testing.assert_array_equal(boxes, state.boxes["R-CNN"][left])
    assert [name.split()[0] for name in names] == [SHAPES[k] for k in best[left]] and "circle" in " ".join(names)


def test_the_view_steps_through_the_grouping_and_runs_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = LAB.last_frame(RegionProposals())
    known = frame.state.grouped
    monkeypatch.setattr(Atlas20, "forward", None)
    for merges in (0, 1, 7, len(known.merges), 1000):
        seen = LAB.seen(RegionProposals(merges=merges), frame)
        step = min(merges, len(known.merges))
        assert seen.says.endswith(f": {len(known.merges) + 1 - step}.")
        drawn = [(s.x0, s.y0, s.x1, s.y1) for s in seen.figures["Grouping"].layout.shapes]
        assert len(drawn) == (3 if step else 0)
        if step:
            a, b, both = (np.array(box) for box in drawn)
            assert both.tolist() == [*np.minimum(a, b)[:2], *np.maximum(a, b)[2:]]
            assert both.tolist() == known.boxes[len(known.merges) + step].tolist()
    for way in WAYS:
        seen = LAB.seen(RegionProposals(way=way, drawn=5), frame)
        shapes = seen.figures["Regions"].layout.shapes
        np.testing.assert_allclose([(s.x0, s.y0, s.x1, s.y1) for s in shapes], frame.state.boxes[way][:5])


def test_an_own_picture_is_segmented() -> None:
    pixels = np.full((80, 100, 3), 240, np.uint8)
    pixels[10:50, 20:60] = (200, 30, 30)
    state = LAB.last_frame(RegionProposals(picture=Picture(pixels, "own", "0" * 12), sigma=0)).state
    assert [20, 10, 60, 50] in state.grouped.proposed.tolist()


def test_a_plain_picture_has_one_region() -> None:
    state = LAB.last_frame(RegionProposals(picture=Picture(np.full((9, 30, 3), 90, np.uint8), "own", "0" * 12))).state
    assert state.grouped.proposed.tolist() == [[0, 0, 30, 9]]
