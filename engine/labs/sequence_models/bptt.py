"""Backpropagation through time, step by step: how much of the gradient reaches each earlier step."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from engine.figures import cells as figures
from engine.functional.recurrent import (
    RnnGradients,
    gru_backward,
    gru_forward,
    lstm_backward,
    lstm_forward,
    rnn_backward,
    rnn_cell,
    rnn_forward,
)
from engine.functional.recurrent_weights import (
    GruWeights,
    LstmWeights,
    RnnWeights,
    halves,
    initialize_gru,
    initialize_lstm,
    initialize_rnn,
)
from engine.lab import Event, Frame, Frames, Lab
from engine.params import Params, choice, integer, number, text
from engine.results.cells import Block, Reach, column, labels, matrix, tokens
from engine.seeding import generator

LONGEST, MOST_STEPS, MOST_UNITS = 200, 48, 32
SEEN = 6  # units whose numbers are written out
SCALES = torch.logspace(-2, 3, 11, base=2)
SENTENCE = "cats which already ate a big bowl of fish on the old table in the warm kitchen by the door were"


class Bptt(Params):
    """What a person can move."""

    length: int = integer(
        20,
        low=2,
        high=MOST_STEPS,
        hint=(2, 48, 1),
        label="Steps T",
        help="The sentence is brought to this many words: its middle is cut or repeated.",
    )
    scale: float = number(
        1.0,
        low=0.05,
        high=16.0,
        hint=(0.25, 8.0, 0.05),
        log=True,
        label="Weight scale s",
        help="The recurrent weights are normal numbers of deviation s / √n.",
    )
    keep: float = number(
        1.0,
        low=-5.0,
        high=10.0,
        hint=(0.0, 6.0, 0.1),
        label="Keep bias",
        help="bf of the LSTM, and −bu of the GRU: how far they keep their memory before they have learned anything.",
    )
    loss: Literal["last", "every"] = choice(
        "last", label="Loss at", help="Where an output is compared: at the last step only, or at every one."
    )
    units: int = integer(32, low=1, high=MOST_UNITS, label="Units n", help="Numbers in each cell's state.")
    step: int = integer(
        8, low=1, high=MOST_STEPS, label="Step t", help="Where the way back has got to; beyond the last is the last."
    )
    text: str = text(SENTENCE, longest=LONGEST, label="Sentence", help="What the cells read, word by word.", more=True)


@dataclass(frozen=True)
class Way:
    """What all cells read, and the RNN's way back: x (1, T, n_x), states and what each gets from its own loss (1, T, n)."""

    words: list[str]
    x: Tensor
    weights: RnnWeights
    a: Tensor
    grad: Tensor
    back: RnnGradients


def stretched(words: list[str], length: int) -> list[str]:
    """The words brought to a length: the first half of them stays, the middle is cut or repeated, the last one stays."""
    if length <= len(words):
        return [*words[: length - 1], words[-1]]
    head, middle = words[:2], words[2:-1] or words[:-1] or words
    return [*head[: len(words) - 1], *islice(cycle(middle), length - 1 - len(head[: len(words) - 1])), words[-1]]


def scaled(W: Tensor, s: Tensor) -> Tensor:
    """W (n, n + n_x) with s / sqrt(n) as the deviation of what acts on the state, and 1 of what acts on x.

    A vector s (F,) gives a matrix for each of its numbers.
    """
    n = len(W)
    factor = torch.full((*s.shape, *W.shape), math.sqrt(n), dtype=s.dtype)
    factor[..., :n] = s[..., None, None]
    return W.to(s.dtype) * factor


def cells(params: Bptt, n_x: int, s: Tensor) -> tuple[RnnWeights, GruWeights, LstmWeights]:
    """The three kinds of cells at scale s, or at every scale of a vector side by side, in the precision of s."""
    n = params.units
    rnn = initialize_rnn(n_x, n, generator(params.seed, 0))
    gru = initialize_gru(n_x, n, generator(params.seed, 1))
    lstm = initialize_lstm(n_x, n, generator(params.seed, 2))
    kept = torch.full((*s.shape, n), params.keep, dtype=s.dtype)
    Wa = scaled(torch.cat([rnn.Waa, rnn.Wax], 1), s)
    Wc, Wu, Wr = (scaled(W, s) for W in (gru.Wc, gru.Wu, gru.Wr) if W is not None)
    Vc, Vu, Vf, Vo = (scaled(W, s) for W in (lstm.Wc, lstm.Wu, lstm.Wf, lstm.Wo))
    none = torch.zeros_like(kept)
    return (
        RnnWeights(*halves(Wa), none),
        GruWeights(Wc, none, Wu, -kept, Wr, none),
        LstmWeights(Vc, none, Vu, none, Vf, kept, Vo, none),
    )


