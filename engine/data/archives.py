"""Zips from outside, read in memory under limits."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from engine.data.media import label_of
from engine.errors import BadInput

MOST_ENTRIES = 1000
MOST_ZIP_BYTES = 100_000_000
MOST_UNPACKED_BYTES = 300_000_000
# Pictures and sounds are compressed already: an entry that unfolds this much is neither.
MOST_RATIO = 100


def files_of(data: bytes, name: str) -> Iterator[tuple[bytes, str, str]]:
    """Bytes, path and folder of each file in a zip, in the order of their paths; a file that is no zip is itself the one.

    What a system adds by itself (``__MACOSX``, names that start with a dot) is passed over. Raises BadInput for a zip that
    breaks a limit or can't be read.
    """
    if not is_zip(data):
        yield data, name, ""
        return
    yield from _unpack(data, name)


def is_zip(data: bytes) -> bool:
    """Whether a file begins as zips do."""
    return data[:4] == b"PK\x03\x04"


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
