"""Objects written into the cells of a grid: the target that YOLO learns."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor

from engine.errors import BadInput
from engine.figures import yolo_grid as figures
from engine.functional.boxes import decode_grid, encode_grid, filter_by_score, slots
from engine.lab import Event, Frame, Frames, Lab, Mistake
from engine.labs.detection._rows import LETTERS, LONGEST, SIDE, Row, answered, boxes, classes, read, write
from engine.params import Params, choice, integer, text
from engine.results.detection import CLASSES, Encoded

SIZE = (float(SIDE), float(SIDE))
MOST = 19
PARTS = ("pc", "bx", "by", "bh", "bw", *(f"c{i + 1} {name}" for i, name in enumerate(CLASSES)))
ANCHORS = {"none": None, "two": ((14.0, 40.0), (44.0, 22.0))}
STREET = "6 42 46 74 car, 52 10 64 48 pedestrian, 66 58 96 86 motorcycle"
RIDER = "30 48 70 84 motorcycle, 42 40 58 92 pedestrian"


class Grid(Params):
    """What a person can move."""

    rows: str = text(
        STREET,
        longest=LONGEST,
        label="Objects",
        help="Rows x0 y0 x1 y1 class. Or drag an object by its middle or an edge, or out of the picture to be rid of it.",
    )
    grid: int = integer(
        3, low=1, high=MOST, label="Grid S", help="Cells along each side; the course's real grid has 19."
    )
    anchors: Literal["none", "two"] = choice(
        "none",
        label="Anchors",
        help="One slot a cell, or two: a tall anchor of 14 x 40 px and a wide one of 44 x 22 px.",
        names={"none": "None, one slot a cell", "two": "Two, tall and wide"},
    )
    row: int = integer(1, low=0, high=MOST - 1, label="Row", help="Of the cell looked at; a click on it picks it.")
    column: int = integer(
        0, low=0, high=MOST - 1, label="Column", help="Of the cell looked at; a click on it picks it."
    )
    click: Literal["cell", "car", "pedestrian", "motorcycle"] = choice(
        "cell",
        label="A click",
        help="What a click on the picture does: look at a cell, or add an object.",
        names={"cell": "Looks at a cell", "car": "Adds a car", "pedestrian": "Adds a pedestrian"}
        | {"motorcycle": "Adds a motorcycle"},
    )


def anchors_of(params: Grid) -> Tensor | None:
    """The anchors (A, 2) in pixels, if there are any."""
    chosen = ANCHORS[params.anchors]
    return torch.tensor(chosen, dtype=torch.float64) if chosen else None


def encoded(params: Grid, rows: list[Row]) -> Encoded:
    """The objects and their target."""
    target, held = encode_grid(boxes(rows), classes(rows), SIZE, params.grid, len(CLASSES), anchors_of(params))
    at = slots(boxes(rows), SIZE, params.grid, anchors_of(params))
    lost = ~torch.isin(torch.arange(len(rows)), held)
    cell = min(params.row, params.grid - 1), min(params.column, params.grid - 1)
    names = tuple(LETTERS[: len(rows)])
    return Encoded(
        boxes(rows).numpy(), classes(rows).numpy(), names, target.numpy(), at.numpy(), lost.numpy(), cell, PARTS, SIDE
    )


def decoding_error(result: Encoded) -> float:
    """The largest distance in pixels from an edge of a written object to the same edge read back from the target."""
    read_back, *_ = filter_by_score(*decode_grid(torch.from_numpy(result.target), SIZE), 0.5)
    grid, depth = result.target.shape[0], result.target.shape[2]
    written = [i for i, lost in enumerate(result.lost) if not lost]
    at = result.slots[written]
    order = ((at[:, 0] * grid + at[:, 1]) * depth + at[:, 2]).argsort()
    return float((read_back - torch.from_numpy(result.boxes[written][order])).abs().max())


def run(params: Grid) -> Frames:
    """One frame: the objects on the grid and the target."""
    rows = read(params.rows, scored=False)
    result = encoded(params, rows)
    s, depth, error = params.grid, result.target.shape[2], decoding_error(result)
    losers = [name for name, lost in zip(result.names, result.lost, strict=True) if lost]
    missing = f"{', '.join(losers)} found the slot taken" if losers else "none found its slot taken"
    row, column = result.cell
    vectors = [[f"{x:.4g}" for x in slot] for slot in result.target[row, column]]
    yield Frame(
        figures={"Picture": figures.picture(result), "Target": figures.target(result)},
        says=(
            f"{len(rows)} object{'s' * (len(rows) > 1)} on a grid of {s} x {s}: {missing}; decoding the target "
            f"gives {'the others' if losers else 'all'} back to within {error:.1g} px."
        ),
        note=worked(result),
        metrics={
            "Target": f"{s} × {s} × {depth * len(PARTS)}",
            "Slots in use": f"{len(rows) - len(losers)} of {s * s * depth}",
            "Lost objects": f"{len(losers)}",
            "Decoding error": f"{error:.1g} px",
        },
        tables={
            f"Cell in row {row}, column {column}": {
                "slot": [*range(1, depth + 1)],
                **dict(zip(PARTS, map(list, zip(*vectors, strict=True)), strict=True)),
            }
        },
    )


def worked(result: Encoded) -> str:
    """How the first object of the cell looked at becomes its numbers, or that there is none."""
    cell = SIDE / result.target.shape[0]
    for name, box, (row, column, _), lost in zip(result.names, result.boxes, result.slots, result.lost, strict=True):
        if (row, column) == result.cell and not lost:
            (x0, y0, x1, y1), x, y = box, column * cell, row * cell
            return (
                f"{name}: bx = ({(x0 + x1) / 2:g} − {x:.4g}) / {cell:.4g} = {((x0 + x1) / 2 - x) / cell:.3f}, "
                f"by = ({(y0 + y1) / 2:g} − {y:.4g}) / {cell:.4g} = {((y0 + y1) / 2 - y) / cell:.3f}, "
                f"bh = {y1 - y0:g} / {cell:.4g} = {(y1 - y0) / cell:.3f}, "
                f"bw = {x1 - x0:g} / {cell:.4g} = {(x1 - x0) / cell:.3f}."
            )
    return "No object's middle lies in this cell: pc is 0, and nothing else counts."


def respond(params: Grid, event: Event) -> Mapping[str, Any]:
    """A dragged object moves its row, a drawn one is added; a click looks at a cell, or adds an object."""
    if event.figure == "Target" and event.kind == "click":
        return target_cell(params.grid, event)
    if event.figure != "Picture" or event.kind not in ("click", "drag", "draw"):
        return {}
    if event.kind == "click" and params.click == "cell":
        size = SIDE / params.grid
        inside = 0 <= event.x < SIDE and 0 <= event.y < SIDE
        return {"row": int(event.y // size), "column": int(event.x // size)} if inside else {}
    try:
        rows = read(params.rows, scored=False)
    except BadInput:
        return {}
    changed = answered(rows, event, CLASSES[0] if params.click == "cell" else params.click)
    return {"rows": write(changed, scored=False)} if changed else {}


def target_cell(grid: int, event: Event) -> dict[str, int]:
    """The cell of whichever panel was clicked; panels lie one cell apart."""
    if not (math.isfinite(event.x) and math.isfinite(event.y)):
        return {}
    row, column = (round(at) % (grid + 1) for at in (event.y, event.x))
    return {"row": row, "column": column} if row < grid and column < grid else {}


def cell_units(params: Grid) -> Mistake:
    """The first object's height and width relative to itself, and to its cell."""
    row = read(params.rows, scored=False)[0]
    x0, y0, x1, y1 = row.box
    target, _ = encode_grid(boxes([row]), classes([row]), SIZE, params.grid, len(CLASSES))
    high, wide = target[target[..., 0] > 0][0, 3:5].tolist()
    return Mistake(
        wrong=f"Relative to the object: b_h = {y1 - y0:g}/{y1 - y0:g} = {(y1 - y0) / (y1 - y0):g}, b_w = "
        f"{(x1 - x0) / (x1 - x0):g}, for an object of any size.",
        right=f"Relative to a cell of {SIDE / params.grid:.4g} px: b_h = {high:.3f}, b_w = {wide:.3f}; above 1 once the "
        "object is larger than its cell.",
    )


