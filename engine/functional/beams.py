"""Beam search for many inputs at once, which finds what :func:`engine.functional.decoding.beam_search` finds for each."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.functional.decoding import Hypothesis, S, Step, length_normalized, picked, ranked


def beam_searches(
    step: Step[S], first: Tensor, state: S, *, width: int, eos: int, longest: int, alpha: float = 0.0
) -> list[list[Hypothesis]]:
    """The complete hypotheses of each of m inputs, best score first and the cut ones last.

    ``first`` (m, V) are the log-probabilities of the first tokens and ``state``, of m rows, what lies behind them. All beams
    of all inputs take a step together; one that ends leaves its input's beam narrower by one.
    """
    count = len(first)
    owners, left = torch.arange(count), torch.full((count,), width)
    rows, totals = first, first.new_zeros(count)
    prefixes = torch.empty(count, 0, dtype=torch.long)
    found: list[list[Hypothesis]] = [[] for _ in range(count)]
    for t in range(1, longest + 1):
        totals, parents, tokens = _best(rows, totals, owners, left)
        owners, prefixes = owners[parents], torch.cat([prefixes[parents], tokens[:, None]], 1)
        over = (tokens == eos) | (t == longest)
        each = zip(owners[over].tolist(), prefixes[over].tolist(), totals[over].tolist(), strict=True)
        for owner, prefix, total in each:
            score = length_normalized(total, t, alpha)
            found[owner].append(Hypothesis(tuple(prefix), total, score, prefix[-1] == eos))
        left = left - torch.bincount(owners[over], minlength=count)
        going = (~over).nonzero().squeeze(1)
        if not len(going):
            break
        owners, prefixes, totals = owners[going], prefixes[going], totals[going]
        rows, state = step(tokens[going], picked(state, parents[going]))
    return [ranked(each) for each in found]


def _best(rows: Tensor, totals: Tensor, owners: Tensor, left: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Of each owner's beginnings, one token longer, the likeliest ``left`` (m,): totals, parents and tokens (k,)."""
    most = min(int(left.max()), rows.shape[1])
    chances, tokens = rows.topk(most)
    grown = (totals[:, None] + chances).flatten()
    order = grown.argsort(descending=True, stable=True)
    order = order[owners.repeat_interleave(most)[order].argsort(stable=True)]
    owned = owners.repeat_interleave(most)[order]
    starts = torch.searchsorted(owned, torch.arange(len(left)))
    kept = (torch.arange(len(order)) - starts[owned] < left[owned]) & (grown[order] > -torch.inf)
    order = order[kept]
    return grown[order], order.div(most, rounding_mode="floor"), tokens.flatten()[order]
