from itertools import product

import pytest
import torch

from engine.errors import BadInput
from engine.labs.cnns.inception import LAB, InceptionParams
from engine.models.inception import BRANCHES, GOOGLENET, Inception
from engine.results.inception import googlenet, module, reach
from engine.seeding import generator

# Millions of multiplications: Szegedy et al. 2014, table 1. Module 5a is left out: the table's widths don't give its sum.
PAPER = {"3a": 128, "3b": 304, "4a": 73, "4b": 88, "4c": 100, "4d": 119, "4e": 170, "5b": 71}


def test_the_courses_example_is_exact() -> None:
    direct, thinned = (module("3a", bottleneck)[2] for bottleneck in (False, True))
    assert direct.multiplications == 28 * 28 * 32 * 5 * 5 * 192 == 120_422_400
    assert [step.multiplications for step in thinned.steps] == [28 * 28 * 16 * 192, 28 * 28 * 32 * 5 * 5 * 16]
    assert thinned.multiplications == 12_443_648
    frame = LAB.last_frame(InceptionParams())
    assert frame.metrics["5 × 5 directly"] == "120 M" and frame.metrics["5 × 5 behind bottleneck"] == "12.4 M"
    assert "120,422,400" in frame.says and "12,443,648" in frame.says
    assert frame.metrics["Channels out"] == "256"


@pytest.mark.parametrize("name", GOOGLENET)
def test_every_module_by_hand_and_by_the_paper(name: str) -> None:
    w = GOOGLENET[name]
    n = w.side**2
    thinned = [w.channels * w.one, w.channels * w.less3 + 9 * w.less3 * w.three]
    thinned += [w.channels * w.less5 + 25 * w.less5 * w.five, w.channels * w.pool]
    direct = [w.channels * w.one, 9 * w.channels * w.three, 25 * w.channels * w.five, 0]
    assert [branch.multiplications for branch in module(name, True)] == [n * each for each in thinned]
    assert [branch.multiplications for branch in module(name, False)] == [n * each for each in direct]
    if name in PAPER:
        assert sum(n * each for each in thinned) / 1e6 == pytest.approx(PAPER[name], abs=1)


@pytest.mark.parametrize("switches", list(product((False, True), repeat=4))[1:])
def test_switched_branches_are_what_is_concatenated(switches: tuple[bool, ...]) -> None:
    names = [name for name, on in zip(BRANCHES, switches, strict=True) if on]
    for bottleneck in (False, True):
        built = Inception(GOOGLENET["3a"], names, bottleneck)
        out = built(torch.zeros(1, 192, 28, 28))
        params = InceptionParams(
            **dict(zip(("one", "three", "five", "pool"), switches, strict=True)), bottleneck=bottleneck
        )
        frame = LAB.last_frame(params)
        assert frame.metrics["Channels out"] == str(out.shape[1]) and out.shape[2:] == (28, 28)
        assert [trace.name for trace in frame.figures["Concatenated channels"].data] == names
        assert sum(trace.x[0] for trace in frame.figures["Concatenated channels"].data) == out.shape[1]


def test_the_module_is_torchvisions_but_for_its_normalization_and_its_3_x_3() -> None:
    from torchvision.models.googlenet import Inception as Theirs

    own, theirs = Inception(GOOGLENET["3a"]).eval(), Theirs(192, 64, 96, 128, 16, 32, 32).eval()
    x = torch.rand(1, 192, 6, 6, generator=generator(0))
    with torch.no_grad():
        for branch, name in zip(("1 × 1", "3 × 3", "pool"), ("branch1", "branch2", "branch4"), strict=True):
            for layer, conv in zip(
                [m for m in own.branches[branch] if hasattr(m, "weight")],
                [m.conv for m in getattr(theirs, name).modules() if hasattr(m, "conv")],
                strict=True,
            ):
                layer.weight.copy_(conv.weight)
                layer.bias.zero_()
            # A fresh normalization divides by the root of 1.001, once or twice.
            torch.testing.assert_close(own.branches[branch](x).relu(), getattr(theirs, name)(x), rtol=2e-3, atol=1e-4)


def test_googlenet_and_its_heads_are_torchvisions() -> None:
    from torchvision.models import googlenet as theirs

    with torch.device("meta"):
        network = theirs(weights=None, aux_logits=True, init_weights=False)
    parts = {part.name: part for part in googlenet()}
    total = sum(p.numel() for p in network.parameters())
    assert sum(part.parameters for part in parts.values()) == total
    for label, path in (("head 1", "aux1"), ("head 2", "aux2"), ("4d", "inception4d")):
        assert parts[label].parameters == sum(p.numel() for p in getattr(network, path).parameters())
    order = list(parts)
    assert order.index("head 1") == order.index("4a") + 1 and order.index("head 2") == order.index("4d") + 1
    assert all(part.published > part.torchvision for part in parts.values() if part.kind == "module")


def test_what_a_head_weighs_is_the_gradient_that_autograd_finds() -> None:
    """Each module a factor, each loss the product of the factors before it: its slope counts the losses that pass."""
    weight = 0.3
    factors = {name: torch.tensor(1.0, dtype=torch.float64, requires_grad=True) for name in GOOGLENET}
    signal, losses = torch.tensor(1.0, dtype=torch.float64), {}
    for name, factor in factors.items():
        signal = signal * factor
        losses[name] = signal
    cost = losses["5b"] + weight * (losses["4a"] + losses["4d"])
    slopes = torch.autograd.grad(cost, list(factors.values()))
    assert [sum(w) for w in reach(weight).values()] == pytest.approx([float(slope) for slope in slopes])
    assert LAB.last_frame(InceptionParams(weight=0.5)).figures["Loss that reaches a module"].data[2].y[0] == 0.5


def test_no_branch_at_all_is_refused_in_a_sentence() -> None:
    with pytest.raises(BadInput, match="At least one branch"):
        LAB.last_frame(InceptionParams(one=False, three=False, five=False, pool=False))
