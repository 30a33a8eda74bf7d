"""The kinds of values that a parameter may have: how each is read from a link, and how it is written into one.

In a link a row's entries are joined by ``~``, and rows by ``!``. What can't be read raises ValueError, which pydantic
collects; :func:`engine.params.validate` makes the sentence that a person reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator

from engine.data.albums import Album
from engine.data.media import Picture, Sound, Upload
from engine.data.passages import Passage
from engine.data.recordings import Recordings
from engine.data.tables import Table
from engine.data.tensors import Weights

UPLOAD = "upload-"
MOST_POINTS = 300
MOST_STROKES, MOST_INK = 40, 4000
MOST_LAYERS = 16
# The numbers of each kind of layer, each with its lowest and highest value: what a server can bear on small pictures.
LAYERS: dict[str, dict[str, tuple[int, int]]] = {
    "conv": {"filters": (1, 512), "size": (1, 11), "stride": (1, 4), "padding": (0, 5)},
    "max": {"size": (2, 4), "stride": (1, 4)},
    "average": {"size": (2, 4), "stride": (1, 4)},
    "dense": {"units": (1, 4096)},
}


def _floats(values: Any) -> tuple[float, ...]:
    try:
        return tuple(float(x) for x in values)
    except TypeError as error:
        raise ValueError("must be numbers") from error


def _read_span(value: Any) -> tuple[float, float]:
    ends = _floats(value.split("~") if isinstance(value, str) else value)
    if len(ends) != 2 or not ends[0] < ends[1]:
        raise ValueError("must be two increasing numbers")
    return ends[0], ends[1]


def _read_matrix(value: Any) -> tuple[tuple[float, ...], ...]:
    if isinstance(value, str):
        value = [row.split("~") for row in value.split("!")]
    if not isinstance(value, Sequence):
        raise ValueError("must be rows of numbers")
    rows = tuple(_floats(row) for row in value)
    if len(rows) not in (3, 5, 7) or any(len(row) != len(rows) for row in rows):
        raise ValueError("must be square with 3, 5 or 7 rows")
    return rows


def _read_points(value: Any) -> tuple[tuple[float, float, int], ...]:
    if isinstance(value, str):
        value = [row.split("~") for row in value.split("!") if row]
    if not isinstance(value, Sequence) or len(value) > MOST_POINTS:
        raise ValueError("must be points")
    rows = [_floats(row) for row in value]
    if any(len(row) != 3 or row[2] not in (0, 1) for row in rows):
        raise ValueError("must be x, y and a class")
    return tuple((x, y, int(label)) for x, y, label in rows)


def _read_named(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(UPLOAD):
        raise ValueError("was uploaded and is not part of the link")
    return value


def _rows(value: Any) -> list[Any]:
    if isinstance(value, str):
        return [row.split("~") for row in value.split("!") if row]
    if not isinstance(value, Sequence):
        raise ValueError("must be rows")
    return list(value)


def read_sketch(value: Any) -> tuple[tuple[int, ...], ...]:
    """Strokes from a link, from a pad, or as they are; ValueError if they can't be any."""
    strokes = tuple(tuple(int(x) for x in stroke) for stroke in _rows(value))
    if len(strokes) > MOST_STROKES or sum(map(len, strokes)) > MOST_INK or any(len(s) % 2 or not s for s in strokes):
        raise ValueError("must be strokes of x and y")
    return strokes


def _read_layers(value: Any) -> tuple[tuple[str | int, ...], ...]:
    rows = _rows(value)
    if not 1 <= len(rows) <= MOST_LAYERS:
        raise ValueError("must be some layers")
    return tuple(_layer(*row) for row in rows)


def _layer(kind: Any, *numbers: Any) -> tuple[str | int, ...]:
    bounds = LAYERS.get(kind, {})
    values = tuple(int(x) for x in numbers)
    if len(values) != len(bounds) or not bounds:
        raise ValueError("must be a layer")
    if not all(low <= x <= high for x, (low, high) in zip(values, bounds.values(), strict=True)):
        raise ValueError("is out of bounds")
    return (kind, *values)


def _read_media(value: Any, kind: type, named: Sequence[str]) -> Any:
    if isinstance(value, kind) or value in named:
        return value
    if isinstance(value, str) and value.startswith(UPLOAD):
        raise ValueError("was uploaded and is not part of the link")
    raise ValueError("is not a sample")


def _read_weights(value: Any) -> Any:
    return _read_media(value, Weights, [""])


def _read_picture(value: Any) -> Any:
    from engine.data.samples import PICTURES

    return _read_media(value, Picture, list(PICTURES))


def _read_sound(value: Any) -> Any:
    from engine.data.samples import SOUNDS

    return _read_media(value, Sound, list(SOUNDS))


Span = Annotated[tuple[float, float], BeforeValidator(_read_span)]
Matrix = Annotated[tuple[tuple[float, ...], ...], BeforeValidator(_read_matrix)]
PictureSource = Annotated[str | Picture, BeforeValidator(_read_picture)]
SoundSource = Annotated[str | Sound, BeforeValidator(_read_sound)]
ExamplesSource = Annotated[str | Table, BeforeValidator(_read_named)]
AlbumSource = Annotated[str | Album, BeforeValidator(_read_named)]
RecordingsSource = Annotated[str | Recordings, BeforeValidator(_read_named)]
TextSource = Annotated[str | Passage, BeforeValidator(_read_named)]
WeightsSource = Annotated[str | Weights, BeforeValidator(_read_weights)]
Sketch = Annotated[tuple[tuple[int, ...], ...], BeforeValidator(read_sketch)]
Layers = Annotated[tuple[tuple[str | int, ...], ...], BeforeValidator(_read_layers)]
Points = Annotated[tuple[tuple[float, float, int], ...], BeforeValidator(_read_points)]


def to_text(value: Any) -> str:
    """A value as it stands in a link; the fields read it back without loss."""
    if isinstance(value, Upload):
        return UPLOAD + value.digest
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        inner = "!" if value and isinstance(value[0], tuple) else "~"
        return inner.join(to_text(v) for v in value)
    if isinstance(value, float):
        return plain(value)
    return str(value)


def plain(value: float | None) -> str:
    """The shortest text that reads back as the same number: 3.0 is 3, 1e-4 stays 0.0001."""
    if value is None:
        return ""
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))
