"""The attention lab: dates become ISO, rows sum to 1, an overwritten weight changes what is written, cost is counted."""

import math

import numpy as np
import pytest
import torch

from engine.data.dates import LONGEST
from engine.errors import BadInput
from engine.lab import Event
from engine.labs.attention.attention import LAB, TY, Attention, overwriting, quadratic
from engine.results.attending import looking


def last(**changed):
    return LAB.last_frame(Attention(**changed))


def weights(frame):
    return np.asarray(frame.figures["Attention"].data[0].z, np.float64)


@pytest.mark.parametrize(
    ("written", "iso"),
    [
        ("Saturday the 9th of May 1998", "1998-05-09"),
        ("3rd of May 2009", "2009-05-03"),
        ("May 3, 2009", "2009-05-03"),
        ("3/5/09", "2009-03-05"),
        ("3.5.09", "2009-05-03"),
        ("Dienstag, den 3. März 1987", "1987-03-03"),
        ("le 1er janvier 1848", "1848-01-01"),
        ("4 JULY 1776", "1776-07-04"),
    ],
)
def test_typed_dates_become_iso(written, iso):
    frame = last(written=written)
    assert frame.metrics["Answer"] == iso and f"the rule and the calendar say {iso} too" in frame.note
    assert f"as {iso}" in frame.says


@pytest.mark.parametrize("changed", [{}, {"overwrite": "one", "value": 0.3}, {"overwrite": "all"}, {"written": "x"}])
def test_every_row_sums_to_one_and_says_so(changed):
    frame = last(**changed)
    np.testing.assert_allclose(weights(frame).sum(1), 1, atol=1e-5)
    assert frame.metrics["Sum of every row"] == "1.0000 to 1.0000"
    assert set(frame.tables["Step by step"]["Sum of row"]) == {"1.0000"}


def test_an_overwritten_weight_changes_what_is_written_and_scales_the_rest():
    own, changed = last(), last(overwrite="one", t=7, at=14, value=0.9)
    assert (changed.metrics["Untouched"], changed.metrics["Overwritten"]) == ("1998-05-09", "1998-09-09")
    before, after = weights(own)[6], weights(changed)[6]
    assert after[13] == pytest.approx(0.9)
    others = np.arange(28) != 13
    np.testing.assert_allclose(after[others], before[others] * 0.1 / before[others].sum(), atol=1e-6)
    np.testing.assert_allclose(weights(changed)[:6], weights(own)[:6], atol=1e-6)
    assert "now writes 1998-09-09" in changed.says


def test_a_click_overwrites_and_other_clicks_do_not():
    params = Attention()
    assert LAB.respond(params, Event("click", "Attention", 14.2, 6.8)) == {"t": 7, "at": 14, "overwrite": "one"}
    kept = LAB.respond(Attention(overwrite="all"), Event("click", "Attention", 3, 2))
    assert kept == {"t": 2, "at": 3, "overwrite": "all"}
    for x, y in ((0.2, 3), (LONGEST + 1, 3), (3, 0), (3, TY + 1), (math.nan, 3)):
        assert LAB.respond(params, Event("click", "Attention", x, y)) == {}
    assert LAB.respond(params, Event("click", "Row t", 3, 3)) == {}


def test_what_is_overwritten():
    assert overwriting(Attention(), 28) == {}
    edits = overwriting(Attention(overwrite="one", t=3, at=40, value=0.5), 5)
    assert list(edits) == [2] and edits[2][4] == 0.5 and edits[2][:4].isnan().all()
    assert len(overwriting(Attention(overwrite="all"), 5)) >= TY


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (
            "30 February 2009",
            "February 2009 has 28 days. The network writes 2009-02-30 all the same, no day",
        ),
        ("29.2.1900", "There is no day 29: February 1900 has 28 days."),
        ("2009-13-05", "There is no month 13."),
        ("tomorrow", "There is no date here"),
        ("3/5/09", "Two numbers here could be the month"),
        ("1 april 1234", "It learned years from 1600 to 2199 only."),
        ("Saturday the 9th of May 1998 in the early afternoon", "Only the first 40 letters are read."),
        ("3 мая 2009", "It knows no sign"),
    ],
)
def test_impossible_and_strange_dates_are_told(written, told):
    frame = last(written=written)
    assert told in frame.note and frame.metrics["Answer"]


def test_no_day_of_the_calendar_is_marked():
    assert last(written="30 February 2009").metrics["Answer"] == "2009-02-30 ✗"


def test_nothing_typed_is_refused():
    with pytest.raises(BadInput, match="must have a letter or a digit"):
        last(written="   ")


def test_the_cost_is_counted_not_taken_on_trust():
    mistake = quadratic(Attention(written="x" * 20))
    assert "20 letters and 11 outputs take 220" in mistake.right
    assert "440: 2 times" in mistake.right and "880, 4 times" in mistake.right
    assert looking(3, 5).shape == (3, 5)
    torch.testing.assert_close(looking(3, 5).sum(1), torch.ones(3))
    frame = last()
    assert frame.metrics["Weights Tx · Ty"] == "28 · 11 = 308" == f"28 · 11 = {weights(frame).size}"
    assert "Cost of looking" in frame.figures


def test_it_learns_here():
    frames = list(LAB.frames(Attention(network="live", forms=1, updates=120)))
    assert frames[0].progress == 0 and frames[-1].progress == 1
    exact = [float(frame.says.split("updates ")[1].split("%")[0]) for frame in frames]
    assert exact[0] == 0 and exact[-1] >= 50


def test_a_rate_too_high_is_told():
    frame = last(network="live", rate=1.0, updates=10, units=8)
    assert frame.progress == 1 and (not frame.diverged or frame.remedy)
