"""From pictures to encodings of the faces in them: by dlib for photographs, by the bundled network for drawn faces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from engine.models import dlib_faces, embedding
from engine.models.crowd import encode
from engine.models.dlib_faces import Found

DRAWN_THRESHOLD = 0.33
MISSING = f"No model of real faces is installed here: `{dlib_faces.INSTALL}` installs one."


class Recognizer(NamedTuple):
    """How faces are found in a picture (h, w, 3), how their chips become encodings (m, n), and its own threshold."""

    title: str
    faces: Callable[[np.ndarray], list[Found]]
    encode: Callable[[Sequence[np.ndarray]], Tensor]
    threshold: float
    licence: str


def _whole(pixels: np.ndarray) -> list[Found]:
    """A drawn face fills its picture: it needs no finding, and the network was trained on it unaligned."""
    high, wide = pixels.shape[:2]
    size = (embedding.SIDE, embedding.SIDE)
    chip = np.asarray(Image.fromarray(np.ascontiguousarray(pixels)).resize(size, Image.Resampling.BILINEAR))
    return [Found(np.array([0, 0, wide, high], np.float32), np.zeros((0, 2), np.float32), chip, float("nan"))]


def _encoded(chips: Sequence[np.ndarray]) -> Tensor:
    if not chips:
        return torch.zeros(0, embedding.SIZE)
    return encode(embedding.trained(), torch.from_numpy(np.stack(chips)).movedim(-1, 1) / 255)


DRAWN = Recognizer("Atlas faces", _whole, _encoded, DRAWN_THRESHOLD, "")
REAL = Recognizer(
    "dlib",
    dlib_faces.faces,
    lambda chips: torch.from_numpy(dlib_faces.encode(chips)),
    dlib_faces.THRESHOLD,
    dlib_faces.LICENCES,
)


def recognizer(photographs: bool) -> tuple[Recognizer, str]:
    """The one that suits photographs or drawn faces, and a sentence: its licence, or what installs it."""
    if not photographs:
        return DRAWN, ""
    if dlib_faces.installed():
        return REAL, f"{dlib_faces.LICENCES}."
    return (
        DRAWN,
        f"{MISSING} Until then the network of drawn faces reads them, whose encodings of photographs mean little.",
    )
