"""The loop of the recipes that train by themselves."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import OneCycleLR

EVERY = 50  # steps to a line of print


def fit(
    optimizer: Optimizer,
    cost: Callable[[], Tensor],
    *,
    rate: float,
    steps: int,
    rising: float = 0.3,
    longest: float | None = None,
) -> None:
    """Take so many steps down fresh costs under a one-cycle rate (Smith and Topin 2018), and print their mean now and then.

    The rate rises to its highest for a share of the steps. A gradient of all parameters that is longer than ``longest`` is
    shortened to it.
    """
    schedule = OneCycleLR(optimizer, rate, steps, pct_start=rising)
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    total = 0.0
    for step in range(1, steps + 1):
        loss = cost()
        optimizer.zero_grad()
        loss.backward()
        if longest is not None:
            torch.nn.utils.clip_grad_norm_(parameters, longest)
        optimizer.step()
        schedule.step()
        total += loss.item()
        if step % EVERY == 0:
            print(f"step {step}: cost {total / EVERY:.3f}", flush=True)
            total = 0.0
