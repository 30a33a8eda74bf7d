"""Optimizers raced from one start, over a surface or on a network, as frames."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from engine.device import device
from engine.examples import Data
from engine.figures import curves, rivals
from engine.figures import descent as figures
from engine.figures.descent import NAMES
from engine.figures.theme import GREY, OPTIMIZERS, figure, line
from engine.functional import mlp
from engine.functional.optimizers import State, descend
from engine.functional.surfaces import Surface, steps_to
from engine.lab import Frame, Frames
from engine.results.descent import Paths, paths
from engine.results.planar import boundary
from engine.results.rivals import rivals as race
from engine.seeding import generator
from engine.training import Recipe, Step, accuracy, fit, paced
from engine.training.race import raced

if TYPE_CHECKING:
    import plotly.graph_objects as go

NEAR, LEFT = 0.01, 1e6
RATES = torch.logspace(-3, 1, 33, dtype=torch.float64)
FRAMES, PAUSE = 50, 0.04


@dataclass(frozen=True)
class Racer:
    """An optimizer with its coefficients, and the factor by which its rate differs from the common one."""

    update: Callable[..., tuple[list[Tensor], State]]
    factor: float = 1.0


Racers = Mapping[str, Racer]


def walks(surface: Surface, start: Tensor, racers: Racers, rate: float, steps: int) -> dict[str, tuple[Tensor, Tensor]]:
    """Each optimizer's points (k, 2) and costs (k,), from one start (2,)."""
    return {
        name: descend(surface.cost, surface.slope, start, rate * racer.factor, steps, racer.update)
        for name, racer in racers.items()
    }


def sweep(surface: Surface, start: Tensor, racers: Racers, steps: int) -> dict[str, Tensor]:
    """For each optimizer, after how many steps each of ``RATES`` keeps within a hundredth of the start's cost."""
    goal = surface.least + NEAR * float(surface.cost(start) - surface.least)
    return {
        name: steps_to(surface, goal, start, RATES * racer.factor, steps, racer.update)
        for name, racer in racers.items()
    }


def watched(steps: int) -> Iterator[int]:
    """Some fifty of the steps, the last among them, at a pace that an eye can follow: the walks take no time to compute."""
    for step in np.unique(np.linspace(0, steps, FRAMES + 1).astype(int)).tolist():
        yield step
        time.sleep(PAUSE)


def over_surface(surface: Surface, title: str, start: Tensor, racers: Racers, rate: float, steps: int) -> Frames:
    """Frames in which the paths grow; the first before anything is computed."""
    nothing = {name: torch.full_like(RATES, torch.inf) for name in racers}
    here = walks(surface, start, racers, rate, 0)
    yield surface_frame(paths(surface, here), nothing, title, rate, 0, steps)
    result, found = paths(surface, walks(surface, start, racers, rate, steps)), sweep(surface, start, racers, steps)
    for step in watched(steps):
        yield surface_frame(result, found, title, rate, step, steps)


def surface_frame(result: Paths, found: Mapping[str, Tensor], title: str, rate: float, step: int, steps: int) -> Frame:
    """All paths up to a step."""
    now = {name: float(cost[min(step, len(cost) - 1)]) for name, cost in result.costs.items()}
    gone = [NAMES[name] for name, path in result.paths.items() if len(path) <= min(step, len(result.costs[name]) - 1)]
    told = ", ".join(f"{cost:.2g} with {NAMES[name]}" for name, cost in now.items())
    return Frame(
        figures={
            "Paths": figures.paths(result, step),
            "Cost by step": figures.costs(result, steps, step),
            "Steps by rate": by_rate(found, rate, steps),
        },
        says=f"{title} after {step} steps: the cost above the least is {told}.",
        metrics={NAMES[name]: arrival(cost[: step + 1], now[name]) for name, cost in result.costs.items()},
        progress=step / steps,
        diverged=f"At a rate of {rate:g} {' and '.join(gone)} left the view." if gone else "",
        remedy={"rate": float(f"{rate / 3:.1g}")} if gone else {},
    )


