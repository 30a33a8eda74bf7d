"""Overlaps of labels against scikit-learn's, and the loss of pixels against PyTorch's parts of it."""

from __future__ import annotations

import torch
from sklearn.metrics import jaccard_score
from torch.nn.functional import cross_entropy, one_hot

from engine.functional.segmentation import class_ious, mean_iou, overlaps, pixel_loss
from engine.seeding import generator


def labels(seed: int, classes: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    random = generator(seed)
    truth = torch.randint(0, classes, (3, 20, 20), generator=random)
    noisy = torch.randint(0, classes, (3, 20, 20), generator=random)
    return torch.where(torch.rand(truth.shape, generator=random) < 0.3, noisy, truth), truth


def test_ious_are_scikit_learns() -> None:
    for seed in range(5):
        found, truth = labels(seed)
        expected = torch.from_numpy(jaccard_score(truth.flatten(), found.flatten(), average=None)).float()
        torch.testing.assert_close(class_ious(*overlaps(found, truth, 5)), expected, rtol=1e-6, atol=0)
        torch.testing.assert_close(mean_iou(found, truth, 5), expected.mean(), rtol=1e-6, atol=0)


def test_counts_add_up_over_pictures_and_absent_classes_count_for_nothing() -> None:
    found, truth = labels(1)
    parts = [torch.stack(overlaps(f, t, 5)) for f, t in zip(found, truth, strict=True)]
    assert torch.equal(sum(parts), torch.stack(overlaps(found, truth, 5)))
    ious = class_ious(*overlaps(found, truth, 7))
    assert bool(ious[5:].isnan().all()) and torch.equal(mean_iou(found, truth, 7), mean_iou(found, truth, 5))


def test_the_loss_is_cross_entropy_plus_one_minus_dice() -> None:
    _, y = labels(2)
    z = torch.randn(3, 5, 20, 20, generator=generator(3))
    share, truth = torch.softmax(z, 1), one_hot(y, 5).permute(0, 3, 1, 2)
    dice = [(2 * (share[:, c] * truth[:, c]).sum() + 1) / (share[:, c].sum() + truth[:, c].sum() + 1) for c in range(5)]
    torch.testing.assert_close(pixel_loss(z, y), cross_entropy(z, y) + 1 - sum(dice) / 5, rtol=1e-5, atol=1e-6)
    sure = 100.0 * one_hot(y, 5).permute(0, 3, 1, 2)
    assert float(pixel_loss(sure, y)) < 1e-6
