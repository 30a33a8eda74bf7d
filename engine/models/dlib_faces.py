"""Real faces by dlib, where it is installed: found, their landmarks, aligned, and 128 numbers a face.

The detector is a sliding window over histograms of gradients (Dalal and Triggs 2005), the landmarks are regression trees
(Kazemi and Sullivan 2014), the encoding is a residual network of 29 layers trained on three million faces (King 2017).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

INSTALL = "pip install -r requirements-faces.txt"
LICENCES = (
    "dlib and its face detector are under the Boost licence; the five landmarks and the 128 numbers by Davis King's models, "
    "in the public domain (CC0)"
)
# Their author keeps no rights, but the pictures that they learned from, iBUG 300-W, are not for commercial use.
OUTLINE_LICENCE = "The 68 landmarks learned from iBUG 300-W, whose terms exclude commercial use."
OUTLINE = "shape_predictor_68_face_landmarks.dat"
FIVE, ENCODER = "shape_predictor_5_face_landmarks.dat", "dlib_face_recognition_resnet_model_v1.dat"
# Where the parts of a face begin among the 68: jaw, brows, nose, eyes, lips.
PARTS = {"jaw": 0, "left brow": 17, "right brow": 22, "nose": 27, "left eye": 36, "right eye": 42, "lips": 48}

SIZE, CHIP, PADDING = 128, 150, 0.25
# Encodings of one person are meant to lie within 0.6 of each other.
THRESHOLD = 0.36
# The detector's window is 80 pixels wide; what it is less sure of than this is mostly no face.
SMALLEST, LARGEST, SURE = 200, 800, 0.2


class Found(NamedTuple):
    """A face: its box (4,) and five landmarks (5, 2) in the picture's pixels, and its chip (150, 150, 3), aligned.

    ``sure`` is the detector's score; where it found no face the whole picture is taken for one, and this is NaN.
    """

    box: np.ndarray
    points: np.ndarray
    chip: np.ndarray
    sure: float


def installed() -> bool:
    """Whether both packages are there, without importing them."""
    return all(find_spec(name) is not None for name in ("dlib", "face_recognition_models"))


def _weights(name: str) -> str:
    """Where a model lies. The package itself isn't imported: it needs pkg_resources, which setuptools no longer has."""
    spec = find_spec("face_recognition_models")
    folder = spec.submodule_search_locations[0] if spec and spec.submodule_search_locations else ""
    return str(Path(folder) / "models" / name)


@cache
def _detector() -> Any:
    return import_module("dlib").get_frontal_face_detector()


@cache
def _predictor(name: str) -> Any:
    return import_module("dlib").shape_predictor(_weights(name))


@cache
def _encoder() -> Any:
    return import_module("dlib").face_recognition_model_v1(_weights(ENCODER))


def landmarks(pixels: np.ndarray) -> np.ndarray:
    """The landmarks (faces, 68, 2), as x, y in pixels, of every face in a picture (h, w, 3) of levels."""
    detector, predictor = _detector(), _predictor(OUTLINE)
    pixels = np.ascontiguousarray(pixels)
    shapes = [predictor(pixels, face) for face in detector(pixels, 1)]
    points = [_points(shape) for shape in shapes]
    return np.array(points, np.float32).reshape(len(shapes), 68, 2)


def faces(pixels: np.ndarray) -> list[Found]:
    """Every face in a picture (h, w, 3) of levels, the largest first.

    A small picture is enlarged first. Where no face is found it is enlarged again, then given a border, as a face that fills
    the picture needs one; at last the whole picture is taken for a face.
    """
    scale = max(1.0, SMALLEST / min(pixels.shape[:2])) * min(1.0, LARGEST / max(pixels.shape[:2]))
    for factor, border in ((1.0, 0.0), (2.0, 0.0), (1.0, 0.4)):
        if scale * factor * max(pixels.shape[:2]) > 2 * LARGEST:
            continue
        found = _found(pixels, scale * factor, border)
        if found:
            return sorted(found, key=lambda face: -float(np.prod(face.box[2:] - face.box[:2])))
    high, wide = pixels.shape[:2]
    chip = np.asarray(Image.fromarray(pixels).resize((CHIP, CHIP), Image.Resampling.BICUBIC))
    return [Found(np.array([0, 0, wide, high], np.float32), np.zeros((0, 2), np.float32), chip, float("nan"))]


def _found(pixels: np.ndarray, scale: float, border: float) -> list[Found]:
    """The faces of a picture enlarged by ``scale``, with a border of that share of its smaller side."""
    size = [max(1, round(scale * n)) for n in pixels.shape[1::-1]]
    seen = np.asarray(Image.fromarray(pixels).resize((size[0], size[1]), Image.Resampling.BICUBIC))
    edge = round(border * min(size))
    seen = np.ascontiguousarray(np.pad(seen, ((edge, edge), (edge, edge), (0, 0)), "edge"))
    boxes, scores, _ = _detector().run(seen, 0, SURE)
    found, back = [], np.array(pixels.shape[1::-1]) / size
    for box, score in zip(boxes, scores, strict=True):
        shape = _predictor(FIVE)(seen, box)
        chip = import_module("dlib").get_face_chip(seen, shape, CHIP, PADDING)
        corners = np.array([[box.left(), box.top()], [box.right(), box.bottom()]])
        places = [((np.array(each) - edge) * back).astype(np.float32) for each in (corners, _points(shape))]
        found.append(Found(places[0].ravel(), places[1], chip, float(score)))
    return found


def _points(shape: Any) -> list[tuple[int, int]]:
    return [(shape.part(i).x, shape.part(i).y) for i in range(shape.num_parts)]


def encode(chips: Sequence[np.ndarray]) -> np.ndarray:
    """Encodings (m, 128) of aligned faces (150, 150, 3)."""
    if not chips:
        return np.zeros((0, SIZE), np.float32)
    vectors = _encoder().compute_face_descriptor([np.ascontiguousarray(chip) for chip in chips])
    return np.array([np.array(vector) for vector in vectors], np.float32)
