"""How fast sound is turned to mel bands, recognised and decoded: against librosa, by the clock, and against plain Python.

``python -m benchmarks.speech [--repeats N] [--quick]``, from the repository's root. It prints one JSON object; what each
number means is in ``benchmarks/README.md``. It measures and doesn't judge: the exit code is 0.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import librosa
import numpy as np
import torch
from torch import Tensor

from benchmarks.small_networks import machine
from engine.data.media import Sound
from engine.data.voices import RATE, said
from engine.functional.audio import mel_spectrogram
from engine.functional.decoding import ctc_beam
from engine.labs.speech.recognise import Recognise, language_model, recognised
from engine.models.recogniser import log_probabilities
from engine.seeding import generator

LONG, SPOKEN = 60, 10  # seconds
RATE_OF_MUSIC, WINDOW, HOP, BANDS = 16_000, 400, 160, 80
WIDTH = 16
SIZES = {"digits": 11, "letters": 28, "pieces of words": 256}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speech", description=__doc__)
    parser.add_argument("--repeats", type=int, default=7, help="rounds, in each of which both ways take their turn")
    parser.add_argument("--quick", action="store_true", help="one round")
    chosen = parser.parse_args(arguments)
    repeats = 1 if chosen.quick else chosen.repeats
    torch.set_num_threads(1)
    report: dict[str, Any] = {"machine": machine()}
    report[f"seconds for mel bands of {LONG} s"] = mel_bands(repeats)
    report[f"seconds to recognise {SPOKEN} s"] = recognition(repeats)
    report[f"seconds of beam search, width {WIDTH}"] = {
        name: searches(size, 2 if chosen.quick else repeats) for name, size in SIZES.items()
    }
    print(json.dumps(report, indent=2))
    return 0


def compared(ours: Callable[[], Any], theirs: Callable[[], Any], name: str, repeats: int) -> dict[str, float]:
    """Medians of both ways' seconds, and of their ratio in the same round; a first round warms up and doesn't count."""
    rounds = [(timed(ours), timed(theirs)) for _ in range(repeats + 1)][1:]
    ratio = statistics.median(a / b for a, b in rounds)
    first, second = (statistics.median(column) for column in zip(*rounds, strict=True))
    return {"ours": round(first, 4), name: round(second, 4), "ratio": round(ratio, 3)}


def timed(work: Callable[[], Any]) -> float:
    """Seconds of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def mel_bands(repeats: int) -> dict[str, float]:
    """Our mel spectrogram and librosa's of the same noise, filters included."""
    samples = torch.randn(LONG * RATE_OF_MUSIC, generator=generator(0))
    array = samples.numpy()
    settings: dict[str, Any] = {"n_fft": WINDOW, "hop_length": HOP, "n_mels": BANDS, "center": False}
    return compared(
        lambda: mel_spectrogram(samples, RATE_OF_MUSIC, WINDOW, HOP, BANDS),
        lambda: librosa.feature.melspectrogram(y=array, sr=RATE_OF_MUSIC, **settings),
        "librosa",
        repeats,
    )


def spoken() -> Sound:
    """Digits after each other for so many seconds."""
    clips = [clip.samples for word in ("three", "one", "four", "nine", "two", "six") for clip in said(word)]
    samples = np.concatenate(clips)[: SPOKEN * RATE]
    return Sound(samples[None].copy(), RATE, "digits", "0" * 12)


def recognition(repeats: int) -> float:
    """Seconds from a recording to figures, with the weights loaded."""
    params = Recognise(sound=spoken())
    language = language_model("")
    recognised(params, language)
    return round(statistics.median(timed(lambda: recognised(params, language)) for _ in range(repeats)), 3)


def searches(size: int, repeats: int) -> dict[str, float]:
    """Our search and a plain one over the recogniser's frames of 10 s, or random peaky ones of more symbols."""
    if size == SIZES["digits"]:
        frames = log_probabilities(torch.tensor(spoken().samples[0]))
    else:
        frames = torch.log_softmax(4 * torch.randn(250, size, generator=generator(size)), -1)
    best, plain = ctc_beam(frames, WIDTH)[0], plain_beam(frames, WIDTH)[0]
    assert best.labels == plain[0] and math.isclose(best.log_probability, plain[1], rel_tol=1e-6)
    return compared(lambda: ctc_beam(frames, WIDTH), lambda: plain_beam(frames, WIDTH), "plain", repeats)


def added(*logs: float) -> float:
    """log of the sum of exps."""
    top = max(logs)
    return top if top == -math.inf else top + math.log(sum(math.exp(x - top) for x in logs))


def plain_beam(log_probabilities: Tensor, width: int) -> list[tuple[tuple[int, ...], float]]:
    """Prefix beam search as it is usually written: dictionaries of prefixes, symbol by symbol."""
    nothing = (-math.inf, -math.inf)
    beam: dict[tuple[int, ...], tuple[float, float]] = {(): (0.0, -math.inf)}
    for frame in log_probabilities.double().tolist():
        after: dict[tuple[int, ...], tuple[float, float]] = defaultdict(lambda: nothing)
        for prefix, (blank, label) in beam.items():
            for symbol, log_p in enumerate(frame):
                if symbol == 0:
                    b, n = after[prefix]
                    after[prefix] = added(b, blank + log_p, label + log_p), n
                    continue
                longer = (*prefix, symbol)
                b, n = after[longer]
                if prefix and symbol == prefix[-1]:
                    after[longer] = b, added(n, blank + log_p)
                    b, n = after[prefix]
                    after[prefix] = b, added(n, label + log_p)
                else:
                    after[longer] = b, added(n, blank + log_p, label + log_p)
        beam = dict(sorted(after.items(), key=lambda item: -added(*item[1]))[:width])
    return [(prefix, added(*both)) for prefix, both in beam.items()]


if __name__ == "__main__":
    raise SystemExit(main())
