"""Make the bundled bank of speech: `python -m recipes.voices` rewrites assets/speech/voices.* and a sample of digits.

Ten digits and the trigger word in thirty voices, other words in ten of these, each voice with a speed and a pitch of its own.
Needs espeak-ng.
"""

import json

import numpy as np
import soundfile
import torch

from engine.data.voices import BANK, DIGITS, RATE, TRIGGER, Spoken
from engine.functional.waveform import resample
from engine.seeding import generator
from recipes.espeak import speak

SEED = 0
# fmt: off
VARIANTS = (
    "f1", "f2", "f3", "f4", "f5", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "Andrea", "Annie", "belinda", "linda",
    "steph", "anika", "Alicia", "adam", "Alex", "david", "edward", "john", "marcelo", "Michael", "paul", "pablo", "robert",
)
SOUNDS = BANK.parent / "sounds"
OTHERS = (
    "hello", "water", "picture", "active", "activity", "vacation", "captivate", "motivate", "window", "music",
    "computer", "garden", "yes", "no", "stop", "morning",
)
# fmt: on
PEAK = 0.5
SAMPLE, SAMPLE_RATE, SAMPLE_PEAK = "three one four one five", 16_000, 0.8
BLOCK = RATE  # samples written at a time: a long one overflows the encoder


def clips() -> list[Spoken]:
    """Every clip, ordered by word and voice."""
    random = generator(SEED)
    speeds = dict(zip(VARIANTS, torch.randint(120, 200, (len(VARIANTS),), generator=random).tolist(), strict=True))
    pitches = dict(zip(VARIANTS, torch.randint(25, 75, (len(VARIANTS),), generator=random).tolist(), strict=True))
    made = []
    for word in (*DIGITS, TRIGGER, *OTHERS):
        for variant in VARIANTS[:: 3 if word in OTHERS else 1]:
            made.append(speak(word, f"en-us+{variant}", speed=speeds[variant], pitch=pitches[variant]))
    return made


def main() -> None:
    """Write all clips one after the other as Ogg Vorbis, and where each begins."""
    made, listed, start = clips(), [], 0
    BANK.mkdir(parents=True, exist_ok=True)
    with soundfile.SoundFile(BANK / "voices.ogg", "w", RATE, 1, format="OGG", subtype="VORBIS") as file:
        for clip in made:
            samples = clip.samples * (PEAK / np.abs(clip.samples).max())
            for piece in np.split(samples, range(BLOCK, len(samples), BLOCK)):
                file.write(piece)
            end = start + len(samples)
            listed.append({"word": clip.word, "voice": clip.voice, "start": start, "end": end, "phones": clip.phones})
            start = end
    lines = ",\n".join(json.dumps(clip) for clip in listed)
    (BANK / "voices.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    sample = resample(np.pad(speak(SAMPLE, "en+f3", speed=130, gap=8).samples, RATE // 4), RATE, SAMPLE_RATE)
    soundfile.write(SOUNDS / "spoken-digits.flac", SAMPLE_PEAK * sample / np.abs(sample).max(), SAMPLE_RATE)
    print(f"{len(made)} clips, {start / RATE:.0f} s")


if __name__ == "__main__":
    main()
