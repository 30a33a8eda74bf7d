"""Liveness: a small network learns to tell a live face from one that is shown to the camera again."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from engine.data.replays import ATTACKS, camera, replayed
from engine.figures import maps
from engine.figures import recognition as figures
from engine.figures.pictures import tile_at, tiles
from engine.functional.faces import equal_error, error_rates
from engine.lab import Event, Frame, Frames, Lab
from engine.models.crowd import levels
from engine.models.liveness import batches, initialize, people
from engine.params import Params, choice, integer, number
from engine.results.pictures import progress
from engine.results.recognition import ThresholdCurves
from engine.seeding import generator
from engine.training import paced, recorded
from engine.training.drawn import Look, fit_drawn

HELD, EACH, ACROSS, LOOKS = 24, 3, 5, 16
KINDS = ("live", *ATTACKS)


class LivenessParams(Params):
    """What a person can move."""

    threshold: float = number(
        0.5, low=0.0, high=1.0, hint=(0.0, 1.0, 0.01), label="Threshold",
        help="A face passes as live if the network gives that at least this probability.",
    )  # fmt: skip
    known: Literal["all", "print", "screen", "moire", "blur"] = choice(
        "all",
        label="Replays in training",
        help="Which replays the network learns from; it is tested on all of them.",
        names={
            "all": "All four",
            "print": "Printed",
            "screen": "On a screen",
            "moire": "Moiré",
            "blur": "Out of focus",
        },
    )
    strength: float = number(
        0.85,
        low=0.0,
        high=1.0,
        hint=(0.0, 1.0, 0.05),
        label="Traces",
        help="How much a replay leaves traces; 0 is perfect.",
    )
    which: int = integer(1, low=1, high=15, label="Face", help="The face shown large; clicking one sets it.")
    steps: int = integer(140, low=1, high=3000, hint=(20, 800, 20), label="Steps", help="Updates of the network.")
    rate: float = number(0.02, low=1e-5, high=1.0, log=True, label="Learning rate", help="Highest step of Adam.")
    people: int = integer(
        384, low=8, high=4000, hint=(8, 2000, 8), log=True, label="Training people", help="One face of each.", more=True
    )
    batch: int = integer(24, low=8, high=128, log=True, label="Mini-batch", help="Faces an update.", more=True)


@dataclass(frozen=True)
class Kept:
    """What the view draws from: pictures (15, s, s, 3) in rows of kinds, and probabilities of live (5, people) of all."""

    shown: Tensor
    live: Tensor
    trained: tuple[bool, ...]


def held_out(params: LivenessParams) -> Tensor:
    """Faces (5, people, 3, 64, 64) of people whom training never sees: live ones, and other pictures in each replay."""
    random = generator(params.seed, 70)
    live, again = people(2 * HELD, random).chunk(2)
    return torch.stack([camera(live, random), *(replayed(again, kind, params.strength, random) for kind in ATTACKS)])


def run(params: LivenessParams) -> Frames:
    """The untrained network at once, then as it learns."""
    network, x = initialize(params.seed).to(memory_format=torch.channels_last), held_out(params)
    attacks = ATTACKS if params.known == "all" else (params.known,)
    drawn = batches(params.people, params.batch, attacks, params.strength, generator(params.seed, 71))
    trained = (True, *(kind in attacks for kind in ATTACKS))
    looks = fit_drawn(
        network,
        lambda: next(drawn),
        binary_cross_entropy_with_logits,
        lambda: torch.sigmoid(network(x.flatten(0, 1))).view(len(KINDS), -1),
        rate=params.rate,
        steps=params.steps,
        looks=LOOKS,
    )
    shown = levels(x[:, :EACH].transpose(0, 1).flatten(0, 1))
    for history in paced(recorded(looks)):
        yield learned(params, history, Kept(shown, history[-1].seen, trained))


def judged(live: Tensor) -> tuple[Tensor, Tensor]:
    """1 - p of all probabilities (5, people), and whether each is of a live face."""
    return 1 - live.flatten(), torch.arange(live.numel()) < live.shape[1]


def right(live: Tensor, threshold: float = 0.5) -> float:
    """The mean of the shares of live faces and of replays that are judged right, from probabilities (5, people)."""
    passed = (live >= threshold).float()
    return float(passed[0].mean() + 1 - passed[1:].mean()) / 2


def learned(params: LivenessParams, history: Sequence[Look[Tensor]], kept: Kept) -> Frame:
    """What is known by the latest look, but for what the view draws."""
    now = history[-1]
    curve = [(look.step, look.cost, right(look.seen)) for look in history]
    share = equal_error(*judged(now.seen)).rate
    return Frame(
        figures={"Training": maps.progress(progress(curve, params.steps), x="step")},
        says=f"After {now.step} steps {right(now.seen):.0%} of live and replayed faces of {HELD} people never seen are told "
        f"apart at 50%; the equal error rate is {share:.1%}.",
        metrics={"Equal error rate": f"{share:.1%}", "Step": f"{now.step} of {params.steps}"},
        progress=1.0 if now.blown else now.step / params.steps,
        diverged="The rate is so high that the weights left the numbers a computer holds." if now.blown else "",
        remedy={"rate": 0.02} if now.blown else {},
        state=kept,
    )


def view(params: LivenessParams, frame: Frame) -> Frame:
    """Faces with their answers, and what the threshold makes of each kind."""
    kept: Kept = frame.state
    passed = (kept.live >= params.threshold).float().mean(1)
    captions = []
    for i in range(len(kept.shown)):
        kind, probability = KINDS[i % ACROSS], float(kept.live[i % ACROSS, i // ACROSS])
        wrong = (probability >= params.threshold) != (kind == "live")
        captions.append(f"{'✗ ' if wrong else ''}{kind} {probability:.0%}")
    k, pictures = params.which - 1, list(kept.shown.numpy())
    thresholds = torch.linspace(0, 1, 101)
    rates = error_rates(*judged(kept.live), 1 - thresholds)
    curves = ThresholdCurves(*(t.numpy() for t in (thresholds, *rates)))
    shares = f"{float(passed[0]):.0%} of live faces and {float(passed[1:].mean()):.0%} of replays pass"
    return replace(
        frame,
        figures={
            "Held-out faces": tiles(pictures, captions, ACROSS, chosen=k, height=340),
            "Face": tiles([pictures[k]], [f"{captions[k]} live" if k % ACROSS else captions[k]], 1, height=340),
            "Taken for live": figures.by_kind(KINDS, passed.numpy(), trained=kept.trained),
            "Errors by threshold": figures.errors(curves, params.threshold, "probability asked for", "share of faces"),
        },
        metrics={
            **frame.metrics,
            "Live accepted": f"{float(passed[0]):.0%}",
            "Replays accepted": f"{float(passed[1:].mean()):.0%}",
        },
        says=f"{frame.says} At {params.threshold:.0%}, {shares}.",
    )


def respond(params: LivenessParams, event: Event) -> Mapping[str, Any]:
    """A click on a face shows it large."""
    if event.figure != "Held-out faces" or not (math.isfinite(event.x) and math.isfinite(event.y)):
        return {}
    k = tile_at(event.x, event.y, EACH * ACROSS, ACROSS)
    return {} if k is None else {"which": k + 1}


LAB = Lab(
    slug="liveness",
    summary="Watch a small network learn to tell a live face from a print, a screen or a blurred replay of one.",
    params=LivenessParams,
    run=run,
    look_for=(
        "Recognition alone lets a photograph in, for it shows the right face. What gives a replay away lies in its finest "
        "traces: dots of the print, lines and glare of the screen, coloured bands, missing detail. Train on printed replays "
        "only, and the hatched bars tell how many of the replays that training never showed get in. Which of them does a "
        "network that knows prints catch anyway, and what happens to all as the traces fade?"
    ),
    maths=(
        r"$$\hat y = \sigma(w^T a + b) \approx P(\text{live} \mid x), \qquad J = -\frac{1}{m} \sum_i \big( y^{(i)} \log "
        r"\hat y^{(i)} + (1 - y^{(i)}) \log(1 - \hat y^{(i)}) \big)$$"
        "\n\n"
        r"$a$ are means of maps over the picture: the traces lie everywhere. A face passes if $\hat y \ge \tau$. False accepts "
        r"are replays that pass, false rejects live faces that don't. A grid of $f$ cycles a pixel, sampled once a pixel, "
        r"comes back with $|f - 1|$ cycles if $f \approx 1$: the moiré."
    ),
    code=(replayed, camera, right, fit_drawn),
    presets={
        "Knows prints only": {"known": "print"},
        "Knows moiré only": {"known": "moire"},
        "Hardly a trace": {"strength": 0.15},
        "Let nobody in by mistake": {"threshold": 0.95},
    },
    trains=True,
    rows=(("Held-out faces", "Face"), ("Taken for live", "Errors by threshold"), ("Training",)),
    listens=("click",),
    respond=respond,
    views=("threshold", "which"),
    view=view,
)
