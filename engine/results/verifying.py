"""Pairs of faces judged by a threshold: distances, both errors, and what becomes of them with many people."""

from __future__ import annotations

from dataclasses import dataclass

from engine.results import Array


@dataclass(frozen=True)
class Errors:
    """Shares (t,) of different pairs accepted and of same pairs rejected, by threshold (t,)."""

    thresholds: Array
    false_accept: Array
    false_reject: Array


@dataclass(frozen=True)
class ByPeople:
    """By the number of people enrolled (k,): strangers let in, what independent comparisons would give, people named."""

    people: Array
    strangers: Array
    independent: Array
    named: Array


@dataclass(frozen=True)
class PairPicture:
    """Two pictures (h, w, 3) side by side and what to say of them."""

    one: Array
    other: Array
    caption: str
    right: bool
