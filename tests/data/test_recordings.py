"""Zips of recordings: names that tell what is said, what is skipped, and the limits."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
import soundfile

from engine.data import recordings as module
from engine.data.recordings import gathered, recordings, transcript
from engine.errors import BadInput


def wav(seconds: float = 0.1, rate: int = 8000) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, np.zeros(round(seconds * rate), np.float32), rate, format="WAV")
    return file.getvalue()


def zipped(files: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("7_george_3.wav", "7"),
        ("3-1-4_x.wav", "3 1 4"),
        ("deep/er/nine.flac", "nine"),
        ("zero-one.wav", "zero one"),
        ("_x.wav", ""),
    ],
)
def test_the_name_says_what_is_spoken(name, said):
    assert transcript(name) == said


def test_a_zip_gives_its_sounds_by_name_and_tells_what_is_none():
    found = recordings(
        zipped({"2_b.wav": wav(), "1_a.wav": wav(0.2), "read.me": b"hello", "__MACOSX/1_a.wav": wav()}), "z"
    )
    assert found.transcripts == ("1", "2") and [s.name for s in found.sounds] == ["1_a.wav", "2_b.wav"]
    assert [round(s.seconds, 3) for s in found.sounds] == [0.2, 0.1]
    assert len(found.skipped) == 1 and "read.me" in found.skipped[0]


def test_one_sound_and_several_files_do_as_well():
    assert recordings(wav(), "4_me.wav").transcripts == ("4",)
    assert gathered([(wav(), "4_me.wav"), (zipped({"5_x.wav": wav()}), "more.zip")], "2 files").transcripts == (
        "4",
        "5",
    )


@pytest.mark.parametrize("data", [b"", b"hello", zipped({}), zipped({"a.txt": b"hello"})])
def test_what_holds_no_sound_is_refused_in_a_sentence(data):
    with pytest.raises(BadInput, match=r"must .*\.$"):
        recordings(data, "mine.zip")


def test_too_many_and_too_long_are_refused(monkeypatch):
    monkeypatch.setattr(module, "MOST_RECORDINGS", 1)
    with pytest.raises(BadInput, match="at most 1 sounds of 20 minutes in all, got more"):
        recordings(zipped({"1_a.wav": wav(), "2_a.wav": wav()}))
    monkeypatch.setattr(module, "MOST_RECORDINGS", 9)
    monkeypatch.setattr(module, "MOST_SECONDS", 0.15)
    with pytest.raises(BadInput, match="got more"):
        recordings(zipped({"1_a.wav": wav(), "2_a.wav": wav()}))
