"""Fetching a network within a run: frames that say how far it is, then the network, or the bundled one and why."""

from __future__ import annotations

from collections.abc import Callable, Generator

from engine.lab import Frame
from engine.labs._waiting import waited
from engine.models.answering import BUNDLED, NAMES, Answerer, bring


def brought(name: str, waiting: Callable[[str, float], Frame]) -> Generator[Frame, None, tuple[Answerer, str]]:
    """Yield ``waiting(sentence, share)`` while a network is fetched; nothing for the bundled one, which is here."""
    return (yield from waited(bring(name), "" if name == BUNDLED else NAMES[name], waiting))
