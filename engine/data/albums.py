"""Several pictures from outside at once: files side by side, or a zip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from engine.data.archives import files_of
from engine.data.media import Picture, Upload, digest_of, fit_within, label_of, picture
from engine.errors import BadInput

MOST_PICTURES = 500
SIDE = 512


@dataclass(frozen=True, eq=False)
class Album(Upload):
    """Uploaded pictures in the order of their names.

    Attributes:
        pictures: At least one, each of at most 512 pixels a side.
        labels: For each picture the folder that it lay in, or nothing.
        skipped: One sentence for each file that couldn't be used.
        name: What to call it on the page.
        digest: First 12 hex digits of the SHA-256 of all bytes.
    """

    pictures: tuple[Picture, ...]
    labels: tuple[str, ...]
    skipped: tuple[str, ...]
    name: str
    digest: str

    @property
    def _identity(self) -> tuple[Any, ...]:
        return (self.digest, self.labels)


def album(data: bytes, name: str = "upload") -> Album:
    """A zip of pictures, or one picture.

    Folders in the zip become labels. A file in it that is no picture is skipped and named; what a system adds by itself
    (``__MACOSX``, names that start with a dot) is passed over.

    Raises:
        BadInput: The zip breaks a limit or holds no picture, or the file is neither a zip nor a picture.
    """
    return gather([(data, name)], name)


def gather(files: Sequence[tuple[bytes, str]], name: str, folder: str = "") -> Album:
    """The pictures of several files, bytes and name, zips among them; ``folder`` is the label of those in none."""
    pictures: list[Picture] = []
    labels: list[str] = []
    skipped: list[str] = []
    for data, file in files:
        for content, path, place in files_of(data, file):
            if len(pictures) == MOST_PICTURES:
                raise BadInput(f"{label_of('files', name)} must hold at most {MOST_PICTURES} pictures, got more.")
            try:
                pictures.append(fit_within(picture(content, PurePosixPath(path).name), SIDE))
                labels.append(place or folder)
            except BadInput as problem:
                skipped.append(str(problem))
    if not pictures:
        raise BadInput(skipped[0] if skipped else f"{label_of('zip', name)} must hold at least one picture, got none.")
    return Album(tuple(pictures), tuple(labels), tuple(skipped), name, digest_of(b"".join(data for data, _ in files)))


def joined(one: Album, more: Album) -> Album:
    """Two albums as one, where ``more`` takes the place of what ``one`` holds under the same labels."""
    kept = [(p, label) for p, label in zip(one.pictures, one.labels, strict=True) if label not in more.labels]
    pictures = (*(p for p, _ in kept), *more.pictures)
    if len(pictures) > MOST_PICTURES:
        raise BadInput(f"All classes together must hold at most {MOST_PICTURES} pictures, got {len(pictures)}.")
    labels = (*(label for _, label in kept), *more.labels)
    return Album(pictures, labels, more.skipped, more.name, digest_of((one.digest + more.digest).encode()))
