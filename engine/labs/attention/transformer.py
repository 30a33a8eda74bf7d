"""A Transformer on written dates: every head's map, positions and masks on and off, beside the recurrent reader."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import torch

from engine.data.dates import EOS, LETTERS, decode, encode, valid
from engine.errors import BadInput
from engine.figures import attending as figures
from engine.functional.attention import causal_mask
from engine.functional.transformer import multi_head, positions
from engine.lab import Event, Frame, Frames, Lab
from engine.labs.attention._dates import STEPS, Reading, blown, held_out, kept, learned, letters_of, told
from engine.labs.attention._heads import (
    altered,
    beside,
    cost,
    leak,
    recurrent_share,
    share,
    spelled_out,
    switched_off,
    written,
)
from engine.models.transforming import HEADS, LAYERS, Transformer, initialize, without
from engine.params import choice, integer, text, toggle
from engine.results.attending import SYMBOLS, Heads
from engine.training import paced, recorded

KINDS = {"encoder": "Encoder, to itself", "decoder": "Decoder, to itself", "cross": "Decoder, to the encoder"}
START = "⊢"
LOOKED = (
    " Without the mask it sees the answer while it learns: the cost falls, for it learns to copy what isn't there yet when it "
    "writes alone."
)
OURS, CHANGED, THEIRS = "Transformer", "as set here", "recurrent"


class Attending(Reading):
    """What a person can move."""

    layer: int = integer(1, low=1, high=LAYERS, label="Layer", help="Whose heads are drawn.")
    shown: Literal["encoder", "decoder", "cross"] = choice(
        "cross", label="Attention", help="Who looks at whom: letters at letters, what is written at itself, or at the letters.",
        names=KINDS,
    )  # fmt: skip
    positions: bool = toggle(
        True, label="Positions", help="Whether waves that tell places apart are added to the letters."
    )
    causal: bool = toggle(
        True, label="Causal mask", help="Whether what is written is kept from looking at what comes later."
    )
    off: str = text(
        "",
        longest=120,
        label="Heads off",
        help="E1.2 is the encoder's layer 1, head 2; D and C are the decoder's to itself and to the encoder. "
        "A click on a head's map switches it off or on.",
        more=True,
    )


def run(params: Attending) -> Frames:
    """The bundled network at once and then beside the recurrent one, or frames of one that learns."""
    off = switched_off(params.off)
    if params.network == "bundled":
        ready = Frame(figures={}, says="", progress=0.2)
        yield ready
        shares = {OURS: share(), CHANGED: share(params.positions, params.causal, off), THEIRS: recurrent_share()}
        if (params.positions, params.causal, off) == (True, True, frozenset()):
            del shares[CHANGED]
        yield replace(
            ready,
            figures={"Held-out dates": figures.bars(shares, "exact"), "Cost as texts grow": figures.growth(cost())},
            says=f"Of {len(held_out().x)} held-out dates "
            + ", ".join(f"{name} has {value:.1%} exact" for name, value in shares.items())
            + ".",
            metrics={"Held-out exact": f"{shares.get(CHANGED, shares[OURS]):.1%}"},
            progress=1.0,
        )
        return
    network = fresh(params)
    for history in paced(recorded(learned(network, params))):
        now = history[-1]
        frame = Frame(
            figures={"Learning": figures.learning(history, params.updates)},
            says=f"After {now.step} of {params.updates} updates {now.exact:.1%} of held-out dates come out exact.",
            note=""
            if params.causal
            else "Without the mask it sees the answer while it learns: the cost falls, and it learns "
            "to copy what won't be there when it writes alone.",
            metrics={"Held-out exact": f"{now.exact:.1%}"},
            progress=now.step / params.updates,
            state=kept(network),
        )
        yield replace(frame, **blown(now))


def fresh(params: Attending) -> Transformer:
    """A network at its random start; its width is a multiple of the heads."""
    d = max(1, params.units // (2 * HEADS)) * 2 * HEADS
    switches = {"positions": params.positions, "causal": params.causal}
    return initialize(params.seed, len(LETTERS), EOS + 1, d, HEADS, LAYERS, **switches)


def reader(params: Attending, frame: Frame) -> Transformer:
    """The network of a frame, its heads switched off."""
    off = switched_off(params.off)
    if frame.state is None:
        return altered(params.positions, params.causal, off)
    network = fresh(params)
    network.load_state_dict(frame.state)
    return without(network, off)


def view(params: Attending, frame: Frame) -> Frame:
    """The typed date through the network of a frame, and the heads of one layer."""
    if frame.diverged:
        return frame
    letters, network, off = letters_of(params.written), reader(params, frame), switched_off(params.off)
    x = encode([letters])[0]
    found = written(network, x)
    tokens, chance = torch.tensor([found.tokens]), math.exp(found.log_probability)
    maps = network.maps(x, torch.tensor([len(letters)]), tokens)
    said, answer = [SYMBOLS[token] for token in found.tokens], decode(found.tokens)
    fed = [START, *said[:-1]]
    rows, columns = {"encoder": (letters, letters), "decoder": (said, fed), "cross": (said, letters)}[params.shown]
    alpha = getattr(maps, params.shown)[params.layer - 1, 0].numpy()
    allowed = causal_mask(len(said)) if params.causal else torch.ones(len(said), len(said), dtype=torch.bool)
    hidden = ~allowed.numpy() if params.shown == "decoder" else np.zeros(alpha.shape[1:], bool)
    gone = frozenset(head for kind, layer, head in off if (kind, layer) == (params.shown, params.layer - 1))
    d = network.encoder.embed.embedding_dim
    waves = positions(len(letters), d) * params.positions
    leaks = leak(network, x, network.shifted(tokens)) if len(said) > 1 else 0.0
    return replace(
        frame,
        figures={
            "Heads": figures.heads(Heads(alpha, rows, columns, gone, hidden, room(params))),
            "Positions": figures.waves(waves.numpy()),
            "Mask": figures.mask(allowed.numpy(), fed),
        },
        says=f"It reads “{params.written}” as {answer or 'nothing'}, probability {chance:.2f}. {frame.says}".strip(),
        note=f"{told(params.written, answer)} {frame.note}".strip(),
        metrics={
            "Answer": answer + ("" if valid(answer) else " ✗"),
            "Its probability": f"{chance:.1%}",
            "Later characters leak": f"{leaks:.3g}",
            **frame.metrics,
        },
        tables={"Beside the recurrent reader": beside(network, x, found, bundled=frame.state is None)},
    )


def room(params: Attending) -> tuple[int, int]:
    """The shape that a head's map may have at most."""
    Tx = len(letters_of(params.written))
    return {"encoder": (Tx, Tx), "decoder": (STEPS, STEPS), "cross": (STEPS, Tx)}[params.shown]


