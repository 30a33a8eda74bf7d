"""The bundled classifier asked about regions of a picture in the three ways of the R-CNN family, and what each multiplies.

R-CNN sends the crop of every region through the whole network (Girshick et al. 2014). Fast R-CNN makes the maps of the
picture once and pools each region from them (Girshick 2015). Faster R-CNN takes the regions from these maps, too
(Ren et al. 2015); here their objectness is read from the classifier's own head, which was never trained for it.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from engine.data.drawn import SHAPES
from engine.functional.boxes import nms
from engine.functional.proposals import anchors, ring
from engine.functional.scanning import cut
from engine.models.atlas20 import SIDE, WIDTHS, Atlas20
from engine.models.counting import count

CELL = 8  # pixels of the picture that a cell of the last maps stands for
POOLED, SAMPLES = 7, 2
SIZES = (32, 64, 96)
BATCH = 16
CLASSES = 20
SAME = 0.7


@torch.inference_mode()
def by_crops(network: Atlas20, picture: Tensor, boxes: Tensor) -> Tensor:
    """R-CNN: logits (n, classes) of the boxes (n, 4) of a picture (3, h, w), each crop through the whole network."""
    return torch.cat([network(part) for part in torch.split(cut(picture, boxes, SIDE), BATCH)])


@torch.inference_mode()
def shared_maps(network: Atlas20, picture: Tensor) -> Tensor:
    """The last maps (1, 64, h / 8, w / 8) of a whole picture (3, h, w), made once."""
    return network.blocks(network.stem(network.scaled(picture[None])))


@torch.inference_mode()
def by_pooling(network: Atlas20, maps: Tensor, boxes: Tensor) -> Tensor:
    """Fast R-CNN: logits (n, classes) of boxes (n, 4), each pooled to 7 x 7 from the maps and sent through the head."""
    from torchvision.ops import roi_align

    pooled = roi_align(maps, [boxes], POOLED, 1 / CELL, SAMPLES, aligned=True)  # (n, 64, 7, 7)
    return network.head(pooled.mean((2, 3)))


@torch.inference_mode()
def from_maps(network: Atlas20, maps: Tensor, most: int) -> Tensor:
    """Faster R-CNN: at most ``most`` boxes (n, 4) where the maps look more like a shape inside than around.

    The head as a 1 x 1 convolution gives each cell's probability of a shape; an anchor scores what it holds of it above
    what the ring around it holds, and non-max suppression drops the anchors that say the same.
    """
    from torchvision.ops import roi_align

    logits = torch.einsum("kc,mcij->mkij", network.head.weight, maps) + network.head.bias[:, None, None]
    shape = logits.softmax(1)[:, : len(SHAPES)].sum(1, keepdim=True)  # (1, 1, down, across)
    shape = avg_pool2d(shape, 3, 1, 1, count_include_pad=False)
    down, across = maps.shape[2:]
    found = anchors(down, across, CELL, SIZES).to(maps.device)
    inside, around = (
        roi_align(shape, [each], POOLED, 1 / CELL, 1, aligned=True).mean((1, 2, 3))
        for each in (found, ring(found, 0.5))
    )
    score = inside + (inside - around)
    return found[nms(found, score, SAME)[:most]]


@lru_cache(maxsize=32)
def network_work(height: int, width: int) -> int:
    """Multiplications of one pass over a picture, the head included."""
    return sum(layer.multiplications for layer in count(Atlas20(), (3, height, width)))


def head_work() -> int:
    """Multiplications of the head for one region, or for one cell."""
    return WIDTHS[-1] * CLASSES


def pooling_work() -> int:
    """Multiplications of pooling one region: four for each of the 2 x 2 samples of every pooled number."""
    return WIDTHS[-1] * POOLED**2 * SAMPLES**2 * 4


def maps_shape(height: int, width: int) -> tuple[int, int]:
    """The side of the last maps: each of three layers with stride 2 halves them, rounded up."""
    return -(-height // CELL), -(-width // CELL)


def work(height: int, width: int, regions: int, own: int) -> list[list[int]]:
    """Multiplications (3, 3) of R-CNN, Fast and Faster: for proposals, for maps, and for the regions.

    ``regions`` are those of R-CNN and Fast, ``own`` those that Faster proposes itself.
    """
    down, across = maps_shape(height, width)
    maps = network_work(height, width) - head_work()
    each = pooling_work() + head_work()
    return [
        [0, regions * (network_work(SIDE, SIDE) - head_work()), regions * head_work()],
        [0, maps, regions * each],
        [down * across * head_work(), maps, own * each],
    ]