def reaching(params: Bptt, x: Tensor, grad: Tensor, s: Tensor) -> dict[str, Tensor]:
    """The size of dJ/da<t> of the RNN, of dJ/dc<t> of the GRU and the LSTM, with all later paths: (..., T) by cell."""
    rnn, gru, lstm = cells(params, x.shape[-1], s)
    x, grad = x.to(s.dtype), grad.to(s.dtype)
    a, g, h = rnn_forward(rnn, x), gru_forward(gru, x), lstm_forward(lstm, x)
    back = {"RNN": rnn_backward(rnn, x, a, grad).a, "GRU": gru_backward(gru, x, g, grad).c}
    back["LSTM"] = lstm_backward(lstm, x, h, grad).c
    return {name: d.norm(dim=-1)[..., 0, :] for name, d in back.items()}


def exactly(x: float) -> Tensor:
    """A number in double precision."""
    return torch.tensor(x, dtype=torch.float64)


def way_back(params: Bptt) -> Way:
    """Forward through the sentence and back again, at the scale asked for."""
    words = stretched(tokens(params.text, "words", MOST_STEPS), params.length)
    vocabulary = sorted(set(words))
    x = one_hot(torch.tensor([vocabulary.index(word) for word in words]), len(vocabulary)).double()[None]
    weights, _, _ = cells(params, len(vocabulary), exactly(params.scale))
    a = rnn_forward(weights, x)
    grad = torch.randn(1, len(words), params.units, generator=generator(params.seed, 3)).double()
    grad /= grad.norm(dim=-1, keepdim=True)
    if params.loss == "last":
        grad[:, :-1] = 0
    return Way(words, x, weights, a, grad, rnn_backward(weights, x, a, grad))


def by_autograd(way: Way) -> Tensor:
    """dJ/dWaa by PyTorch, for the loss whose slope at each a<t> is ``way.grad``."""
    W = way.weights.Waa.clone().requires_grad_()
    a = torch.zeros_like(way.a[:, 0])
    cost = torch.zeros((), dtype=W.dtype)
    for x, grad in zip(way.x.unbind(1), way.grad.unbind(1), strict=True):
        a = rnn_cell(way.weights._replace(Waa=W), x, a)
        cost = cost + (a * grad).sum()
    (dW,) = torch.autograd.grad(cost, W)
    return dW


def run(params: Bptt) -> Frames:
    """One frame a step, from the last to the first."""
    way = way_back(params)
    words, T = labels(way.words), len(way.words)
    sizes = reaching(params, way.x, way.grad, exactly(params.scale))
    ratios = {
        name: (size[..., 0] / size[..., -1]).numpy() for name, size in reaching(params, way.x, way.grad, SCALES).items()
    }
    by_scale = figures.scales(SCALES.numpy(), ratios, params.scale)
    before = torch.cat([torch.zeros_like(way.a[:, :1]), way.a[:, :-1]], 1)[0]
    dz = (way.back.a * (1 - way.a**2))[0]
    truth = by_autograd(way)
    apart = float((way.back.weights.Waa - truth).abs().max()) / (float(truth.abs().max()) or 1.0)
    ratio = {name: float(size[0] / size[-1]) for name, size in sizes.items()}
    shown = {name: size.numpy() for name, size in sizes.items()}
    for t in range(T, 0, -1):
        so_far = dz[t - 1 :].T @ before[t - 1 :]
        come = matrix(way.back.a[0])
        come[: t - 1] = math.nan
        yield Frame(
            figures={
                "Gradient that reaches each step": figures.reach(Reach(words, shown, t)),
                "By the scale of the weights": by_scale,
                **written_out(way, dz, t),
                "dJ/dWaa so far": figures.equation([Block(f"from steps {t} to {T}", matrix(so_far[:SEEN, :SEEN]))]),
                "dJ/da of every unit": figures.sizes(come, words, t),
            },
            says=(
                f"From step {T}, {words[-1]!r}, back to step {t}, {words[t - 1]!r}: a gradient of size "
                f"{sizes['RNN'][t - 1]:.3g} reaches the RNN's state there, {sizes['GRU'][t - 1]:.3g} the GRU's and "
                f"{sizes['LSTM'][t - 1]:.3g} the LSTM's."
            ),
            note=f"Numbers are written out for the first {SEEN} of {params.units} units."
            if params.units > SEEN
            else "",
            metrics={
                f"{words[0]} / {words[-1]}, RNN": f"{ratio['RNN']:.2g}",
                "GRU": f"{ratio['GRU']:.2g}",
                "LSTM": f"{ratio['LSTM']:.2g}",
                "dJ/dWaa off autograd's": f"{apart:.1g}",
            },
            progress=(T - t + 1) / T,
        )


