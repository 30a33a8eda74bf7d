"""The one door for uploads: a stranger's bytes go in; a picture, a sound or one clear sentence comes out.

Sizes are checked before anything is decoded, only well-trodden decoders run, and nothing touches the disk.
"""

import hashlib
import io
import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import soundfile
from PIL import ExifTags, Image

from engine.errors import BadInput

MOST_PICTURE_BYTES = 20_000_000
KEPT_SIDE = 2048
MOST_PIXELS = 40_000_000
# A progressive JPEG can repeat a scan of a few bytes over every pixel, without end. Honest ones hold about ten; the two
# bytes that start one turn up by chance about once in 65,536, so even 20 MB of trailing video stays under this limit.
MOST_SCANS = 500

MOST_SOUND_BYTES = 30_000_000
MOST_SECONDS = 120
MOST_CHANNELS = 16
# Over all channels, 200 MB as float32: a few kilobytes of FLAC silence can unfold into gigabytes.
MOST_SAMPLES = 50_000_000
LOWEST_RATE, HIGHEST_RATE = 1_000, 384_000

PICTURE_FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "PPM")
_PICTURE_KINDS = "a PNG, JPEG, GIF, WebP, BMP, TIFF or PPM file"
_SOUND_KINDS = "a WAV, FLAC, OGG, MP3 or AIFF file"
_DAMAGED = "got one that is cut short, damaged or of a rare kind"
_LENGTH_UNKNOWN = 2**63 - 1  # libsndfile's own mark, found in a FLAC that was streamed

# libsndfile guesses among some 25 formats, half of them museum pieces: only files that start like these reach it.
_SOUND_START = re.compile(rb"RIF[FX]....WAVE|FORM....AIF[FC]|fLaC|OggS|ID3|\xff[\xe2-\xff]", re.DOTALL)
_SOUND_CODINGS = re.compile(r"PCM_\w+|FLOAT|DOUBLE|ULAW|ALAW|VORBIS|OPUS|MPEG_LAYER_I{1,3}")

# What the decoders are documented or seen to raise on damaged files. UnidentifiedImageError is an OSError, and a
# LibsndfileError is a RuntimeError; a Warning is raised only where the interpreter turns warnings into errors.
_BROKEN = (
    OSError,
    EOFError,
    SyntaxError,
    ValueError,
    struct.error,
    soundfile.SoundFileError,
    Image.DecompressionBombError,
    Warning,
)

# The move that undoes each EXIF orientation; 1 is upright.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class _Tape(io.BytesIO):
    """Bytes as a file. A damaged sound can send libsndfile to before the start, where soundfile would print a traceback."""

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        try:
            return super().seek(offset, whence)
        except ValueError:
            return self.tell()


