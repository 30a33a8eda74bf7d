"""BLEU of typed sentences: the numbers shown are sacrebleu's and the course's, and every n-gram is drawn as what it is."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sacrebleu

from engine.errors import BadInput
from engine.lab import Frame
from engine.labs.attention.bleu import LAB, Judged


def drawn(frame: Frame) -> dict[str, int]:
    """How many bars the candidate has of every kind, read from the figure."""
    words, *bars = frame.figures["Aligned n-grams"].data
    first = words["text"].index("<b>Y1</b>")
    end = words["y"][first]
    found = {}
    for trace in bars:
        y = np.asarray(trace["y"], float)[0::4]
        found[trace["name"]] = int((y < end).sum())
    return found


def test_the_courses_two_examples() -> None:
    frame = LAB.last_frame(Judged())
    assert frame.metrics["p2"] == "4/6" and "4 of the candidate's 6 bigrams" in frame.says
    assert drawn(frame) == {"in Y1": 3, "in Y2": 1, "clipped": 1, "in none": 1}
    table = frame.tables["Counted bigrams"]
    assert table["n-gram"] == ["the cat", "cat the", "cat on", "on the", "the mat", "Sum"]
    assert table["Count"] == [2, 1, 1, 1, 1, 6] and table["Count clip"] == [1, 0, 1, 1, 1, 4]
    assert table["In Y1"] == ["1", "0", "0", "1", "1", ""] and table["In Y2"] == ["0", "0", "1", "1", "1", ""]
    seven = LAB.last_frame(Judged(**LAB.presets["The, seven times"]))
    assert seven.metrics["p1"] == "2/7" and drawn(seven) == {"in Y1": 2, "clipped": 5}


@pytest.mark.parametrize("name", ["", *LAB.presets])
def test_the_score_is_sacrebleus(name: str) -> None:
    params = Judged(**LAB.presets.get(name, {}))
    tokens = {"words": "13a", "characters": "char"}[params.unit]
    metric = sacrebleu.BLEU(smooth_method=params.smoothing, effective_order=True, lowercase=True, tokenize=tokens)
    expected = metric.sentence_score(params.candidate, [r for r in (params.first, params.second, params.third) if r])
    frame = LAB.last_frame(params)
    assert float(frame.metrics["BLEU"]) == pytest.approx(expected.score / 100, abs=6e-5)
    assert float(frame.metrics["Brevity penalty"]) == pytest.approx(expected.bp, abs=6e-5)
    bars = frame.figures["Precision"].data[0]
    np.testing.assert_allclose(100 * np.asarray(bars["y"], float), expected.precisions, rtol=1e-5)
    levels = {trace["name"]: float(trace["y"][0]) for trace in frame.figures["Precision"].data[1:]}
    assert levels["BLEU"] == pytest.approx(expected.score / 100, abs=1e-9)
    assert levels["geometric mean"] * expected.bp == pytest.approx(levels["BLEU"], abs=1e-9)


def test_the_penalty_is_read_at_the_candidates_length() -> None:
    frame = LAB.last_frame(Judged(candidate="on the mat", n=1))
    curve, here = frame.figures["Brevity penalty"].data
    assert float(here["x"][0]) == 3 and float(here["y"][0]) == pytest.approx(math.exp(1 - 7 / 3))
    x, y = (np.asarray(curve[axis], float) for axis in "xy")
    np.testing.assert_allclose(y, np.minimum(1, np.exp(1 - 7 / x)), rtol=1e-5)


def test_a_third_reference_counts_and_empty_ones_do_not() -> None:
    with_third = Judged(third="The cat the cat sat.", second="")
    frame = LAB.last_frame(with_third)
    assert frame.metrics["p2"] == "5/6" and drawn(frame)["in Y2"] == 3
    with pytest.raises(BadInput, match="at least one of the three"):
        LAB.last_frame(Judged(first="", second=" ", third=""))


@pytest.mark.parametrize("candidate", ["", "mat", "<b>&x</b>", "a " * 100, "שלום עולם", "😀 \u200f \x07", "x" * 200])
def test_any_candidate_is_drawn(candidate: str) -> None:
    frame = LAB.last_frame(Judged(candidate=candidate, third=candidate, n=3))
    assert 0 <= float(frame.metrics["BLEU"]) <= 1 and all("<b>&x" not in str(f.data) for f in frame.figures.values())
    if not candidate:
        assert float(frame.metrics["BLEU"]) == 0 and "too short" in frame.says


def test_zero_is_explained_and_smoothing_lifts_it() -> None:
    plain = LAB.last_frame(Judged(candidate="the mat has a cat on it"))
    smooth = LAB.last_frame(Judged(candidate="the mat has a cat on it", smoothing="exp"))
    assert plain.metrics["BLEU"] == "0.0000" and "order 4" in plain.note
    assert float(smooth.metrics["BLEU"]) > 0.2 and not smooth.note


def test_mistakes_are_computed() -> None:
    mean = LAB.mistakes["bleu-log"](Judged())
    p = (5 / 7, 4 / 6, 2 / 5, 1 / 4)
    assert f"{math.exp(sum(p) / 4):.3f}" in mean.wrong and f"{math.prod(p) ** 0.25:.3f}" in mean.right
    seven = LAB.mistakes["bleu-seven"](Judged())
    assert "6/6, clipped 2/6" in seven.wrong and "7/7, clipped 2/7" in seven.right
