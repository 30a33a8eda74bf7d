"""Mean average precision in the lab against the definitions written out."""

import numpy as np
import pytest
import torch

from engine.lab import Event
from engine.labs.detection import detection_map as module
from engine.labs.detection.detection_map import COCO, LAB, POINTS, Scoring, judge, made
from engine.results.detection import CLASSES, VERDICTS
from tests.plain_scores import overlap, plain_averages, plain_verdicts

FEW = {"pictures": 6}


def theirs(params: Scoring, threshold: float) -> list[float]:
    truth, found = made(params)
    averages = plain_averages(found, truth, threshold, POINTS[params.points], params.rule, len(CLASSES))
    return [average for average in averages if average is not None]


@pytest.mark.parametrize("preset", ["", *LAB.presets])
@pytest.mark.parametrize(("points", "rule"), [("all", "free"), ("eleven", "best"), ("hundred", "free")])
def test_map_equals_the_definitions(preset: str, points: str, rule: str) -> None:
    params = Scoring(**{**LAB.presets.get(preset, {}), **FEW, "points": points, "rule": rule})
    frame = LAB.last_frame(params)
    shown = frame.metrics[f"mAP at {params.threshold:g}"]
    assert float(shown) == pytest.approx(np.mean(theirs(params, params.threshold)), abs=6e-4)
    assert shown in frame.says


def test_map_over_thresholds_and_by_class_equals_the_definitions() -> None:
    params = Scoring(**FEW, noise=3.0, threshold=0.6)
    frame = LAB.last_frame(params)
    every = [np.mean(theirs(params, threshold)) for threshold in COCO]
    curve, now = frame.figures["mAP by threshold"].data
    np.testing.assert_allclose(curve.x, np.arange(0.5, 0.96, 0.05), rtol=1e-6)
    np.testing.assert_allclose(curve.y, every, atol=1e-6)
    assert (now.x[0], now.y[0]) == (0.6, pytest.approx(every[2]))
    assert float(frame.metrics["mAP at 0.5 to 0.95"]) == pytest.approx(np.mean(every), abs=6e-4)
    shown = [float(text) for text in frame.tables["By class"]["AP"]]
    assert shown == pytest.approx(theirs(params, 0.6), abs=6e-4)


def test_the_comparison_sees_a_wrong_matching(monkeypatch: pytest.MonkeyPatch) -> None:
    right = module.match_detections
    monkeypatch.setattr(module, "match_detections", lambda *given: right(*given[:3], given[3] + 0.2, *given[4:]))
    params = Scoring(**FEW)
    assert abs(float(LAB.last_frame(params).metrics["mAP at 0.5"]) - np.mean(theirs(params, 0.5))) > 0.01


def test_the_curve_of_each_class() -> None:
    params = Scoring(**FEW, false_alarms=3.0)
    truth, found = made(params)
    correct = np.array(plain_verdicts(found, truth, 0.5, "free"))
    for kind, raw in enumerate(LAB.last_frame(params).figures["Precision and recall"].data[::2]):
        own = (found.classes == kind).numpy()  # from the highest score down already
        right, objects = np.cumsum(correct[own]), int((truth.classes == kind).sum())
        np.testing.assert_allclose(raw.y, right / np.arange(1, len(right) + 1), rtol=1e-6)
        np.testing.assert_allclose(raw.x, right / objects, rtol=1e-6)


def test_faults_cost_what_they_should() -> None:
    def scores(preset: str) -> dict[str, str]:
        return dict(LAB.last_frame(Scoring(**LAB.presets[preset])).metrics)

    perfect, half = scores("Perfect"), scores("Half missed")
    assert perfect["mAP at 0.5"] == perfect["mAP at 0.5 to 0.95"] == "1.000" and perfect["Missed"] == "0 of 100"
    truth, found = made(Scoring(**LAB.presets["Half missed"]))
    shares = [float((found.classes == k).sum() / (truth.classes == k).sum()) for k in range(len(CLASSES))]
    assert float(half["mAP at 0.5"]) == pytest.approx(np.mean(shares), abs=6e-4)
    assert half["mAP at 0.5"] == half["mAP at 0.5 to 0.95"]
    blind = LAB.last_frame(Scoring(misses=1.0, false_alarms=0.0))
    assert blind.metrics["mAP at 0.5"] == "0.000" and blind.metrics["Missed"] == "100 of 100"


def test_every_verdict_says_why() -> None:
    params = Scoring(**FEW, noise=5.0, duplicates=0.6, false_alarms=3.0)
    truth, found = made(params)
    match, verdicts = judge(truth, found, 0.5, "free")
    assert {VERDICTS[v] for v in verdicts.tolist()} == set(VERDICTS)
    assert (match >= 0).tolist() == plain_verdicts(found, truth, 0.5, "free") == (verdicts == 0).tolist()
    for i, verdict in enumerate(verdicts.tolist()):
        mine = (truth.pictures == found.pictures[i]) & (truth.classes == found.classes[i])
        best = max((overlap(found.boxes[i], box) for box in truth.boxes[mine]), default=0.0)
        assert (best >= 0.5, best >= 0.1) == {0: (True, True), 1: (True, True), 2: (False, True), 3: (False, False)}[
            verdict
        ]


def test_one_detection_is_looked_at() -> None:
    params = Scoring(rank=7)
    truth, found = made(params)
    frame = LAB.last_frame(params)
    assert frame.note.startswith(f"Detection 7, a {CLASSES[found.classes[6]]} of score {found.scores[6]:.2f}")
    picture = found.pictures[6]
    drawn = frame.figures["One picture"].data
    dashed = [trace for trace in drawn if trace.mode == "lines" and trace.line.dash == "dash"]
    solid = [trace for trace in drawn if trace.mode == "lines" and trace.line.dash == "solid"]
    assert len(dashed) == int((found.pictures == picture).sum()) and len(solid) == int(
        (truth.pictures == picture).sum()
    )
    wide = [trace for trace in dashed if trace.line.width > 3]
    assert len(wide) == 1
    x0, y0, x1, y1 = found.boxes[6].tolist()
    np.testing.assert_allclose(
        [min(wide[0].x), min(wide[0].y), max(wide[0].x), max(wide[0].y)], [x0, y0, x1, y1], rtol=1e-5
    )


def test_moving_one_fault_changes_nothing_of_the_others() -> None:
    _, few = made(Scoring(duplicates=0.0, false_alarms=1.0))
    _, more = made(Scoring(duplicates=0.0, false_alarms=4.0))
    rows = {tuple(row) for row in torch.cat([more.boxes, more.scores[:, None]], dim=1).tolist()}
    assert all(tuple(row) in rows for row in torch.cat([few.boxes, few.scores[:, None]], dim=1).tolist())


def test_clicks_pick_a_detection_and_a_threshold() -> None:
    assert LAB.respond is not None
    places = ("Ranking", 12.3), ("Ranking", 0.2), ("mAP by threshold", 0.72), ("mAP by threshold", 0.99), ("", 1)
    answers = [LAB.respond(Scoring(), Event("click", figure, x, 0.4)) for figure, x in places]
    assert answers == [{"rank": 12}, {}, {"threshold": 0.7}, {"threshold": 0.95}, {}]
