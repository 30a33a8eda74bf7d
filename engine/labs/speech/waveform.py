"""Sound as a list of numbers: how many a second, how many bits each, and what is heard when there are fewer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.data.media import Sound, digest_of, to_wav
from engine.data.samples import sound_sample
from engine.figures import waveform as figures
from engine.functional import waveform
from engine.lab import Event, Frame, Frames, Lab
from engine.params import Params, SoundSource, integer, number, sound, toggle
from engine.results.waveform import Spectrum, noise, spectra, stretch

MOST_BITS = 16
LONGEST_NAME = 40


class Numbers(Params):
    """What a person can move."""

    sound: SoundSource = sound("chirp", help="A sample, an upload, or the microphone, in mono or stereo.")
    rate: int = integer(
        4000,
        low=3000,
        high=96_000,
        hint=(3000, 48_000, 100),
        log=True,
        unit="Hz",
        label="New sample rate",
        help="How many numbers a second the sound is brought to, with a filter before and without.",
    )
    bits: int = integer(
        MOST_BITS,
        low=2,
        high=MOST_BITS,
        label="Bits per sample",
        help="Each number becomes one of 2 to this power levels.",
    )
    moment: float = number(
        2.5,
        low=0.0,
        high=120.0,
        hint=(0.0, 5.0, 0.01),
        unit="s",
        label="Moment",
        help="Where to look; a click on the wave sets it too. Beyond the end it is the middle.",
    )
    zoom: float = number(
        6.0,
        low=0.1,
        high=1000.0,
        hint=(0.5, 200.0, 0.1),
        log=True,
        unit="ms",
        label="Zoom",
        help="How much time the single samples are seen over.",
    )
    mono: bool = toggle(False, label="Mix to mono", help="The mean of the channels, before anything else.")


def chosen(params: Numbers) -> Sound:
    """The sound that a person chose, mixed to mono if asked for."""
    found = params.sound if isinstance(params.sound, Sound) else sound_sample(params.sound)
    return changed(found, found.mono[None], found.rate, "mono") if params.mono else found


def changed(sound: Sound, samples: np.ndarray, rate: int, how: str) -> Sound:
    """A sound made of another."""
    clipped = np.clip(samples, -1, 1).astype(np.float32)
    return Sound(clipped, rate, f"{sound.name} {how}", digest_of(f"{sound.digest} {how} {rate}".encode()))


def versions(params: Numbers) -> dict[str, Sound]:
    """The sound as it is, and at the new rate and bits with a filter and without."""
    sound = chosen(params)
    ways = {"filtered": waveform.resample, "no filter": waveform.pick}
    found = {"original": sound}
    for name, way in ways.items():
        samples = waveform.quantize(way(sound.samples, sound.rate, params.rate), params.bits)
        found[name] = changed(sound, samples, params.rate, f"{name}, {params.bits} bits")
    return found


def run(params: Numbers) -> Frames:
    """One frame: the wave, its single samples at both rates, the spectra, and the noise of few bits."""
    found = versions(params)
    original, filtered, plain = found.values()
    moment = params.moment if params.moment < original.seconds else original.seconds / 2
    seconds = params.zoom / 1000
    heard = spectra(found, moment)
    bits = noise(waveform.resample(original.samples, original.rate, params.rate), MOST_BITS)
    apart = float(bits.measured[bits.bits == params.bits][0])
    yield Frame(
        figures={
            "Wave": figures.channels(original, (moment - seconds / 2, moment + seconds / 2)),
            "Single samples": figures.single_samples(
                {name: stretch(each, moment, seconds) for name, each in found.items()}, seconds
            ),
            "Spectrum": figures.spectra(heard),
            "Bits": figures.noise(bits, params.bits),
        },
        says=f"{original.name[:LONGEST_NAME]}: {original.seconds:.2f} s of {len(original.samples)} "
        f"channel{'s' * (len(original.samples) > 1)}, {original.samples.size:,} numbers. "
        f"{at_the_moment(heard, moment, params.rate)}",
        note=remarks(params, original),
        metrics={
            "Sample rate": f"{original.rate / 1000:g} → {params.rate / 1000:g} kHz",
            "Samples a channel": f"{original.samples.shape[1]:,} → {filtered.samples.shape[1]:,}",
            "Bit rate now": f"{params.rate * params.bits * len(original.samples) / 1000:,.4g} kbit/s",
            f"Sound over noise, {params.bits} bits": f"{apart:.1f} dB" if math.isfinite(apart) else "no noise",
        },
        sounds={"Original": original, "Resampled with a filter": filtered, "Resampled without a filter": plain},
        files={
            f"filtered-{params.rate}-Hz.wav": to_wav(filtered.samples, params.rate),
            f"no-filter-{params.rate}-Hz.wav": to_wav(plain.samples, params.rate),
        },
    )


def at_the_moment(heard: Mapping[str, Spectrum], moment: float, rate: int) -> str:
    """The strongest frequency there, and what becomes of it at the new rate."""
    strongest = heard["original"].strongest
    if math.isnan(strongest):
        silent = not heard["original"].amplitude.any()
        return f"At {moment:.2f} s {'it is silent' if silent else 'no frequency stands out'}."
    said = f"At {moment:.2f} s its strongest frequency is {strongest:.0f} Hz"
    if strongest <= rate / 2:
        return f"{said}, which {rate} numbers a second can hold: it lies under half of that, {rate / 2:g} Hz."
    return (
        f"{said}, above the {rate / 2:g} Hz that {rate} numbers a second can hold: the filter takes it out, and "
        f"without a filter it comes back as {waveform.alias(strongest, rate):.0f} Hz."
    )


def remarks(params: Numbers, original: Sound) -> str:
    """Which player plays what, and what the figures leave out."""
    count, loudest = len(original.samples), float(np.abs(original.samples).max())
    said = {
        "The players hold, from the top, the original, the filtered and the unfiltered sound.": True,
        "A higher rate brings no new sound: nothing above half of the old rate was ever recorded.": params.rate
        > original.rate,
        f"Only the first 2 of {count} channels are drawn.": count > figures.MOST_CHANNELS,
        "Single samples and spectrum are of the first channel.": count > 1,
        "Some samples are at full scale: the recording may be clipped.": loudest >= 0.999,
    }
    return " ".join(sentence for sentence, holds in said.items() if holds)


def respond(params: Numbers, event: Event) -> Mapping[str, Any]:
    """A click on the wave looks there."""
    if event.figure != "Wave" or not math.isfinite(event.x):
        return {}
    return {"moment": min(max(round(event.x, 3), 0.0), 120.0)}


LAB = Lab(
    slug="waveform",
    summary="See the numbers a recording is made of, and hear it with fewer of them a second and fewer bits each.",
    params=Numbers,
    run=run,
    look_for=(
        "A rate of R numbers a second holds frequencies up to R/2, the dashed line. What lies above must be filtered out "
        "first, or it comes back as a lower tone that was never there: play all three versions of the chirp and watch the "
        "peaks. Every bit less brings the noise 6 dB closer. At 4000 Hz, which tone does 3100 Hz turn into?"
    ),
    maths=(
        r"$$x_n = x(n / R), \qquad \text{numbers} = R \cdot \text{seconds} \cdot \text{channels}, \qquad "
        r"\text{bit rate} = R \cdot b \cdot \text{channels}$$"
        "\n\n"
        r"$$f_{alias} = \Big| f - R \cdot \text{round}\frac{f}{R} \Big| \le \frac{R}{2}, \qquad "
        r"\cos(2\pi f n / R) = \cos(2\pi f_{alias}\, n / R)$$"
        "\n\n"
        r"$$q = 2^{1-b}, \qquad \hat{x} = q \cdot \text{round}(x / q), \qquad "
        r"\text{noise} = 10 \log_{10} \frac{q^2}{12}\ \text{dB} \approx -6.02\, b - 4.77\ \text{dB}$$"
    ),
    code=(waveform.resample, waveform.pick, waveform.alias, waveform.quantize, waveform.spectrum),
    presets={
        "Telephone": {"sound": "vowels", "rate": 8000, "bits": 8},
        "4 bits": {"sound": "vowels", "rate": 16_000, "bits": 4},
        "A click gets lost": {"sound": "clicks-and-noise", "rate": 4410, "moment": 0.25},
        "Twice the rate": {"sound": "chord", "rate": 32_000, "zoom": 3.0},
        "Down to single samples": {"sound": "vowels", "rate": 8000, "zoom": 1.5, "moment": 0.3},
    },
    rows=(("Wave",), ("Single samples", "Spectrum"), ("Bits",)),
    listens=("click",),
    respond=respond,
)
