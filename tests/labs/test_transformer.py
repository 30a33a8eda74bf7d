"""The transformer lab: every head's map, positions and masks on and off, heads that are switched off, beside the other."""

import math

import numpy as np
import pytest
import torch

from engine.data.dates import encode
from engine.errors import BadInput
from engine.lab import Event
from engine.labs.attention._heads import altered, leak, share, spelled_out, switched_off
from engine.labs.attention.transformer import LAB, Attending
from engine.models.transforming import dates


def last(**changed):
    return LAB.last_frame(Attending(**changed))


@pytest.mark.parametrize("shown", ["encoder", "decoder", "cross"])
@pytest.mark.parametrize("layer", [1, 2])
def test_every_heads_map_is_drawn_and_is_the_networks(shown, layer):
    frame = LAB.seen(Attending(shown=shown, layer=layer), last())
    x = encode(["saturday the 9th of may 1998"])[0]
    targets = torch.tensor([[1, 9, 9, 8, 10, 0, 5, 10, 0, 9, 11]])
    expected = getattr(dates().maps(x, torch.tensor([28]), targets), shown)[layer - 1, 0].numpy()
    drawn = np.stack([trace.z for trace in frame.figures["Heads"].data])
    assert drawn.shape == expected.shape and len(drawn) == 4
    np.testing.assert_allclose(np.nan_to_num(drawn), expected, atol=1e-6)
    np.testing.assert_allclose(np.nan_to_num(drawn).sum(-1), 1, atol=1e-5)


def test_the_mask_is_drawn_and_leaks_nothing():
    closed, opened = last(), last(causal=False)
    assert (np.asarray(closed.figures["Mask"].data[0].z) == np.tril(np.ones((11, 11)))).all()
    assert (np.asarray(opened.figures["Mask"].data[0].z) == 1).all()
    assert closed.metrics["Later characters leak"] == "0" and float(opened.metrics["Later characters leak"]) > 0.1
    tokens = torch.tensor([[11, 1, 9, 9, 8]])
    x = encode(["9 may 1998"])[0]
    assert leak(altered(True, True, frozenset()), x, tokens) == 0 < leak(altered(True, False, frozenset()), x, tokens)


def test_without_positions_it_can_read_nothing():
    frame = last(positions=False)
    assert (np.asarray(frame.figures["Positions"].data[0].z) == 0).all()
    assert share(positions=False) < 0.05 < 0.97 <= share()
    assert frame.metrics["Held-out exact"] == f"{share(positions=False):.1%}"


def test_heads_switch_off_one_by_one_and_together():
    off = switched_off("C2.1 C2.2 C2.3 C2.4")
    assert share(off=off) < 0.5 < share(off=switched_off("D1.3"))
    frame = last(off="C1.2 E1.1", shown="cross")
    assert [trace.opacity for trace in frame.figures["Heads"].data] == [1.0, 0.25, 1.0, 1.0]
    assert "as set here" in frame.figures["Held-out dates"].data[0].y
    assert "as set here" not in last().figures["Held-out dates"].data[0].y


def test_a_click_on_a_map_switches_its_head():
    params = Attending()
    first = LAB.respond(params, Event("click", "Heads", 5, 5))
    assert first == {"off": "C1.1"}
    assert LAB.respond(Attending(off="C1.1"), Event("click", "Heads", 5, 5)) == {"off": ""}
    below = LAB.respond(Attending(off="C1.1", shown="encoder", layer=2), Event("click", "Heads", 40, 40))
    assert switched_off(below["off"]) == {("cross", 0, 0), ("encoder", 1, 3)}
    assert LAB.respond(params, Event("click", "Mask", 5, 5)) == {}
    assert LAB.respond(params, Event("click", "Heads", math.nan, 5)) == {}


def test_lists_of_heads_are_read_and_written():
    assert switched_off(" e1.2, D2.4;c1.1 ") == {("encoder", 0, 1), ("decoder", 1, 3), ("cross", 0, 0)}
    assert switched_off("") == frozenset()
    assert switched_off(spelled_out(switched_off("E1.2 D2.4 C1.1"))) == switched_off("E1.2 D2.4 C1.1")
    for wrong in ("F1.1", "E3.1", "E1.5", "E1", "E0.1"):
        with pytest.raises(BadInput, match="Heads off must be like"):
            switched_off(wrong)


def test_it_stands_beside_the_recurrent_reader():
    frame = last()
    table = frame.tables["Beside the recurrent reader"]
    rows = dict(zip(table[""], zip(table["Transformer"], table["Recurrent"], strict=True), strict=True))
    assert rows["writes"] == ("1998-05-09", "1998-05-09")
    assert rows["weights α"] == (f"{8 * (28 * 28 + 66 + 28 * 11):,}", "308")
    assert all(float(spent) > 0 for spent in rows["milliseconds"])
    names = list(frame.figures["Held-out dates"].data[0].y)
    assert names == ["Transformer", "recurrent"]
    assert all(value >= 0.97 for value in frame.figures["Held-out dates"].data[0].x)
    counted = frame.figures["Cost as texts grow"].data[0].y
    np.testing.assert_allclose(counted[:3], [1, 4, 16])


def test_it_learns_here_and_learns_to_cheat_without_the_mask():
    def ends(**changed):
        frames = list(LAB.frames(Attending(network="live", written="3 May 1998", updates=100, forms=1, **changed)))
        curve = frames[-1].figures["Learning"].data
        return float(curve[1].y[-1]), float(curve[0].y[-1]), frames[-1]

    cost, learned, fair = ends()
    cheap, exact, cheated = ends(causal=False)
    assert cheap < 0.8 * cost and exact == 0 < 0.2 < learned
    assert "Without the mask it sees the answer" in cheated.note and "Without the mask" not in fair.note
