"""The 68 landmarks of real faces by dlib's model (Kazemi and Sullivan 2014), where it is installed."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

INSTALL = "pip install -r requirements-faces.txt"
WEIGHTS = "models/shape_predictor_68_face_landmarks.dat"
# Where the parts of a face begin among the 68: jaw, brows, nose, eyes, lips.
PARTS = {"jaw": 0, "left brow": 17, "right brow": 22, "nose": 27, "left eye": 36, "right eye": 42, "lips": 48}


def installed() -> bool:
    """Whether both packages are there, without importing them."""
    return all(find_spec(name) is not None for name in ("dlib", "face_recognition_models"))


@cache
def _model() -> tuple[Any, Any]:
    dlib, spec = import_module("dlib"), find_spec("face_recognition_models")
    folder = spec.submodule_search_locations[0] if spec and spec.submodule_search_locations else ""
    return dlib.get_frontal_face_detector(), dlib.shape_predictor(str(Path(folder) / WEIGHTS))


def landmarks(pixels: np.ndarray) -> np.ndarray:
    """The landmarks (faces, 68, 2), as x, y in pixels, of every face in a picture (h, w, 3) of levels."""
    detector, predictor = _model()
    pixels = np.ascontiguousarray(pixels)
    shapes = [predictor(pixels, face) for face in detector(pixels, 1)]
    points = [[(shape.part(i).x, shape.part(i).y) for i in range(shape.num_parts)] for shape in shapes]
    return np.array(points, np.float32).reshape(len(shapes), 68, 2)
