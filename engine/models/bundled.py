"""The bundled weights: one safetensors file each under assets/weights, with a card that says where it comes from."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import AtlasError, BadInput

if TYPE_CHECKING:
    from torch import Tensor

WEIGHTS = Path(__file__).resolve().parents[2] / "assets" / "weights"


@dataclass(frozen=True)
class Card:
    """What is known of a bundled model: what made it, on what, how good it is and where it ends."""

    name: str
    title: str
    recipe: str
    data: str
    seed: int
    metric: str
    limits: str
    licence: str
    sha256: str
    labels: tuple[str, ...] = ()


def names() -> tuple[str, ...]:
    """The bundled models, in alphabetical order."""
    return tuple(path.stem for path in sorted(WEIGHTS.glob("*.json")))


@cache
def card(name: str) -> Card:
    """The card of a bundled model; BadInput if there is none of that name."""
    if name not in names():
        raise BadInput(f"A bundled model must be one of {', '.join(names())}, got {name[:60]!r}.")
    held = json.loads((WEIGHTS / f"{name}.json").read_text(encoding="utf-8"))
    return Card(**{**held, "labels": tuple(held["labels"])})


def state(name: str) -> dict[str, Tensor]:
    """The weights of a bundled model by parameter's name; AtlasError if the file isn't the one that its card names."""
    from safetensors.torch import load

    known = card(name)
    data = (WEIGHTS / f"{name}.safetensors").read_bytes()
    if hashlib.sha256(data).hexdigest() != known.sha256:
        raise AtlasError(f"The file {name}.safetensors must have the SHA-256 of its card, got another: restore both.")
    return load(data)


def write(card: Card, state: dict[str, Tensor]) -> Card:
    """Save a model beside its card, for recipes; returns the card with the file's SHA-256."""
    from dataclasses import asdict, replace

    from safetensors.torch import save

    data = save({key: value.contiguous() for key, value in state.items()})
    WEIGHTS.mkdir(parents=True, exist_ok=True)
    (WEIGHTS / f"{card.name}.safetensors").write_bytes(data)
    written = replace(card, sha256=hashlib.sha256(data).hexdigest())
    (WEIGHTS / f"{card.name}.json").write_text(json.dumps(asdict(written), indent=2) + "\n", encoding="utf-8")
    return written
