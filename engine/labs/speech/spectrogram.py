"""A sound as a picture: the energy at every frequency of a window that slides over it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.data.media import Sound
from engine.data.samples import sound_sample
from engine.figures import audio as figures
from engine.functional import audio
from engine.lab import Event, Frame, Frames, Lab, Mistake
from engine.params import Params, SoundSource, choice, integer, number, sound, toggle
from engine.results.audio import Spectrogram, Waveform

LEAST_WINDOW = 8  # samples
MOST_WORK = 2**24  # samples in all windows together


class Listening(Params):
    """What a person can move."""

    sound: SoundSource = sound("vowels", help="A sample, an upload, or the microphone. Channels are averaged.")
    window: float = number(
        25.0,
        low=1.0,
        high=500.0,
        hint=(2.0, 200.0, 1.0),
        log=True,
        unit="ms",
        label="Window",
        help="How much sound one column hears: long tells frequencies apart, short tells moments apart.",
    )
    hop: float = number(
        10.0, low=1.0, high=500.0, hint=(1.0, 50.0, 1.0), unit="ms", label="Hop", help="From one window to the next."
    )
    scale: Literal["linear", "log", "mel"] = choice(
        "linear",
        label="Frequency scale",
        help="Linear in Hz, logarithmic, or gathered into mel bands, which widen with frequency as the ear's do.",
        names={"linear": "Linear", "log": "Logarithmic", "mel": "Mel bands"},
    )
    bands: int = integer(40, low=4, high=128, label="Mel bands", help="Rows of the picture on the mel scale.")
    decibels: bool = toggle(True, label="Decibels", help="The logarithm of the energy; off shows the energy itself.")
    moment: float = number(
        0.5,
        low=0.0,
        high=120.0,
        hint=(0.0, 5.0, 0.01),
        unit="s",
        label="Moment",
        help="Which window is shown by itself. Clicking the wave or the spectrogram sets it too.",
        more=True,
    )


class Cut(NamedTuple):
    """A sound ready for its windows, ``window`` samples each, a ``hop`` apart: window i is centred on sample i · hop."""

    sound: Sound
    samples: Tensor  # (n + window,)
    window: int
    hop: int


def cut(params: Listening) -> Cut:
    """Window and hop in samples, and the sound between half a window of silence at either end.

    The hop is widened where the windows of a long sound would add up to more work than a page can wait for.
    """
    sound = params.sound if isinstance(params.sound, Sound) else sound_sample(params.sound)
    samples = torch.from_numpy(sound.mono)
    window = max(LEAST_WINDOW, round(params.window / 1000 * sound.rate))
    hop = max(1, round(params.hop / 1000 * sound.rate), math.ceil(len(samples) * window / MOST_WORK))
    return Cut(sound, F.pad(samples, (window // 2, window - window // 2)), window, hop)


def analyse(params: Listening, piece: Cut) -> Spectrogram:
    """The spectrogram, or the mel spectrogram."""
    sound, samples, window, hop = piece
    if params.scale == "mel":
        power = audio.mel_spectrogram(samples, sound.rate, window, hop, params.bands)
        frequency = audio.mel_frequencies(params.bands + 2, 0, sound.rate / 2)[1:-1]
    else:
        power = audio.power_spectrogram(samples, sound.rate, window, hop)
        frequency = torch.arange(len(power)) * (sound.rate / window)
    time = torch.arange(power.shape[1], dtype=torch.float64) * (hop / sound.rate)
    return Spectrogram(power.numpy(), frequency.numpy(), time.numpy(), params.scale == "mel")


def remarks(params: Listening, piece: Cut) -> str:
    """What differs from what was asked, and what the settings can't show."""
    sound, _, window, hop = piece
    ms = 1000 / sound.rate  # per sample
    filters = audio.mel_filterbank(sound.rate, window, params.bands) if params.scale == "mel" else torch.ones(1, 1)
    empty = int((filters == 0).all(dim=1).sum())
    said = {
        f"A window must have {LEAST_WINDOW} samples, here {window * ms:g} ms.": window * ms > params.window + ms,
        f"The hop is widened to {hop * ms:.4g} ms because the sound is long.": hop * ms > params.hop + ms,
        "The hop is longer than the window, so part of the sound is in no window.": hop > window,
        "The window is longer than the sound: silence fills the rest.": window > sound.samples.shape[1],
        f"{empty} mel bands fall between two frequencies of so short a window and stay empty.": empty > 0,
    }
    return " ".join(sentence for sentence, holds in said.items() if holds)


