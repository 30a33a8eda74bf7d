"""The examples that a lab learns from: its parameters, and from them a training and a dev set.

A lab's parameters inherit :class:`PlanarExamples` or :class:`AnyExamples`, whose fields come first among its controls, and
its run starts with :func:`load`. With ``respond=draw`` and ``listens=("click",)``, a click on its figure "Boundary" draws.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from engine.data.tables import Table
from engine.errors import BadInput
from engine.kinds import MOST_POINTS
from engine.params import ExamplesSource, Params, Points, choice, drawing, examples, integer, number

if TYPE_CHECKING:
    from torch import Tensor

    from engine.data.planar import Examples
    from engine.lab import Event

PLANAR = ("flower", "moons", "circles", "blobs", "xor", "spiral", "drawn")
TABULAR = ("breast-cancer", "wine", "iris", "digits", "suns")
NAMES = {"xor": "XOR", "drawn": "Drawn by you", "suns": "Suns and moons (RGB pictures)", "digits": "Digits (8 × 8)"}
REACH = 6.0
DEV = 200
ERASE = 0.15
# Something to start from: two classes that one line nearly separates.
DRAWN = tuple(
    (math.cos(t) * 2 - 1 + k, math.sin(3 * t) + 2 * k - 1, k) for k in (0, 1) for t in (0.0, 1.0, 2.0, 3.0, 4.0, 5.0)
)
SKETCH = tuple((round(x, 2), round(y, 2), k) for x, y, k in DRAWN)


class PlanarExamples(Params):
    """Two classes of points on the plane: made, drawn on the figure, or two columns of an uploaded table."""

    examples: ExamplesSource = examples(
        "moons",
        sets=PLANAR,
        help="Two classes of points on the plane. Your own: a table, or points drawn on the figure.",
        names=NAMES,
    )
    noise: float = number(
        0.2, low=0.0, high=1.0, label="Noise", help="Deviation added to every made example.", more=True
    )
    points: int = integer(
        400,
        low=20,
        high=2000,
        label="Training examples",
        help="How many are made; another 200 make the dev set.",
        more=True,
    )
    drawn: Points = drawing(
        SKETCH,
        low=-REACH,
        high=REACH,
        label="Drawn points",
        help="One a row: x, y, class. Where you draw the examples, a click on the boundary adds one or takes one away.",
        more=True,
    )
    brush: Literal["class 1", "class 0"] = choice(
        "class 1", label="A click draws", help="The class of the next point that you draw.", more=True
    )


class AnyExamples(PlanarExamples):
    """Planar sets, scikit-learn's tables, small pictures, or any uploaded table."""

    examples: ExamplesSource = examples(
        "moons",
        sets=PLANAR + TABULAR,
        help="Points on the plane, a table, small pictures, or your own table.",
        names=NAMES,
    )


@dataclass(frozen=True)
class Data:
    """Both sets, x (m, n) and y (m,), on the device: y float 0 or 1 for two classes, else whole numbers.

    ``picture`` is the (h, w, channels) of a row that is a picture.
    """

    train: Examples
    dev: Examples
    features: tuple[str, ...]
    classes: tuple[str, ...]
    picture: tuple[int, int, int] | None = None

    @property
    def planar(self) -> bool:
        """Whether the examples are points on the plane."""
        return len(self.features) == 2

    @property
    def inputs(self) -> int:
        """How many numbers describe one example."""
        return len(self.features)

    @property
    def outputs(self) -> int:
        """How many output units a network needs: one for two classes, else one a class."""
        return 1 if len(self.classes) == 2 else len(self.classes)


def load(params: PlanarExamples, draw: Any, classes: int = 2, dev: int = DEV) -> Data:
    """The sets that the parameters name, drawn and shuffled by the generator ``draw``.

    Made sets have ``params.points`` training and ``dev`` dev examples; of any other a fifth is held out for dev. Tables are
    scaled by the training set's numbers alone. ``classes`` is the most that the lab can tell apart.

    Raises:
        BadInput: The examples don't suit the lab: too many classes, other than two features, too few points.
    """
    import torch

    from engine.data import planar, tabular
    from engine.device import device

    name = params.examples
    picture: tuple[int, int, int] | None = None
    features: tuple[str, ...] = ("x₁", "x₂")
    kinds: tuple[str, ...] = ("class 0", "class 1")
    scaling: str = "as they are"
    if isinstance(name, Table):
        x, y = torch.from_numpy(name.x.copy()), torch.from_numpy(name.y.copy())
        features, kinds, scaling = name.features, name.classes, name.scaling
        if not isinstance(params, AnyExamples) and len(features) != 2:
            raise BadInput(f"The table must be used with two columns to learn from here, got {len(features)}.")
    elif name == "drawn":
        x, y = _drawn(params.drawn)
    elif name in tabular.TABULAR:
        found = tabular.TABULAR[name]()
        x, y, features, kinds, picture = found.x, found.y, found.features, found.classes, found.picture
        scaling = "standardized" if picture is None else "from 0 to 1"
    else:
        x, y = planar.make(name, params.points + dev, params.noise, draw)
    if len(kinds) > classes:
        raise BadInput(f"The examples must have at most {classes} classes here, got {len(kinds)}.")
    held = dev if name in planar.SETS else max(1, len(y) // 5)
    train, held_out = planar.split((x, y.float() if len(kinds) == 2 else y), held, draw)
    scaled = _scaled(scaling, train[0], held_out[0])
    sets = [(x.to(device()), y.to(device())) for x, y in zip(scaled, (train[1], held_out[1]), strict=True)]
    return Data(sets[0], sets[1], features, kinds, picture)


def _drawn(rows: Sequence[tuple[float, float, int]]) -> Examples:
    import torch

    found = torch.tensor(rows, dtype=torch.float32).reshape(-1, 3)
    if len(found) < 5 or not 0 < float(found[:, 2].mean()) < 1:
        raise BadInput(f"The drawn points must be at least 5, of both classes, got {len(found)}.")
    return found[:, :2], found[:, 2]


def _scaled(scaling: str, train: Tensor, dev: Tensor) -> tuple[Tensor, Tensor]:
    from engine.functional.normalization import standardize

    if scaling == "standardized":
        x, mean, deviation = standardize(train)
        return x, standardize(dev, mean, deviation)[0]
    if scaling == "from 0 to 1":
        low, width = train.amin(0), train.amax(0) - train.amin(0)
        # A column that is constant in training may move in dev, and is only shifted.
        width = width.where(width > 0, 1)
        return (train - low) / width, (dev - low) / width
    return train, dev


def draw(params: PlanarExamples, event: Event) -> Mapping[str, Any]:
    """A click on the figure "Boundary" draws a point of the brush's class, or takes away the one that is there."""
    inside = abs(event.x) <= REACH and abs(event.y) <= REACH
    if event.figure != "Boundary" or params.examples != "drawn" or not inside:
        return {}
    x, y = round(event.x, 2), round(event.y, 2)
    kept = tuple(p for p in params.drawn if math.hypot(p[0] - x, p[1] - y) > ERASE)
    if len(kept) == len(params.drawn) < MOST_POINTS:
        kept = (*kept, (x, y, int(params.brush == "class 1")))
    return {"drawn": kept}
