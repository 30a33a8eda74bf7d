"""The map of everything the atlas covers: syllabus entries and errata, as data."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ASSETS = Path(__file__).resolve().parent.parent / "assets"

PAGES = {
    "foundations": "Foundations",
    "optimization": "Optimization",
    "strategy": "Strategy",
    "cnns": "Convolutional networks",
    "detection": "Detection",
    "face_recognition": "Face recognition",
    "style_transfer": "Style transfer",
    "sequence_models": "Sequence models",
    "embeddings": "Embeddings",
    "attention": "Attention",
    "speech": "Speech",
}


@dataclass(frozen=True)
class Entry:
    """One system of the syllabus: what a person sees and what a test holds."""

    id: str
    page: str
    week: str
    title: str
    see: str
    check: str


@dataclass(frozen=True)
class Erratum:
    """One place where popular notes are wrong or loose, and the lab that shows it."""

    id: str
    lab: str
    notes: str
    right: str


@cache
def entries() -> dict[str, Entry]:
    """Every entry of the syllabus by id, in the order of the file."""
    return {row["id"]: _entry(row) for row in _rows("syllabus.yaml")}


@cache
def errata() -> dict[str, Erratum]:
    """Every erratum by id, in the order of the file."""
    return {row["id"]: Erratum(**row) for row in _rows("errata.yaml")}


def _entry(row: dict[str, Any]) -> Entry:
    # A comma in an unquoted title ends it for YAML and leaves the rest as keys without a value.
    rest = [key for key, value in row.items() if value is None]
    title = ", ".join([row["title"], *rest])
    return Entry(row["id"], row["page"], str(row["week"]), title, row["see"], row["check"])


def _rows(name: str) -> list[dict[str, Any]]:
    import yaml

    # The C loader reads the syllabus ten times faster; wheels carry it, source builds may not.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    with (ASSETS / name).open(encoding="utf-8") as file:
        rows: list[dict[str, Any]] = yaml.load(file, Loader=loader)
    return rows
