import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.ops import box_iou

from engine.lab import Event
from engine.labs.detection.iou import LAB, SIDE, Boxes

SEVENTH = Boxes(a_across=(40, 80), a_down=(20, 60), b_across=(20, 60), b_down=(40, 80))


def spans() -> st.SearchStrategy[tuple[float, float]]:
    ends = st.lists(st.integers(0, SIDE), min_size=2, max_size=2, unique=True)
    return ends.map(lambda pair: (float(min(pair)), float(max(pair))))


def torchvision_iou(params: Boxes) -> float:
    a, b = (
        torch.tensor([[across[0], down[0], across[1], down[1]]])
        for across, down in ((params.a_across, params.a_down), (params.b_across, params.b_down))
    )
    return box_iou(a, b).item()


@settings(deadline=None, max_examples=50)
@given(spans(), spans(), spans(), spans())
def test_metrics_equal_torchvision(
    a: tuple[float, float], b: tuple[float, float], c: tuple[float, float], d: tuple[float, float]
) -> None:
    params = Boxes(a_across=a, a_down=b, b_across=c, b_down=d)
    frame = LAB.last_frame(params)
    assert float(frame.metrics["IoU"]) == pytest.approx(torchvision_iou(params), abs=6e-4)
    assert frame.metrics["IoU"] in frame.says


@pytest.mark.parametrize(
    ("preset", "expected"),
    [
        ("Identical", 1),
        ("Half overlap", 1 / 3),
        ("Inside", 900 / 2500),
        ("Touching", 0),
        ("Apart", 0),
        ("One seventh", 1 / 7),
    ],
)
def test_presets(preset: str, expected: float) -> None:
    params = Boxes(**LAB.presets[preset])
    assert float(LAB.last_frame(params).metrics["IoU"]) == pytest.approx(expected, abs=6e-4)
    assert torchvision_iou(params) == pytest.approx(expected)


def test_verdict_follows_the_threshold() -> None:
    for threshold, word in ((0.1, "correct"), (0.2, "not correct")):
        params = Boxes(**SEVENTH.changed(), threshold=threshold)
        assert LAB.last_frame(params).metrics["Verdict"] == word


def test_figure_of_the_boxes() -> None:
    figure = LAB.last_frame(SEVENTH).figures["Boxes"]
    a, b = figure.layout.shapes
    assert (a.name, a.x0, a.y0, a.x1, a.y1, a.editable) == ("a", 40, 20, 80, 60, True)
    assert (b.name, b.x0, b.y0, b.x1, b.y1, b.editable) == ("b", 20, 40, 60, 80, True)
    union, shared = figure.data
    assert (union.name, shared.name) == ("union 2800 px²", "intersection 400 px²")
    assert {*shared.x} == {40, 60} and {*shared.y} == {40, 60}
    assert figure.layout.yaxis.range == (SIDE, 0)


def test_boxes_apart_have_no_intersection_to_shade() -> None:
    params = Boxes(**LAB.presets["Apart"])
    assert len(LAB.last_frame(params).figures["Boxes"].data) == 1


def test_slide_passes_through_the_present() -> None:
    _, curve, now = LAB.last_frame(SEVENTH).figures["B slides across"].data
    assert (now.x[0], now.y[0]) == (20, pytest.approx(1 / 7))
    assert np.interp(20, curve.x, curve.y) == pytest.approx(1 / 7, abs=1e-2)
    assert curve.y.max() == pytest.approx(800 / 2400)
    assert (curve.x[0], curve.x[-1]) == (-40, 100)
    assert curve.y[0] == curve.y[-1] == 0


def test_mistake_of_the_union() -> None:
    mistake = LAB.mistakes["iou-union"](SEVENTH)
    assert mistake.wrong == "400 / (1600 + 1600) = 0.125"
    assert mistake.right == "400 / (1600 + 1600 − 400) = 0.143"


def drag(params: Boxes, name: str, *box: float) -> Boxes:
    assert LAB.respond is not None
    changes = LAB.respond(params, Event("drag", "Boxes", name=name, box=box))  # type: ignore[arg-type]
    return params.model_validate(params.model_dump() | changes)


def test_dragging_moves_one_box_in_whole_pixels() -> None:
    moved = drag(SEVENTH, "a", 30.3, 10.6, 70.3, 50.6)
    assert (moved.a_across, moved.a_down) == ((30, 70), (11, 51))
    assert (moved.b_across, moved.b_down) == (SEVENTH.b_across, SEVENTH.b_down)


def test_a_box_pushed_over_the_border_keeps_its_size_and_a_stretched_one_is_cut() -> None:
    assert drag(SEVENTH, "b", 90, 40, 130, 80).b_across == (60, 100)
    assert drag(SEVENTH, "b", -30, 40, 10, 80).b_across == (0, 40)
    assert drag(SEVENTH, "b", 20, 40, 130, 80).b_across == (20, 100)
    assert drag(SEVENTH, "b", 60, 80, 20, 40).b_across == (20, 60)


@settings(deadline=None, max_examples=50)
@given(spans(), spans(), st.sampled_from(["a", "b", "", "other"]), st.tuples(*[st.floats()] * 4))
def test_any_drag_stays_valid(
    across: tuple[float, float], down: tuple[float, float], name: str, box: tuple[float, float, float, float]
) -> None:
    drag(Boxes(a_across=across, a_down=down), name, *box)


def test_a_drawn_box_becomes_the_nearer_one() -> None:
    params = Boxes(a_across=(10, 40), a_down=(10, 40), b_across=(60, 90), b_down=(60, 90))
    changes = LAB.respond(params, Event("draw", "Boxes", box=(95, 80, 70, 55)))
    assert changes == {"b_across": (70, 95), "b_down": (55, 80)}
    assert set(LAB.respond(params, Event("draw", "Boxes", box=(0, 0, 30, 30)))) == {"a_across", "a_down"}
    assert LAB.respond(params, Event("draw", "Boxes", box=(float("nan"), 0, 30, 30))) == {}
