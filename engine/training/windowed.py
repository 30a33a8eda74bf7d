"""Training the classifier of windows on drawn ones."""

from __future__ import annotations

from functools import lru_cache

from torch import nn

from engine.models.windowed import examples, initialize
from engine.seeding import generator
from engine.training.pictures import fit_pictures

EACH, RATE, BATCH = 300, 2e-3, 50


@lru_cache(maxsize=4)
def trained(seed: int, epochs: int) -> tuple[nn.Sequential, float]:
    """The network after training on 300 windows of each class, and the share of held-out ones that it gets right."""
    network = initialize(seed)
    train, test = (examples(m, generator(seed, stream)) for m, stream in ((EACH, 1), (EACH // 4, 2)))
    *_, last = fit_pictures(network, train, test, rate=RATE, epochs=epochs, batch=BATCH, generator=generator(seed, 3))
    return network.requires_grad_(False), last.accuracy