def written_out(way: Way, dz: Tensor, t: int) -> Mapping[str, Any]:
    """One step back, in the numbers of the first units."""
    own, da = way.grad[0, t - 1], way.back.a[0, t - 1]
    later = da - own
    handed = way.weights.Waa.T @ dz[t - 1]
    blocks = [("own loss", own, ""), ("later", later, "+"), ("da", da, "="), ("1−a²", 1 - way.a[0, t - 1] ** 2, "∗")]
    blocks += [("dz", dz[t - 1], "="), ("Waaᵀdz", handed, "→")]
    return {"One step back": figures.equation([Block(name, column(v[:SEEN]), sign) for name, v, sign in blocks])}


def respond(params: Bptt, event: Event) -> Mapping[str, Any]:
    """A click on a step goes there; a click on a scale takes it."""
    if not (math.isfinite(event.x) and math.isfinite(event.y)):
        return {}
    if event.figure == "By the scale of the weights":
        return {"scale": round(event.x, 3)} if 0.05 <= event.x <= 16 else {}
    stepped = event.figure in ("Gradient that reaches each step", "dJ/da of every unit")
    return {"step": round(event.x)} if stepped and 1 <= event.x <= params.length else {}


LAB = Lab(
    slug="bptt",
    summary="Walk back through time and see how much of the gradient of the last word reaches each earlier one.",
    params=Bptt,
    run=run,
    look_for=(
        "Every step back multiplies by the same Waaᵀ and by 1 − a², so on a log axis the RNN's curve is nearly straight: down "
        "at s = 1, where the word cats gets next to nothing of what the verb asks for, and up at s = 4. "
        "Raise the keep bias: the gates of GRU and LSTM pass the gradient along, whatever s is. How far back does the RNN see "
        "at its best scale, and what does a loss at every step change?"
    ),
    maths=(
        r"$$dz^{\langle t \rangle} = da^{\langle t \rangle} * \big(1 - (a^{\langle t \rangle})^2\big), \qquad "
        r"da^{\langle t-1 \rangle} = \frac{\partial \mathcal{L}^{\langle t-1 \rangle}}{\partial a^{\langle t-1 \rangle}} + "
        r"W_{aa}^T\, dz^{\langle t \rangle}$$"
        "\n\n"
        r"$$dW_{aa} = \sum_t dz^{\langle t \rangle} a^{\langle t-1 \rangle T}, \qquad dW_{ax} = \sum_t dz^{\langle t \rangle} "
        r"x^{\langle t \rangle T}, \qquad db_a = \sum_t dz^{\langle t \rangle}$$"
        "\n\n"
        r"The weights are shared, so their gradient is the sum over steps. From step $T$ to step 1, $da$ is multiplied by "
        r"$\prod_t W_{aa}^T\, \text{diag}\big(1 - (a^{\langle t \rangle})^2\big)$; an LSTM's $dc$ by $\prod_t \Gamma_f$ on its "
        r"straightest way. The loss here has a slope of size 1 by each state it sees."
    ),
    code=(rnn_backward, by_autograd, reaching),
    presets={
        "Explodes": {"scale": 4.0},
        "In balance": {"scale": 1.7},
        "Gates kept open": {"keep": 4.0, "length": 40, "step": 40},
        "Gates half open": {"keep": 0.0},
        "A loss at every step": {"loss": "every"},
        "Three units, all numbers": {"units": 3, "length": 6, "step": 6},
    },
    rows=(
        ("Gradient that reaches each step", "By the scale of the weights"),
        ("One step back", "dJ/dWaa so far"),
        ("dJ/da of every unit",),
    ),
    listens=("click",),
    respond=respond,
    opens=lambda params: params.length - min(params.step, params.length),
)
