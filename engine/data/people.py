"""Pictures of people by name: drawn ones, and the portrait that comes with scikit-image with altered copies of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import torch
from PIL import Image, ImageFilter
from torch import Tensor

from engine.data.faces import SIDE, draw_faces
from engine.data.media import Picture, digest_of

NAMES = (
    "Ada", "Ben", "Chloe", "Dan", "Eva", "Finn", "Gita", "Hugo", "Ines", "Jonas", "Kira", "Leo", "Mona", "Nils", "Olga",
    "Paul", "Quinn", "Rosa", "Sami", "Tara", "Udo", "Vera", "Wim", "Yara",
)  # fmt: skip
# Where the head and shoulders are in the portrait of 512 x 512.
HEAD = (slice(0, 280), slice(80, 360))
# Those of the small faces that are found; the last two stand beside the portrait.
OTHERS, OTHER_SIDE = (0, 1, 3, 5, 6, 7, 8, 10), 100
PORTRAIT = "portrait"


def name_of(k: int) -> str:
    """The name of the k-th drawn person."""
    return NAMES[k] if k < len(NAMES) else f"Person {k + 1}"


def drawn(
    people: Tensor, generator: torch.Generator, *, variation: float = 1.0, noise: float = 0.03
) -> list[np.ndarray]:
    """A picture (64, 64, 3) of levels of each of these persons (m, 21)."""
    pictures = draw_faces(people, generator, SIDE, variation=variation, noise=noise).pictures
    return list((pictures * 255).round().byte().movedim(1, -1).numpy())


@cache
def portraits() -> tuple[tuple[Picture, ...], tuple[str, ...]]:
    """The portrait of Eileen Collins (NASA, public domain) and altered copies, then small faces of others without a name.

    The others come from Labeled Faces in the Wild, as scikit-image has them: 25 pixels a side, without their names.
    """
    from skimage import data

    portrait, small = data.astronaut(), data.lfw_subset()  # type: ignore[no-untyped-call]
    head = np.ascontiguousarray(portrait[HEAD])
    pictures = [_named(change(head), name) for name, change in ALTERED.items()]
    *others, left, right = (_enlarged(face) for face in small[list(OTHERS)])
    pictures += [_named(face, f"other {k}") for k, face in enumerate(others, start=1)]
    both = np.hstack([_scaled(head, OTHER_SIDE * 2), *(_scaled(face, OTHER_SIDE * 2) for face in (left, right))])
    pictures.append(_named(both, "three at once"))
    return tuple(pictures), (PORTRAIT,) * len(ALTERED) + ("",) * (len(OTHERS) - 1)


def _named(pixels: np.ndarray, name: str) -> Picture:
    pixels = np.ascontiguousarray(pixels)
    return Picture(pixels, name, digest_of(pixels.tobytes()))


def _enlarged(face: np.ndarray) -> np.ndarray:
    """A grey face (25, 25) in [0, 1] as a picture of levels, large enough to be found."""
    return _scaled(np.repeat((face * 255).astype(np.uint8)[..., None], 3, 2), OTHER_SIDE)


def _scaled(pixels: np.ndarray, side: int) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).resize((side, side), Image.Resampling.BICUBIC))


def _lit(head: np.ndarray) -> np.ndarray:
    light = np.linspace(0.25, 1.15, head.shape[1])[None, :, None]
    return np.asarray((head * light).clip(0, 255), np.uint8)


def _covered(head: np.ndarray) -> np.ndarray:
    covered = head.copy()
    covered[144:172, 112:178] = (70, 110, 160)
    return covered


def _blurred(head: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(head).filter(ImageFilter.GaussianBlur(2.5)))


def _turned(head: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(head).rotate(15, Image.Resampling.BICUBIC, fillcolor=(128, 128, 128)))


ALTERED: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "as it is": lambda head: head,
    "cropped": lambda head: head[50:200, 70:220],
    "lit from the right": _lit,
    "mirrored": lambda head: head[:, ::-1],
    "blurred": _blurred,
    "mouth covered": _covered,
    "turned": _turned,
    "tiny": lambda head: _scaled(head, 90),
}


def unique(labels: Sequence[str]) -> tuple[str, ...]:
    """Each name once, in the order in which they come; pictures without a name have none."""
    return tuple(dict.fromkeys(label for label in labels if label))
