"""Made speech for the recipes: the espeak-ng synthesizer (Debian's `espeak-ng`), which the app itself never needs.

The library is called rather than its program, because it also tells when each phoneme begins.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from functools import cache

import numpy as np

from engine.data.voices import RATE, Spoken
from engine.errors import AtlasError
from engine.functional.waveform import resample

_LIBRARY = "libespeak-ng.so.1"
_SYNCHRONOUS, _PHONEME_EVENTS, _UTF8 = 2, 1, 1
_RATE, _PITCH, _RANGE, _GAP = 1, 3, 4, 7  # espeak_PARAMETER
_END_OF_LIST, _PHONEME = 0, 7  # espeak_EVENT_TYPE
QUIET = 0.01  # of the loudest sample: what is trimmed at both ends


class _Value(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),  # ms
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Value),
    ]


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


class Synthesizer:
    """The library, ready to speak; there is one in a process."""

    def __init__(self) -> None:
        """Load it; AtlasError where it isn't installed."""
        try:
            self.library = ctypes.CDLL(_LIBRARY)
        except OSError as error:
            raise AtlasError(f"Making speech needs {_LIBRARY}, which Debian's espeak-ng brings.") from error
        self.rate = self.library.espeak_Initialize(_SYNCHRONOUS, 0, None, _PHONEME_EVENTS)
        self.samples: list[np.ndarray] = []
        self.phones: list[tuple[str, float]] = []
        self._callback = _Callback(self._receive)  # kept, or it would be collected while C still holds it
        self.library.espeak_SetSynthCallback(self._callback)

    def _receive(self, wave: ctypes._Pointer[ctypes.c_short], count: int, events: ctypes._Pointer[_Event]) -> int:
        if wave and count:
            self.samples.append(np.ctypeslib.as_array(wave, (count,)).astype(np.float32) / 32768)
        for event in _until_end(events):
            if event.type == _PHONEME and (symbol := bytes(event.id.string).decode()):
                self.phones.append((symbol, event.audio_position / 1000))
        return 0

    def say(self, text: str, voice: str, speed: int, pitch: int, range_: int, gap: int) -> tuple[np.ndarray, int]:
        """Samples and their rate; ``phones`` holds when each phoneme began, in seconds."""
        if self.library.espeak_SetVoiceByName(voice.encode()):
            raise AtlasError(f"The voice must be one that espeak-ng knows, got {voice!r}.")
        for parameter, value in ((_RATE, speed), (_PITCH, pitch), (_RANGE, range_), (_GAP, gap)):
            self.library.espeak_SetParameter(parameter, value, 0)
        self.samples, self.phones = [], []
        data = text.encode()
        self.library.espeak_Synth(data, len(data) + 1, 0, 0, 0, _UTF8, None, None)
        return np.concatenate(self.samples) if self.samples else np.zeros(0, np.float32), self.rate


def _until_end(events: ctypes._Pointer[_Event]) -> Iterator[_Event]:
    i = 0
    while events[i].type != _END_OF_LIST:
        yield events[i]
        i += 1


@cache
def _synthesizer() -> Synthesizer:
    return Synthesizer()


def speak(
    text: str,
    voice: str = "en-us",
    *,
    speed: int = 160,
    pitch: int = 50,
    range_: int = 50,
    gap: int = 0,
    word: str = "",
) -> Spoken:
    """A text as a voice such as "en-us+f2" says it, at 8 kHz, without the silence around it.

    ``speed`` is in words a minute (80 to 450), ``pitch`` and its ``range_`` from 0 to 100, ``gap`` in 10 ms between words.
    ``word`` is what to call it, the text itself if empty.
    """
    synthesizer = _synthesizer()
    samples, rate = synthesizer.say(text, voice, speed, pitch, range_, gap)
    phones = list(synthesizer.phones)
    samples = resample(samples, rate, RATE).astype(np.float32)
    loud = np.flatnonzero(np.abs(samples) > QUIET * np.abs(samples).max(initial=1e-9))
    if not len(loud):
        raise AtlasError(f"The voice {voice!r} must say {text!r}, got silence.")
    first, last = int(loud[0]), int(loud[-1]) + 1
    kept = [
        (symbol, round(max(0.0, start - first / RATE), 4)) for symbol, start in phones if not symbol.startswith("_")
    ]
    return Spoken(word or text, voice, samples[first:last], tuple(kept))
