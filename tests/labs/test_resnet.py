"""Plain against residual networks: torchvision's blocks, single networks and measured trainings as judges."""

import numpy as np
import pytest
import torch
from torch import nn
from torchvision.models.resnet import BasicBlock

from engine.labs.cnns.resnet import LAB, Resnet, examples, fleets, layer_table
from engine.models.residual import Block, Networks
from engine.seeding import generator
from engine.training.depths import SCALES, accuracy, towards_identity, train_depths


def pictures(m: int = 16) -> tuple[torch.Tensor, torch.Tensor]:
    random = generator(9)
    return torch.rand(m, 1, 8, 8, generator=random), torch.randint(10, (m,), generator=random)


def settled(network: Networks) -> Networks:
    """Batch norms with weights, biases and running averages away from their start."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            random = generator(module.num_features)
            for tensor in (module.weight, module.running_var):
                tensor.data.copy_(0.5 + torch.rand(tensor.shape, generator=random))
            for tensor in (module.bias, module.running_mean):
                tensor.data.copy_(0.3 * torch.randn(tensor.shape, generator=random))
    return network


def twin(block: Block) -> BasicBlock:
    """Torchvision's block with the same weights."""
    down = None
    if block.projection is not None:
        down = nn.Sequential(
            nn.Conv2d(block.c_in, block.c_out, 1, block.stride, bias=False), nn.BatchNorm2d(block.c_out)
        )
        down[0].weight.data.copy_(block.projection.weight)
        down[1].load_state_dict(block.projection.norm.state_dict())
    theirs = BasicBlock(block.c_in, block.c_out, block.stride, down)
    for conv, norm, ours in ((theirs.conv1, theirs.bn1, block.first), (theirs.conv2, theirs.bn2, block.second)):
        conv.weight.data.copy_(ours.weight)
        norm.load_state_dict(ours.norm.state_dict())
    return theirs


@pytest.mark.parametrize("training", [True, False])
def test_blocks_equal_torchvision_s(training):
    network = settled(Networks(10, [1.0], [generator(0)]))
    kinds = set()
    a = torch.rand(5, 8, 4, 4, generator=generator(1))
    for block in network.chain:
        theirs = twin(block).train(training)
        block.train(training)
        expected, out = theirs(a), block(a)
        torch.testing.assert_close(out, expected, atol=1e-6, rtol=1e-5)
        kinds.add((block.projection is not None, tuple(out.shape[1:])))
        a = out.detach()
    assert kinds == {(False, (8, 4, 4)), (True, (16, 2, 2)), (False, (16, 2, 2))}


def test_a_plain_block_is_its_layers_alone():
    block = settled(Networks(10, [0.0], [generator(0)])).eval().chain[0]
    theirs = twin(block).eval()
    a = torch.rand(5, 8, 4, 4, generator=generator(1))
    alone = torch.relu(theirs.bn2(theirs.conv2(torch.relu(theirs.bn1(theirs.conv1(a))))))
    torch.testing.assert_close(block(a), alone, atol=1e-6, rtol=1e-5)


def test_zero_padding_halves_the_picture_and_adds_channels_of_zeros():
    block = Networks(6, [1.0, 1.0], [generator(0), generator(1)], shortcut="padding").chain[1]
    a = torch.rand(3, 16, 4, 4, generator=generator(2))
    skipped = block.skip(a)
    assert block.projection is None and skipped.shape == (3, 32, 2, 2)
    for member in (0, 1):
        part = skipped[:, 16 * member : 16 * member + 16]
        assert torch.equal(part[:, :8], a[:, 8 * member : 8 * member + 8, ::2, ::2]) and not part[:, 8:].any()


@pytest.mark.parametrize("depth", [2, 4, 8, 20, 32, 50])
def test_the_depth_counts_the_layers_with_weights(depth):
    network = Networks(depth, [1.0], [generator(0)])
    weighted = [m for m in network.modules() if type(m).__name__ == "Convolution" and m.weight.shape[-1] == 3]
    assert len(weighted) + 1 == depth
    assert network(pictures()[0]).shape == (1, 16, 10)


@pytest.mark.parametrize("normalized", [True, False])
@pytest.mark.parametrize("shortcut", ["projection", "padding"])
def test_a_fleet_is_its_members_alone(normalized, shortcut):
    """Five updates of two plain and two residual networks: costs and gradients as of each one trained by itself."""
    x, y = pictures()
    gates, seeds = [0.0, 0.0, 1.0, 1.0], [5, 6, 5, 6]
    options = {"normalized": normalized, "shortcut": shortcut, "branch_scale": 0.5}
    together = Networks(10, gates, [generator(seed) for seed in seeds], **options)
    alone = [Networks(10, [gate], [generator(seed)], **options) for gate, seed in zip(gates, seeds, strict=True)]

    def trained(network):
        dev = x[:4], y[:4]
        return list(train_depths([network], (x, y), dev, 0.02, 5, 8, generator(3), 2))

    fleet, singles = trained(together), [trained(network) for network in alone]
    for step, moment in enumerate(fleet):
        for member in range(4):
            single = singles[member][step]
            torch.testing.assert_close(moment.cost[:, member], single.cost[:, 0], atol=1e-5, rtol=1e-5)
            theirs = single.look.gradients[:, 0]
            torch.testing.assert_close(moment.look.gradients[:, member], theirs, atol=1e-5, rtol=1e-3)


def test_plain_and_residual_begin_with_the_same_weights():
    network = fleets(Resnet(seeds=2, depth=8))[-1]
    for block in network.chain:
        weight = block.first.weight.reshape(4, -1)
        assert torch.equal(weight[:2], weight[2:]) and not torch.equal(weight[0], weight[1])


