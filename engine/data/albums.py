"""Several pictures from outside at once: files side by side, or a zip, read in memory under limits."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from engine.data.media import Picture, Upload, digest_of, fit_within, label_of, picture
from engine.errors import BadInput

MOST_ENTRIES = 1000
MOST_PICTURES = 500
MOST_ZIP_BYTES = 100_000_000
MOST_UNPACKED_BYTES = 300_000_000
# Pictures are compressed already: an entry that unfolds this much is no picture.
MOST_RATIO = 100
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
    """The pictures of several files, bytes and name, zips among them; ``folder`` is the label of those outside a zip."""
    pictures: list[Picture] = []
    labels: list[str] = []
    skipped: list[str] = []
    for data, file in files:
        unpacked = _unpack(data, file) if data[:4] == b"PK\x03\x04" else [(data, file, folder)]
        for content, path, place in unpacked:
            if len(pictures) == MOST_PICTURES:
                raise BadInput(f"{label_of('files', name)} must hold at most {MOST_PICTURES} pictures, got more.")
            try:
                pictures.append(fit_within(picture(content, PurePosixPath(path).name), SIDE))
                labels.append(place)
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


def _unpack(data: bytes, name: str) -> Iterator[tuple[bytes, str, str]]:
    """Bytes, path and folder of each file in a zip, in the order of their paths."""
    what = label_of("zip", name)
    if len(data) > MOST_ZIP_BYTES:
        raise BadInput(f"{what} must be of at most {MOST_ZIP_BYTES / 1e6:g} MB, got {len(data) / 1e6:.4g} MB.")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [entry for entry in archive.infolist() if not _is_passed_over(entry)]
            _check(entries, what)
            for entry in sorted(entries, key=lambda entry: entry.filename):
                yield _content(archive, entry, what), entry.filename, PurePosixPath(entry.filename).parent.name
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError, ValueError) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(f"{what} must be a whole zip without a password, got one that can't be read.") from error


def _is_passed_over(entry: zipfile.ZipInfo) -> bool:
    parts = PurePosixPath(entry.filename).parts
    return entry.is_dir() or not parts or parts[0] == "__MACOSX" or parts[-1].startswith(".")


def _check(entries: Sequence[zipfile.ZipInfo], what: str) -> None:
    if len(entries) > MOST_ENTRIES:
        raise BadInput(f"{what} must hold at most {MOST_ENTRIES} files, got {len(entries)}.")
    total = sum(entry.file_size for entry in entries)
    if total > MOST_UNPACKED_BYTES:
        raise BadInput(f"{what} must unpack to at most {MOST_UNPACKED_BYTES / 1e6:g} MB, got {total / 1e6:.4g} MB.")
    for entry in entries:
        if entry.file_size > MOST_RATIO * max(entry.compress_size, 100):
            ratio = entry.file_size / max(entry.compress_size, 1)
            raise BadInput(f"{what} must hold files packed at most {MOST_RATIO} to 1, got one packed {ratio:.0f} to 1.")


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, what: str) -> bytes:
    # The size in the directory may be a lie: no more than it says is unpacked.
    with archive.open(entry) as file:
        content = file.read(entry.file_size + 1)
    if len(content) > entry.file_size:
        raise BadInput(f"{what} must state the size of each file in it, got one that is larger than it says.")
    return content
