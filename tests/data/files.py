"""Files for the upload tests, built in memory, and what a refusal must look like."""

import io
import re
from collections.abc import Callable

import numpy as np
import pytest
import soundfile
from PIL import Image

from engine.errors import BadInput

RED, GREEN, BLUE, YELLOW = (220, 30, 30), (30, 200, 40), (20, 40, 210), (230, 220, 40)
RATE = 8000
Maker = Callable[[], bytes]


def corners(rows: int = 16, columns: int = 24) -> np.ndarray:
    """An upright picture no turn or flip maps to itself: red, green over blue, yellow."""
    pixels = np.empty((rows, columns, 3), np.uint8)
    top, left = slice(rows // 2), slice(columns // 2)
    pixels[:] = YELLOW
    pixels[top], pixels[:, left] = GREEN, BLUE
    pixels[top, left] = RED
    return pixels


def saved(image: Image.Image | np.ndarray, file_format: str, **options: object) -> bytes:
    """The bytes of a picture file."""
    file = io.BytesIO()
    image = Image.fromarray(image) if isinstance(image, np.ndarray) else image
    image.save(file, file_format, **options)
    return file.getvalue()


def tags(**values: object) -> Image.Exif:
    """EXIF tags by name."""
    exif = Image.Exif()
    for name, value in values.items():
        exif[{"orientation": 0x0112, "maker": 0x010F, "gps": 0x8825}[name]] = value
    return exif


def wave(seconds: float = 0.5, channels: int = 1, rate: int = RATE) -> np.ndarray:
    """(n, channels) float64: one sine for each channel, 100 Hz apart."""
    time = np.arange(int(seconds * rate)) / rate
    return 0.5 * np.sin(2 * np.pi * np.outer(time, 100 * np.arange(1, channels + 1)))


def encoded(samples: np.ndarray, file_format: str, subtype: str | None = None, rate: int = RATE) -> bytes:
    """The bytes of a sound file."""
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=file_format, subtype=subtype)
    return file.getvalue()


def assert_refused(door: Callable[[bytes, str], object], data: bytes, words: str, name: str = "upload") -> None:
    """The door must raise exactly BadInput, with one short sentence that holds these words."""
    with pytest.raises(BadInput) as caught:
        door(data, name)
    sentence = str(caught.value)
    assert type(caught.value) is BadInput
    assert words in sentence
    assert sentence.endswith(".") and ". " not in sentence and "\n" not in sentence and len(sentence) < 300
    assert "Traceback" not in sentence and not re.search(r"0x[0-9a-f]{4,}|object at", sentence)
