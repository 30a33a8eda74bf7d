"""Make the bundled sample pictures and sounds: `python -m recipes.samples` rewrites assets/pictures and assets/sounds.

The same seed gives the same pixels and samples. Credits and licences are in the README.md beside the files.
"""

from pathlib import Path

import numpy as np
import soundfile
from PIL import Image, ImageDraw
from scipy.signal import chirp as sweep
from scipy.signal import lfilter
from sklearn.datasets import load_sample_image

ASSETS = Path(__file__).resolve().parents[1] / "assets"
SEED = 0
LONGEST_SIDE = 320
OVERSAMPLING = 4
RATE = 16_000

# Centre frequencies and bandwidths, in Hz, of the first four resonances of a male voice.
FORMANTS = {
    "a": (730, 1090, 2440, 3400),
    "e": (530, 1840, 2480, 3500),
    "i": (270, 2290, 3010, 3700),
    "o": (500, 850, 2410, 3300),
    "u": (300, 870, 2240, 3200),
}
BANDWIDTHS = (60, 90, 120, 180)


def photo(file: str) -> Image.Image:
    """One of scikit-learn's sample photographs, its longest side brought to 320 pixels."""
    image = Image.fromarray(load_sample_image(file))
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    return image


def half_and_half(side: int = 60) -> Image.Image:
    """The course's edge example, enlarged: bright on the left, dark on the right."""
    levels = np.where(np.arange(side) < side // 2, 255, 0).astype(np.uint8)
    return Image.fromarray(np.tile(levels, (side, 1)))


def checkerboard(side: int = 160, squares: int = 8) -> Image.Image:
    """Black and white squares, white at the top left."""
    row = np.arange(side) * squares // side
    return Image.fromarray((255 * (1 - (row[:, None] + row) % 2)).astype(np.uint8))


def shapes(width: int = 320, height: int = 240) -> Image.Image:
    """Circles, rectangles, a triangle and a ring in colour, drawn large and shrunk so that their edges are smooth."""
    image = Image.new("RGB", (width * OVERSAMPLING, height * OVERSAMPLING), (244, 240, 230))
    draw = ImageDraw.Draw(image)

    def scaled(*values: int) -> list[int]:
        return [value * OVERSAMPLING for value in values]

    draw.ellipse(scaled(20, 20, 110, 110), fill=(214, 69, 65))
    draw.rectangle(scaled(135, 25, 205, 105), fill=(44, 110, 180))
    draw.polygon(scaled(265, 20, 310, 105, 220, 105), fill=(242, 177, 52))
    draw.rectangle(scaled(20, 150, 130, 200), fill=(60, 150, 95))
    draw.ellipse(scaled(150, 130, 235, 215), outline=(110, 70, 150), width=10 * OVERSAMPLING)
    draw.ellipse(scaled(255, 140, 305, 190), fill=(40, 40, 48))
    return image.resize((width, height), Image.Resampling.LANCZOS)


def brick(random: np.random.Generator, rows: int = 10, columns: int = 5) -> Image.Image:
    """A wall in running bond: 48 x 20 pixel bricks of varied tint, a 3-pixel joint, and grain over all."""
    y, x = np.mgrid[: rows * 20, : columns * 48]
    row = y // 20
    shifted = x + 24 * (row % 2)
    column = shifted // 48
    tint = random.normal(0, 14, (rows, columns + 1, 1))[row, column]
    joint = (y % 20 < 3) | (shifted % 48 < 3)
    wall = np.where(joint[..., None], (190, 184, 172), np.array((158, 74, 56)) + tint)
    grain = random.normal(0, 5, (*y.shape, 1))
    return Image.fromarray(np.clip(wall + grain, 0, 255).astype(np.uint8))


def chirp() -> np.ndarray:
    """A tone that rises from 100 Hz to 6 kHz in 3 s."""
    time = np.arange(3 * RATE) / RATE
    return sweep(time, 100, 3, 6000, method="logarithmic")


def chord() -> np.ndarray:
    """C, E and G, struck together, with two overtones each; 3 s, fading by half every third of a second."""
    time = np.arange(3 * RATE) / RATE
    tones = sum(
        np.sin(2 * np.pi * pitch * overtone * time) / overtone**2
        for pitch in (261.63, 329.63, 392.0)
        for overtone in (1, 2, 3)
    )
    return tones * 0.5 ** (3 * time)


def siren() -> np.ndarray:
    """A tone whose pitch swings between 500 and 1300 Hz once a second; 3 s."""
    time = np.arange(3 * RATE) / RATE
    pitch = 900 - 400 * np.cos(2 * np.pi * time)
    return np.sin(2 * np.pi * np.cumsum(pitch) / RATE)


def clicks_and_noise(random: np.random.Generator) -> np.ndarray:
    """Eight clicks a quarter of a second apart, then one second of white noise that swells and fades."""
    clicks = np.zeros(2 * RATE)
    clicks[:: RATE // 4] = 1
    noise = random.normal(0, 0.2, RATE) * np.hanning(RATE)
    return np.concatenate([clicks, noise])


def vowels(random: np.random.Generator) -> np.ndarray:
    """A voice that says a, e, i, o, u, 0.6 s each, with short gaps: pulses of breath through four resonators."""
    gap = np.zeros(RATE // 20)
    return np.concatenate([part for formants in FORMANTS.values() for part in (_voice(formants, random), gap)])


def _voice(formants: tuple[int, ...], random: np.random.Generator, seconds: float = 0.6) -> np.ndarray:
    """One vowel: a pulse train that glides from 130 to 105 Hz, softened, through one resonator per formant."""
    n = int(seconds * RATE)
    phase = np.cumsum(np.linspace(130, 105, n) / RATE)
    pulses = np.diff(np.floor(phase), prepend=0.0) + random.normal(0, 0.005, n)
    # Two gentle low-passes give the glottis its slope, a difference stands for the lips.
    voice = np.diff(lfilter([1], [1, -1.8, 0.81], pulses), prepend=0.0)
    for frequency, bandwidth in zip(formants, BANDWIDTHS, strict=True):
        radius = np.exp(-np.pi * bandwidth / RATE)
        poles = [1, -2 * radius * np.cos(2 * np.pi * frequency / RATE), radius**2]
        voice = lfilter([sum(poles)], poles, voice)
    ramp = np.minimum(1, np.minimum(np.arange(n), np.arange(n)[::-1]) / (0.04 * RATE))
    return voice * ramp / np.abs(voice).max()


def main() -> None:
    """Write every sample."""
    random = np.random.default_rng(SEED)
    pictures = {
        "photo-china.jpg": photo("china.jpg"),
        "photo-flower.jpg": photo("flower.jpg"),
        "half-and-half.png": half_and_half(),
        "checkerboard.png": checkerboard(),
        "shapes.png": shapes(),
        "brick.png": brick(random),
    }
    sounds = {
        "chirp": chirp(),
        "chord": chord(),
        "siren": siren(),
        "clicks-and-noise": clicks_and_noise(random),
        "vowels": vowels(random),
    }
    for folder in ("pictures", "sounds"):
        (ASSETS / folder).mkdir(parents=True, exist_ok=True)
    for name, image in pictures.items():
        image.save(ASSETS / "pictures" / name, **({"quality": 90} if name.endswith(".jpg") else {"optimize": True}))
    for name, samples in sounds.items():
        loud = 0.8 * samples / np.abs(samples).max()
        soundfile.write(ASSETS / "sounds" / f"{name}.flac", loud, RATE, subtype="PCM_16")


if __name__ == "__main__":
    main()
