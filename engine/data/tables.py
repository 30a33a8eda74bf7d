"""The door for tables: a stranger's CSV file goes in; columns of numbers with classes, or one clear sentence, comes out."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from engine.data.media import Upload
from engine.errors import BadInput

MOST_BYTES = 20_000_000
MOST_ROWS = 100_000
MOST_COLUMNS = 200
MOST_CLASSES = 10
LABELS = ("class", "label", "target", "y")
# Quoted cells may hold separators and line ends.
FIRST_ROW = re.compile(r'[\r\n]*+(?:"[^"]*+"|[^"\r\n]++)*+')

Scaling = Literal["standardized", "from 0 to 1", "as they are"]


@dataclass(frozen=True, eq=False)
class Table(Upload):
    """Examples from a file.

    Attributes:
        x: (m, n) float32, a column for each feature, unscaled, read-only.
        y: (m,) int64, the class of each row as its place in ``classes``, read-only.
        features: The names of the columns of x.
        label: The name of the column that held the classes.
        classes: Their names, in order.
        scaling: How a lab is to scale the features, by numbers measured on its training set.
        columns: Every column of the file, used or not.
        name: What to call it on the page.
        digest: First 12 hex digits of the SHA-256 of the file's bytes.
    """

    x: np.ndarray
    y: np.ndarray
    features: tuple[str, ...]
    label: str
    classes: tuple[str, ...]
    scaling: Scaling
    columns: tuple[str, ...]
    name: str
    digest: str

    def __post_init__(self) -> None:
        self.x.setflags(write=False)
        self.y.setflags(write=False)

    @property
    def _identity(self) -> tuple[Any, ...]:
        return self.digest, self.features, self.label, self.scaling

    @property
    def choices(self) -> dict[str, Any]:
        """What :func:`table` was told beside the file."""
        return {"features": self.features, "label": self.label, "scaling": self.scaling}


def table(
    data: bytes,
    name: str = "upload",
    features: Sequence[str] = (),
    label: str = "",
    scaling: Scaling = "standardized",
) -> Table:
    """Read a CSV file with a header: numbers in the feature columns, at most 10 classes in the label column.

    Args:
        data: The file's bytes: at most 20 MB, 100,000 rows and 200 columns, separated by comma, semicolon or tab.
        name: What to call it, on the page and in the error.
        features: The columns to learn from; none means every other column of numbers.
        label: The column with the classes; none means one called class, label, target or y, else the last.
        scaling: See :class:`Table`.

    Raises:
        BadInput: The bytes are no such table; one sentence says why.
    """
    title = f"The table '{''.join(filter(str.isprintable, name))[:60]}'"
    header, rows, numbers = _rows(data, title)
    lower = {column.lower(): column for column in header}
    label = label or next((lower[usual] for usual in LABELS if usual in lower), header[-1])
    for column in (label, *features):
        if column not in header:
            raise BadInput(f"{title} must have the column {column[:40]!r}, got {_listed(header)}.")
    cells = dict(zip(header, zip(*rows, strict=True), strict=True))
    # Not an array of text, which would give every row the room of the longest.
    kinds = [cell.strip() for cell in cells[label]]
    names = sorted(set(kinds))
    if not names[0]:
        raise BadInput(f"{title} must name a class in every row, got an empty cell in row {numbers[kinds.index('')]}.")
    if not 2 <= len(names) <= MOST_CLASSES:
        raise BadInput(f"{title} must have 2 to {MOST_CLASSES} classes in column {label[:40]!r}, got {len(names)}.")
    chosen = tuple(features) or tuple(c for c in header if c != label and _is_numeric(cells[c]))
    if not chosen:
        raise BadInput(f"{title} must have at least one column of numbers beside {label[:40]!r}, got none.")
    x = np.stack([_numbers(cells[c], c, numbers, title) for c in chosen], 1)
    place = {name: k for k, name in enumerate(names)}
    y = np.array([place[kind] for kind in kinds], np.int64)
    digest = hashlib.sha256(data).hexdigest()[:12]
    return Table(x, y, chosen, label, tuple(names), scaling, tuple(header), name, digest)


def _rows(data: bytes, title: str) -> tuple[list[str], list[list[str]], list[int]]:
    """The header, the rows under it, of equal length, without the empty ones, and their numbers as a spreadsheet counts."""
    if not data:
        raise BadInput(f"{title} must hold at least one row, got an empty file.")
    if len(data) > MOST_BYTES:
        raise BadInput(f"{title} must be of at most {MOST_BYTES / 1e6:g} MB, got {len(data) / 1e6:.4g} MB.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{title} must be a CSV file in UTF-8, got bytes that aren't.") from error
    first = FIRST_ROW.match(text)
    outside = re.sub(r'"[^"]*"', "", first[0]) if first else ""
    separator = max(",;\t", key=outside.count)
    rows, numbers = [], []
    try:
        for number, row in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=separator), 1):
            if any(cell.strip() for cell in row):
                rows.append(row)
                numbers.append(number)
            # Blank rows are left out, but millions of them would keep everybody waiting.
            if len(rows) > MOST_ROWS + 1 or number > 3 * MOST_ROWS:
                raise BadInput(f"{title} must have at most {MOST_ROWS:,} rows, got more.")
    except csv.Error as error:
        raise BadInput(f"{title} must be a CSV file, got one that can't be read: {error}.") from error
    header = [cell.strip() for cell in rows[0]] if rows else []
    if not 2 <= len(header) <= MOST_COLUMNS or len(rows) < 3:
        got = f"{len(header)} columns and {max(len(rows) - 1, 0)} rows"
        raise BadInput(
            f"{title} must have 2 to {MOST_COLUMNS} columns and at least 2 rows under its header, got {got}."
        )
    if len(set(header)) < len(header) or not all(header):
        raise BadInput(f"{title} must name every column once in its first row, got {_listed(header)}.")
    for number, row in zip(numbers[1:], rows[1:], strict=True):
        if len(row) != len(header):
            raise BadInput(f"{title} must have {len(header)} cells in every row, got {len(row)} in row {number}.")
    return header, rows[1:], numbers[1:]


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name[:20]) for name in names[:8])
    return shown + (", ..." if len(names) > 8 else "")


def _is_numeric(cells: Sequence[str]) -> bool:
    """Whether most of a column's first cells are numbers; a bad one among them is an error then, not a column left out."""
    numbers = np.array([_number(cell) for cell in cells[:100]])
    return bool(np.isfinite(numbers).mean() > 0.5)


def _numbers(cells: Sequence[str], column: str, numbers: Sequence[int], title: str) -> np.ndarray:
    """A column as float32, (m,), from rows of these numbers."""
    try:
        found = np.array(cells, dtype=np.float64)
    except ValueError:
        found = np.array([_number(cell) for cell in cells])
    # What float32 can't hold would become infinity further on.
    bad = np.flatnonzero(~(np.abs(found) < 1e30))
    if bad.size:
        must = f"hold a number in every cell of column {column[:40]!r}"
        raise BadInput(f"{title} must {must}, got {cells[bad[0]][:20]!r} in row {numbers[bad[0]]}.")
    return found.astype(np.float32)


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return np.nan
