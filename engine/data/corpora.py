"""The texts that come with the app: names of dinosaurs, and plain sentences."""

from functools import cache
from pathlib import Path

from engine.data.passages import Passage
from engine.errors import BadInput

_FOLDER = Path(__file__).resolve().parents[2] / "assets" / "text"
TEXTS = {"dinosaurs": "Dinosaur names", "sentences": "Sentences"}


@cache
def text(name: str) -> str:
    """A bundled text as it stands, one name or sentence a line."""
    if name not in TEXTS:
        raise BadInput(f"A bundled text must be one of {', '.join(TEXTS)}, got {name!r}.")
    return (_FOLDER / f"{name}.txt").read_text(encoding="utf-8")


def names() -> tuple[str, ...]:
    """Genera of dinosaurs, in alphabetical order."""
    return tuple(text("dinosaurs").splitlines())


def sentences() -> tuple[str, ...]:
    """English sentences of everyday words, from a small grammar."""
    return tuple(text("sentences").splitlines())


def read(source: str | Passage) -> str:
    """The text that a parameter stands for: a bundled one by its name, or the person's own."""
    return source.text if isinstance(source, Passage) else text(source)
