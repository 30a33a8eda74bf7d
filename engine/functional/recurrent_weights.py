"""The weights of recurrent cells: their layout, fresh ones, and those of a PyTorch module.

The course's layout: W (..., n, n_in) and b (..., n), and a gate's matrix acts on the stacked [state, x]. Leading dimensions
hold networks of one shape side by side.
"""

from __future__ import annotations

import math
from typing import NamedTuple, overload

import torch
from torch import Tensor, nn


class RnnWeights(NamedTuple):
    """Elman's cell: Waa (n_a, n_a), Wax (n_a, n_x), ba (n_a,). Elman 1990."""

    Waa: Tensor
    Wax: Tensor
    ba: Tensor


class GruWeights(NamedTuple):
    """A gated recurrent unit: matrices (n_c, n_c + n_x), biases (n_c,). Cho et al. 2014.

    Without ``Wr`` and ``br`` it is the course's simplified unit. With ``bh`` (n_c,) the relevance gate acts after the
    product, Γr * (Wcc c + bh), as in PyTorch and cuDNN, and not before it, Wcc (Γr * c), as in the paper and the course.
    """

    Wc: Tensor
    bc: Tensor
    Wu: Tensor
    bu: Tensor
    Wr: Tensor | None = None
    br: Tensor | None = None
    bh: Tensor | None = None


class LstmWeights(NamedTuple):
    """A long short-term memory: matrices (n_a, n_a + n_x), biases (n_a,). Hochreiter and Schmidhuber 1997; the forget
    gate is of Gers et al. 1999.

    ``pu``, ``pf``, ``po`` (n_a,) are peepholes, one weight a unit: Γu and Γf see c<t-1>, Γo sees c<t>. Gers and
    Schmidhuber 2000.
    """

    Wc: Tensor
    bc: Tensor
    Wu: Tensor
    bu: Tensor
    Wf: Tensor
    bf: Tensor
    Wo: Tensor
    bo: Tensor
    pu: Tensor | None = None
    pf: Tensor | None = None
    po: Tensor | None = None


def initialize_rnn(n_x: int, n: int, generator: torch.Generator, scale: float = 1.0) -> RnnWeights:
    """Normal weights of deviation scale / sqrt(n) and zero biases, float64, for n_x inputs and n units.

    At scale 1 the largest eigenvalue of Waa is near 1 in size, whatever n is.
    """
    both, b = _gate(n_x, n, generator, scale)
    return RnnWeights(*halves(both), b)


def initialize_gru(
    n_x: int, n: int, generator: torch.Generator, scale: float = 1.0, simplified: bool = False
) -> GruWeights:
    """Weights as in :func:`initialize_rnn`, without a relevance gate where ``simplified``."""
    return GruWeights(*(tensor for _ in range(2 if simplified else 3) for tensor in _gate(n_x, n, generator, scale)))


def initialize_lstm(
    n_x: int, n: int, generator: torch.Generator, scale: float = 1.0, peephole: bool = False
) -> LstmWeights:
    """Weights as in :func:`initialize_rnn`, with peepholes of the same deviation if asked for."""
    gates = [tensor for _ in range(4) for tensor in _gate(n_x, n, generator, scale)]
    return LstmWeights(*gates, *(_gate(0, n, generator, scale)[0].diagonal() for _ in range(3 if peephole else 0)))


@overload
def from_torch(module: nn.LSTM) -> LstmWeights: ...
@overload
def from_torch(module: nn.GRU) -> GruWeights: ...
@overload
def from_torch(module: nn.RNN) -> RnnWeights: ...
def from_torch(module: nn.LSTM | nn.GRU | nn.RNN) -> RnnWeights | GruWeights | LstmWeights:
    """The first layer of a PyTorch module in the course's layout, its two biases added; PyTorch's GRU has 1 - Γu."""
    Wx, Wh, bx, bh = (
        getattr(module, f"{name}_l0").detach() for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    if isinstance(module, nn.RNN):
        return RnnWeights(Wh, Wx, bx + bh)
    W = torch.cat([Wh, Wx], -1)
    if isinstance(module, nn.LSTM):
        (Wu, Wf, Wc, Wo), (bu, bf, bc, bo) = W.chunk(4), (bx + bh).chunk(4)
        return LstmWeights(Wc, bc, Wu, bu, Wf, bf, Wo, bo)
    (Wr, Wz, Wc), (br, bz, _) = W.chunk(3), (bx + bh).chunk(3)
    return GruWeights(Wc, bx.chunk(3)[2], -Wz, -bz, Wr, br, bh.chunk(3)[2])


def halves(W: Tensor) -> tuple[Tensor, Tensor]:
    """The part of W (..., n, n + n_x) that acts on the state, and the part that acts on x."""
    n = W.shape[-2]
    return W[..., :n], W[..., n:]


def _gate(n_x: int, n: int, generator: torch.Generator, scale: float) -> tuple[Tensor, Tensor]:
    W = torch.randn(n, n + n_x, generator=generator, dtype=torch.float64)
    return scale / math.sqrt(n) * W, torch.zeros(n, dtype=torch.float64)
