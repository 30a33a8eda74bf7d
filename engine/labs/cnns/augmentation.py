"""Data augmentation: distortions of your own picture, and what each does to a small training."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from engine.data.few import Few, few
from engine.data.media import Picture, fit_within
from engine.data.pixels import opened, to_levels, to_tensor
from engine.figures import augmentation as figures
from engine.figures.pictures import tiles
from engine.functional.augmentation import (
    Strengths,
    Variant,
    color_axes,
    crop_and_resize,
    displacement,
    distort,
    draw_variant,
    pca_shift,
    strongest,
)
from engine.lab import Frame, Frames, Lab
from engine.params import Params, PictureSource, choice, integer, number, picture, toggle
from engine.results.augmentation import Gains, color_cloud
from engine.seeding import generator
from engine.training import paced, recorded
from engine.training.augmented import ALL, NONE, Look, arms, train

SIDE, ACROSS, DRAWN, HEIGHT, LESSONS = 112, 3, 9, 330, 12
SEEDS, RATE, BATCH, LOOKS = 4, 0.005, 40, 20
FRAME_SECONDS = 0.25
NAMES = {
    NONE: "no distortion", "mirror": "mirror", "crop": "crop", "rotate": "rotate", "shear": "shear", "warp": "local warp",
    "color": "colour shift", "pca": "PCA colour", ALL: "all together",
}  # fmt: skip


class Augmentation(Params):
    """What a person can move."""

    picture: PictureSource = picture("photo-flower", help="A sample, or your own picture; it is shrunk.")
    learns: Literal["digits", "suns"] = choice(
        "digits",
        label="Training on",
        help="A few digits of 8 x 8 grey pixels, or a few drawn suns and moons of 12 x 12 in colour.",
        names={"digits": "Digits", "suns": "Suns and moons"},
    )
    mirror: bool = toggle(True, label="Mirror", help="Every other variant is mirrored left to right.")
    crop: float = number(
        0.2, low=0.0, high=0.9, hint=(0.0, 0.75, 0.05), label="Crop", help="The largest share of a side to cut off."
    )
    rotate: float = number(
        15.0, low=0.0, high=180.0, hint=(0.0, 180.0, 5.0), unit="°", label="Rotate", help="At most, to either side."
    )
    color: float = number(
        0.15,
        low=0.0,
        high=1.0,
        hint=(0.0, 0.5, 0.01),
        label="Colour shift",
        help="Added to R, G and B, which end at 1.",
    )
    shear: float = number(
        15.0, low=0.0, high=60.0, hint=(0.0, 45.0, 1.0), unit="°", label="Shear", help="At most, either way.", more=True
    )
    warp: float = number(
        0.03,
        low=0.0,
        high=0.3,
        hint=(0.0, 0.15, 0.01),
        label="Local warp",
        help="Deviation of a point's displacement, as a share of the side.",
        more=True,
    )
    pca: float = number(
        2.0,
        low=0.0,
        high=10.0,
        hint=(0.0, 5.0, 0.1),
        label="PCA colour",
        help="Deviation of α, which multiplies the colours' eigenvalues; Krizhevsky took 0.1.",
        more=True,
    )
    examples: int = integer(
        30, low=10, high=75, hint=(10, 75, 5), label="Training examples", help="For each of four trainings.", more=True
    )
    steps: int = integer(
        200, low=20, high=1000, hint=(50, 500, 10), label="Steps", help="Updates of each network, by Adam.", more=True
    )


def strengths_of(params: Augmentation) -> Strengths:
    """The sliders as one."""
    return Strengths(**{name: getattr(params, name) for name in Strengths._fields})


def run(params: Augmentation) -> Frames:
    """A few frames a second, from untrained networks to the last step."""
    learned = few(params.learns, params.examples, SEEDS, generator(params.seed, 1))
    ways = arms(learned, strengths_of(params), params.seed)
    looks = train(learned, list(ways.values()), params.seed, params.steps, RATE, BATCH, LOOKS)
    shown = lessons(learned, list(ways.values())[-1])
    for history in paced(recorded(looks), FRAME_SECONDS):
        yield frame(params, list(ways), shown, history)


def lessons(learned: Few, copies: Tensor) -> Any:
    """Some examples as they are, and two of their variants below each."""
    plain = (learned.x[0, :LESSONS] * 255).round().byte()
    rows = torch.stack([plain, copies[0, 0, :LESSONS], copies[-1, 0, :LESSONS]])  # (3, n, c, h, w)
    names = [learned.classes[k] for k in learned.y[0, :LESSONS].tolist()]
    return figures.lessons(rows.expand(-1, -1, 3, -1, -1).permute(0, 1, 3, 4, 2).numpy(), names)


def frame(params: Augmentation, ways: list[str], shown: Any, history: list[Look]) -> Frame:
    """How well all networks do by now, and some of what they learn from."""
    now, names = history[-1], [NAMES[way] for way in ways]
    accuracy = torch.stack([look.dev for look in history], -1).numpy()
    result = Gains(tuple(names), np.array([look.step for look in history], np.float32), accuracy)
    mean = dict(zip(names, now.dev.mean(1).tolist(), strict=True))
    ranked = sorted(names[1:], key=lambda name: mean[name])
    told = "".join(f"; {name} gives {mean[name]:.1%}" for name in dict.fromkeys((*ranked[-1:], *ranked[:1])))
    metrics = {"No distortion": f"{mean[names[0]]:.1%}"}
    alone = max((name for name in names[1:] if name != NAMES[ALL]), key=lambda name: mean[name], default="")
    metrics |= {"Best alone": f"{alone}, {mean[alone]:.1%}"} if alone else {}
    metrics |= {"All together": f"{mean[NAMES[ALL]]:.1%}"} if NAMES[ALL] in mean else {}
    return Frame(
        figures={
            "Which help": figures.gains(result),
            "Dev accuracy": figures.learning(result, params.steps),
            "What they learn from": shown,
        },
        says=(
            f"After {now.step} steps on {params.examples} {params.learns} the network without distortions gets "
            f"{mean[names[0]]:.1%} of the dev set right, the mean of {SEEDS} trainings{told}."
        ),
        metrics=metrics,
        progress=now.step / params.steps,
    )


def view(params: Augmentation, frame: Frame) -> Frame:
    """The person's picture, which needs no new training."""
    drawn, shift = gallery(params.picture, strengths_of(params), params.seed)
    told = ", ".join(f"{255 * part:+.0f}" for part in shift)
    return replace(frame, figures=drawn, metrics={**frame.metrics, "PCA adds to R, G, B": told})


