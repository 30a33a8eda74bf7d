"""The person's own text: decoded under limits, whatever script it is written in."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import Any

from engine.data.media import Upload, digest_of, label_of
from engine.errors import BadInput

MOST_BYTES = 1_000_000
# Byte-order marks, the longer first: UTF-32's little end begins with UTF-16's.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, eq=False)
class Passage(Upload):
    """Own text.

    Attributes:
        text: At least one character that isn't a space; lines end in a newline alone.
        name: What to call it on the page.
        digest: First 12 hex digits of the SHA-256 of the file's bytes.
    """

    text: str
    name: str
    digest: str

    @property
    def _identity(self) -> tuple[Any, ...]:
        return (self.digest,)


def passage(data: bytes, name: str = "upload") -> Passage:
    """Read a text file: UTF-8, or UTF-16 and UTF-32 that say so by their mark.

    Raises:
        BadInput: The bytes are too many, are no text in these encodings, or hold nothing but spaces.
    """
    what = label_of("text", name)
    if len(data) > MOST_BYTES:
        raise BadInput(f"{what} must be of at most {MOST_BYTES / 1e6:g} MB, got {len(data) / 1e6:.4g} MB.")
    encoding = next((encoding for mark, encoding in _MARKS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise BadInput(
            f"{what} must be written in UTF-8, got bytes that aren't from place {error.start} on."
        ) from error
    if "\0" in text:
        raise BadInput(f"{what} must be text, got a file with empty bytes in it.")
    if not text.strip():
        raise BadInput(f"{what} must hold at least one character, got {len(data)} bytes of nothing but spaces.")
    return Passage(text.replace("\r\n", "\n").replace("\r", "\n"), name, digest_of(data))
