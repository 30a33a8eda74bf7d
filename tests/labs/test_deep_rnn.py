"""Deep RNN: what depth brings over seeds, with as many units and with as many numbers, and the grid of activations."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from engine.data.nested import TASKS
from engine.lab import Frame
from engine.labs.sequence_models.deep_rnn import DEPTHS, LAB, Depths, build, material, size, widths
from engine.models.tagger import weights_each


@pytest.fixture(scope="module")
def trained() -> Frame:
    torch.set_num_threads(1)
    return LAB.last_frame(Depths())


def by_torch(frame: Frame, params: Depths, layers: int, start: int, x: torch.Tensor) -> torch.Tensor:
    """Logits of one start by torch.nn.RNN with ``num_layers``."""
    state, width = frame.state[layers - 1], widths(params)[layers - 1]
    rnn = nn.RNN(width, width, layers, batch_first=True)
    with torch.no_grad():
        for layer in range(layers):
            getattr(rnn, f"weight_ih_l{layer}").copy_(state[f"Wax.{layer}"][start].T)
            getattr(rnn, f"weight_hh_l{layer}").copy_(state[f"Waa.{layer}"][start].T)
            getattr(rnn, f"bias_ih_l{layer}").copy_(state[f"ba.{layer}"][start, 0])
            getattr(rnn, f"bias_hh_l{layer}").zero_()
        return rnn(state["embed"][start][x])[0] @ state["Wya"][start] + state["by"][start]


def measured(frame: Frame, params: Depths) -> list[np.ndarray]:
    """Held-out accuracies (starts,) of each depth."""
    _, (x, y) = material(params.task, params.seed)
    every = [[by_torch(frame, params, n, k, x).argmax(-1) == y for k in range(params.starts)] for n in DEPTHS]
    return [np.array([float(hit.float().mean()) for hit in hits]) for hits in every]


def test_accuracies_are_those_that_torch_measures(trained: Frame) -> None:
    for name, values in zip(("1 layer", "2 layers", "3 layers"), measured(trained, Depths()), strict=True):
        assert float(trained.metrics[name].rstrip("%")) / 100 == pytest.approx(values.mean(), abs=0.0006)


def test_two_layers_beat_one_of_the_same_width_over_all_starts(trained: Frame) -> None:
    one, two, three = measured(trained, Depths())
    assert one.min() > 0.8 and two.min() > one.mean() and three.mean() > one.mean() + 0.01
    assert two.mean() >= one.mean() + 0.02


def test_with_as_many_numbers_the_lead_is_gone() -> None:
    params = Depths(same="numbers", width=5)
    sizes = [weights_each(build(params, n)) for n in DEPTHS]
    assert max(sizes) / min(sizes) < 1.12
    means = [values.mean() for values in measured(LAB.last_frame(params), params)]
    assert max(means) - min(means) < 0.02


def test_sizes_are_counted_rightly() -> None:
    for params in (Depths(), Depths(task="bits", width=3), Depths(same="numbers")):
        task = TASKS[params.task]
        for n, width in zip(DEPTHS, widths(params), strict=True):
            expected = size(width, n, len(task.signs), len(task.answers))
            assert weights_each(build(params, n)) == expected


def test_held_out_sequences_are_new() -> None:
    for task in TASKS:
        (x, _), (held, _) = material(task, 0)
        assert len(held) >= 100 and not set(map(tuple, x.tolist())) & set(map(tuple, held.tolist()))


def test_the_grid_holds_every_unit_of_every_layer_at_every_time(trained: Frame) -> None:
    signs = "([/{(//[{//"
    for look in DEPTHS:
        frame = LAB.seen(Depths(look=look), trained)
        figure = frame.figures["Every unit over time"]
        sheet = figure.data[0]["z"]
        assert sheet.shape == (look * 8 + look - 1, len(signs))
        x = torch.tensor([[TASKS["brackets"].signs.index(s) for s in signs]])
        state = trained.state[look - 1]
        a = state["embed"][0][x]
        for layer in range(look):
            rnn = nn.RNN(8, 8, batch_first=True)
            with torch.no_grad():
                rnn.weight_ih_l0.copy_(state[f"Wax.{layer}"][0].T)
                rnn.weight_hh_l0.copy_(state[f"Waa.{layer}"][0].T)
                rnn.bias_ih_l0.copy_(state[f"ba.{layer}"][0, 0])
                rnn.bias_hh_l0.zero_()
                a, _ = rnn(a)
            assert np.abs(sheet[9 * layer : 9 * layer + 8] - a[0].T.numpy()).max() <= 0.0051
        assert len(figure.data[1]["text"]) == len(signs)


@pytest.mark.parametrize(
    ("text", "said"), [("", ""), ("abc", "None of the signs"), ("(x[", "Only the signs"), ("(" * 40, "first 24")]
)
def test_any_sequence_is_read(trained: Frame, text: str, said: str) -> None:
    frame = LAB.seen(Depths(sequence=text), trained)
    assert said in frame.note and (frame.note == "") is (said == "")
