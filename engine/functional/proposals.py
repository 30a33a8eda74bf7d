"""Region proposals: segments of a picture, merged neighbour by neighbour; every region on the way proposes its box."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

BINS = 8  # of each channel's histogram


class Merge(NamedTuple):
    """Two regions that became one, and how alike they were."""

    a: int
    b: int
    similarity: float


def segments(pixels: np.ndarray, scale: float, sigma: float, least: int) -> np.ndarray:
    """Segments (h, w) of a picture (h, w, 3), numbered from 0, by scikit-image (Felzenszwalb and Huttenlocher 2004)."""
    from skimage.segmentation import felzenszwalb

    found: np.ndarray = felzenszwalb(pixels, scale=scale, sigma=sigma, min_size=least)
    return np.unique(found, return_inverse=True)[1].reshape(found.shape)


def in_mean_colors(labels: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """Every segment filled with its mean colour, (h, w, 3); numbers may be missing from the labels (h, w)."""
    sizes = np.bincount(labels.ravel()).clip(1)
    means = np.stack([np.bincount(labels.ravel(), pixels[..., c].ravel()) / sizes for c in range(3)], 1)
    filled: np.ndarray = means.round().astype(np.uint8)[labels]
    return filled


def region_boxes(labels: np.ndarray) -> np.ndarray:
    """The box (n, 4) around each segment of ``labels`` (h, w), numbered from 0: left, top, right and bottom in pixels."""
    boxes = np.zeros((int(labels.max()) + 1, 4), np.int64)
    for k in range(len(boxes)):
        rows, columns = np.nonzero(labels == k)
        boxes[k] = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    return boxes


def histograms(labels: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """The colours (n, 24) of each segment: 8 bins for each channel of ``pixels`` (h, w, 3), which add up to 1 together."""
    n = int(labels.max()) + 1
    bins = pixels.astype(np.int64) * BINS // 256 + np.arange(3) * BINS  # (h, w, 3)
    counts = np.bincount((labels[..., None] * 3 * BINS + bins).ravel(), minlength=n * 3 * BINS).reshape(n, 3 * BINS)
    shares: np.ndarray = counts / counts.sum(1, keepdims=True)
    return shares


def neighbours(labels: np.ndarray) -> set[tuple[int, int]]:
    """The pairs of segments that touch along a side, the smaller number first."""
    across = np.stack([labels[:, :-1].ravel(), labels[:, 1:].ravel()], 1)
    down = np.stack([labels[:-1].ravel(), labels[1:].ravel()], 1)
    pairs = np.concatenate([across, down])
    pairs = np.unique(np.sort(pairs[pairs[:, 0] != pairs[:, 1]], axis=1), axis=0)
    return {(int(a), int(b)) for a, b in pairs}


def similarity(colors: np.ndarray, sizes: np.ndarray, a: int, b: int, whole: int) -> float:
    """How alike two regions are, from 0 to 2: the share of colours they have in common, and small ones first.

    Two of the four terms of Uijlings et al. 2013, section 3.2; ``whole`` is the picture's size in pixels.
    """
    return float(np.minimum(colors[a], colors[b]).sum() + 1 - (sizes[a] + sizes[b]) / whole)


def grouped(labels: np.ndarray, pixels: np.ndarray) -> tuple[np.ndarray, list[Merge]]:
    """Merge the two most similar neighbours until one region is left: the merges, numbering new regions from n on.

    With them come the boxes (2n - 1, 4) of the n segments and of each merge.
    """
    n = int(labels.max()) + 1
    boxes, colors, sizes = np.zeros((2 * n - 1, 4), np.int64), np.zeros((2 * n - 1, 3 * BINS)), np.zeros(2 * n - 1)
    boxes[:n], colors[:n], sizes[:n] = region_boxes(labels), histograms(labels, pixels), np.bincount(labels.ravel())
    alike = {pair: similarity(colors, sizes, *pair, labels.size) for pair in sorted(neighbours(labels))}
    merges: list[Merge] = []
    for new in range(n, 2 * n - 1):
        a, b = max(alike, key=alike.__getitem__)
        merges.append(Merge(a, b, alike[a, b]))
        boxes[new] = *np.minimum(boxes[a, :2], boxes[b, :2]), *np.maximum(boxes[a, 2:], boxes[b, 2:])
        sizes[new] = sizes[a] + sizes[b]
        colors[new] = (sizes[a] * colors[a] + sizes[b] * colors[b]) / sizes[new]
        touching = sorted({x for pair in alike if a in pair or b in pair for x in pair} - {a, b})
        alike = {pair: value for pair, value in alike.items() if a not in pair and b not in pair}
        alike |= {(x, new): similarity(colors, sizes, x, new, labels.size) for x in touching}
    return boxes, merges


def after(labels: np.ndarray, merges: Sequence[Merge]) -> np.ndarray:
    """The labels (h, w) after these merges, the first of a grouping."""
    n = int(labels.max()) + 1
    region = np.arange(n)
    for new, merge in enumerate(merges, start=n):
        region[(region == merge.a) | (region == merge.b)] = new
    return region[labels]


def proposals(boxes: np.ndarray, least: int, most: int) -> np.ndarray:
    """At most ``most`` different boxes (m, 4) at least ``least`` pixels along each side, what was merged last first."""
    sides = boxes[:, 2:] - boxes[:, :2]
    last_first = [tuple(box) for box in boxes[(sides >= least).all(1)][::-1].tolist()]
    return np.array(list(dict.fromkeys(last_first))[:most], np.int64).reshape(-1, 4)


def anchors(down: int, across: int, cell: int, sizes: tuple[int, ...]) -> Tensor:
    """Squares of every size around the middle of every cell, cut off at the border: (down across sizes, 4) in pixels."""
    y, x = ((torch.arange(n) + 0.5) * cell for n in (down, across))
    middles = torch.cartesian_prod(y, x).flip(1).repeat_interleave(len(sizes), 0)  # (n, 2) x, y
    half = torch.tensor(sizes).repeat(down * across)[:, None] / 2
    limits = torch.tensor([across * cell, down * cell, across * cell, down * cell], dtype=torch.float32)
    return torch.minimum(torch.cat([middles - half, middles + half], 1).clamp(min=0), limits)


def ring(boxes: Tensor, share: float) -> Tensor:
    """Boxes (n, 4) grown around their middles by this share of their sides."""
    grow = (boxes[:, 2:] - boxes[:, :2]) * share / 2
    return torch.cat([boxes[:, :2] - grow, boxes[:, 2:] + grow], 1)