LAB = Lab(
    slug="yolo-grid",
    summary="Drag objects over a grid and watch the target tensor that a one-shot detector learns to give.",
    params=Grid,
    run=run,
    look_for=(
        "An object belongs to the one cell that holds its middle, however many cells it covers; b_x and b_y say where in that "
        "cell, and b_h and b_w count cells, so they grow past 1. Two middles in one cell fight for its slot unless their "
        "shapes suit different anchors. Drag the motorcycle's middle into the car's cell: what gets it its slot back, a finer "
        "grid or a second anchor?"
    ),
    maths=(
        r"$$y = (p_c,\ b_x,\ b_y,\ b_h,\ b_w,\ c_1, \dots, c_C) \text{ in each of } S \times S \times A \text{ slots}$$"
        "\n\n"
        r"$$b_x = \frac{x}{w} - \left\lfloor \frac{x}{w} \right\rfloor, \qquad b_y = \frac{y}{w} - \left\lfloor \frac{y}{w} "
        r"\right\rfloor, \qquad b_h = \frac{\text{height}}{w}, \qquad b_w = \frac{\text{width}}{w}$$"
        "\n\n"
        r"$(x, y)$ is the object's middle and $w$ the side of a cell: $b_x, b_y \in [0, 1)$, while $b_h$ and "
        r"$b_w$ may exceed 1."
    ),
    code=(encode_grid, slots, decode_grid, filter_by_score),
    presets={
        "Rider, one slot a cell": {"rows": RIDER, "row": 1, "column": 1},
        "Rider, two anchors": {"rows": RIDER, "anchors": "two", "row": 1, "column": 1},
        "Larger than its cell": {"rows": "4 10 96 94 car", "grid": 5, "row": 2, "column": 2},
        "19 x 19": {"grid": 19, "row": 11, "column": 4},
        "One cell": {"grid": 1, "row": 0},
    },
    mistakes={"grid-cell-units": cell_units},
    rows=(("Picture", "Target"),),
    listens=("drag", "draw", "click"),
    respond=respond,
)
