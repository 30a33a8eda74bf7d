"""Picture uploads, and junk at both doors: files built here give asserted pixels or exactly one sentence."""

import io
import pickle
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile, PngImagePlugin

from engine.data import media
from engine.data.media import Picture, Sound, fit_within, picture, sound
from engine.errors import BadInput
from tests.data.files import (
    BLUE,
    GREEN,
    RED,
    YELLOW,
    Maker,
    assert_refused,
    corners,
    encoded,
    saved,
    tags,
    wave,
)


def png_chunk(kind: bytes, body: bytes) -> bytes:
    """One chunk of a PNG file."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_that_declares(width: int, height: int) -> bytes:
    """A PNG of some 70 bytes whose header asks for far more pixels than it holds."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + png_chunk(b"IDAT", zlib.compress(bytes(99))) + png_chunk(b"IEND", b"")


def interlaced_png() -> bytes:
    """An Adam7 PNG, which Pillow reads but can't write: the seven passes, then the scan lines of each."""
    pixels, lines = corners(), b""
    for y, x, dy, dx in (
        (0, 0, 8, 8),
        (0, 4, 8, 8),
        (4, 0, 8, 4),
        (0, 2, 4, 4),
        (2, 0, 4, 2),
        (0, 1, 2, 2),
        (1, 0, 2, 1),
    ):
        lines += b"".join(b"\0" + row.tobytes() for row in pixels[y::dy, x::dx])
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 24, 16, 8, 2, 0, 0, 1))
    return b"\x89PNG\r\n\x1a\n" + header + png_chunk(b"IDAT", zlib.compress(lines)) + png_chunk(b"IEND", b"")


def text_bomb_png() -> bytes:
    """A PNG with 10 MB of zeros in a compressed comment."""
    comments = PngImagePlugin.PngInfo()
    comments.add_text("Comment", "0" * 10_000_000, zip=True)
    return saved(corners(), "PNG", pnginfo=comments)


def scan_bomb_jpeg() -> bytes:
    """A progressive JPEG whose last scan comes 600 times more."""
    data = saved(corners(), "JPEG", progressive=True)
    return data[:-2] + data[data.rindex(b"\xff\xda") : -2] * 600 + data[-2:]


