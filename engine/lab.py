"""A lab: a validated parameter model and a generator of frames, with the text around it.

The registry finds labs by file name alone, ``engine/labs/<page>/<slug>.py`` with hyphens written as underscores, so the
map of labs costs no import; a lab's module loads when the lab is opened.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from engine import syllabus
from engine.errors import BadInput

if TYPE_CHECKING:
    import numpy as np
    import plotly.graph_objects as go

    from engine.data.media import Sound
    from engine.params import Params

P = TypeVar("P", bound="Params")

LABS = Path(__file__).resolve().parent / "labs"
MOST_METRICS = 4


@dataclass(frozen=True)
class Frame:
    """One moment of a run: what the page shows, with nothing left to compute.

    ``figures`` go from title to figure and ``says`` is one sentence about them for who can't see them. ``metrics`` go from
    label to text, four at most. ``progress`` runs from 0 to 1. ``pictures`` are uint8 arrays (H, W, 3); ``tables`` go from
    title to columns of equal length, ``code`` from title to a program in Python. ``diverged`` says in one sentence why a
    run blew up; ``remedy`` holds the changed parameters that the page offers then. ``files`` go from name to bytes, to be
    downloaded. ``state`` is what :attr:`Lab.view` works on, a trained model or raw outputs, and never leaves the server;
    ``viewed`` are the titles that the view drew, and ``unseen`` the frame before it, so that it can be drawn anew.
    """

    figures: Mapping[str, go.Figure]
    says: str
    metrics: Mapping[str, str] = field(default_factory=dict)
    progress: float = 1.0
    note: str = ""
    diverged: str = ""
    remedy: Mapping[str, Any] = field(default_factory=dict)
    tables: Mapping[str, Mapping[str, list[Any]]] = field(default_factory=dict)
    pictures: Mapping[str, np.ndarray] = field(default_factory=dict)
    sounds: Mapping[str, Sound] = field(default_factory=dict)
    code: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    state: Any = None
    viewed: tuple[str, ...] = ()
    unseen: Frame | None = None

    def __post_init__(self) -> None:
        if len(self.metrics) > MOST_METRICS:
            raise ValueError(f"A frame must have at most {MOST_METRICS} metrics, got {len(self.metrics)}.")


# A run: closing it stops the work.
Frames = Generator[Frame, None, None]


@dataclass(frozen=True)
class Event:
    """What a person did on a figure: clicked or hovered at (x, y), dragged the named shape to a box, or drew a box.

    A box is where the pointer began and ended, x0, y0, x1, y1, in any order.
    """

    kind: str
    figure: str
    x: float = 0.0
    y: float = 0.0
    name: str = ""
    box: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Mistake:
    """The wrong form of an erratum beside the right one, both computed for the parameters shown."""

    wrong: str
    right: str


@dataclass(frozen=True)
class Lab(Generic[P]):
    """Everything the app knows of one lab.

    ``trains`` sends the run to a worker after its first frame; ``measures`` says that some of its numbers are timings, which
    differ from run to run. ``look_for`` is two or three sentences and a question;
    ``maths`` is markdown with LaTeX; ``code`` lists the functions that computed the figure, shown from their source.
    ``presets`` go from name to changed parameters. ``mistakes`` go from erratum id to a function that computes both forms.
    ``rows`` lays the figures out: titles per row, side by side where there is room; empty means one row. ``respond`` turns
    a person's action on a figure into changed parameters, for the kinds of events listed in ``listens``.

    ``opens`` makes a lab a walk: all its frames are there at once, to be stepped through, and it tells which to open at.
    ``views`` names parameters that need no new run: ``view`` draws what depends on them from a frame and its ``state``, and
    is used on every frame. ``run`` must not look at them.
    """

    slug: str
    summary: str
    params: type[P]
    run: Callable[[P], Frames]
    look_for: str
    maths: str
    code: tuple[Callable[..., Any], ...]
    covers: tuple[str, ...] = ()
    presets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    trains: bool = False
    measures: bool = False
    mistakes: Mapping[str, Callable[[P], Mistake]] = field(default_factory=dict)
    rows: tuple[tuple[str, ...], ...] = ()
    listens: tuple[str, ...] = ()
    respond: Callable[[P, Event], Mapping[str, Any]] | None = None
    opens: Callable[[P], int] | None = None
    views: tuple[str, ...] = ()
    view: Callable[[P, Frame], Frame] | None = None
    version: int = 1

    @property
    def ids(self) -> tuple[str, ...]:
        """The syllabus ids this lab covers, its own slug first."""
        return (self.slug, *self.covers)

    @property
    def entry(self) -> syllabus.Entry:
        """The lab's own entry in the syllabus, which holds its page and title."""
        return syllabus.entries()[self.slug]

    def frames(self, params: P) -> Frames:
        """A run with what depends on the view drawn into every frame. Closing this closes the run."""
        with closing(self.run(params)) as frames:
            for frame in frames:
                yield self.seen(params, frame)

    def seen(self, params: P, frame: Frame) -> Frame:
        """A frame with what depends on the view drawn anew; figures that don't depend on it stay."""
        if self.view is None:
            return frame
        bare = frame.unseen or frame
        seen = self.view(params, bare)
        own = {title: figure for title, figure in frame.figures.items() if title not in frame.viewed}
        titles = tuple(title for title in seen.figures if title not in own)
        return replace(seen, figures={**own, **seen.figures}, viewed=titles, unseen=replace(bare, figures={}))

    def last_frame(self, params: P) -> Frame:
        """Run to the end and return the last frame."""
        *_, frame = self.frames(params)
        return frame


@cache
def found() -> dict[str, Path]:
    """Slug to file of every lab, in the order of the syllabus; a duplicate or unknown slug raises."""
    files: dict[str, Path] = {}
    for path in sorted(LABS.glob("*/[!_]*.py")):
        slug = path.stem.replace("_", "-")
        if slug in files:
            raise ValueError(f"A lab's slug must be unique: {slug!r} is both {files[slug]} and {path}.")
        entry = syllabus.entries().get(slug)
        if entry is None or entry.page != path.parent.name:
            raise ValueError(f"A lab's file must be named after a syllabus id of its page, got {path}.")
        files[slug] = path
    return {slug: files[slug] for slug in syllabus.entries() if slug in files}


@cache
def load(slug: str) -> Lab[Any]:
    """Import one lab; BadInput if there is none of that name."""
    path = found().get(slug)
    if path is None:
        raise BadInput(f"Lab {slug!r} is not known: it must be one of {', '.join(found())}.")
    lab: Lab[Any] = importlib.import_module(f"engine.labs.{path.parent.name}.{path.stem}").LAB
    if lab.slug != slug:
        raise ValueError(f"A lab's slug must match its file: {path} says {lab.slug!r}.")
    return lab


@cache
def covered() -> dict[str, str]:
    """Syllabus id to the slug of the lab that covers it, read from the files without importing any."""
    owners: dict[str, str] = {}
    for slug, path in found().items():
        for id in (slug, *_declared_covers(path)):
            if id in owners or id not in syllabus.entries():
                raise ValueError(f"A lab must cover syllabus ids no other lab covers: {id!r} in {path}.")
            owners[id] = slug
    return owners


def _declared_covers(path: Path) -> tuple[str, ...]:
    source = path.read_text(encoding="utf-8")
    if "covers=" not in source:
        return ()
    calls = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.keyword) and node.arg == "covers")
    return tuple(ast.literal_eval(next(calls).value))