def arrival(costs: Any, now: float) -> str:
    """From when on a cost is within a hundredth of the start's, or what it is."""
    if now > LEFT:
        return "left"
    above = np.flatnonzero(costs > NEAR * costs[0])
    return f"1 % from step {above[-1] + 1}" if len(above) and above[-1] + 1 < len(costs) else f"J = {now:.2g}"


def by_rate(found: Mapping[str, Tensor], rate: float, steps: int) -> go.Figure:
    """How many steps each optimizer needs at each common rate, with the present rate marked; never leaves a gap."""
    traces = []
    for name, needed in found.items():
        y = torch.where(needed.isfinite(), needed, torch.nan).float().numpy()
        hover = f"{NAMES[name]}: {{}} steps at rate {{}}<extra></extra>".format("%{y}", "%{x:.3g}")
        style = {"mode": "lines+markers", "marker": {"size": 5}, "hovertemplate": hover}
        traces.append(line(RATES.float().numpy(), y, NAMES[name], OPTIMIZERS[name], **style))
    here = {
        "type": "line",
        "x0": rate,
        "x1": rate,
        "y0": 0,
        "y1": 1,
        "yref": "paper",
        "line": {"color": GREY, "dash": "dot"},
    }
    xaxis = {"type": "log", "range": [-3, 1], "exponentformat": "power"}
    yaxis = {"type": "log", "range": [0, float(np.log10(max(steps, 2)))], "dtick": 1}
    return figure(traces, x="learning rate α", y="steps to 1 % of the cost", xaxis=xaxis, yaxis=yaxis, shapes=[here])


def fits(
    data: Data, racers: Racers, rate: float, steps: int, batch: int, units: int, seed: int
) -> dict[str, Iterator[Step]]:
    """A training for each optimizer, all from one start with the same batches."""
    start = [p.to(device()) for p in mlp.initialize((2, units, 1), generator(seed, 1), "xavier")]
    return {
        name: fit(
            start,
            data.train,
            data.dev,
            Recipe("tanh", rate * racer.factor, racer.update, batch=batch),
            steps,
            generator=generator(seed, 2),
        )
        for name, racer in racers.items()
    }


def over_network(data: Data, racers: Racers, rate: float, steps: int, batch: int, units: int, seed: int) -> Frames:
    """Frames in which the networks learn."""
    for histories in paced(raced(fits(data, racers, rate, steps, batch, units, seed))):
        yield network_frame(data, histories, rate, steps)


def network_frame(data: Data, histories: Mapping[str, list[Step]], rate: float, steps: int) -> Frame:
    """All networks after their latest step, or their last one with a finite cost."""
    shown = {NAMES[name]: history[-1] if history[-1].finite else history[-2] for name, history in histories.items()}
    colors = {NAMES[name]: OPTIMIZERS[name] for name in histories}
    step = max(history[-1].step for history in histories.values())
    lost = [NAMES[name] for name, history in histories.items() if not history[-1].finite]
    right = {name: float(accuracy(now.params, data.dev, "tanh")) for name, now in shown.items()}
    told = ", ".join(f"{float(now.train):.3g} with {name}" for name, now in shown.items())
    lines = {name: boundary(now.params, data.train, data.dev, "tanh") for name, now in shown.items()}
    costs = race({NAMES[name]: history for name, history in histories.items()})
    return Frame(
        figures={"Boundary": rivals.boundaries(lines, colors), "Cost": curves.race(costs, steps, colors)},
        says=f"After {step} updates the cost on the training set is {told}.",
        metrics={f"{name}, dev accuracy": f"{share:.1%}" for name, share in right.items()},
        progress=1.0 if len(lost) == len(shown) else step / steps,
        diverged=f"At a rate of {rate:g} the cost overflowed with {' and '.join(lost)}. Try a lower one."
        if lost
        else "",
        remedy={"rate": float(f"{rate / 30:.1g}")} if lost else {},
    )
