"""Batch normalization against PyTorch's, and what the lab shows of it."""

import pytest
import torch
from torch import nn

from engine.functional.normalization import batch_norm
from engine.labs.optimization.batch_norm import LAB, SIZES, BatchNorm
from engine.models.normalized import NormalizedMlp
from engine.seeding import generator


@pytest.mark.parametrize("training", [True, False])
def test_the_network_equals_torchs_layer_in_both_modes(training):
    net = NormalizedMlp(SIZES, generator(0), normalized=True)
    theirs = [nn.BatchNorm1d(n, eps=1e-5, momentum=0.1) for n in SIZES[1:-1]]
    x = 3 + torch.randn(50, 2, generator=generator(1))

    def expected(x):
        for layer, norm in enumerate(theirs):
            x = torch.tanh(norm(x @ net.weights[layer].T + net.biases[layer]))
        return (x @ net.weights[-1].T + net.biases[-1]).squeeze(-1)

    for _ in range(5):
        net(x)
        expected(x)
    net.train(training)
    for norm in theirs:
        # PyTorch remembers the variance over m - 1 and starts it at 1; ours divides by m, as the course does.
        norm.train(training)
    for norm, mean in zip(theirs, net.means, strict=True):
        torch.testing.assert_close(mean, norm.running_mean, rtol=0, atol=1e-5)
    for norm, variance in zip(theirs, net.variances, strict=True):
        norm.running_var.copy_(variance)
    torch.testing.assert_close(net(x), expected(x), rtol=0, atol=1e-5)


def test_b_cancels():
    z = torch.randn(40, 3, generator=generator(2), dtype=torch.float64)
    gamma, beta = torch.tensor([1.0, 2.0, 0.5]), torch.tensor([0.0, 1.0, -1.0])
    plain, moved = (batch_norm(z + b, gamma, beta)[0] for b in (0.0, 123.0))
    torch.testing.assert_close(plain, moved, rtol=0, atol=1e-9)
    net = NormalizedMlp(SIZES, generator(0), normalized=True)
    x = torch.randn(30, 2, generator=generator(1))
    before = net(x)
    with torch.no_grad():
        net.biases[0] += 7
    torch.testing.assert_close(net(x), before, rtol=0, atol=1e-4)


def test_both_networks_start_from_the_same_weights():
    nets = [NormalizedMlp(SIZES, generator(5), normalized) for normalized in (True, False)]
    assert all(torch.equal(a, b) for a, b in zip(nets[0].weights, nets[1].weights, strict=True))


def test_the_shown_unit_has_the_mean_and_deviation_of_the_sliders():
    frame = next(LAB.run(BatchNorm(gamma=2.0, beta=-1.0)))
    assert frame.metrics["z after"] == "-1.00 ± 2.00"
    assert next(LAB.run(BatchNorm(gamma=2.0, beta=-1.0, mode="test"))).metrics["z after"] != "-1.00 ± 2.00"


def test_it_speeds_up_inputs_that_lie_off_centre():
    frame = LAB.last_frame(BatchNorm(steps=400))
    assert float(frame.metrics["Cost with"]) < 0.5 * float(frame.metrics["Cost without"])


def test_the_batchs_own_statistics_undo_a_shift():
    curves = {t.name: list(t.y) for t in LAB.last_frame(BatchNorm(steps=400)).figures["Under shifted inputs"].data}
    own, running = curves["with, batch's own"], curves["with, test mode"]
    assert max(own) - min(own) < 0.02
    assert min(running) < max(running) - 0.2


def test_the_erratum_is_computed():
    mistake = LAB.mistakes["batchnorm-shapes"](BatchNorm())
    assert "size of tensor" in mistake.wrong and "(16, 65)" in mistake.right
