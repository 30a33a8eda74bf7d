"""Where to draw the nodes of a directed graph: in layers from left to right. Sugiyama, Tagawa and Toda 1981."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

SWEEPS = 4

Place = tuple[float, float]
Edge = tuple[int, int]


def layered(inputs: Sequence[Sequence[int]]) -> tuple[list[Place], dict[Edge, list[Place]]]:
    """Places (x, y) of nodes, and each edge's way from an input to its user, through a free place in every layer between.

    ``inputs`` holds each node's inputs, which come before it; the last node is the result. A node stands one layer right
    of its furthest input, and what has no input one layer left of its first user. Nodes of a layer are at least 1 apart,
    and ways that only pass through it keep half of that.
    """
    layers = _layers(inputs)
    edges = {(i, node): [i] for node, used in enumerate(inputs) for i in used}
    for start, end in edges:
        passing = range(layers[start] + 1, layers[end])
        edges[start, end] += [len(layers) + k for k in range(len(passing))] + [end]
        layers += passing
    steps = [step for way in edges.values() for step in pairwise(way)]
    heights = _heights(layers, steps, len(inputs))
    places = [(float(x), float(y)) for x, y in zip(layers, heights, strict=True)]
    return places[: len(inputs)], {edge: [places[i] for i in way] for edge, way in edges.items()}


def _layers(inputs: Sequence[Sequence[int]]) -> list[int]:
    layers: list[int] = []
    for used in inputs:
        layers.append(1 + max((layers[i] for i in used), default=-1))
    for node, used in enumerate(inputs):
        if not used:
            layers[node] = min((layers[user] for user, its in enumerate(inputs) if node in its), default=1) - 1
    return layers


def _heights(layers: Sequence[int], steps: Sequence[Edge], nodes: int) -> np.ndarray:
    """The y of every place: near the mean of its neighbours', in the order in which a walk back from the result meets them.

    The first ``nodes`` places are nodes, the last of them the result; ways pass through the others.
    """
    left: list[list[int]] = [[] for _ in layers]
    right: list[list[int]] = [[] for _ in layers]
    for start, end in steps:
        left[end].append(start)
        right[start].append(end)
    columns = _met(layers, left, nodes - 1)
    room = np.where(np.arange(len(layers)) < nodes, 0.5, 0.25)
    heights = np.zeros(len(layers))
    for column in columns:
        heights[column] = -np.arange(len(column))
    for sweep in range(2 * SWEEPS):
        backward = sweep % 2 == 0
        neighbours = right if backward else left
        for column in columns[::-1] if backward else columns:
            wanted = [heights[neighbours[i]].mean() if neighbours[i] else heights[i] for i in column]
            # Only sharing can make another order better; a tree is met without crossings.
            order = np.argsort(-np.array(wanted), kind="stable")
            column[:] = [column[i] for i in order]
            heights[column] = -_spaced([-wanted[i] for i in order], room[column])
    return heights - (heights.max() + heights.min()) / 2


def _met(layers: Sequence[int], left: Sequence[Sequence[int]], root: int) -> list[list[int]]:
    """The nodes of every layer in the order in which a walk from the root back along the edges meets them."""
    columns: list[list[int]] = [[] for _ in range(max(layers) + 1)]
    met: set[int] = set()
    ahead = [root]
    while ahead:
        node = ahead.pop()
        if node not in met:
            met.add(node)
            columns[layers[node]].append(node)
            ahead += left[node][::-1]
    return columns


def _spaced(wanted: Sequence[float], room: np.ndarray) -> np.ndarray:
    """Increasing numbers with this room on both sides of each, as near to those wanted as that allows.

    By pooling adjacent violators.
    """
    apart = np.cumsum(np.concatenate([[0.0], room[:-1] + room[1:]]))
    pools: list[tuple[float, int]] = []  # mean and size
    for value in np.array(wanted) - apart:
        mean, size = value, 1
        while pools and pools[-1][0] >= mean:
            before, more = pools.pop()
            mean, size = (before * more + mean * size) / (more + size), more + size
        pools.append((mean, size))
    return np.repeat([mean for mean, _ in pools], [size for _, size in pools]) + apart
