"""Beams for many inputs at once find what a beam for each alone finds."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from engine.functional.beams import beam_searches
from engine.functional.decoding import beam_search

SIZE, EOS, LONGEST = 7, 0, 6


def step(tokens: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
    """Log-probabilities that depend on all tokens before and on the input."""
    state = torch.sin(3 * state + tokens[:, None] + torch.arange(4.0))
    weights = torch.linspace(-3, 3, 4 * SIZE).view(4, SIZE).sin() * 3
    return (state @ weights).log_softmax(-1), state


@pytest.mark.parametrize("width", [1, 2, 3, 8, 20])
@pytest.mark.parametrize("alpha", [0.0, 0.8])
def test_equals_a_search_for_each(width: int, alpha: float) -> None:
    start = torch.randn(9, 4, generator=torch.Generator().manual_seed(0))
    first, state = step(torch.ones(9, dtype=torch.long), start)
    together = beam_searches(step, first, state, width=width, eos=EOS, longest=LONGEST, alpha=alpha)
    lengths = set()
    for i, found in enumerate(together):
        alone = beam_search(
            step, first[i : i + 1], state[i : i + 1], width=width, eos=EOS, longest=LONGEST, alpha=alpha
        )
        assert [h.tokens for h in found] == [h.tokens for h in alone.found]
        assert [h.score for h in found] == pytest.approx([h.score for h in alone.found], rel=1e-5)
        lengths |= {(len(h.tokens), h.ended) for h in found}
    assert len(lengths) > 3 or width == 1