class Upload:
    """What everything uploaded shares: file and size are the identity, pickling keeps it frozen."""

    name: str
    digest: str

    @property
    def _identity(self) -> tuple[Any, ...]:
        raise NotImplementedError

    @property
    def choices(self) -> dict[str, Any]:
        """What the reader was told beside the file, by name."""
        return {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and other._identity == self._identity

    def __hash__(self) -> int:
        return hash(self._identity)

    def __reduce__(self) -> tuple[type, tuple[Any, ...]]:
        # Through the constructor, because NumPy's own pickling forgets that an array is read-only.
        return type(self), tuple(getattr(self, field.name) for field in fields(self))  # type: ignore[arg-type]


@dataclass(frozen=True, eq=False)
class Picture(Upload):
    """An upright picture.

    Attributes:
        pixels: (H, W, 3) uint8, RGB, read-only.
        name: What to call it on the page.
        digest: First 12 hex digits of the SHA-256 of the file's bytes.
    """

    pixels: np.ndarray
    name: str
    digest: str

    def __post_init__(self) -> None:
        self.pixels.setflags(write=False)

    @property
    def _identity(self) -> tuple[Any, ...]:
        return self.digest, self.pixels.shape


@dataclass(frozen=True, eq=False)
class Sound(Upload):
    """A recording.

    Attributes:
        samples: (channels, n) float32 in [-1, 1], read-only.
        rate: Samples per second, in Hz.
        name: What to call it on the page.
        digest: First 12 hex digits of the SHA-256 of the file's bytes.
    """

    samples: np.ndarray
    rate: int
    name: str
    digest: str

    def __post_init__(self) -> None:
        self.samples.setflags(write=False)

    @property
    def _identity(self) -> tuple[Any, ...]:
        return self.digest, self.samples.shape, self.rate

    @property
    def mono(self) -> np.ndarray:
        """The mean of the channels, (n,) float32."""
        return self.samples.mean(axis=0)

    @property
    def seconds(self) -> float:
        """How long it lasts, in seconds."""
        return self.samples.shape[1] / self.rate


def picture(data: bytes, name: str = "upload") -> Picture:
    """Decode a picture file: upright, 8-bit RGB, transparency laid on white, the first frame of an animation.

    A picture longer than 2048 pixels is shrunk to that, which is all that a lab or a screen uses of it.

    Args:
        data: The file's bytes, at most 20 MB and 40 megapixels; metadata is dropped.
        name: What to call it, on the page and in the error.

    Raises:
        BadInput: The bytes are no such picture; one sentence says why.
    """
    label = label_of("picture", name)
    _check_bytes(data, MOST_PICTURE_BYTES, label)
    with _decoding(f"{label} must be {_PICTURE_KINDS}, got {len(data)} bytes that can't be read as one"):
        # Pillow has a limit of its own, far above ours, where it refuses to go on.
        try:
            image = Image.open(io.BytesIO(data), formats=PICTURE_FORMATS)
        except Image.DecompressionBombError as error:
            raise BadInput(f"{label} must be of at most {MOST_PIXELS / 1e6:g} megapixels, got far more.") from error
    _check_work(image, data, label)
    with _decoding(f"{label} must be a whole {image.format} file, {_DAMAGED}"), image:
        image.load()
        orientation = _orientation(image)
        # Shrunk first: a whole large picture is held no more often than it must be.
        upright = _shrunk(_rgb(image), KEPT_SIDE)
        if orientation in _UPRIGHT:
            upright = upright.transpose(_UPRIGHT[orientation])
        return Picture(np.array(upright), name, digest_of(data))


def sound(data: bytes, name: str = "upload") -> Sound:
    """Decode a sound file; float files are clipped to [-1, 1], silence is returned as it is.

    Args:
        data: The file's bytes: at most 30 MB, 120 s, 16 channels, and 50 million samples over all channels.
        name: What to call it, on the page and in the error.

    Raises:
        BadInput: The bytes are no such sound; one sentence says why.
    """
    label = label_of("sound", name)
    _check_bytes(data, MOST_SOUND_BYTES, label)
    kinds = f"{label} must be {_SOUND_KINDS}, got {len(data)} bytes that can't be read as one"
    if not _SOUND_START.match(data):
        raise BadInput(f"{kinds}.")
    with _decoding(kinds):
        file = soundfile.SoundFile(_Tape(data))
    with _decoding(f"{label} must be a whole {file.format} file, {_DAMAGED}"), file:
        _check_header(file, label)
        # The length in an MP3's header may be an estimate, or a lie: no more than the length checked above is read.
        samples = np.ascontiguousarray(file.read(frames=file.frames, dtype="float32", always_2d=True).T)
        rate = file.samplerate
    if not samples.size:
        raise BadInput(f"{label} must hold at least one sample, got none.")
    lost = samples.size - np.count_nonzero(np.isfinite(samples))
    if lost:
        raise BadInput(f"{label} must hold only numbers, got {lost} of {samples.size} samples NaN or infinite.")
    return Sound(np.clip(samples, -1, 1, out=samples), rate, name, digest_of(data))


def fit_within(picture: Picture, side: int) -> Picture:
    """Shrink a picture, antialiased, until its longer side is at most `side` pixels; a smaller one comes back as it is.

    Name and digest stay. No side falls below one pixel.

    Raises:
        BadInput: `side` is below 1.
    """
    if side < 1:
        raise BadInput(f"The longest side must be at least 1 pixel, got {side}.")
    if max(picture.pixels.shape[:2]) <= side:
        return picture
    return Picture(np.array(_shrunk(Image.fromarray(picture.pixels), side)), picture.name, picture.digest)


def to_wav(samples: np.ndarray, rate: int) -> bytes:
    """Encode samples as a 16-bit PCM WAV file, for playback; values beyond [-1, 1] are clipped.

    Args:
        samples: (channels, n) or (n,) numbers.
        rate: Samples per second, in Hz.

    Raises:
        BadInput: The array has another shape, or holds NaN or infinity.
    """
    if samples.ndim not in (1, 2):
        raise BadInput(f"The samples to play must be of shape (channels, n) or (n,), got {samples.shape}.")
    if not np.isfinite(samples).all():
        raise BadInput("The samples to play must all be numbers, got NaN or infinity among them.")
    levels = np.round(np.clip(samples, -1, 1) * 32767).astype(np.int16)
    file = io.BytesIO()
    soundfile.write(file, levels.T, rate, format="WAV", subtype="PCM_16")
    return file.getvalue()


def label_of(kind: str, name: str) -> str:
    """How an error calls the file: a stranger chose its name, so unprintable characters and all past 60 are dropped."""
    return f"The {kind} '{''.join(filter(str.isprintable, name))[:60]}'"


def digest_of(data: bytes) -> str:
    """The first 12 hex digits of the SHA-256 of the bytes."""
    return hashlib.sha256(data).hexdigest()[:12]


def _check_bytes(data: bytes, most: int, label: str) -> None:
    """Refuse an empty file, and one of more than `most` bytes."""
    if not data:
        raise BadInput(f"{label} must hold at least one byte, got an empty file.")
    if len(data) > most:
        raise BadInput(f"{label} must be of at most {most / 1e6:g} MB, got {len(data) / 1e6:.4g} MB.")


@contextmanager
def _decoding(problem: str) -> Iterator[None]:
    """Turn whatever a decoder raises in this block into `BadInput(problem)`; a BadInput of ours passes through."""
    try:
        yield
    except BadInput:
        raise
    except _BROKEN as error:
        raise BadInput(f"{problem}.") from error


def _check_work(image: Image.Image, data: bytes, label: str) -> None:
    """Refuse a picture, by its header alone, that takes too much memory or time to decode."""
    pixels = image.width * image.height
    if pixels > MOST_PIXELS:
        size = f"{image.width} x {image.height} ({pixels / 1e6:.4g} megapixels)"
        raise BadInput(f"{label} must be of at most {MOST_PIXELS / 1e6:g} megapixels, got {size}.")
    scans = data.count(b"\xff\xda") if image.format in ("JPEG", "MPO") else 0
    if scans > MOST_SCANS:
        raise BadInput(f"{label} must be a JPEG of at most {MOST_SCANS} scans, got {scans}.")


def _shrunk(image: Image.Image, side: int) -> Image.Image:
    """A picture whose longer side is at most `side`; no side falls below one pixel."""
    longest = max(image.size)
    if longest <= side:
        return image
    width, height = (max(1, round(length * side / longest)) for length in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS)


def _orientation(image: Image.Image) -> object:
    """The EXIF orientation; 1, upright, where the tags can't be read: they are no reason to refuse a picture."""
    try:
        return image.getexif().get(ExifTags.Base.Orientation, 1)
    except _BROKEN:
        return 1


def _rgb(image: Image.Image) -> Image.Image:
    """A picture of any mode as 8-bit RGB, with transparency laid on white."""
    if image.mode[0] == "I" or image.mode == "F":
        return Image.fromarray(_grey(np.asarray(image), image.format)).convert("RGB")
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def _grey(values: np.ndarray, file_format: str | None) -> np.ndarray:
    """Levels of more than 8 bits, (H, W), as uint8.

    16-bit levels are divided by 257, and decimals from 0 to 1 are multiplied by 255. Nothing says what is white in a
    32-bit picture of another range: its lowest number becomes black and its highest white. NaN becomes black.
    """
    finite = values[np.isfinite(values)]
    if not finite.size:
        raise BadInput("A picture of decimals must hold at least one finite number, got none.")
    low, high = float(finite.min()), float(finite.max())
    if values.dtype.kind == "f" and low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    # Pillow scales 16-bit PPM files to 65535 too, but hands them out as 32-bit integers.
    elif values.dtype.itemsize == 2 or (values.dtype.kind == "i" and file_format == "PPM"):
        low, high = 0.0, 65535.0
    levels = values.astype(np.float64)
    levels -= low
    levels *= 255
    levels /= (high - low) or 1
    np.nan_to_num(levels, copy=False, nan=0, posinf=255, neginf=0)
    return np.rint(levels, out=levels).astype(np.uint8)


def _check_header(file: soundfile.SoundFile, label: str) -> None:
    """Refuse a sound, by its header alone, that is empty, too long, too wide or of an odd coding."""
    seconds = file.frames / file.samplerate if file.samplerate > 0 else 0
    problems = (
        (not _SOUND_CODINGS.fullmatch(file.subtype), "be of a common coding such as PCM or MP3", file.subtype),
        (
            not LOWEST_RATE <= file.samplerate <= HIGHEST_RATE,
            f"have {LOWEST_RATE} to {HIGHEST_RATE} samples per second",
            f"{file.samplerate}",
        ),
        (not 1 <= file.channels <= MOST_CHANNELS, f"have 1 to {MOST_CHANNELS} channels", f"{file.channels}"),
        (file.frames < 1, "hold at least one sample", "none"),
        (file.frames == _LENGTH_UNKNOWN, "state its length", "a header without one"),
        (seconds > MOST_SECONDS, f"last at most {MOST_SECONDS} s", f"{seconds:.6g} s"),
        (
            file.frames * file.channels > MOST_SAMPLES,
            f"hold at most {MOST_SAMPLES / 1e6:g} million samples over all channels",
            f"{file.frames * file.channels / 1e6:.4g} million",
        ),
    )
    for wrong, must, got in problems:
        if wrong:
            raise BadInput(f"{label} must {must}, got {got}.")
