"""The builder: what it counts against torch.nn, what it shows against autograd and scikit-learn, and that it learns."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from sklearn.metrics import confusion_matrix
from torch import nn

from engine.data import tables
from engine.errors import BadInput
from engine.examples import load
from engine.functional import mlp
from engine.labs.foundations import deep_network
from engine.labs.foundations.deep_network import LAB, DeepNetwork, hidden_layers, lightened
from engine.params import parse
from engine.results import network as results
from engine.results.confusion import confusion
from engine.seeding import generator
from engine.snapshot import snapshot
from engine.training import Recipe, fit

MODULES = {"tanh": nn.Tanh, "relu": nn.ReLU, "sigmoid": nn.Sigmoid}
BUILT = [
    ({}, [2, 8, 8, 8, 1]),
    ({"layers": 0}, [2, 1]),
    ({"layers": 6, "units": 3}, [2, 3, 3, 3, 3, 3, 3, 1]),
    ({"sizes": "16, 8  4"}, [2, 16, 8, 4, 1]),
    ({"examples": "breast-cancer", "layers": 1, "units": 64}, [30, 64, 1]),
    ({"examples": "wine", "sizes": "5"}, [13, 5, 3]),
    ({"examples": "digits", "sizes": "32;16"}, [64, 32, 16, 10]),
    ({"examples": "suns", "layers": 1, "units": 9}, [432, 9, 1]),
]


def share(frame, name):
    return float(frame.metrics[name].rstrip("%")) / 100


def torch_network(sizes, activation="tanh"):
    layers = []
    for n_in, n_out in pairwise(sizes):
        layers += [nn.Linear(n_in, n_out), MODULES[activation]()]
    return nn.Sequential(*layers[:-1])


@pytest.mark.parametrize(("changed", "sizes"), BUILT)
def test_the_parameter_count_is_torchs(changed, sizes):
    frame = next(LAB.run(DeepNetwork(**changed)))
    net = torch_network(sizes)
    expected = sum(p.numel() for p in net.parameters())
    table = frame.tables["Layers"]
    assert frame.metrics["Parameters"] == f"{expected:,}" and f"{expected:,} parameters" in frame.says
    assert table["Parameters"] == [sum(p.numel() for p in m.parameters()) for m in net if isinstance(m, nn.Linear)]
    assert table["W"] == [str(tuple(m.weight.shape)) for m in net if isinstance(m, nn.Linear)]
    assert table["Units"] == sizes[1:] and table["b"] == [f"({n}, 1)" for n in sizes[1:]]
    assert table["Activation"][-1] == ("sigmoid" if sizes[-1] == 1 else "softmax")


@pytest.mark.parametrize("text", ["8, 0", "8, x", "129", "-3", "1.5", ", ".join(["2"] * 21), "9" * 70])
def test_units_that_cannot_be_are_named(text):
    with pytest.raises(BadInput, match="at most 20 whole numbers from 1 to 128"):
        hidden_layers(DeepNetwork(sizes=text))


@pytest.mark.parametrize("activation", MODULES)
@pytest.mark.parametrize("sizes", [[3, 7, 5, 4], [2, 6, 6, 1]])
def test_the_spreads_are_of_what_autograd_finds(sizes, activation):
    draw = generator(1)
    x, y = torch.randn(150, sizes[0], generator=draw), torch.randint(0, max(2, sizes[-1]), (150,), generator=draw)
    net = torch_network(sizes, activation)
    params = [p.detach().clone() for p in net.parameters()]
    activations, z = [], x
    for module in net:
        z = module(z)
        activations += [] if isinstance(module, nn.Linear) else [z.detach()]
    if sizes[-1] == 1:
        cost, output = nn.functional.binary_cross_entropy_with_logits(z[:, 0], y.float()), torch.sigmoid(z)
    else:
        cost, output = nn.functional.cross_entropy(z, y), torch.softmax(z, -1)
    cost.backward()
    found = results.layer_spreads(params, (x, y.float() if sizes[-1] == 1 else y), activation)
    linear = [m for m in net if isinstance(m, nn.Linear)]
    pairs = [
        (found.weights, [m.weight for m in linear]),
        (found.activations, [*activations, output]),
        (found.gradients, [m.weight.grad for m in linear]),
    ]
    for spread, tensors in pairs:
        expected = [np.quantile(t.detach().numpy(), (0.05, 0.25, 0.5, 0.75, 0.95)) for t in tensors]
        np.testing.assert_allclose(spread.quantiles, expected, rtol=0, atol=1e-6)


def test_the_confusion_is_sklearns():
    draw = generator(0)
    labels, chosen = (torch.randint(0, 4, (300,), generator=draw) for _ in range(2))
    found = confusion(list("abcd"), labels, chosen)
    np.testing.assert_array_equal(found.counts, confusion_matrix(labels, chosen))
    assert confusion("ab", torch.zeros(3), torch.zeros(3)).counts.tolist() == [[3, 0], [0, 0]]


def test_the_confusion_shown_is_of_the_dev_set_and_agrees_with_its_accuracy():
    frame = LAB.last_frame(parse(DeepNetwork, {**LAB.presets["Digits"], "steps": 300}))
    cells = frame.figures["Confusion, dev set"].data[0]
    counts = np.array(cells.text).astype(int)
    assert counts.sum() == 359, "a fifth of 1797"
    assert counts.trace() / counts.sum() == pytest.approx(share(frame, "Dev accuracy"), abs=5e-4)


@pytest.mark.parametrize("shape", [(8, 8, 1), (4, 3, 3)])
def test_weight_pictures_are_the_rows_of_w(shape):
    W = torch.randn(40, int(np.prod(shape)), generator=generator(0))
    found = results.weight_pictures(W, shape)
    norms = W.norm(dim=1)
    assert set(found.unit - 1) == set(norms.argsort(descending=True)[:25].tolist())
    for unit, picture in zip(found.unit, found.weights, strict=True):
        row = W[unit - 1].reshape(shape)
        np.testing.assert_allclose(picture, row / row.abs().max(), rtol=1e-6)


def test_the_sketch_holds_every_weight_of_a_small_network_and_the_ends_of_a_wide_one():
    params = mlp.initialize([3, 4, 20, 1], generator(0))
    found = results.sketch(params)
    assert found.sizes == (3, 4, 20, 1)
    np.testing.assert_allclose(found.weights[0], params[0] / params[0].abs().max())
    assert found.units[2].tolist() == [0, 1, 2, 3, 16, 17, 18, 19]
    scaled = params[2] / params[2].abs().max()
    np.testing.assert_allclose(found.weights[1], scaled[found.units[2]])


@pytest.mark.parametrize(
    ("name", "least"), [("One wide layer", 0.95), ("Cancer cells", 0.93), ("Digits", 0.93), ("Suns and moons", 0.95)]
)
def test_it_learns_points_tables_and_pictures(name, least):
    changed = {**LAB.presets[name], "steps": min(1000, DeepNetwork(**LAB.presets[name]).steps)}
    frame = LAB.last_frame(DeepNetwork(**changed))
    assert share(frame, "Dev accuracy") >= least
    picture = "First layer's weights" in frame.figures
    assert picture == (changed.get("examples") in ("digits", "suns"))
    assert ("Boundary" in frame.figures) == ("examples" not in changed)


def test_without_a_hidden_layer_the_spiral_stays_tangled():
    assert share(LAB.last_frame(DeepNetwork(layers=0, steps=1000)), "Dev accuracy") < 0.75


def test_deep_sigmoid_layers_hardly_learn_and_their_first_gradients_vanish():
    frame = LAB.last_frame(DeepNetwork(**LAB.presets["Six sigmoid layers"], steps=500))
    assert share(frame, "Train accuracy") < 0.6
    box = frame.figures["Gradients"].data[0]
    height = np.array(box.upperfence) - np.array(box.lowerfence)
    assert height[0] < 0.01 * height[-1]


def test_own_table_with_two_columns_and_three_classes_shows_its_confusion():
    rows = "\n".join(f"{i % 7},{i % 5},{'abc'[i % 3]}" for i in range(60))
    own = tables.table(f"u,v,class\n{rows}".encode(), "own.csv")
    frame = LAB.last_frame(DeepNetwork(examples=own, steps=5))
    assert np.array(frame.figures["Confusion, dev set"].data[0].text).shape == (3, 3)


def test_an_overflow_is_told_and_its_remedy_works():
    changed = LAB.presets["Too fast"]
    *_, frame = LAB.run(DeepNetwork(**changed))
    assert "overflowed" in frame.diverged and frame.progress == 1.0
    assert np.isfinite(np.array(frame.figures["Cost"].data[0].y)).all()
    mended = LAB.last_frame(DeepNetwork(**{**changed, **frame.remedy, "steps": 500}))
    assert not mended.diverged and share(mended, "Train accuracy") > 0.8


def test_only_the_last_two_steps_keep_their_parameters():
    params = DeepNetwork(points=40)
    data = load(params, generator(0))
    start = mlp.initialize([2, 8, 1], generator(1))
    steps = fit(start, data.train, data.dev, Recipe("tanh", 0.1), 20, every=1)
    for history in lightened(steps):
        assert [len(step.flat) for step in history] == [0] * (len(history) - 2) + [33] * min(2, len(history))
    assert len(history) == 21 and all(step.finite for step in history)


def test_the_largest_frames_travel_light():
    for changed in ({"layers": 20, "units": 128}, {"examples": "suns", "units": 64}, {"examples": "digits"}):
        figures = snapshot(next(LAB.run(DeepNetwork(**changed, points=2000)))).figures
        assert sum(map(len, figures.values())) < 125_000


def test_the_network_is_drawn_with_every_unit_and_its_strong_weights():
    frame = next(LAB.run(DeepNetwork(layers=2, units=3)))
    traces = {trace.name: trace for trace in frame.figures["Network"].data}
    assert len(traces["units"].x) == 2 + 3 + 3 + 1
    lines = [t for t in frame.figures["Network"].data if t.mode == "lines"]
    drawn = sum(len(t.x) // 3 for t in lines)
    start = mlp.initialize([2, 3, 3, 1], generator(0, 1), "xavier")
    expected = sum(int((W.abs() >= 0.1 * W.abs().max()).sum()) for W in start[::2])
    assert drawn == expected


def test_a_recipe_is_what_the_controls_say(monkeypatch):
    seen = []
    real = deep_network.fit
    monkeypatch.setattr(deep_network, "fit", lambda *given, **more: seen.append(given) or real(*given, **more))
    next(LAB.run(DeepNetwork(optimizer="momentum", rate=0.5, batch=16, activation="relu", start="he", steps=7)))
    start, _, _, recipe, steps = seen[0]
    assert (recipe.update.__name__, recipe.rate, recipe.batch, recipe.activation, steps) == (
        "momentum", 0.5, 16, "relu", 7,
    )  # fmt: skip
    assert torch.equal(start[2], mlp.initialize([2, 8, 8, 8, 1], generator(0, 1), "he")[2])
