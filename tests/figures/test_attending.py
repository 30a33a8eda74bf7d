"""Figures of attention: every sum is shown, every head has its place, nothing hides."""

import numpy as np
import pytest
import torch

from engine.figures import attending as figures
from engine.models.attending import Written
from engine.results.attending import Heads, aligned, attended, growth, letter_by_letter, looking, recurred

TOKENS = torch.tensor([1, 9, 10, 11])


def run(edits=frozenset()):
    alpha = torch.tensor([[0.5, 0.25, 0.25]] * 4)
    logs = torch.full((4, 12), -9.0)
    logs[range(4), TOKENS] = torch.tensor([0.5, 0.8, 1.0, 1.0]).log()
    return aligned("3 <", Written(TOKENS, logs, alpha, alpha.flip(1)), edits)


def test_what_was_written_and_how_likely():
    result = run()
    assert list(result.written) == ["1", "9", "-", "end"] and result.answer == "19-"
    assert result.probability == pytest.approx(0.4, rel=1e-5)


def test_the_map_shows_every_weight_its_sum_and_what_is_overwritten():
    figure = figures.attention(run(frozenset({(2, 3)})), 1, 1)
    np.testing.assert_allclose(figure.data[0].z, [[0.5, 0.25, 0.25]] * 4)
    assert [note.text.strip() for note in figure.layout.annotations] == ["1.000"] * 4 + ["Σ of row"]
    assert [(s.x0, s.y0) for s in figure.layout.shapes] == [(2.5, 1.5), (0.5, 0.5)]
    assert list(figure.layout.xaxis.ticktext) == ["3", "␣", "&lt;"]


def test_a_row_shows_both_weights_where_they_differ():
    both = figures.row(run(), 2)
    assert [list(bar.y) for bar in both.data] == [[0.25, 0.25, 0.5], [0.5, 0.25, 0.25]]


def test_changed_characters_are_framed():
    own, used = run(), run()
    used.written[1] = "8"
    assert len(figures.chances(used, own).layout.shapes) == 1 and not figures.chances(own, own).layout.shapes


@pytest.mark.parametrize("shape", [(4, 12, 28), (4, 9, 9), (4, 28, 28), (2, 3, 4)])
def test_a_point_in_a_head_map_says_whose_it_is(shape):
    heads, Ty, Tx = shape
    result = Heads(
        np.full(shape, 1 / Tx, np.float32), "r" * Ty, "c" * Tx, frozenset({1}), np.zeros(shape[1:], bool), (Ty, Tx)
    )
    figure = figures.heads(result)
    assert len(figure.data) == heads and [trace.opacity for trace in figure.data][:2] == [1.0, 0.25]
    for head, trace in enumerate(figure.data):
        assert trace.z.shape == (Ty, Tx)
        for y in (trace.y0 - 0.4, trace.y0 + Ty - 0.6):
            for x in (trace.x0 - 0.4, trace.x0 + Tx - 0.6):
                assert figures.head_at(x, y, result.room) == head
    high = figure.layout.yaxis.range[0]
    assert high >= figure.data[-1].y0 + Ty - 1 and figure.layout.xaxis.range[1] >= figure.data[1].x0 + Tx - 1


def test_hidden_places_are_empty():
    hidden = ~np.tril(np.ones((3, 3), bool))
    figure = figures.heads(Heads(np.ones((4, 3, 3), np.float32), "abc", "abc", frozenset(), hidden, (3, 3)))
    assert all(np.array_equal(np.isnan(trace.z), hidden) for trace in figure.data)


def test_work_is_counted_and_measured():
    result = growth((4, 8, 16), {"both": lambda T: looking(T, T), "one": lambda T: looking(11, T)}, calls=1)
    assert result.counted["both"].tolist() == [16, 64, 256] and result.counted["one"].tolist() == [44, 88, 176]
    assert all((spent > 0).all() for spent in result.measured.values())
    drawn = figures.growth(result)
    np.testing.assert_allclose(drawn.data[0].y, [1, 4, 16])
    np.testing.assert_allclose(drawn.data[2].y, [1, 2, 4])


def test_self_attention_has_t_squared_weights_and_an_lstm_t_states():
    assert attended(6).shape == (4, 6, 6) and recurred(6).shape == (1, 6, 64)
    torch.testing.assert_close(attended(6).sum(-1), torch.ones(4, 6))


def test_step_by_step_beside_the_untouched():
    table = letter_by_letter(run(), run())
    assert table["Untouched"] == table["Writes"] == ["1", "9", "-", "end"]
    assert table["Looks most at"][0] == "3 (t' = 1)" and table["Sum of row"] == ["1.0000"] * 4
    assert "Untouched" not in letter_by_letter(run())
