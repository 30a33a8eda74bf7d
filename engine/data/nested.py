"""Sequences with an answer at every place: which bracket is innermost, and whether the last four bits hold an odd one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

CLOSE, DEEPEST = "/", 4
KINDS = "([{"


@dataclass(frozen=True)
class Task:
    """The signs of a sequence, the answers, how to answer, and which sign may follow others."""

    signs: tuple[str, ...]
    answers: tuple[str, ...]
    solve: Callable[[Sequence[str]], list[str]]
    allowed: Callable[[Sequence[str]], str]


def innermost(signs: Sequence[str]) -> list[str]:
    """The innermost bracket that is open after each sign, "-" for none; / closes it."""
    found: list[str] = []
    open_ones: list[str] = []
    for sign in signs:
        if sign != CLOSE:
            open_ones.append(sign)
        elif open_ones:
            open_ones.pop()
        found.append(open_ones[-1] if open_ones else "-")
    return found


def odd(signs: Sequence[str]) -> list[str]:
    """1 after each bit if it and the three before it hold an odd number of ones, else 0."""
    return [str(signs[max(0, t - 3) : t + 1].count("1") % 2) for t in range(len(signs))]


def bracket_next(signs: Sequence[str]) -> str:
    """Brackets open and close at equal odds, none is closed that isn't open, and at most four are."""
    depth = sum(-1 if sign == CLOSE else 1 for sign in signs)
    if depth == 0:
        return KINDS
    return CLOSE if depth == DEEPEST else KINDS + CLOSE * len(KINDS)


TASKS: Mapping[str, Task] = {
    "brackets": Task((*KINDS, CLOSE), ("-", *KINDS), innermost, bracket_next),
    "bits": Task(("0", "1"), ("0", "1"), odd, lambda signs: "01"),
}


def sequences(task: str, count: int, length: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Random sequences and their answers as numbers of signs and of answers, (count, length) both."""
    known = TASKS[task]
    sign = {name: i for i, name in enumerate(known.signs)}
    answer = {name: i for i, name in enumerate(known.answers)}
    drawn = torch.rand(count, length, generator=random).tolist()
    x, y = [], []
    for row in drawn:
        signs: list[str] = []
        for u in row:
            allowed = known.allowed(signs)
            signs.append(allowed[int(u * len(allowed))])
        x.append([sign[s] for s in signs])
        y.append([answer[a] for a in known.solve(signs)])
    return torch.tensor(x), torch.tensor(y)