def test_gradient_norms_are_those_of_each_member_s_weights():
    network, (x, y) = Networks(6, [0.0, 1.0], [generator(0), generator(1)]), pictures()
    network.costs(x, y).sum().backward()
    norms = network.gradient_norms()
    assert norms.shape == (6, 2)
    second = network.chain[0].first.weight.grad
    assert float(norms[1, 1]) == pytest.approx(float(second[8:].square().sum().sqrt()), rel=1e-5)
    assert float(norms[-1, 0]) == pytest.approx(float(network.dense.grad[0].norm()), rel=1e-5)


def scale_second_layer(block: Block, s: float) -> None:
    for tensor in (
        (block.second.weight, block.second.bias)
        if block.second.norm is None
        else (
            block.second.norm.weight,
            block.second.norm.bias,
        )
    ):
        tensor.data.mul_(s)


@pytest.mark.parametrize("normalized", [True, False])
def test_a_shrunk_block_passes_its_input_if_it_is_residual(normalized):
    network = settled(Networks(10, [0.0, 1.0], [generator(0), generator(0)], normalized=normalized)).eval()
    x = pictures()[0]
    a = network.entered(x).detach()
    for before in network.chain[:3]:
        a = before(a).detach()
    block = network.chain[3]  # the first from the middle on that keeps its shape
    expected = []
    for s in SCALES.tolist():
        saved = {name: tensor.clone() for name, tensor in block.state_dict().items()}
        scale_second_layer(block, s)
        out = block(a).detach()
        halves = zip(out.chunk(2, 1), a.chunk(2, 1), strict=True)
        expected.append([float((o - i).norm() / i.norm()) for o, i in halves])
        if s == 0:
            assert torch.equal(out[:, 16:], a[:, 16:]) and not out[:, :16].any()
        block.load_state_dict(saved)
    ours = towards_identity(network, x, SCALES)
    np.testing.assert_allclose(ours.numpy().T, expected, atol=1e-4)
    assert ours[1, 0] == 0 and float(ours[0, 0]) == pytest.approx(1)


def test_a_start_of_zero_makes_every_identity_block_the_identity():
    network = Networks(12, [1.0], [generator(0)], branch_scale=0.0)
    a = network.entered(pictures()[0])
    for block in network.chain[:3]:
        assert torch.equal(block(a), a) or block.stride == 2


def final_costs(params: Resnet) -> np.ndarray:
    """Costs of the shallowest and the deepest at the end, (2, 2, seeds): plain and residual."""
    train, dev = examples(params)
    moments = train_depths(
        fleets(params)[::2],
        train,
        dev,
        params.rate,
        params.steps,
        params.batch,
        generator(params.seed, 1),
        params.steps,
    )
    *_, last = moments
    return last.cost.unflatten(1, (2, -1)).numpy()


def hurt(costs: np.ndarray) -> None:
    shallow, deep = costs
    assert (deep[0] > shallow[0] + 0.3).all(), "every deep plain network trains worse than its shallow one"
    assert (deep[1] < shallow[1] + 0.05).all(), "no deep residual network does"
    assert (deep[1] < deep[0] - 0.5).all()


def test_depth_hurts_plain_networks_and_not_residual_ones():
    hurt(final_costs(Resnet(seed=1, seeds=2, steps=40)))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_depth_hurts_plain_networks_over_many_seeds(seed):
    hurt(final_costs(Resnet(seed=seed, seeds=5, steps=50)))


def test_frames_show_all_of_it():
    first, *_, last = LAB.frames(Resnet(depth=12, steps=6, seeds=2, batch=16))
    assert first.progress == 0 and last.progress == 1
    plain = [t for t in last.figures["Plain"].data if t.name == "12 layers"]
    assert list(plain[0].x) == [0, 1, 2, 3, 4, 5, 6] and last.figures["Residual"].layout.xaxis.range == (0, 6)
    assert list(last.figures["Cost by depth"].data[1].x) == [2, 6, 12]
    assert [len(t.x) for t in last.figures["Gradient norms"].data] == [12] * 4
    table = last.tables["The residual network of 12 layers"]
    assert table["part"] == [
        "convolution and pool",
        "identity block",
        "projection block",
        "identity block",
        "mean and dense",
    ]
    assert table["output"][1:4] == ["4 × 4 × 8", "2 × 2 × 16", "2 × 2 × 16"] and table["times"] == [
        "1",
        "3",
        "1",
        "1",
        "1",
    ]


def test_the_parameters_of_the_table_are_those_of_one_network():
    for shortcut in ("projection", "padding"):
        one = Networks(12, [1.0], [generator(0)], shortcut=shortcut)
        fleet = Networks(12, [0.0, 1.0, 1.0], [generator(seed) for seed in range(3)], shortcut=shortcut)
        total = sum(p.numel() for p in one.parameters())
        assert sum(map(int, layer_table(fleet)["parameters"])) == sum(map(int, layer_table(one)["parameters"])) == total


def test_accuracy_counts():
    network, (x, y) = Networks(4, [1.0, 0.0], [generator(0), generator(1)]).eval(), pictures()
    expected = [float(np.mean(z.argmax(-1).numpy() == y.numpy())) for z in network(x)]
    assert accuracy(network, (x, y)).tolist() == pytest.approx(expected)


def test_too_high_a_rate_is_said_and_helped():
    params = Resnet(normalized=False, rate=1.0, steps=20, seeds=1)
    frame = LAB.last_frame(params)
    assert "overflowed by step" in frame.diverged and frame.remedy == {"rate": 0.1} and frame.progress == 1
    assert all(np.isfinite(t.y).all() for t in frame.figures["Plain"].data)
