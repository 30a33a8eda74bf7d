"""How fast style transfer is: seconds to the total cost that PyTorch's own tutorial reaches in 100 steps at 256 px.

``python -m benchmarks.style [--side N] [--steps N] [--repeats N] [--quick]``, from the repository's root. It prints one JSON
object; what each number means is in ``benchmarks/README.md``. It measures and doesn't judge: the exit code is 0.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from benchmarks.small_networks import machine
from engine.data.samples import picture_sample
from engine.models.styling import Reader, vgg
from engine.seeding import generator
from engine.training.styling import Plan, aims, transfer

REAL = Path(__file__).resolve().parents[2] / "shared" / "real" / "weights" / "vgg19_features_to_relu3_1.pt"
STYLE_WEIGHT, CONTENT_WEIGHT = 1_000_000, 1
CONTENT, STYLE = "conv_4", ("conv_1", "conv_2", "conv_3", "conv_4", "conv_5")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.style", description=__doc__)
    parser.add_argument("--side", type=int, default=256, help="side of all pictures in pixels")
    parser.add_argument("--steps", type=int, default=100, help="evaluations that the tutorial's loop gets")
    parser.add_argument("--repeats", type=int, default=3, help="rounds, in each of which both ways take their turn")
    parser.add_argument("--quick", action="store_true", help="64 px, 20 steps, one round")
    chosen = parser.parse_args(arguments)
    if chosen.quick:
        chosen.side, chosen.steps, chosen.repeats = 64, 20, 1
    torch.set_num_threads(2)
    layers, weights = features()
    content, style = (picture(name, chosen.side) for name in ("photo-china", "photo-flower"))
    ratios, seconds = [], []
    for _ in range(chosen.repeats):
        theirs, cost = tutorial(deepcopy(layers), content, style, chosen.steps)
        ours = reaching(deepcopy(layers), content, style, cost, 2 * chosen.steps)
        ratios.append(ours / theirs)
        seconds.append({"tutorial": round(theirs, 2), "lab": round(ours, 2), "total cost": round(cost, 4)})
    report = {"machine": machine(), "weights": weights, "side": chosen.side, "steps": chosen.steps, "seconds": seconds}
    print(json.dumps({**report, "ratio": round(statistics.median(ratios), 3)}, indent=2))
    return 0


def features() -> tuple[nn.Sequential, str]:
    """VGG-19 to its fifth convolution; the real one where it stands beside the project, else a random one."""
    from torchvision.models import vgg19

    layers = vgg19(weights=None).features[:12]
    if REAL.exists():
        layers.load_state_dict(torch.load(REAL, weights_only=True))
    return layers.eval(), "real" if REAL.exists() else "random"


def picture(name: str, side: int) -> Tensor:
    """A sample as (3, side, side) in [0, 1]."""
    pixels = torch.from_numpy(picture_sample(name).pixels.copy()).permute(2, 0, 1)[None].float() / 255
    return nn.functional.interpolate(pixels, (side, side), mode="bilinear", antialias=True, align_corners=False)[0]


class _Loss(nn.Module):
    """The tutorial's transparent layer: it keeps its loss and passes its input on."""

    def __init__(self, target: Tensor, gram: bool) -> None:
        super().__init__()
        self.gram = gram
        self.target = self._read(target).detach()
        self.loss: Tensor = torch.zeros(())

    def _read(self, x: Tensor) -> Tensor:
        if not self.gram:
            return x
        a, b, c, d = x.size()
        rows = x.view(a * b, c * d)
        return torch.mm(rows, rows.t()).div(a * b * c * d)

    def forward(self, x: Tensor) -> Tensor:
        self.loss = mse_loss(self._read(x), self.target)
        return x


class _Normalization(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.mean = torch.tensor([0.485, 0.456, 0.406]).view(-1, 1, 1)
        self.std = torch.tensor([0.229, 0.224, 0.225]).view(-1, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.std


def built(layers: nn.Sequential, content: Tensor, style: Tensor) -> tuple[nn.Sequential, list[_Loss], list[_Loss]]:
    """The tutorial's network: the layers with losses in between, cut after the last of them."""
    model, contents, styles, number = nn.Sequential(_Normalization()), [], [], 0
    for layer in layers.children():
        if isinstance(layer, nn.Conv2d):
            number += 1
            name = f"conv_{number}"
        else:
            name = f"{type(layer).__name__}_{number}"
            layer = nn.ReLU(inplace=False) if isinstance(layer, nn.ReLU) else layer
        model.add_module(name, layer)
        if name == CONTENT:
            contents.append(_Loss(model(content), gram=False))
            model.add_module(f"content_loss_{number}", contents[-1])
        if name in STYLE:
            styles.append(_Loss(model(style), gram=True))
            model.add_module(f"style_loss_{number}", styles[-1])
    last = max(i for i, layer in enumerate(model) if isinstance(layer, _Loss))
    return model[: last + 1], contents, styles


def tutorial(layers: nn.Sequential, content: Tensor, style: Tensor, steps: int) -> tuple[float, float]:
    """Seconds of the tutorial's ``run_style_transfer`` for so many evaluations, and the total cost that it reaches."""
    began = time.perf_counter()
    model, styles, contents = None, [], []
    picture = content[None].clone()
    model, contents, styles = built(layers, content[None], style[None])
    picture.requires_grad_(True)
    model.eval()
    model.requires_grad_(False)
    optimizer = torch.optim.LBFGS([picture])
    run = [0]

    def closure() -> Tensor:
        with torch.no_grad():
            picture.clamp_(0, 1)
        optimizer.zero_grad()
        model(picture)
        style_score = sum(STYLE_WEIGHT * each.loss for each in styles)
        content_score = sum(CONTENT_WEIGHT * each.loss for each in contents)
        loss = style_score + content_score
        loss.backward()
        run[0] += 1
        return loss

    while run[0] < steps:
        optimizer.step(closure)
    taken = time.perf_counter() - began
    with torch.no_grad():
        picture.clamp_(0, 1)
        model(picture)
    return taken, float(sum(STYLE_WEIGHT * s.loss for s in styles) + sum(CONTENT_WEIGHT * c.loss for c in contents))


def reaching(layers: nn.Sequential, content: Tensor, style: Tensor, cost: float, most: int) -> float:
    """Seconds until the lab's own transfer of the same objective costs no more; infinite if it doesn't in ``most`` steps."""
    began = time.perf_counter()
    convolutions = [i for i, layer in enumerate(layers) if isinstance(layer, nn.Conv2d)]
    read: Reader = replace(vgg(layers), taps={f"conv_{k + 1}": i for k, i in enumerate(convolutions)})
    for moment in transfer(read, content, style, same_objective(read, content, style, most), generator(0)):
        if moment.total <= cost:
            return time.perf_counter() - began
    return float("inf")


def same_objective(read: Reader, content: Tensor, style: Tensor, steps: int) -> Plan:
    """The tutorial's weights in our normalisation, by which a layer's scale and number of channels are divided out."""
    plan = Plan(CONTENT, dict.fromkeys(STYLE, 1.0), steps=steps)
    aim = aims(read, content, style, plan)
    layers = {name: 4 * STYLE_WEIGHT / (len(g[0]) ** 2 * aim.scales[name] ** 4) for name, g in aim.grams.items()}
    return replace(plan, layers=layers, alpha=4 * CONTENT_WEIGHT / aim.scales[CONTENT] ** 2, beta=1.0)


if __name__ == "__main__":
    raise SystemExit(main())
