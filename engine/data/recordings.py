"""Several recordings from outside at once, each named after what is said in it: ``TRANSCRIPT_anything.wav``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from engine.data.archives import files_of
from engine.data.media import Sound, Upload, digest_of, label_of, sound
from engine.errors import BadInput

MOST_RECORDINGS = 1000
MOST_SECONDS = 1200.0


@dataclass(frozen=True, eq=False)
class Recordings(Upload):
    """Uploaded sounds in the order of their names.

    Attributes:
        sounds: At least one.
        transcripts: What the name of each says is spoken in it, dashes as spaces: "3-1-4_x.wav" is "3 1 4".
        skipped: One sentence for each file that couldn't be used.
        name: What to call them on the page.
        digest: First 12 hex digits of the SHA-256 of all bytes.
    """

    sounds: tuple[Sound, ...]
    transcripts: tuple[str, ...]
    skipped: tuple[str, ...]
    name: str
    digest: str

    @property
    def _identity(self) -> tuple[Any, ...]:
        return (self.digest, self.transcripts)


def recordings(data: bytes, name: str = "upload") -> Recordings:
    """A zip of sounds, or one sound.

    A file in the zip that is no sound is skipped and named.

    Raises:
        BadInput: The zip breaks a limit or holds no sound, or the file is neither a zip nor a sound.
    """
    return gathered([(data, name)], name)


def gathered(files: Sequence[tuple[bytes, str]], name: str) -> Recordings:
    """The sounds of several files, bytes and name, zips among them."""
    sounds, skipped, seconds = list[Sound](), list[str](), 0.0
    for data, file in files:
        for content, path, _ in files_of(data, file):
            try:
                sounds.append(sound(content, PurePosixPath(path).name))
            except BadInput as problem:
                skipped.append(str(problem))
                continue
            seconds += sounds[-1].seconds
            if len(sounds) > MOST_RECORDINGS or seconds > MOST_SECONDS:
                most = f"{MOST_RECORDINGS} sounds of {MOST_SECONDS / 60:g} minutes in all"
                raise BadInput(f"{label_of('files', name)} must hold at most {most}, got more.")
    if not sounds:
        raise BadInput(skipped[0] if skipped else f"{label_of('zip', name)} must hold at least one sound, got none.")
    transcripts = tuple(transcript(one.name) for one in sounds)
    return Recordings(tuple(sounds), transcripts, tuple(skipped), name, digest_of(b"".join(data for data, _ in files)))


def transcript(name: str) -> str:
    """What a file's name says is spoken: all before the first underscore or the ending, dashes as spaces."""
    return PurePosixPath(name).stem.split("_")[0].replace("-", " ").strip()
