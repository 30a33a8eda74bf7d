"""Where a network looks: class activation by gradients."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def grad_cam(network: nn.Module, layer: nn.Module, x: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
    """Grad-CAM (Selvaraju et al. 2017, section 3) of pictures (m, c, h, w) for ``classes`` (m, k), at the maps of ``layer``.

    The weight of map A_c is the mean of its gradient, d logit / d A_c, over all places; the answer is ReLU(Σ weight A).
    Returns the maps (m, k, h', w'), each scaled to a largest value of 1, and the logits (m, classes).
    """
    held: list[Tensor] = []
    hook = layer.register_forward_hook(lambda _module, _given, out: held.append(out))
    try:
        with torch.enable_grad():
            logits = network(x.requires_grad_())
            [maps] = held
            seen = [
                # Each picture's logit depends on its own maps alone, so one backward pass serves the whole batch.
                (torch.autograd.grad(logits.gather(1, column[:, None]).sum(), maps, retain_graph=True)[0], maps)
                for column in classes.T
            ]
    finally:
        hook.remove()
    with torch.no_grad():
        cams = torch.stack([(grad.mean((2, 3), keepdim=True) * maps).sum(1).relu() for grad, maps in seen], 1)
        return cams / cams.amax((2, 3), keepdim=True).clamp_min(1e-12), logits.detach()