def respond(params: Attending, event: Event) -> Mapping[str, Any]:
    """A click on a head's map switches the head off or on."""
    if event.figure != "Heads" or not (abs(event.x) < math.inf and abs(event.y) < math.inf):
        return {}
    try:
        off, head = switched_off(params.off), figures.head_at(event.x, event.y, room(params))
    except BadInput:  # what can't be read isn't drawn
        return {}
    return {"off": spelled_out(off ^ {(params.shown, params.layer - 1, head)})}


LAB = Lab(
    slug="transformer",
    summary="A small Transformer reads any written date: see every head's map, and switch heads, positions and masks off.",
    params=Attending,
    run=run,
    look_for=(
        "Where the decoder looks at the encoder, heads share the work: some follow the digits, some the month's name. Click on "
        "a map to switch its head off; one alone often changes nothing, for others do the same. Without positions the letters "
        "are a bag, and 1998 can't be told from 1989. The causal mask keeps what is written from looking ahead: learn here "
        "without it and the cost falls fast, yet nothing right is written. Why? And which single head is missed the most?"
    ),
    maths=(
        r"$$\text{Attention}(Q, K, V) = \text{softmax}\Big(\frac{Q K^T}{\sqrt{d_k}} + M\Big) V, \qquad "
        r"M_{t t'} = \begin{cases} 0 & t' \le t \\ -\infty & t' > t \end{cases}$$"
        "\n\n"
        r"$$\text{head}_i = \text{Attention}(x W_i^Q, x' W_i^K, x' W_i^V), \qquad "
        r"\text{MultiHead} = [\text{head}_1, \dots, \text{head}_h] W^O$$"
        "\n\n"
        r"$$p_{t, 2i} = \sin\frac{t}{10000^{2i/d}}, \qquad p_{t, 2i+1} = \cos\frac{t}{10000^{2i/d}}$$"
        "\n\n"
        r"Encoder and decoder have 2 layers of 4 heads. Each part of a layer adds to $x$ what it makes of $x$ normalised; the "
        r"paper of 2017 normalises after adding, which is harder to train. In self-attention $x' = x$, and a head has $T_x^2$ "
        r"weights; the recurrent reader has $T_x T_y$ in all but takes $T_x$ steps one after the other. A head that is off "
        r"adds nothing: its columns of the weights behind all heads are 0."
    ),
    code=(multi_head, positions, causal_mask, without, Transformer.forward),
    presets={
        "Letters at letters": {"shown": "encoder"},
        "What is written": {"shown": "decoder", "layer": 2},
        "No positions": {"positions": False},
        "No mask": {"causal": False, "shown": "decoder"},
        "Half the heads": {"off": "C2.1 C2.2 C1.1 C1.2", "layer": 2},
        "Learn without the mask": {"network": "live", "written": "3 May 1998", "causal": False, "shown": "decoder"},
        "Learn here": {"network": "live", "written": "3 May 1998"},
    },
    trains=True,
    measures=True,
    rows=(("Heads",), ("Positions", "Mask"), ("Learning",), ("Held-out dates", "Cost as texts grow")),
    listens=("click",),
    respond=respond,
    views=("written", "layer", "shown"),
    view=view,
)
