"""Errors blamed on the search or the network: both cases on a table worked by hand, and counts by plain counting."""

from __future__ import annotations

import math

import pytest
import torch

from engine.data.translations import Pair
from engine.errors import BadInput
from engine.functional.beams import beam_searches
from engine.functional.decoding import Hypothesis, beam_search, step_of_table
from engine.lab import Event, Frame
from engine.labs.attention.beam_errors import LAB, WIDTHS, Blamed, drawn, translator
from engine.models.translator import EOS, LONGEST, TARGET_ROWS, english, read
from engine.results.translation import Searches, blame, judged

A, B, C = (TARGET_ROWS[word] for word in ("jane", "paul", "rome"))


@pytest.fixture(scope="module")
def frame() -> Frame:
    return LAB.last_frame(Blamed())


# P(next word | words so far): greedy takes "jane" (0.6), after which nothing is likely; "paul rome" has 0.4 · 0.9.
TABLE = {(): {A: 0.6, B: 0.4}, (A,): {EOS: 0.3, C: 0.3, A: 0.4}, (B,): {C: 0.9, EOS: 0.1}, (A, A): {EOS: 1.0}}


def row(prefix: tuple[int, ...]) -> torch.Tensor:
    chances = torch.full((len(TARGET_ROWS) + 1,), 1e-12, dtype=torch.float64)
    for token, p in TABLE.get(tuple(prefix), {EOS: 1.0}).items():
        chances[token] = p
    return chances.log()


def of_table(width: int) -> list[Hypothesis]:
    step, start = step_of_table(row), torch.empty(1, 0, dtype=torch.long)
    return beam_searches(step, row(())[None], start, width=width, eos=EOS, longest=6)[0]


def test_beam_search_is_at_fault_where_the_network_knew_better() -> None:
    pair = Pair(("paul", "."), ("paul", "rome"))
    each = judged(pair, math.log(0.4 * 0.9), of_table(1), 0.0, 0.0)
    assert each.found == ("jane", "jane") and each.found_log == pytest.approx(math.log(0.6 * 0.4))
    assert each.blame == "beam"
    assert judged(pair, math.log(0.4 * 0.9), of_table(2), 0.0, 0.0).blame == "right"


@pytest.mark.parametrize("width", [1, 2, 20])
def test_the_network_is_at_fault_where_it_prefers_the_wrong(width: int) -> None:
    pair = Pair(("paul", "."), ("paul",))
    each = judged(pair, math.log(0.4 * 0.1), of_table(width), 0.0, 0.0)
    assert each.blame == "model" and each.found_log > each.reference_log


def test_what_the_search_ranks_by_must_be_compared() -> None:
    """log P* = -4 over 8 tokens and log P^ = -3 over 4: P blames the network, the mean, which was sought, the search."""
    pair = Pair(("jane",), tuple("abcdefg"))
    found = [Hypothesis((A, B, C, EOS), -3.0, -3.0, True)]
    assert judged(pair, -4.0, found, 1.0, 0.0).blame == "model"
    each = judged(pair, -4.0, found, 1.0, 1.0)
    assert each.blame == "beam"
    assert (each.reference_score, each.found_score) == pytest.approx((-0.5, -0.75))


def test_the_normalised_score_chooses_among_hypotheses() -> None:
    short, long = Hypothesis((A, EOS), -2.0, -2.0, True), Hypothesis((A, B, C, EOS), -3.0, -3.0, True)
    pair = Pair(("jane",), ("jane", "paul", "rome"))
    assert judged(pair, -3.0, [short, long], 0.0, 0.0).found == ("jane",)
    assert judged(pair, -3.0, [short, long], 1.0, 1.0).blame == "right"


def test_a_tie_is_the_networks_fault() -> None:
    assert [blame(True, -1, -2), blame(False, -1, -2), blame(False, -2, -1), blame(False, -1, -1)] == [
        "right", "beam", "model", "model"
    ]  # fmt: skip


@pytest.mark.parametrize(("width", "alpha"), [(1, 0.0), (3, 0.0), (10, 0.7)])
def test_counts_are_those_of_plain_counting(frame: Frame, width: int, alpha: float) -> None:
    """Every tenth sentence searched alone, and log P of its reference added up step by step."""
    params = Blamed(width=width, alpha=alpha)
    network, found = translator(params), frame.state
    assert isinstance(found, Searches)
    rows = found.judged(width, alpha, alpha)
    for row, pair in list(zip(rows, drawn(params), strict=True))[::10]:
        with torch.inference_mode():
            first, state = network.decoder.first(*network.encode(*read([pair.source])))
            best, *_ = beam_search(
                network.decoder.step, first, state, width=width, eos=EOS, longest=LONGEST, alpha=alpha
            ).found
            log, chances, behind = 0.0, first, state
            for token in [*(TARGET_ROWS[word] for word in pair.target), EOS]:
                log += float(chances[0, token])
                chances, behind = network.decoder.step(torch.tensor([token]), behind)
        score = log / (len(pair.target) + 1) ** alpha
        expected = "right" if english(best.tokens) == pair.target else "beam" if score > best.score else "model"
        assert (row.found, row.blame) == (english(best.tokens), expected)
        assert row.reference_log == pytest.approx(log, abs=1e-3)
    shown = LAB.seen(params, frame).metrics
    beam = sum(row.found != row.reference and row.reference_score > row.found_score for row in rows)
    wrong = sum(row.found != row.reference for row in rows)
    assert shown["Wrong"] == f"{wrong} of {len(rows)}"
    assert shown["Beam search at fault"].startswith(f"{beam} ") and shown["RNN at fault"].startswith(f"{wrong - beam} ")


def test_a_wider_beam_takes_the_blame_from_the_search(frame: Frame) -> None:
    found = frame.state
    assert set(found.found) == set(WIDTHS) == set(range(1, 21))
    by = {w: [row.blame for row in found.judged(w, 0.0, 0.0)].count("beam") for w in (1, 2, 20)}
    assert by[1] > by[2] > by[20]
    assert by[1] >= 10


def test_the_slider_makes_no_new_run_and_clicks_choose(frame: Frame) -> None:
    assert {"width", "alpha", "normalised", "error"} == set(LAB.views)
    wide = LAB.seen(Blamed(width=20, error=3), frame)
    assert "B = 20" in wide.says and wide.tables["Errors, one by one"]["Error"][2] == 3
    noted = LAB.seen(Blamed(alpha=1.0, normalised=False), frame).note
    assert "blamed otherwise" in noted
    assert LAB.respond is not None
    assert LAB.respond(Blamed(), Event("click", "Errors", 4.2, 0.0)) == {"error": 4}
    assert LAB.respond(Blamed(), Event("click", "Blame", 25.0, 0.0)) == {"width": 20}


def test_lengths_that_no_sentence_has_are_told() -> None:
    with pytest.raises(BadInput, match="French words"):
        drawn(Blamed(lengths=(3, 3.5), sentences=400))
