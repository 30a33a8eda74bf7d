"""The pictures and sounds that come with the app, so that every lab has something to show before any upload."""

from functools import cache
from pathlib import Path

from engine.data.media import Picture, Sound, picture, sound
from engine.errors import BadInput

_ASSETS = Path(__file__).resolve().parents[2] / "assets"


def _listed(folder: str, endings: set[str]) -> dict[str, Path]:
    """The files of an assets folder with one of these endings, by stem, in alphabetical order."""
    return {path.stem: path for path in sorted((_ASSETS / folder).glob("*")) if path.suffix in endings}


PICTURES: dict[str, Path] = _listed("pictures", {".png", ".jpg"})
# Drawn for their style alone: there is nothing in them to find or to name.
STYLES = ("brush-strokes", "stained-glass", "waves")
SOUNDS: dict[str, Path] = _listed("sounds", {".flac", ".wav"})


@cache
def picture_sample(name: str) -> Picture:
    """The bundled picture of this name, one of `PICTURES`.

    Raises:
        BadInput: There is no such picture; the sentence lists the names.
    """
    return picture(_path(name, PICTURES, "sample picture").read_bytes(), name)


@cache
def sound_sample(name: str) -> Sound:
    """The bundled sound of this name, one of `SOUNDS`.

    Raises:
        BadInput: There is no such sound; the sentence lists the names.
    """
    return sound(_path(name, SOUNDS, "sample sound").read_bytes(), name)


def _path(name: str, files: dict[str, Path], kind: str) -> Path:
    """Look a name up among the files."""
    if name not in files:
        raise BadInput(f"The {kind} must be one of {', '.join(files)}, got {name[:60]!r}.")
    return files[name]