@lru_cache(maxsize=4)
def gallery(source: str | Picture, strengths: Strengths, seed: int) -> tuple[dict[str, Any], tuple[float, ...]]:
    """A tile for each distortion at its strongest, random variants of all, and the colours before and after PCA colour."""
    x = to_tensor([fit_within(opened(source), SIDE).pixels])
    fill, most, random = x.mean((0, 2, 3)), strongest(strengths, generator(seed, 2)), generator(seed, 3)
    alone = {"as it is": Variant(), **{NAMES[kind]: most.only(kind) for kind in Strengths._fields}, NAMES[ALL]: most}
    mixed = {f"{k}": draw_variant(strengths, random) for k in range(1, DRAWN + 1)}
    high, wide = x.shape[-2:]
    tiled = {
        title: tiles(
            [to_levels(distort(x, one, fill)[0]) for one in shown.values()],
            list(shown),
            ACROSS,
            cell=(1.0, wide / high),
            height=HEIGHT,
        )
        for title, shown in {"At full strength": alone, "Random variants": mixed}.items()
    }
    shift = pca_shift(x, most.pca)
    clouds = {"Colours": x, "Colours after PCA colour": x + shift[:, None, None]}
    drawn = {
        title: figures.cloud(color_cloud(pixels, generator(seed, 4)), fill.numpy()) for title, pixels in clouds.items()
    }
    return tiled | drawn, tuple(shift.tolist())


LAB = Lab(
    slug="augmentation",
    summary="Distort your own picture in seven ways, and see which of them help a small network that has few examples.",
    params=Augmentation,
    run=run,
    trains=True,
    views=("picture",),
    view=view,
    look_for=(
        "A mirrored digit is no digit any more, and the network pays for learning from it; crops that move the digit about "
        "help. A distortion helps where it changes what must not matter: on suns and moons the light varies, and shifting "
        "colours helps most. PCA colour moves the whole cloud of colours along its own axes, without turning or stretching "
        "it. Switch mirroring off: what becomes of all together? And how far can you rotate before it hurts?"
    ),
    maths=(
        r"$$x' = x + [\mathbf p_1, \mathbf p_2, \mathbf p_3]\,"
        r"[\alpha_1 \lambda_1, \alpha_2 \lambda_2, \alpha_3 \lambda_3]^T, \qquad \alpha_i \sim N(0, \sigma^2)$$"
        "\n\n"
        r"$\lambda_i$ and $\mathbf p_i$ are eigenvalues and eigenvectors of the covariance $\Sigma$ of R, G and B, "
        r"levels from 0 to 1. Every pixel gets the same shift, so the mean moves and the covariance stays: "
        r"$\Sigma' = \Sigma$, the same axes and lengths, until levels end at 0 and 1. "
        "\n\n"
        r"The local warp fetches each pixel from $(i, j) + d(i, j)$, $d$ a smooth random field; a course's colour shift adds "
        r"a constant to each channel, such as $(+20, -20, +20)$ of 255."
    ),
    code=(draw_variant, distort, crop_and_resize, displacement, color_axes, pca_shift, train),
    presets={
        "Gentle": {"mirror": False, "crop": 0.15, "rotate": 10.0},
        "Upside down": {"rotate": 180.0},
        "Crops too small": {"crop": 0.75},
        "Suns and moons": {"learns": "suns", "color": 0.3, "examples": 20, "steps": 100},
        "PCA colour alone": {
            "learns": "suns",
            "mirror": False,
            "crop": 0.0,
            "rotate": 0.0,
            "shear": 0.0,
            "warp": 0.0,
            "color": 0.0,
            "pca": 3.0,
            "examples": 20,
        },
    },
    rows=(
        ("At full strength", "Random variants"),
        ("Which help", "Dev accuracy"),
        ("What they learn from",),
        ("Colours", "Colours after PCA colour"),
    ),
)