def run(params: Listening) -> Frames:
    """One frame: the spectrogram, one window of it, and the wave."""
    piece = cut(params)
    sound, result = piece.sound, analyse(params, piece)
    index = min(round(params.moment * sound.rate / piece.hop), len(result.time) - 1)
    moment, seconds = float(result.time[index]), piece.window / sound.rate
    samples = piece.samples[piece.window // 2 :][: sound.samples.shape[1]].numpy()
    energy = result.power[:, index]
    strongest = f"{result.frequency[energy.argmax()]:.0f} Hz" if energy.any() else "none: silence"
    view = (params.decibels, params.scale == "log")
    yield Frame(
        figures={
            "Spectrogram": figures.spectrogram(result, moment, *view),
            "One window": figures.one_window(result, index, *view),
            "Wave": figures.wave(Waveform(samples, sound.rate), (moment - seconds / 2, moment + seconds / 2)),
        },
        says=f"{sound.name}, {sound.seconds:.2f} s in {len(result.time)} windows of {1000 * seconds:.4g} ms. "
        f"The strongest frequency at {moment:.2f} s: {strongest}.",
        metrics={
            "Duration": f"{sound.seconds:.2f} s",
            "Sample rate": f"{sound.rate / 1000:g} kHz",
            f"Strongest at {moment:.2f} s": strongest,
            "Δf × Δt": f"{1 / seconds:.4g} Hz × {1000 * seconds:.4g} ms",
        },
        note=remarks(params, piece),
        sounds={"Sound": sound},
    )


def respond(params: Listening, event: Event) -> Mapping[str, Any]:
    """A click on the wave or the spectrogram looks at the window there."""
    if event.figure not in ("Wave", "Spectrogram") or not math.isfinite(event.x):
        return {}
    return {"moment": min(max(round(event.x, 3), 0.0), 120.0)}


def most_active(params: Listening) -> Mistake:
    """What is lost by keeping the most active frequency of each window."""
    piece = cut(params)
    power = audio.power_spectrogram(piece.samples, piece.sound.rate, piece.window, piece.hop)
    share = audio.strongest_share(power)
    kept = "has nothing to keep: the sound is silent" if math.isnan(share) else f"keeps {share:.1%} of the energy"
    return Mistake(
        wrong=f"The most active frequency of each window {kept}.",
        right=f"The energy at every one of the {len(power)} frequencies of each window: all of it.",
    )


LAB = Lab(
    slug="spectrogram",
    summary="Slide a window over a sound and see how much energy it holds at every frequency.",
    params=Listening,
    run=run,
    look_for=(
        "A longer window draws thinner lines and smears what changes in time; a shorter one does the opposite, because "
        "Δf · Δt = 1 for every window. Mel bands give the low frequencies, where speech differs most, more of the picture, "
        "and decibels bring out what is a thousand times weaker. Which window shows both the pulses of the "
        "voice and the overtones that a vowel lifts?"
    ),
    maths=(
        r"$$X(f, t) = \sum_{n=0}^{N-1} w_n\, x_{n + tH}\, e^{-2\pi i f n / N}, \qquad "
        r"w_n = \tfrac{1}{2} - \tfrac{1}{2}\cos\frac{2\pi n}{N}, \qquad \Delta f = \frac{\text{rate}}{N} = \frac{1}{\Delta t}$$"
        "\n\n"
        r"$$P(f, t) = \frac{2\,|X(f, t)|^2}{\text{rate} \sum_n w_n^2}, \qquad "
        r"\text{level} = \max\Big(0,\ 80 + 10 \log_{10} \frac{P}{\max P}\Big)\ \text{dB}$$"
        "\n\n"
        r"$$\text{mel}(f) = \begin{cases} 3f / 200 & f < 1000\ \text{Hz} \\ "
        r"15 + 27 \log_{6.4} (f / 1000) & \text{above} \end{cases}$$"
    ),
    code=(
        audio.power_spectrogram,
        audio.short_time_energy,
        audio.mel_spectrogram,
        audio.mel_filterbank,
        audio.decibels,
    ),
    presets={
        "Fine in time": {"window": 5.0, "hop": 2.0},
        "Fine in frequency": {"window": 100.0, "hop": 10.0},
        "Mel, 40 bands": {"scale": "mel", "bands": 40},
        "Chirp": {"sound": "chirp"},
        "Chord, log axis": {"sound": "chord", "scale": "log", "window": 120.0},
        "Clicks": {"sound": "clicks-and-noise", "window": 3.0, "hop": 1.0},
    },
    mistakes={"fourier-window": most_active},
    rows=(("Spectrogram", "One window"), ("Wave",)),
    listens=("click",),
    respond=respond,
)
