"""Style transfer: a picture changed until a network reads one picture's content and another's style in it."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from engine.functional.lbfgs import lbfgs
from engine.functional.optimizers import State, adam
from engine.functional.style import content_cost, gram_cost, gram_matrix, total_cost, total_variation
from engine.models.styling import Reader

Optimizer = Literal["adam", "lbfgs"]
Start = Literal["content", "noise"]
# Of L-BFGS, in root mean square over a picture in [0, 1].
FIRST_STEP, LONGEST_STEP = 0.02, 0.1
KEPT = 2
NO_PICTURE = torch.empty(0)


@dataclass(frozen=True)
class Plan:
    """How a picture is made: J = alpha J_content + beta sum_l w_l J_style,l + smooth J_variation.

    ``layers`` are the weights w_l by layer; without any only content counts.
    """

    content: str
    layers: Mapping[str, float]
    alpha: float = 10.0
    beta: float = 40.0
    smooth: float = 0.0
    start: Start = "content"
    optimizer: Optimizer = "lbfgs"
    rate: float = 0.02
    steps: int = 100


class Moment(NamedTuple):
    """After so many steps: the picture (3, h, w), in [0, 1], and its costs. ``layers`` are the style costs unweighted."""

    step: int
    picture: Tensor
    total: float
    content: float
    style: float
    layers: dict[str, float]


@dataclass(frozen=True)
class Aims:
    """What doesn't change while the picture does: content activations, Gram matrices a place, scales of the layers."""

    content: Tensor
    grams: dict[str, Tensor]
    scales: dict[str, float] = field(default_factory=dict)


@torch.no_grad()
def aims(reader: Reader, content: Tensor, style: Tensor, plan: Plan) -> Aims:
    """Read both pictures (3, h, w) once; a layer is scaled to a mean activation of 1 on the style picture (Gatys et al.)."""
    names = [*plan.layers, plan.content]
    read = dict(zip(names, reader.read(style[None], names), strict=True))
    scales = {name: 1 / max(float(a.mean()), 1e-6) for name, a in read.items()}
    wanted = reader.read(content[None], [plan.content])[0] * scales[plan.content]
    grams = {name: gram_matrix(read[name] * scales[name]) / read[name].shape[-2:].numel() for name in plan.layers}
    return Aims(wanted, grams, scales)


class Costs(NamedTuple):
    """The costs of a picture as scalars that gradients flow through."""

    total: Tensor
    content: Tensor
    style: Tensor
    layers: dict[str, Tensor]


def costs(reader: Reader, picture: Tensor, aim: Aims, plan: Plan) -> Costs:
    """What a picture (1, 3, h, w) costs."""
    names = list(dict.fromkeys([*plan.layers, plan.content]))
    read = {name: a * aim.scales[name] for name, a in zip(names, reader.read(picture, names), strict=True)}
    content = content_cost(aim.content, read[plan.content]).sum()
    layers = {
        name: gram_cost(aim.grams[name] * read[name].shape[-2:].numel(), read[name]).sum() for name in plan.layers
    }
    style = sum((weight * layers[name] for name, weight in plan.layers.items()), picture.new_zeros(()))
    total = total_cost(content, style, plan.alpha, plan.beta) + plan.smooth * total_variation(picture).sum()
    return Costs(total, content, style, layers)


def moments(
    reader: Reader, content: Tensor, style: Tensor, plan: Plan, generator: torch.Generator, begun: Tensor | None = None
) -> Iterator[Moment]:
    """The picture before the first step and after each, without end; ``begun`` (3, h, w) goes on from a picture.

    ``content`` and ``style`` are pictures (3, h, w) in [0, 1] on the reader's device; the picture made is as large as content.
    """
    noise = torch.rand(content.shape, generator=generator).to(content)
    picture = begun if begun is not None else content if plan.start == "content" else noise
    aim, state = aims(reader, content, style, plan), State()
    for step in itertools.count():
        at = picture[None].clone().requires_grad_()
        cost = costs(reader, at, aim, plan)
        (slope,) = torch.autograd.grad(cost.total, at)
        moment = _moment(step, picture, cost)
        del cost, at  # what gradients need is freed before whoever reads this draws
        yield moment
        picture, state = _moved(picture, slope[0].contiguous(), state, plan)


def transfer(
    reader: Reader, content: Tensor, style: Tensor, plan: Plan, generator: torch.Generator, begun: Tensor | None = None
) -> Iterator[Moment]:
    """The first ``plan.steps`` of :func:`moments`."""
    return itertools.islice(moments(reader, content, style, plan, generator, begun), plan.steps + 1)


@torch.no_grad()
def _moved(picture: Tensor, slope: Tensor, state: State, plan: Plan) -> tuple[Tensor, State]:
    if plan.optimizer == "adam":
        [picture], state = adam([picture], [slope], state, plan.rate)
    else:
        picture, state = lbfgs(picture, slope, state, FIRST_STEP, LONGEST_STEP)
    return picture.clamp(0, 1), state


@dataclass
class Course:
    """A transfer under way: what is still to come, and what has passed, of which only the last keeps its picture."""

    coming: Iterator[Moment]
    passed: list[Moment] = field(default_factory=list)


_kept: OrderedDict[Hashable, Course] = OrderedDict()


def resumed(key: Hashable, begin: Callable[[], Iterator[Moment]], steps: int) -> Iterator[list[Moment]]:
    """All moments so far, up to so many steps; a course that was closed before it got there goes on where it was.

    Going on passes through the same numbers as beginning anew, which is what happens where nothing is kept: in another
    process, or after it was pushed out by later ones. A course that has got there already begins anew.
    """
    course = _kept.pop(key, None)
    if course is None or not course.passed or course.passed[-1].step >= steps:
        course = Course(begin())
    sound = True
    try:
        if course.passed:
            yield course.passed
        while not course.passed or course.passed[-1].step < steps:
            sound = False
            moment = next(course.coming)
            sound = True
            course.passed[-1:] = [before._replace(picture=NO_PICTURE) for before in course.passed[-1:]]
            course.passed.append(moment)
            yield course.passed
    finally:
        if sound:
            _kept[key] = course
            while len(_kept) > KEPT:
                _kept.popitem(last=False)


def _moment(step: int, picture: Tensor, cost: Costs) -> Moment:
    """A picture with its costs as numbers."""
    layers = {name: value.item() for name, value in cost.layers.items()}
    return Moment(step, picture, cost.total.item(), cost.content.item(), cost.style.item(), layers)
