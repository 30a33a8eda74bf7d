"""The target of a one-shot detector: what stands in its cells, and the boxes that it gives back."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import BadInput
from engine.lab import Event
from engine.labs.detection import yolo_grid as module
from engine.labs.detection._rows import read
from engine.labs.detection.yolo_grid import ANCHORS, LAB, PARTS, Grid, encoded
from engine.results.detection import CLASSES, Encoded

low, length = st.integers(0, 60), st.integers(1, 40)
row = st.tuples(low, low, length, length, st.sampled_from(CLASSES)).map(
    lambda r: f"{r[0]} {r[1]} {r[0] + r[2]} {r[1] + r[3]} {r[4]}"
)
texts = st.lists(row, min_size=1, max_size=16).map(", ".join)


def result_of(params: Grid) -> Encoded:
    return encoded(params, read(params.rows, scored=False))


def plain_slots(text: str, grid: int, anchors: tuple[tuple[float, float], ...] | None) -> dict[tuple[int, ...], str]:
    """Row, column and anchor to the first object whose middle lies there and whose shape suits the anchor best."""
    held: dict[tuple[int, ...], str] = {}
    for part in text.split(","):
        x0, y0, x1, y1 = map(float, part.split()[:4])
        place = [min(math.floor((low + high) * grid / 200), grid - 1) for low, high in ((y0, y1), (x0, x1))]
        fits = []
        for width, height in anchors or ((1.0, 1.0),):
            inside = min(width, x1 - x0) * min(height, y1 - y0)
            fits.append(inside / (width * height + (x1 - x0) * (y1 - y0) - inside))
        held.setdefault((*place, fits.index(max(fits))), part.strip())
    return held


def read_back(result: Encoded) -> dict[tuple[int, ...], str]:
    """The objects as the numbers of the target say them."""
    told, cell = {}, 100 / result.target.shape[0]
    for place in torch.from_numpy(result.target[..., 0]).nonzero().tolist():
        pc, bx, by, bh, bw, *one_hot = result.target[tuple(place)].tolist()
        assert pc == 1 and sum(one_hot) == 1 and 0 <= bx < 1 and 0 <= by < 1
        x, y = (place[1] + bx) * cell, (place[0] + by) * cell
        edges = x - bw * cell / 2, y - bh * cell / 2, x + bw * cell / 2, y + bh * cell / 2
        told[tuple(place)] = " ".join([*(f"{round(edge, 9):g}" for edge in edges), CLASSES[one_hot.index(1)]])
    return told


@settings(deadline=None, max_examples=100)
@given(texts, st.integers(1, 19), st.sampled_from(sorted(ANCHORS)))
def test_encode_then_decode_gives_the_boxes_back(text: str, grid: int, anchors: str) -> None:
    params = Grid(rows=text, grid=grid, anchors=anchors)
    held, result = plain_slots(text, grid, ANCHORS[anchors]), result_of(params)
    assert read_back(result) == held
    metrics = LAB.last_frame(params).metrics
    count, depth = len(text.split(",")), 1 + (anchors == "two")
    assert metrics["Target"] == f"{grid} × {grid} × {8 * depth}"
    assert metrics["Slots in use"] == f"{len(held)} of {grid * grid * depth}"
    assert int(metrics["Lost objects"]) == count - len(held) == int(result.lost.sum())
    assert float(metrics["Decoding error"].split()[0]) < 1e-9


def test_the_comparison_sees_a_swapped_target(monkeypatch: pytest.MonkeyPatch) -> None:
    right = module.encode_grid

    def swapped(*given: object) -> tuple[torch.Tensor, torch.Tensor]:
        target, held = right(*given)  # type: ignore[arg-type]
        return target[..., [0, 2, 1, 3, 4, 5, 6, 7]], held

    monkeypatch.setattr(module, "encode_grid", swapped)
    params = Grid()
    assert read_back(result_of(params)) != plain_slots(params.rows, 3, None)
    assert float(LAB.last_frame(params).metrics["Decoding error"].split()[0]) > 1


def test_the_target_as_a_picture() -> None:
    """The car of 40 x 32 px with its middle at (26, 58), in cells of 100 / 3 px: row 1, column 0."""
    frame = LAB.last_frame(Grid())
    names = {each.text for each in frame.figures["Target"].layout.annotations}
    assert names == set(PARTS)
    texts = frame.figures["Target"].data[0].text
    expected = [["1", "0.78"], ["0.74", "0.96"], ["1.2", "1"], ["0", "0"]]  # two columns of panels, one cell apart
    assert [[texts[4 * down + 1][4 * across] for across in range(2)] for down in range(4)] == expected
    assert "bx = (26 − 0) / 33.33 = 0.780" in frame.note and "bw = 40 / 33.33 = 1.200" in frame.note
    assert frame.tables["Cell in row 1, column 0"]["bw"] == ["1.2"]


def test_two_in_a_slot_and_what_saves_the_second() -> None:
    one, two = (LAB.last_frame(Grid(**LAB.presets[f"Rider, {name}"])) for name in ("one slot a cell", "two anchors"))
    assert (one.metrics["Lost objects"], two.metrics["Lost objects"]) == ("1", "0")
    assert "B found the slot taken" in one.says
    shapes = {shape.name: shape.line.dash for shape in one.figures["Picture"].layout.shapes}
    assert shapes == {"A": "solid", "B": "dot"}


@pytest.mark.parametrize("preset", LAB.presets)
def test_presets_give_their_boxes_back(preset: str) -> None:
    params = Grid(**LAB.presets[preset])
    assert read_back(result_of(params)) == plain_slots(params.rows, params.grid, ANCHORS[params.anchors])


def test_mistake_of_the_units() -> None:
    mistake = LAB.mistakes["grid-cell-units"](Grid(rows="10 10 90 60 car", grid=4))
    assert "= 1, b_w = 1," in mistake.wrong
    assert "cell of 25 px: b_h = 2.000, b_w = 3.200" in mistake.right


def answer(params: Grid, event: Event) -> dict[str, object]:
    assert LAB.respond is not None
    return dict(LAB.respond(params, event))


def test_a_click_looks_at_a_cell() -> None:
    params = Grid(grid=4)
    assert answer(params, Event("click", "Picture", 99.9, 26)) == {"row": 1, "column": 3}
    assert answer(params, Event("click", "Picture", 100, 26)) == {}
    assert answer(params, Event("click", "Target", 7.2, 5.8)) == {
        "row": 1,
        "column": 2,
    }  # the second panel of the second row
    assert answer(params, Event("click", "Target", 4.1, 1)) == {}  # between two panels


def test_objects_are_dragged_added_and_taken_away() -> None:
    params = Grid(rows="10 10 30 30 car, 50 50 70 90 pedestrian", click="motorcycle")
    moved = answer(params, Event("drag", "Picture", name="B", box=(20.2, 50, 40.2, 90)))
    assert moved == {"rows": "10 10 30 30 car, 20 50 40 90 pedestrian"}
    gone = answer(params, Event("drag", "Picture", name="A", box=(-40, 10, -20, 30)))
    assert gone == {"rows": "50 50 70 90 pedestrian"}
    added = answer(params, Event("click", "Picture", 80, 20))
    assert added == {"rows": params.rows + ", 68 8 92 32 motorcycle"}


def test_rows_that_are_not_objects() -> None:
    for text in ("", "1 2 3 car", "5 5 1 9 car", "1 1 9 9 0.5 car", "1 1 9 9 dog"):
        with pytest.raises(BadInput, match="must be"):
            LAB.last_frame(Grid(rows=text))
