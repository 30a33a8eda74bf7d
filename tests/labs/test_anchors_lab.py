"""Anchors by k-means against plain counting and scikit-learn, and objects that fight for a slot, counted one by one."""

import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans
from torch import Tensor
from torchvision.ops import box_iou

from engine.errors import BadInput
from engine.lab import Event
from engine.labs.detection.anchors import LAB, MOST_STEPS, SIDE, Anchors, drawn, sizes_of, steps_of


def mean_best(sizes: Tensor, anchors: Tensor) -> float:
    a, b = (torch.cat([torch.zeros_like(x), x], dim=1) for x in (sizes, anchors))
    return float(box_iou(a, b).amax(1).mean())


def collisions(params: Anchors, anchors: Tensor) -> int:
    """How many objects find a cell's slot for their best anchor taken by one before them."""
    lost, size = 0, SIDE / params.grid
    for picture in drawn(params):
        taken = set()
        for x0, y0, x1, y1 in picture.tolist():
            shape = torch.tensor([[0, 0, x1 - x0, y1 - y0]], dtype=torch.float64)
            best = int(box_iou(shape, torch.cat([torch.zeros_like(anchors), anchors], dim=1)).argmax())
            slot = int((x0 + x1) / 2 // size), int((y0 + y1) / 2 // size), best
            lost += slot in taken
            taken.add(slot)
    return lost


@pytest.mark.parametrize("preset", ["", *LAB.presets])
def test_mean_best_iou_and_collisions_are_counted_right(preset: str) -> None:
    params = Anchors(**LAB.presets.get(preset, {}))
    pictures = drawn(params)
    assert pictures.shape == (40, params.objects, 4) and pictures.min() >= 0 and pictures.max() <= SIDE
    last, sizes = steps_of(params, sizes_of(pictures))[-1], sizes_of(pictures)
    metrics = LAB.last_frame(params).metrics
    assert float(metrics["Mean best IoU"]) == pytest.approx(mean_best(sizes, last.anchors), abs=6e-4)
    assert metrics["Collisions"] == f"{collisions(params, last.anchors)} of {len(sizes)}"
    assert metrics["With one anchor"] == f"{collisions(params, last.anchors[:1])}"


@pytest.mark.parametrize("shapes", ["street", "sizes", "ratios", "mixed"])
@pytest.mark.parametrize("k", [2, 3, 6])
def test_the_best_start_is_not_below_the_seeded_reference(shapes: str, k: int) -> None:
    params = Anchors(shapes=shapes, k=k)
    sizes = sizes_of(drawn(params))
    reference = KMeans(k, n_init=5, random_state=0).fit(sizes.numpy()).cluster_centers_
    best = float(LAB.last_frame(params).metrics["Best of 5 starts"])
    assert best >= mean_best(sizes, torch.from_numpy(reference)) - 6e-4


def test_more_anchors_and_finer_grids_save_objects() -> None:
    def lost(**changed: object) -> int:
        return int(LAB.last_frame(Anchors(objects=16, **changed)).metrics["Collisions"].split()[0])

    assert lost(k=1) > lost(k=3) > lost(k=3, grid=13)


def test_the_walk_moves_the_anchors_and_ends_where_none_moves() -> None:
    params = Anchors(shapes="mixed", k=5)
    frames = list(LAB.frames(params))
    steps = steps_of(params, sizes_of(drawn(params)))
    assert len(frames) == len(steps) > 3
    for t, (frame, step) in enumerate(zip(frames, steps, strict=True), start=1):
        crosses = [trace for trace in frame.figures["Shapes"].data if trace.name.startswith("anchor")]
        np.testing.assert_allclose([[*c.x, *c.y] for c in crosses], step.anchors, rtol=1e-6)
        shown = [trace for trace in frame.figures["Shapes"].data if trace.name.isdigit()]
        assert [len(trace.x) for trace in shown] == torch.bincount(step.nearest, minlength=5).tolist()
        assert frame.figures["Mean best IoU"].layout.meta["step"] == t
    assert torch.equal(steps[-1].nearest, steps[-2].nearest)
    assert LAB.opens is not None
    assert [LAB.opens(Anchors(shapes="mixed", k=5, step=step)) for step in (1, 3, 60)] == [0, 2, len(frames) - 1]


def test_objects_without_a_slot_are_dotted() -> None:
    params = Anchors(k=1, grid=1, objects=4)
    frame = LAB.last_frame(params)
    boxes = [trace for trace in frame.figures["One picture"].data if trace.name.startswith("anchor")]
    assert [trace.line.dash for trace in boxes] == ["solid", "dot", "dot", "dot"]
    assert frame.metrics["Collisions"] == "120 of 160" and "loses 3 of its 4" in frame.note


def test_own_shapes() -> None:
    params = Anchors(shapes="own", own="30 12, 10 40", k=2)
    found = steps_of(params, sizes_of(drawn(params)))[-1].anchors
    assert sorted(map(tuple, found.tolist())) == [pytest.approx((10, 40)), pytest.approx((30, 12))]
    assert LAB.last_frame(params).metrics["Mean best IoU"] == "1.000"
    for wrong in ("", "3", "3 4 5", "0 5", "5 101", "a b", "nan 4"):
        with pytest.raises(BadInput, match="pairs of numbers from 1 to 100"):
            LAB.last_frame(Anchors(shapes="own", own=wrong))
    with pytest.raises(BadInput, match="number of anchors"):
        LAB.last_frame(Anchors(shapes="own", own="3 4", k=2))


def test_a_click_on_the_curve_opens_at_that_step() -> None:
    assert LAB.respond is not None
    answers = [LAB.respond(Anchors(), Event("click", "Mean best IoU", x, 0.5)) for x in (1.4, 3.6, 60.4, 61, -4)]
    assert answers == [{"step": 1}, {"step": 4}, {"step": MOST_STEPS}, {}, {}]
    assert LAB.respond(Anchors(), Event("click", "Shapes", 3, 3)) == {}
