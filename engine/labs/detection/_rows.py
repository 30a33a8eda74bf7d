"""Boxes as a person types them, one row each, and what dragging a box does to its row."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from engine.errors import BadInput
from engine.lab import Event
from engine.results.detection import CLASSES

SIDE = 100
MOST_ROWS = 16
LONGEST = 900
LETTERS = "ABCDEFGHIJKLMNOP"


@dataclass(frozen=True)
class Row:
    """One box of the picture: edges x0, y0, x1, y1 in pixels, its class, and its score where it is a detection."""

    box: tuple[float, ...]
    name: str
    score: float = 1.0


def read(text: str, scored: bool) -> list[Row]:
    """The rows of a text, separated by commas; BadInput if one isn't four edges, a score if ``scored``, and a class."""
    rows = [_row(part, scored) for part in text.split(",") if part.strip()]
    if not 1 <= len(rows) <= MOST_ROWS:
        raise BadInput(f"The boxes must be 1 to {MOST_ROWS} rows, got {len(rows)}.")
    return rows


def _row(part: str, scored: bool) -> Row:
    words = part.split()
    try:
        *numbers, name = words
        x0, y0, x1, y1, score = (float(word) for word in (*numbers, *(() if scored else ("1",))))
        inside = all(0 <= x <= SIDE for x in (x0, y0, x1, y1)) and x0 < x1 and y0 < y1
        if not (inside and 0 <= score <= 1 and name in CLASSES):
            raise ValueError
    except ValueError:
        raise BadInput(
            f"A row must be x0 y0 x1 y1 {'score ' if scored else ''}class, with edges from 0 to {SIDE}, x0 < x1, y0 < y1, "
            f"{'a score from 0 to 1 ' if scored else ''}and one of {', '.join(CLASSES)}, got {part.strip()[:40]!r}."
        ) from None
    return Row((x0, y0, x1, y1), name, score)


def write(rows: list[Row], scored: bool) -> str:
    """The text of some rows."""
    return ", ".join(
        " ".join([*(f"{x:g}" for x in row.box), *([f"{row.score:g}"] if scored else []), row.name]) for row in rows
    )


def boxes(rows: list[Row]) -> Tensor:
    """Their boxes (n, 4) in double precision."""
    return torch.tensor([row.box for row in rows], dtype=torch.float64)


def classes(rows: list[Row]) -> Tensor:
    """Their classes (n,), indices into ``CLASSES``."""
    return torch.tensor([CLASSES.index(row.name) for row in rows])


def answered(rows: list[Row], event: Event, name: str, score: float = 1.0) -> list[Row] | None:
    """The rows after a drag of a box, a click, or a drawing of a new one; None where nothing changes."""
    if event.kind == "drag":
        return dragged(rows, event)
    return drawn(rows, event, name, score) if event.kind == "draw" else added(rows, event, name, score)


def added(rows: list[Row], event: Event, name: str, score: float = 1.0, size: float = 24) -> list[Row] | None:
    """The rows with a box more around a click inside the picture; None where it isn't, or where there are enough."""
    if len(rows) >= MOST_ROWS or not (0 <= event.x <= SIDE and 0 <= event.y <= SIDE):
        return None
    left, top = (min(max(round(at - size / 2), 0), SIDE - size) for at in (event.x, event.y))
    return [*rows, Row((left, top, left + size, top + size), name, round(score, 3))]


def drawn(rows: list[Row], event: Event, name: str, score: float = 1.0) -> list[Row] | None:
    """The rows with a drawn box more, as far as it lies in the picture; None where there are enough."""
    if len(rows) >= MOST_ROWS or not all(map(math.isfinite, event.box)):
        return None
    x0, y0, x1, y1 = event.box
    (left, right), (top, bottom) = _edges(x0, x1), _edges(y0, y1)
    return [*rows, Row((left, top, right, bottom), name, round(score, 3))]


def dragged(rows: list[Row], event: Event) -> list[Row] | None:
    """The rows after a box was dragged, in whole pixels inside the picture; None where nothing was.

    A box whose middle was dragged out of the picture goes, unless it is the only one.
    """
    if len(event.name) != 1 or event.name not in LETTERS[: len(rows)] or not all(map(math.isfinite, event.box)):
        return None
    i = LETTERS.index(event.name)
    x0, y0, x1, y1 = event.box
    if not all(0 <= middle <= SIDE for middle in ((x0 + x1) / 2, (y0 + y1) / 2)):
        return rows[:i] + rows[i + 1 :] if len(rows) > 1 else None
    (left, right), (top, bottom) = _edges(x0, x1), _edges(y0, y1)
    return [*rows[:i], replace(rows[i], box=(left, top, right, bottom)), *rows[i + 1 :]]


def _edges(one: float, other: float) -> tuple[int, int]:
    """Two edges as whole pixels inside the picture, at least one apart."""
    low, high = sorted((one, other))
    low = min(max(round(low), 0), SIDE - 1)
    return low, max(min(round(high), SIDE), low + 1)
