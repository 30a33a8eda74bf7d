"""Region proposals: boxes of unions of segments, merged as the definition says, recomputed from the pixels each time."""

import numpy as np
import pytest
import torch
from scipy.ndimage import find_objects
from skimage.graph import RAG
from skimage.segmentation import felzenszwalb
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.ops import clip_boxes_to_image

from engine.data.media import fit_within
from engine.data.pixels import opened
from engine.functional.proposals import (
    after,
    anchors,
    grouped,
    histograms,
    in_mean_colors,
    neighbours,
    proposals,
    region_boxes,
    ring,
    segments,
)


@pytest.fixture(params=["shapes", "photo-china"])
def pixels(request: pytest.FixtureRequest) -> np.ndarray:
    return fit_within(opened(request.param), 96).pixels


@pytest.fixture
def labels(pixels: np.ndarray) -> np.ndarray:
    return segments(pixels, 60, 0.8, 40)


def test_segments_are_scikit_images_numbered_without_gaps(pixels: np.ndarray, labels: np.ndarray) -> None:
    theirs = felzenszwalb(pixels, scale=60, sigma=0.8, min_size=40)
    pairs = np.unique(np.stack([labels.ravel(), theirs.ravel()], 1), axis=0)
    assert len(pairs) == len(np.unique(theirs)) == labels.max() + 1
    assert np.unique(labels).tolist() == list(range(labels.max() + 1)) and labels.max() > 5


def test_boxes_histograms_and_neighbours_equal_the_libraries(pixels: np.ndarray, labels: np.ndarray) -> None:
    theirs = [(x.start, y.start, x.stop, y.stop) for y, x in find_objects(labels + 1)]
    assert region_boxes(labels).tolist() == [list(box) for box in theirs]
    ours = histograms(labels, pixels)
    for k in range(labels.max() + 1):
        counts = [np.histogram(pixels[labels == k, c], bins=8, range=(0, 256))[0] for c in range(3)]
        np.testing.assert_allclose(ours[k], np.concatenate(counts) / (3 * (labels == k).sum()), atol=1e-12)
    assert neighbours(labels) == {(min(edge), max(edge)) for edge in RAG(labels, connectivity=1).edges}


def test_every_merge_joins_the_most_similar_neighbours_and_proposes_their_box(
    pixels: np.ndarray, labels: np.ndarray
) -> None:
    boxes, merges = grouped(labels, pixels)
    n = labels.max() + 1
    assert len(merges) == n - 1 and len(boxes) == 2 * n - 1
    for k, merge in enumerate(merges):
        now = after(labels, merges[:k])
        names, plain = np.unique(now, return_inverse=True)
        plain = plain.reshape(now.shape)
        colors, sizes = histograms(plain, pixels), np.bincount(plain.ravel())
        alike = {
            (int(names[a]), int(names[b])): np.minimum(colors[a], colors[b]).sum()
            + 1
            - (sizes[a] + sizes[b]) / labels.size
            for a, b in neighbours(plain)
        }
        assert alike[merge.a, merge.b] == pytest.approx(max(alike.values()), abs=1e-9)
        assert merge.similarity == pytest.approx(max(alike.values()), abs=1e-9)
        rows, columns = np.nonzero((now == merge.a) | (now == merge.b))
        assert boxes[n + k].tolist() == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    assert (after(labels, merges) == 2 * n - 2).all() and boxes[-1].tolist() == [0, 0, *labels.shape[::-1]]


def test_proposals_are_different_large_enough_and_the_last_merged_come_first(
    pixels: np.ndarray, labels: np.ndarray
) -> None:
    boxes, _ = grouped(labels, pixels)
    found = proposals(boxes, 16, 1000)
    large = {tuple(b) for b in boxes.tolist() if b[2] - b[0] >= 16 and b[3] - b[1] >= 16}
    assert {tuple(b) for b in found.tolist()} == large and len(found) == len(large)
    assert found[0].tolist() == boxes[-1].tolist()
    last = [max(i for i, b in enumerate(boxes.tolist()) if b == box) for box in found.tolist()]
    assert last == sorted(last, reverse=True)
    assert proposals(boxes, 16, 3).tolist() == found[:3].tolist()


def test_a_plain_picture_is_one_region() -> None:
    pixels = np.full((30, 40, 3), 90, np.uint8)
    labels = segments(pixels, 100, 0.8, 20)
    boxes, merges = grouped(labels, pixels)
    assert boxes.tolist() == [[0, 0, 40, 30]] and merges == [] and (after(labels, merges) == 0).all()


def test_rectangles_are_proposed_exactly() -> None:
    pixels = np.full((80, 100, 3), 240, np.uint8)
    pixels[10:40, 20:60], pixels[50:70, 30:90] = (200, 30, 30), (30, 30, 200)
    boxes, _ = grouped(segments(pixels, 100, 0, 20), pixels)
    found = {tuple(box) for box in proposals(boxes, 16, 20).tolist()}
    assert {(20, 10, 60, 40), (30, 50, 90, 70), (0, 0, 100, 80)} <= found


def test_mean_colors_are_the_means(pixels: np.ndarray, labels: np.ndarray) -> None:
    filled = in_mean_colors(labels, pixels)
    for k in range(labels.max() + 1):
        assert np.abs(filled[labels == k] - pixels[labels == k].mean(0)).max() <= 0.5 + 1e-9


def test_anchors_equal_torchvisions() -> None:
    down, across = 5, 7
    theirs = AnchorGenerator(((32, 64),), ((1.0,),))(
        ImageList(torch.zeros(1, 3, 8 * down, 8 * across), [(8 * down, 8 * across)]), [torch.zeros(1, 1, down, across)]
    )[0]
    expected = clip_boxes_to_image(theirs + 4, (8 * down, 8 * across))  # theirs stand at the corners of cells
    torch.testing.assert_close(anchors(down, across, 8, (32, 64)), expected)


def test_a_ring_grows_around_the_middle() -> None:
    boxes = torch.tensor([[10.0, 20, 30, 60]])
    assert ring(boxes, 0.5).tolist() == [[5, 10, 35, 70]]