def archive() -> bytes:
    """A ZIP file with a picture in it."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as pack:
        pack.writestr("picture.png", saved(corners(), "PNG"))
    return file.getvalue()


# Pillow warns of what it then refuses or repairs.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::PIL.Image.DecompressionBombWarning")

JUNK: dict[str, Maker] = {
    "text": lambda: b"Dear Sir or Madam, this is a letter.",
    "html": lambda: b"<!DOCTYPE html><html><body><img src=x></body></html>",
    "svg": lambda: b'<svg xmlns="http://www.w3.org/2000/svg"><rect width="9" height="9"/></svg>',
    "zip": archive,
    "pickle": lambda: pickle.dumps({"weights": [1, 2, 3]}),
    "pdf": lambda: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n",
    "one-byte": lambda: b"\x89",
    "zeros": lambda: bytes(5000),
    "random": lambda: np.random.default_rng(3).bytes(5000),
    "postscript": lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n",
}

REFUSED_PICTURES: dict[str, tuple[Maker, str]] = {
    "empty": (lambda: b"", "an empty file"),
    "sound-file": (lambda: encoded(wave(), "WAV"), "must be a PNG"),
    "other-picture-format": (lambda: saved(corners(), "ICO"), "must be a PNG"),
    "truncated-png": (lambda: saved(corners(), "PNG")[:70], "must be a whole PNG file"),
    "truncated-jpeg": (lambda: saved(corners(160, 240), "JPEG")[:-200], "must be a whole JPEG file"),
    "truncated-gif": (lambda: saved(corners(160, 240), "GIF")[:-200], "must be a whole GIF file"),
    "truncated-webp": (lambda: saved(corners(160, 240), "WEBP")[:-100], "must be a"),
    "truncated-tiff": (lambda: saved(corners(160, 240), "TIFF")[:9], "must be a PNG"),
    "truncated-bmp": (lambda: saved(corners(), "BMP")[:-99], "must be a whole BMP file"),
    "header-only-png": (lambda: saved(corners(), "PNG")[:33], "must be a"),
    "damaged-png-data": (lambda: saved(corners(), "PNG").replace(b"IDAT\x78", b"IDAT\x00"), "must be a"),
    "bomb-50000x50000": (lambda: png_that_declares(50_000, 50_000), "at most 40 megapixels"),
    "100-megapixels": (lambda: png_that_declares(10_000, 10_000), "got 10000 x 10000 (100 megapixels)"),
    "41-megapixels": (lambda: saved(Image.new("1", (8200, 5000)), "PNG"), "got 8200 x 5000 (41 megapixels)"),
    "over-20-MB": (lambda: saved(corners(), "PNG") + bytes(20_000_000), "at most 20 MB"),
    "bomb-of-text": (text_bomb_png, "must be a"),
    "bomb-of-scans": (scan_bomb_jpeg, "at most 500 scans"),
    "all-nan-tiff": (lambda: saved(np.full((4, 4), np.nan, np.float32), "TIFF"), "finite number"),
}


def transparent_palette() -> bytes:
    """Four columns of colour 0, 1, 2, 3, of which 1 is transparent and 2 half so."""
    image = Image.fromarray(np.tile(np.arange(4, dtype=np.uint8), (4, 1)))
    image.putpalette([*RED, *GREEN, *BLUE, *YELLOW])
    return saved(image, "PNG", transparency=bytes((255, 0, 128, 255)))


def grey(levels: object) -> np.ndarray:
    """Grey levels (H, W) as RGB."""
    return np.repeat(np.array(levels, np.uint8)[..., None], 3, axis=2)


def ramp16() -> np.ndarray:
    """All 256 levels that 16 bits and 8 bits share, (16, 16)."""
    return (257 * np.arange(256)).astype(np.uint16).reshape(16, 16)


def animated(file_format: str) -> bytes:
    """`corners` first, then two black frames."""
    black = Image.new("RGB", (24, 16))
    return saved(corners(), file_format, save_all=True, append_images=[black, black], lossless=True)


def with_corrupt_exif() -> bytes:
    """A JPEG whose EXIF block claims 65,535 tags and holds none."""
    return saved(
        corners(160, 240), "JPEG", quality=95, subsampling=0, exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01\x12\0\x03"
    )


FLOAT_TIFF = np.array([[0, 0.5], [np.nan, 1]], np.float32)
WIDE_TIFF = np.array([[-100, 0], [np.inf, 100]], np.float32)
DEEP_TIFF = np.array([[0, 1_000_000], [500_000, 250_000]], np.int32)
HALF_BLUE = tuple(round(level * 128 / 255 + 255 * 127 / 255) for level in BLUE)
SEE_THROUGH = np.dstack([corners(), np.where(np.arange(24) < 12, 255, 0).astype(np.uint8) * np.ones((16, 1), np.uint8)])
ON_WHITE = np.where(SEE_THROUGH[..., 3:] == 255, corners(), np.uint8(255))

# The file, the pixels that it must give, and how far a level may be off (lossy formats only).
ODD_PICTURES: dict[str, tuple[Maker, np.ndarray, int]] = {
    "png": (lambda: saved(corners(), "PNG"), corners(), 0),
    "wrong-extension": (lambda: saved(corners(), "PNG"), corners(), 0),
    "interlaced-png": (interlaced_png, corners(), 0),
    "jpeg": (lambda: saved(corners(160, 240), "JPEG", quality=95, subsampling=0), corners(160, 240), 12),
    "progressive-jpeg": (
        lambda: saved(corners(160, 240), "JPEG", quality=95, subsampling=0, progressive=True),
        corners(160, 240),
        12,
    ),
    "cmyk-jpeg": (
        lambda: saved(Image.fromarray(corners(160, 240)).convert("CMYK"), "JPEG", quality=95, subsampling=0),
        corners(160, 240),
        12,
    ),
    "jpeg-with-tail": (
        lambda: saved(corners(160, 240), "JPEG", quality=95, subsampling=0) + b"\xff\xda" * 300,
        corners(160, 240),
        12,
    ),
    "lossless-webp": (lambda: saved(corners(), "WEBP", lossless=True), corners(), 0),
    "bmp": (lambda: saved(corners(), "BMP"), corners(), 0),
    "ppm": (lambda: saved(corners(), "PPM"), corners(), 0),
    "lzw-tiff": (lambda: saved(corners(), "TIFF", compression="tiff_lzw"), corners(), 0),
    "animated-gif": (lambda: animated("GIF"), corners(), 0),
    "animated-webp": (lambda: animated("WEBP"), corners(), 0),
    "animated-png": (lambda: animated("PNG"), corners(), 0),
    "16-bit-png": (lambda: saved(ramp16(), "PNG"), grey(np.arange(256).reshape(16, 16)), 0),
    "16-bit-tiff": (lambda: saved(ramp16(), "TIFF"), grey(np.arange(256).reshape(16, 16)), 0),
    "16-bit-pgm": (
        lambda: b"P5 16 16 65535\n" + ramp16().astype(">u2").tobytes(),
        grey(np.arange(256).reshape(16, 16)),
        0,
    ),
    "dark-16-bit-png": (lambda: saved(np.full((2, 2), 257, np.uint16), "PNG"), grey(np.full((2, 2), 1)), 0),
    "dark-16-bit-pgm": (lambda: b"P5 2 1 65535\n\x01\x01\x02\x02", grey([[1, 2]]), 0),
    "float-tiff-with-nan": (lambda: saved(FLOAT_TIFF, "TIFF"), grey([[0, 128], [0, 255]]), 0),
    "float-tiff-out-of-range": (lambda: saved(WIDE_TIFF, "TIFF"), grey([[0, 128], [255, 255]]), 0),
    "32-bit-tiff": (lambda: saved(DEEP_TIFF, "TIFF"), grey([[0, 255], [128, 64]]), 0),
    "flat-float-tiff": (lambda: saved(np.full((2, 2), 7, np.float32), "TIFF"), grey(np.zeros((2, 2))), 0),
    "palette-with-transparency": (
        transparent_palette,
        np.tile(np.array([RED, (255, 255, 255), HALF_BLUE, YELLOW], np.uint8), (4, 1, 1)),
        1,
    ),
    "rgba": (lambda: saved(SEE_THROUGH, "PNG"), ON_WHITE, 0),
    "rgba-webp": (lambda: saved(SEE_THROUGH, "WEBP", lossless=True), ON_WHITE, 0),
    "grey-with-alpha": (
        lambda: saved(Image.fromarray(np.array([[[9, 255], [9, 0]]], np.uint8)), "PNG"),
        grey([[9, 255]]),
        0,
    ),
    "transparent-colour": (
        lambda: saved(corners(), "PNG", transparency=GREEN),
        np.where((corners() == GREEN).all(axis=2, keepdims=True), np.uint8(255), corners()),
        0,
    ),
    "grey": (lambda: saved(np.array([[0, 77, 255]], np.uint8), "PNG"), grey([[0, 77, 255]]), 0),
    "1-bit": (lambda: saved(Image.fromarray(np.eye(9, dtype=bool)), "PNG"), grey(255 * np.eye(9)), 0),
    "1x1": (lambda: saved(corners()[:1, :1], "PNG"), corners()[:1, :1], 0),
    "1x20000": (lambda: saved(np.tile(corners()[:1, :1], (1, 20_000, 1)), "PNG"), np.full((1, 2048, 3), RED), 0),
    "20000x1": (lambda: saved(np.tile(corners()[:1, :1], (20_000, 1, 1)), "PNG"), np.full((2048, 1, 3), RED), 0),
    "corrupt-exif": (with_corrupt_exif, corners(160, 240), 12),
    "unknown-orientation": (lambda: saved(corners(), "PNG", exif=tags(orientation=99)), corners(), 0),
}

# How a camera stores the upright picture for each EXIF orientation.
STORED: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.swapaxes(0, 1),
    6: lambda upright: np.rot90(upright),
    7: lambda upright: upright[::-1, ::-1].swapaxes(0, 1),
    8: lambda upright: np.rot90(upright, -1),
}


@pytest.mark.parametrize("door", [picture, sound])
@pytest.mark.parametrize("kind", JUNK)
def test_junk_gets_one_sentence(door: Callable[[bytes, str], object], kind: str) -> None:
    assert_refused(door, JUNK[kind](), "must be a")


@pytest.mark.parametrize("kind", REFUSED_PICTURES)
def test_refused_pictures(kind: str) -> None:
    make, words = REFUSED_PICTURES[kind]
    assert_refused(picture, make(), words)


@pytest.mark.parametrize("kind", ["bomb-50000x50000", "100-megapixels", "41-megapixels", "over-20-MB", "bomb-of-scans"])
def test_size_is_refused_before_any_pixel_is_decoded(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda image: pytest.fail("decoded"))
    make, words = REFUSED_PICTURES[kind]
    assert_refused(picture, make(), words)


@pytest.mark.parametrize("kind", ODD_PICTURES)
def test_odd_pictures(kind: str) -> None:
    make, expected, tolerance = ODD_PICTURES[kind]
    result = picture(make(), "photo.jpg")
    assert result.pixels.dtype == np.uint8 and result.pixels.shape == expected.shape
    assert np.abs(result.pixels.astype(int) - expected).max() <= tolerance


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", STORED)
def test_exif_orientation_is_undone(orientation: int, file_format: str) -> None:
    stored = np.ascontiguousarray(STORED[orientation](corners(160, 240)))
    options = {"lossless": True} if file_format == "WEBP" else {}
    result = picture(saved(stored, file_format, exif=tags(orientation=orientation), **options))
    assert result.pixels.shape == (160, 240, 3)
    found = result.pixels[[4, 4, -4, -4], [4, -4, 4, -4]].astype(int)
    assert np.abs(found - [RED, GREEN, BLUE, YELLOW]).max() <= 6


def test_metadata_is_dropped() -> None:
    exif = tags(maker="SecretCam", gps={1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)})
    data = saved(corners(), "JPEG", exif=exif)
    assert b"SecretCam" in data
    assert b"SecretCam" not in pickle.dumps(picture(data))


def test_a_picture_is_frozen_and_known_by_its_bytes() -> None:
    data = saved(corners(), "PNG")
    one, other = picture(data, "one"), picture(data, "other")
    assert one == other and hash(one) == hash(other) and one != picture(saved(corners(8, 8), "PNG"))
    assert re.fullmatch("[0-9a-f]{12}", one.digest)
    again = pickle.loads(pickle.dumps(one))
    assert again == one and again.name == "one" and (again.pixels == one.pixels).all()
    for pixels in (one.pixels, again.pixels, fit_within(one, 5).pixels):
        with pytest.raises(ValueError, match="read-only"):
            pixels[0, 0] = 0


def test_the_name_in_a_sentence_is_tamed() -> None:
    assert_refused(picture, b"no", "The picture 'ab", name="a\nb\x1b[31m\u202e" + "c" * 500)


@pytest.mark.parametrize(
    ("height", "width", "side", "expected"),
    [
        (16, 24, 12, (8, 12)),
        (24, 16, 12, (12, 8)),
        (16, 24, 24, (16, 24)),
        (1, 20_000, 320, (1, 320)),
        (9, 7, 1, (1, 1)),
    ],
)
def test_fit_within(height: int, width: int, side: int, expected: tuple[int, int]) -> None:
    whole = picture(saved(corners(height, width), "PNG"), "whole")
    small = fit_within(whole, side)
    assert small.pixels.shape == (*expected, 3) and (small.name, small.digest) == ("whole", whole.digest)


def test_fit_within_averages() -> None:
    stripes = np.tile(np.array([[0], [255]], np.uint8), (100, 200))
    small = fit_within(picture(saved(stripes, "PNG")), 20).pixels
    assert np.abs(small[2:-2].astype(int) - 127).max() <= 6
    with pytest.raises(BadInput, match="at least 1 pixel, got 0"):
        fit_within(picture(saved(stripes, "PNG")), 0)


@cache
def valid_files() -> tuple[tuple[str, bytes], ...]:
    """Small files of each kind, for the mutations."""
    noise = np.random.default_rng(0).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    pictures = [
        saved(noise, "PNG", exif=tags(orientation=6)),
        saved(noise, "JPEG", exif=tags(orientation=6)),
        saved(noise, "GIF"),
        saved(noise, "WEBP"),
        saved(noise, "TIFF", compression="tiff_lzw"),
    ]
    sounds = [encoded(wave(0.1, 2), file_format) for file_format in ("WAV", "FLAC", "OGG", "MP3", "AIFF")]
    return tuple(("picture", data) for data in pictures) + tuple(("sound", data) for data in sounds)


EDITS = st.lists(
    st.tuples(st.sampled_from(["flip", "insert", "drop", "cut"]), st.floats(0, 1), st.binary(min_size=1, max_size=8)),
    min_size=1,
    max_size=6,
)


@settings(max_examples=150, deadline=None)
@given(chosen=st.integers(0, 9), edits=EDITS, head=st.booleans())
def test_mutated_files_decode_or_get_one_sentence(
    chosen: int, edits: list[tuple[str, float, bytes]], head: bool
) -> None:
    kind, original = valid_files()[chosen]
    data = bytearray(original)
    for action, where, patch in edits:
        at = int(where * min(len(data), 100 if head else len(data)))
        end = {"flip": at + len(patch), "insert": at, "drop": at + len(patch), "cut": len(data)}[action]
        data[at:end] = patch if action in ("flip", "insert") else b""
    door = getattr(media, kind)
    try:
        result = door(bytes(data))
    except BadInput:
        assert_refused(door, bytes(data), "must")
    else:
        assert isinstance(result, Picture | Sound)
