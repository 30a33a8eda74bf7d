"""Weights from outside: safetensors only, which hold numbers and nothing that runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.data.media import Upload, digest_of, label_of
from engine.errors import BadInput

MOST_BYTES = 10_000_000


@dataclass(frozen=True, eq=False)
class Weights(Upload):
    """Uploaded weights.

    Attributes:
        arrays: Float32 arrays by name, each finite.
        about: What the file says of itself, text by name.
        name: What to call it on the page.
        digest: First 12 hex digits of the SHA-256 of the file's bytes.
    """

    arrays: Mapping[str, np.ndarray]
    about: Mapping[str, str]
    name: str
    digest: str

    @property
    def _identity(self) -> tuple[Any, ...]:
        return (self.digest,)


def weights(data: bytes, name: str = "upload") -> Weights:
    """Read a safetensors file.

    Raises:
        BadInput: The bytes are no such file, too many, or hold numbers that aren't finite.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    what = label_of("file", name)
    if len(data) > MOST_BYTES:
        raise BadInput(f"{what} must be of at most {MOST_BYTES / 1e6:g} MB, got {len(data) / 1e6:.4g} MB.")
    try:
        held = load(data)
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    except (SafetensorError, ValueError, KeyError) as error:
        raise BadInput(
            f"{what} must be a safetensors file, got {len(data)} bytes that can't be read as one."
        ) from error
    arrays = {key: np.asarray(value, np.float32) for key, value in held.items()}
    if not all(np.isfinite(value).all() for value in arrays.values()):
        raise BadInput(f"{what} must hold finite numbers, got NaN or infinity among them.")
    about = {str(key): str(value) for key, value in header.get("__metadata__", {}).items()}
    return Weights(arrays, about, name, digest_of(data))
