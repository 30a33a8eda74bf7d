"""Scores and losses of a class for every pixel."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, one_hot


def overlaps(found: Tensor, truth: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """Pixels that each class has in both labellings, and in either, (classes,) each; labels of any equal shape."""
    both = torch.bincount((truth.flatten() * classes + found.flatten()), minlength=classes**2).view(classes, classes)
    shared = both.diagonal()
    return shared, both.sum(0) + both.sum(1) - shared


def class_ious(shared: Tensor, either: Tensor) -> Tensor:
    """Intersection over union of each class (classes,) from :func:`overlaps`, NaN for a class that nowhere occurs."""
    return torch.where(either > 0, shared / either, torch.nan)


def mean_iou(found: Tensor, truth: Tensor, classes: int) -> Tensor:
    """The IoU of each class over all pixels of all pictures, averaged over the classes that occur at all."""
    return class_ious(*overlaps(found, truth, classes)).nanmean()


def pixel_loss(logits: Tensor, y: Tensor) -> Tensor:
    """Cross-entropy over all pixels plus 1 - Dice's coefficient, the mean over classes, which small classes weigh in fully.

    Logits (m, classes, h, w), labels y (m, h, w). Milletari et al. 2016, V-Net, section 3, with plain sums for squares.
    """
    share = torch.softmax(logits, 1)
    truth = one_hot(y, logits.shape[1]).movedim(-1, 1).to(share.dtype)
    dice = (2 * (share * truth).sum((0, 2, 3)) + 1) / ((share + truth).sum((0, 2, 3)) + 1)
    return cross_entropy(logits, y) + 1 - dice.mean()
