"""The bundled network's style as a real VGG-19 sees it: 5 contents by 5 styles of scikit-image, in equal steps."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from skimage import data

from engine.functional.style import layer_style_cost
from engine.labs.style_transfer.style_transfer import Transfer, planned
from engine.models.styling import Reader, textures, vgg
from engine.seeding import generator
from engine.training.styling import transfer

WEIGHTS = Path(__file__).resolve().parents[3] / "shared" / "real" / "weights" / "vgg19_features_to_relu3_1.pt"
CONTENTS = ("astronaut", "chelsea", "coffee", "rocket", "retina")
STYLES = ("brick", "grass", "gravel", "immunohistochemistry", "hubble_deep_field")
LAYERS = ("relu1_1", "relu2_1", "relu3_1")
ASKED = 0.6

pytestmark = [pytest.mark.real, pytest.mark.skipif(not WEIGHTS.exists(), reason=f"{WEIGHTS.name} is not here")]


@pytest.fixture(scope="module")
def judge() -> Reader:
    layers = torchvision.models.vgg19(weights=None).features[:12]
    layers.load_state_dict(torch.load(WEIGHTS, weights_only=True))
    return vgg(layers)


def picture(name: str, side: int) -> torch.Tensor:
    """The middle square of a photograph, (3, side, side) in [0, 1]."""
    pixels = np.asarray(getattr(data, name)())
    pixels = np.stack([pixels] * 3, -1) if pixels.ndim == 2 else pixels[..., :3]
    height, width = pixels.shape[:2]
    k = min(height, width)
    top, left = (height - k) // 2, (width - k) // 2
    square = Image.fromarray(pixels[top : top + k, left : left + k]).resize((side, side), Image.Resampling.LANCZOS)
    return torch.from_numpy(np.array(square)).permute(2, 0, 1).float() / 255


def lowered(judge: Reader, reader: Reader, content: torch.Tensor, style: torch.Tensor, steps: int) -> float:
    """By which share a transfer with this reader lowers the style cost that the judge sees."""

    def cost(x: torch.Tensor) -> float:
        read = zip(judge.read(style[None], LAYERS), judge.read(x[None], LAYERS), strict=True)
        return sum(float(layer_style_cost(s, g)) for s, g in read)

    plan = planned(Transfer(steps=steps), reader)
    *_, last = transfer(reader, content, style, plan, generator(0))
    return 1 - cost(last.picture) / cost(content)


def share(judge: Reader, pairs: list[tuple[str, str]], side: int, steps: int) -> float:
    """What the bundled network lowers in the mean, as a share of what the real one lowers."""
    means = []
    for reader in (textures(), judge):
        each = [lowered(judge, reader, picture(c, side), picture(s, side), steps) for c, s in pairs]
        print(reader.name, dict(zip(pairs, np.round(each, 3), strict=True)))
        means.append(float(np.mean(each)))
    return means[0] / means[1]


def test_five_pairs_come_near_what_vgg_reaches(judge: Reader) -> None:
    assert share(judge, list(zip(CONTENTS, STYLES, strict=True)), side=64, steps=30) >= ASKED


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_all_pairs_come_near_what_vgg_reaches(judge: Reader) -> None:
    assert share(judge, list(itertools.product(CONTENTS, STYLES)), side=128, steps=60) >= ASKED
