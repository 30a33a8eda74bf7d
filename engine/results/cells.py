"""Recurrent cells over a sequence: its tokens as they stand on an axis, matrices of one step, and gradients by step."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from torch import Tensor

from engine.errors import BadInput
from engine.results import Array

LONGEST_LABEL = 12
_SEEN = {" ": "␣", "\n": "↵", "\t": "⇥"}


class Block(NamedTuple):
    """A matrix of an equation (rows, columns) with its name, and the sign before it."""

    name: str
    values: Array
    sign: str = ""


class Edit(NamedTuple):
    """An overwritten gate or state, by its panel: at which step, and which unit, both from 1; unit 0 is all of them."""

    panel: str
    step: int
    unit: int


@dataclass(frozen=True)
class Unrolled:
    """A cell unrolled over its inputs: the ``words`` going in, what comes out most likely with its probability, and the
    step (from 1) that it has reached. ``edited`` is the step whose state is overwritten, 0 for none.
    """

    words: Sequence[str]
    outputs: Sequence[str]
    probabilities: Sequence[float]
    at: int
    edited: int = 0


@dataclass(frozen=True)
class Reach:
    """The size of the gradient that reaches every step, by cell; ``at`` is the step (from 1) that is looked at."""

    words: Sequence[str]
    sizes: Mapping[str, Array]
    at: int


def tokens(text: str, level: Literal["characters", "words"], most: int) -> list[str]:
    """The text's first ``most`` characters or words; BadInput where it has none."""
    found = text.split() if level == "words" else list(text)
    if not found:
        raise BadInput(f"The text must have at least one of the {level}, got none.")
    return found[:most]


def label(token: str) -> str:
    """A token as it stands in a figure: spaces seen, control characters replaced, nothing read as markup, not too long."""
    seen = "".join(_SEEN.get(c, "�" if unicodedata.category(c)[0] == "C" else c) for c in token)
    return html.escape(seen if len(seen) <= LONGEST_LABEL else seen[: LONGEST_LABEL - 1] + "…", quote=False)


def labels(found: Sequence[str]) -> list[str]:
    """Every token as it stands in a figure."""
    return [label(token) for token in found]


def column(values: Tensor) -> Array:
    """A vector (n,) as a matrix of one column, as the course writes it."""
    return matrix(values[:, None])


def matrix(values: Tensor) -> Array:
    """A matrix in the precision that a figure needs."""
    return values.detach().numpy().astype(np.float32)
