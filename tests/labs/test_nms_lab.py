"""The walk through non-max suppression keeps the same boxes as torchvision; the pointer moves, adds and removes boxes."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torchvision import ops

from engine.errors import BadInput
from engine.lab import Event, Frame
from engine.labs.detection._rows import MOST_ROWS
from engine.labs.detection.nms import LAB, STREET, Suppressing
from engine.results.detection import CLASSES

LETTERS = "ABCDEFGHIJKLMNOP"
low, length = st.integers(0, 60), st.integers(1, 40)
row = st.tuples(low, low, length, length, st.integers(0, 100), st.sampled_from(CLASSES)).map(
    lambda r: f"{r[0]} {r[1]} {r[0] + r[2]} {r[1] + r[3]} {r[4] / 100} {r[5]}"
)
texts = st.lists(row, min_size=1, max_size=MOST_ROWS).map(", ".join)
quarters = st.integers(0, 20).map(lambda i: i / 20)


def table_of(text: str) -> tuple[Tensor, Tensor, Tensor]:
    """Boxes, scores and classes of a text."""
    words = [part.split() for part in text.split(",")]
    numbers = torch.tensor([[float(word) for word in one[:5]] for one in words], dtype=torch.float64)
    return numbers[:, :4], numbers[:, 4], torch.tensor([CLASSES.index(one[5]) for one in words])


def theirs(params: Suppressing) -> list[str]:
    """The names of the boxes that torchvision keeps, from the highest score down."""
    boxes, scores, classes = table_of(params.rows)
    left = (scores > params.score).nonzero().flatten()
    groups = classes if params.per_class else torch.zeros_like(classes)
    kept = ops.batched_nms(boxes[left], scores[left], groups[left], params.overlap)
    return [LETTERS[i] for i in left[kept]]


def picks(frame: Frame) -> list[str]:
    return frame.tables["Picks"]["Pick"] if frame.tables else []


@settings(deadline=None, max_examples=60)
@given(texts, quarters, quarters, st.booleans())
def test_the_walk_keeps_the_same_boxes_as_torchvision(text: str, score: float, overlap: float, per_class: bool) -> None:
    params = Suppressing(rows=text, score=score, overlap=overlap, per_class=per_class)
    frames = list(LAB.frames(params))
    expected = theirs(params)
    assert [picks(frame) for frame in frames] == [expected[:t] for t in range(len(expected) + 1)]
    last, boxes = frames[-1], len(table_of(text)[1])
    counts = {label: int(text) for label, text in last.metrics.items()}
    assert counts["Kept"] == len(expected) and counts["Waiting"] == 0
    assert counts["Kept"] + counts["Discarded"] + counts["Low score"] == boxes
    assert last.progress == 1


@pytest.mark.parametrize("preset", ["", *LAB.presets])
def test_presets_keep_the_same_boxes_as_torchvision(preset: str) -> None:
    params = Suppressing(**LAB.presets.get(preset, {}))
    assert picks(LAB.last_frame(params)) == theirs(params)


def test_lower_threshold_merges_the_crowd_and_a_higher_one_keeps_it() -> None:
    crowd = LAB.presets["A crowd"] | {"overlap": 0.45}
    assert len(picks(LAB.last_frame(Suppressing(**crowd)))) == 4
    assert len(picks(LAB.last_frame(Suppressing(**crowd | {"overlap": 0.2})))) == 2


def test_overlaps_are_those_of_torchvision_and_name_what_goes() -> None:
    boxes, scores, classes = table_of(STREET)
    frame = list(LAB.frames(Suppressing()))[1]
    bars, limit = frame.figures["Overlap with the pick"].data
    order = scores.argsort(descending=True, stable=True)
    compared = (classes == classes[0]) & (scores > 0.4)
    compared[0] = False
    expected = torch.where(compared, ops.box_iou(boxes[:1], boxes)[0], 0)[order]
    np.testing.assert_allclose(bars.x, expected, atol=1e-6)
    assert set(limit.x) == {0.5}
    assert picks(frame) == ["A"] and "B (0.68), C (0.61)" in frame.says


def test_the_figure_outlines_what_has_become_of_each_box() -> None:
    frames = list(LAB.frames(Suppressing()))
    shapes = {shape.name: shape for shape in frames[1].figures["Boxes"].layout.shapes}
    assert len(shapes) == 10 and all(shape.editable for shape in shapes.values())
    assert (shapes["A"].x0, shapes["A"].y0, shapes["A"].x1, shapes["A"].y1) == (8, 44, 44, 76)
    dashes = {name: shape.line.dash for name, shape in shapes.items()}
    assert dashes == {"A": "solid", "B": "dot", "C": "dot", "J": "dot"} | dict.fromkeys("DEFGHI", "dash")
    assert shapes["A"].line.width > max(shape.line.width for name, shape in shapes.items() if name != "A")


def test_a_bar_leads_to_the_step_that_decides() -> None:
    frames = list(LAB.frames(Suppressing()))
    steps = frames[0].figures["Scores"].data[0].customdata
    names = frames[0].figures["Scores"].layout.yaxis.ticktext
    assert [frame.figures["Scores"].layout.meta["step"] for frame in frames] == [*range(1, len(frames) + 1)]
    for name, step in zip(names, steps, strict=True):
        if name == "J":
            assert step == 1
            continue
        told = frames[step - 1].tables["Picks"]
        assert told["Pick"][-1] == name or f"{name} (" in told["Discards (IoU)"][-1]


def test_it_opens_at_the_step_or_the_last() -> None:
    assert LAB.opens is not None
    assert [LAB.opens(Suppressing(step=step)) for step in (1, 3, 17)] == [0, 2, 5]
    assert len(list(LAB.frames(Suppressing()))) == 6


def after(params: Suppressing, event: Event) -> list[str]:
    assert LAB.respond is not None
    answer = LAB.respond(params, event)
    return [part.strip() for part in params.model_copy(update=dict(answer)).rows.split(",")]


def test_a_dragged_box_moves_in_whole_pixels_and_changes_what_is_kept() -> None:
    params = Suppressing()
    rows = after(params, Event("drag", "Boxes", name="B", box=(60.2, 6.4, 96.4, 40.1)))
    assert rows[1] == "60 6 96 40 0.81 car"
    assert rows[:1] + rows[2:] == [part.strip() for part in STREET.split(",")][:1] + rows[2:]
    moved = Suppressing(rows=", ".join(rows))
    assert "B" in picks(LAB.last_frame(moved)) and "B" not in picks(LAB.last_frame(params))
    assert picks(LAB.last_frame(moved)) == theirs(moved)


def test_a_box_pulled_inside_out_or_over_the_border_stays_a_box() -> None:
    params = Suppressing(rows="10 10 40 40 0.9 car")
    assert after(params, Event("drag", "Boxes", name="A", box=(70, 60, 20, 30))) == ["20 30 70 60 0.9 car"]
    assert after(params, Event("drag", "Boxes", name="A", box=(-20, 80, 40, 120))) == ["0 80 40 100 0.9 car"]


def test_dragged_out_it_goes_but_the_last_one_stays() -> None:
    out = Event("drag", "Boxes", name="A", box=(-50.0, 10.0, -10.0, 40.0))
    assert after(Suppressing(rows="1 1 9 9 0.9 car, 2 2 8 8 0.5 car"), out) == ["2 2 8 8 0.5 car"]
    assert after(Suppressing(rows="1 1 9 9 0.9 car"), out) == ["1 1 9 9 0.9 car"]


def test_a_click_adds_a_box_around_it() -> None:
    params = Suppressing(rows="1 1 9 9 0.9 car", new="pedestrian", new_score=0.6)
    assert after(params, Event("click", "Boxes", 50, 40))[1:] == ["38 28 62 52 0.6 pedestrian"]
    assert after(params, Event("click", "Boxes", 1, 99))[1:] == ["0 76 24 100 0.6 pedestrian"]
    assert (
        len(after(params, Event("click", "Boxes", 101, 40))) == len(after(params, Event("click", "Scores", 5, 5))) == 1
    )
    full = Suppressing(rows=", ".join(["1 1 9 9 0.9 car"] * MOST_ROWS))
    assert len(after(full, Event("click", "Boxes", 50, 40))) == MOST_ROWS


@pytest.mark.parametrize(
    "text", ["", "1 2 3", "5 5 1 9 0.5 car", "1 1 200 9 0.5 car", "1 1 9 9 1.5 car", "1 1 9 9 0.5 dog"]
)
def test_rows_that_are_not_boxes(text: str) -> None:
    with pytest.raises(BadInput, match="must be"):
        LAB.last_frame(Suppressing(rows=text))


def test_a_drawn_box_is_added_as_far_as_it_lies_in_the_picture() -> None:
    params = Suppressing(rows="10 10 40 40 0.9 car", new="pedestrian", new_score=0.6)
    drawn = LAB.respond(params, Event("draw", "Boxes", box=(80.4, 120, 60.2, 50)))
    assert drawn == {"rows": "10 10 40 40 0.9 car, 60 50 80 100 0.6 pedestrian"}
    full = Suppressing(rows=", ".join(["10 10 40 40 0.9 car"] * 16))
    assert LAB.respond(full, Event("draw", "Boxes", box=(1, 1, 9, 9))) == {}
