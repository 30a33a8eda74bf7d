"""Four small tasks, one for each shape of recurrent network, with examples kept for testing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

import torch
from torch import Tensor

from engine.data.sequences import draws, pick

Shape = Literal["one-to-many", "many-to-one", "tagging", "translation"]
END, PAD = "■", "·"
IGNORED = -100  # cross_entropy's own mark of a target that doesn't count
NOTES, WAYS, RUNS = tuple("CDEFGAB"), ("up", "down"), range(2, 9)
THINGS = ("film", "plot", "cast", "music", "end")
GOOD, BAD = ("good", "great", "funny", "moving"), ("bad", "awful", "dull", "boring")
LIKED, HATED = ("liked", "loved", "enjoyed"), ("hated", "disliked", "regretted")
LETTERS = tuple("abcdefgh")
DEEPEST, BRACKETS, LONGEST = 4, 16, 5

# Input tokens and output tokens of one example.
Example = tuple[tuple[str, ...], tuple[str, ...]]


@dataclass(frozen=True)
class Task:
    """Examples to learn from and held-out ones, and the tokens that go in and come out; PAD is the first of ``inputs``."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    train: tuple[Example, ...]
    test: tuple[Example, ...]
    read: Callable[[str], Example | None]

    def encoded(self, examples: Sequence[Example]) -> tuple[Tensor, Tensor]:
        """Indices x (m, T_x), filled with 0, and y (m, T_y), filled with IGNORED."""
        ins, outs = ({token: i for i, token in enumerate(tokens)} for tokens in (self.inputs, self.outputs))
        x = [[ins[token] for token in example[0]] for example in examples]
        y = [[outs[token] for token in example[1]] for example in examples]
        return _filled(x, 0), _filled(y, IGNORED)


def _filled(rows: list[list[int]], value: int) -> Tensor:
    longest = max(map(len, rows))
    return torch.tensor([row + [value] * (longest - len(row)) for row in rows])


def _run(note: str, way: str, length: int) -> Example:
    first, step = NOTES.index(note), 1 if way == "up" else -1
    return (note, way, str(length)), (*(NOTES[(first + step * i) % len(NOTES)] for i in range(length)), END)


def _read_run(text: str) -> Example | None:
    note = next((c for c in text.lower().replace("down", "").upper() if c in NOTES), None)
    length = next((int(c) for c in text if c in "2345678"), 5)
    return _run(note, "down" if "down" in text.lower() else "up", length) if note else None


def scales(uniform: Iterator[float]) -> Task:
    """One to many: a first note, a way and a length, said at once, and the run of notes that they stand for."""
    every = sorted((_run(*what) for what in product(NOTES, WAYS, RUNS)), key=lambda _: next(uniform))
    inputs = (PAD, *NOTES, *WAYS, *map(str, RUNS))
    return Task(inputs, (END, *NOTES), tuple(every[20:]), tuple(every[:20]), _read_run)


def _opinions() -> Iterator[Example]:
    for thing, no, very in product(THINGS, ("", "not"), ("", "very", "really")):
        for word in (*GOOD, *BAD):
            good = (word in GOOD) != bool(no)
            yield tuple(f"the {thing} was {no} {very} {word}".split()), ("positive" if good else "negative",)
    for thing, who in product(THINGS, ("i", "i never", "nobody", "everybody")):
        for word in (*LIKED, *HATED):
            good = (word in LIKED) != (who in ("i never", "nobody"))
            yield tuple(f"{who} {word} the {thing}".split()), ("positive" if good else "negative",)


def opinions(uniform: Iterator[float]) -> Task:
    """Many to one: the mood of a sentence, which not, never and nobody turn."""
    every = sorted(_opinions(), key=lambda _: next(uniform))
    inputs = (PAD, *sorted({word for words, _ in every for word in words}))

    def read(text: str) -> Example | None:
        words = ("".join(c if c.isalpha() else " " for c in text.lower())).split()
        known = tuple(word for word in words if word in inputs)[:20]
        return (known, dict(every).get(known, ("?",))) if known else None

    return Task(inputs, ("negative", "positive"), tuple(every[80:]), tuple(every[:80]), read)


def _depths(brackets: Sequence[str]) -> Example:
    depth, tags = 0, []
    for bracket in brackets:
        depth = min(max(depth + (1 if bracket == "(" else -1), 0), DEEPEST)
        tags.append(str(depth))
    return tuple(brackets), tuple(tags)


def _read_brackets(text: str) -> Example | None:
    brackets = [c for c in text if c in "()"][:24]
    return _depths(brackets) if brackets else None


def brackets(uniform: Iterator[float]) -> Task:
    """Many to many, as many: how deep each bracket leaves us."""
    rows: dict[str, Example] = {}
    while len(rows) < 480:
        depth, row = 0, ""
        for _ in range(BRACKETS):
            opens = depth == 0 or (depth < DEEPEST and next(uniform) < 0.5)
            row, depth = row + ("(" if opens else ")"), depth + (1 if opens else -1)
        rows[row] = _depths(row)
    every = tuple(rows.values())
    return Task((PAD, "(", ")"), tuple(map(str, range(DEEPEST + 1))), every[80:], every[:80], _read_brackets)


def _reversed(word: str) -> Example:
    return tuple(word), (*word[::-1], END)


def _read_letters(text: str) -> Example | None:
    word = "".join(c for c in text.lower() if c in LETTERS)[:12]
    return _reversed(word) if word else None


def words(uniform: Iterator[float]) -> Task:
    """Many to many through one state: a word, then the same backwards."""
    rows: dict[str, Example] = {}
    while len(rows) < 2080:
        word = "".join(pick(LETTERS, uniform) for _ in range(2 + int(next(uniform) * (LONGEST - 1))))
        rows[word] = _reversed(word)
    every = sorted(rows.values(), key=lambda _: next(uniform))
    return Task((PAD, *LETTERS), (END, *LETTERS), tuple(every[80:]), tuple(every[:80]), _read_letters)


MAKERS: Mapping[str, Callable[[Iterator[float]], Task]] = {
    "one-to-many": scales,
    "many-to-one": opinions,
    "tagging": brackets,
    "translation": words,
}


def task(shape: str, random: torch.Generator) -> Task:
    """The task of a shape."""
    return MAKERS[shape](draws(random))
