"""Recurrent cells over whole sequences, many networks at once, with their backward passes written out for speed.

What the backward pass needs of each step and doesn't depend on later ones is computed for all steps at once, so that the
loop back through time is left with one product and two or three sums. Tensors are time first: inputs are the sums
x W_x + b (T, F, m, gates * n) of F networks on m sequences, ``across`` (F, n, gates * n) is W_a, and states come back as
(T, F, m, n). The blocks of the gates lie as in torch.nn.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function


def _before(states: Tensor) -> Tensor:
    """The state before each step: zeros, then all but the last."""
    return torch.cat([torch.zeros_like(states[:1]), states[:-1]])


def _product(before: Tensor, grads: Tensor) -> Tensor:
    """The gradient of W in before · W, summed over steps and sequences: (F, n, wide)."""
    return torch.einsum("tfmi,tfmj->fij", before, grads)


class Rnn(Function):
    """a<t> = tanh(x<t> + a<t-1> W_a)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, across: Tensor) -> Tensor:
        """States (T, F, m, n)."""
        states, a = torch.empty_like(x), torch.zeros_like(x[0])
        for t, now in enumerate(x.unbind()):
            a = torch.baddbmm(now, a, across, out=states[t]).tanh_()
        ctx.save_for_backward(states, across)
        return states

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor]:
        """Gradients of x and W_a."""
        states, across = ctx.saved_tensors
        [grad] = grads
        slope, dz = 1 - states**2, torch.empty_like(states)
        da = grad[-1]
        for t in range(len(states) - 1, -1, -1):
            torch.mul(da, slope[t], out=dz[t])
            if t:
                da = torch.baddbmm(grad[t - 1], dz[t], across.mT)
        return dz, _product(_before(states), dz)


class Gru(Function):
    """r, z = σ(x + a W_a), ã = tanh(x + r * (a W_a + b)), a<t> = z * a<t-1> + (1 - z) * ã: torch.nn's GRU, with b (F, 1, n)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, across: Tensor, under: Tensor) -> Tensor:
        """States (T, F, m, n)."""
        n = across.shape[1]
        gates, new = x[..., : 2 * n].clone(), x[..., 2 * n :].clone()
        states, lower = torch.empty_like(new), torch.empty_like(new)
        a = torch.zeros_like(new[0])
        each = (gates, gates[..., :n], gates[..., n:], new, lower, states)
        for both, r, z, candidate, low, state in zip(*(part.unbind() for part in each), strict=True):
            back = torch.bmm(a, across)
            both.add_(back[..., : 2 * n]).sigmoid_()
            torch.add(back[..., 2 * n :], under, out=low)
            candidate.addcmul_(r, low).tanh_()
            a = torch.lerp(candidate, a, z, out=state)
        ctx.save_for_backward(states, across, gates, new, lower)
        return states

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Gradients of x, W_a and b."""
        states, across, gates, new, lower = ctx.saved_tensors
        before = _before(states)
        r, z = gates.chunk(2, -1)
        to_new = (1 - z) * (1 - new**2)
        # What the gradient of a state is multiplied by on its way to r, z and a W_a + b, before each nonlinearity.
        slopes = torch.stack([to_new * lower * r * (1 - r), (before - new) * z * (1 - z), to_new * r], -2)
        dz, every = torch.empty_like(slopes), grads[0].clone()
        back, da = across.mT, torch.zeros_like(every[0])
        each = (every, slopes, z, dz, dz.flatten(-2))
        for own, slope, keep, out, flat in reversed(list(zip(*(part.unbind() for part in each), strict=True))):
            da = own.add_(da)
            torch.mul(da.unsqueeze(-2), slope, out=out)
            da = torch.bmm(flat, back).addcmul_(da, keep)
        dx = torch.cat([dz[..., :2, :].flatten(-2), every * to_new], -1)
        return dx, _product(before, dz.flatten(-2)), dz[..., 2, :].sum((0, 2)).unsqueeze(1)


class Lstm(Function):
    """i, f, c̃, o from x + a W_a; c<t> = f * c<t-1> + i * c̃, a<t> = o * tanh c<t>.

    ``peeps`` (F, 3, n) lets i and f see c<t-1> and o see c<t>, each unit its own; None for the plain cell. Gers and
    Schmidhuber 2000.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, across: Tensor, peeps: Tensor | None) -> Tensor:
        """States (T, F, m, n)."""
        n = across.shape[1]
        flat = torch.empty_like(x)
        z = flat.view(*flat.shape[:-1], 4, n)
        states, cells = torch.empty_like(x[..., :n]), torch.empty_like(x[..., :n])
        a = c = torch.zeros_like(states[0])
        each = (x, flat, z[..., :2, :], *z.unbind(-2), cells, states)
        for own, now, both, i, f, g, o, cell, state in zip(*(part.unbind() for part in each), strict=True):
            torch.baddbmm(own, a, across, out=now)
            if peeps is not None:
                both.addcmul_(peeps[:, None, :2], c.unsqueeze(-2))
            both.sigmoid_()
            c = torch.mul(f, c, out=cell).addcmul_(i, g.tanh_())
            if peeps is not None:
                o.addcmul_(peeps[:, None, 2], c)
            a = torch.mul(o.sigmoid_(), c.tanh(), out=state)
        ctx.save_for_backward(states, across, z, cells, peeps)
        return states

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """Gradients of x, W_a and the peepholes."""
        states, across, z, cells, peeps = ctx.saved_tensors
        i, f, g, o = z.unbind(-2)
        earlier, bent = _before(cells), cells.tanh()
        # What dc<t> is multiplied by on its way to i, f and c̃, and da<t> on its way to o, before each nonlinearity.
        slopes = torch.stack([g * i * (1 - i), earlier * f * (1 - f), i * (1 - g**2), bent * o * (1 - o)], -2)
        through = o * (1 - bent**2)
        if peeps is not None:
            through = through + slopes[..., 3, :] * peeps[:, None, 2]
        dz = torch.empty_like(slopes)
        flat, back = dz.flatten(-2), across.mT
        da = dc = torch.zeros_like(states[0])
        each = (grads[0], through, slopes[..., :3, :], slopes[..., 3, :], f, dz[..., :3, :], dz[..., 3, :], flat)
        for own, passed, slope, to_o, keep, three, out, row in reversed(
            list(zip(*(part.unbind() for part in each), strict=True))
        ):
            da = own + da
            dc = torch.addcmul(dc, da, passed)
            torch.mul(dc.unsqueeze(-2), slope, out=three)
            torch.mul(da, to_o, out=out)
            da, dc = torch.bmm(row, back), dc * keep
            if peeps is not None:
                dc += (three[..., :2, :] * peeps[:, None, :2]).sum(-2)
        by_peeps = None
        if peeps is not None:
            seen = torch.stack([earlier, earlier, cells], -2)
            by_peeps = (dz[..., (0, 1, 3), :] * seen).sum((0, 2))
        return flat, _product(_before(states), flat), by_peeps
