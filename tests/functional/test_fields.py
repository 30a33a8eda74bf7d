"""Receptive fields against the region where a network's gradient isn't zero, and against torchvision's networks."""

import pytest
import torch
from torch import nn
from torchvision.models import alexnet, vgg16

from engine.errors import BadInput
from engine.functional.convolution import receptive_field
from engine.functional.fields import (
    STACKS,
    Layer,
    cone,
    effective_square,
    parse_layers,
    paths,
    random_gradient,
    random_unit,
)
from engine.seeding import generator


def drawn_stack(seed: int) -> tuple[int, list[Layer], tuple[int, int]]:
    """A random picture size, a stack that fits on it and a unit of its last layer."""
    random = generator(seed)

    def draw(low: int, high: int) -> int:
        return int(torch.randint(low, high + 1, (1,), generator=random))

    n, layers = draw(14, 40), []
    size = n
    for _ in range(draw(1, 5)):
        f, stride = draw(1, 5), draw(1, 3)
        pool = draw(0, 3) == 0
        padding = draw(0, f // 2 if pool else f - 1)
        if f > size + 2 * padding:
            break
        layers.append(Layer("pool" if pool else "conv", f, stride, padding))
        size = (size + 2 * padding - f) // stride + 1
    return n, layers, (draw(0, size - 1), draw(0, size - 1))


def positive_gradient(n: int, layers: list[Layer], unit: tuple[int, int], equal: bool = False) -> torch.Tensor:
    """The gradient of one unit of PyTorch's own layers with positive weights, (n, n)."""
    modules, c = [], 1
    for kind, f, stride, padding in layers:
        if kind == "pool":
            modules.append(nn.AvgPool2d(f, stride, padding))
            continue
        wide = 1 if equal else 2
        conv = nn.Conv2d(c, wide, f, stride, padding, bias=False).double()
        weight = torch.ones_like(conv.weight) / f**2 if equal else 0.1 + torch.rand(conv.weight.shape).double()
        conv.weight.data, c = weight.double(), wide
        modules.append(conv)
    x = torch.zeros(1, 1, n, n, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(nn.Sequential(*modules)(x)[0, :, unit[0], unit[1]].sum(), x)
    return gradient[0, 0]


@pytest.mark.parametrize("seed", range(120))
def test_the_field_is_where_the_gradient_is_not_zero(seed):
    n, layers, unit = drawn_stack(seed)
    nonzero = positive_gradient(n, layers, unit) != 0
    (top, bottom), (left, right) = (cone(n, layers, u)[0] for u in unit)
    rows, columns = (torch.nonzero(nonzero.any(axis)).flatten() for axis in (1, 0))
    assert (int(rows[0]), int(rows[-1])) == (top, bottom)
    assert (int(columns[0]), int(columns[-1])) == (left, right)
    if all(layer.stride <= layer.f for layer in layers):
        box = torch.zeros(n, n, dtype=torch.bool)
        box[top : bottom + 1, left : right + 1] = True
        assert torch.equal(nonzero, box), "no hole inside, nothing outside"


@pytest.mark.parametrize("seed", range(120))
def test_the_arithmetic_gives_the_same_field_before_the_border_cuts_it(seed):
    n, layers, (unit, _) = drawn_stack(seed)
    field = receptive_field(n, [layer.rule for layer in layers])[-1]
    first, last = cone(n, layers, unit)[0]
    low, high = (field.start + unit * field.jump + side * field.size / 2 for side in (-1, 1))
    assert first == max(low, 0) and last + 1 <= high
    if high <= n - max(layer.stride for layer in layers) * field.jump:
        assert last + 1 == high


@pytest.mark.parametrize("seed", range(40))
def test_shares_of_paths_equal_the_gradient_of_equal_weights(seed):
    n, layers, unit = drawn_stack(seed)
    gradient = positive_gradient(n, layers, unit, equal=True)
    ours = torch.outer(*(paths(n, layers, u) for u in unit))
    torch.testing.assert_close(ours, gradient / gradient.sum(), atol=1e-12, rtol=1e-9)


def test_the_example_of_the_notes():
    fields = receptive_field(5, [(3, 2, 1), (3, 2, 1)])
    assert [tuple(field) for field in fields] == [(5, 1, 1, 0.5), (3, 2, 3, 0.5), (2, 4, 7, 0.5)]


def rows_of(features: nn.Module) -> list[tuple[int, int, int]]:
    found = [m for m in features if isinstance(m, nn.Conv2d | nn.MaxPool2d)]
    first = [[x if isinstance(x, int) else x[0] for x in (m.kernel_size, m.stride, m.padding)] for m in found]
    return [(f, s, p) for f, s, p in first]


def test_the_presets_are_the_networks():
    with torch.device("meta"):
        theirs = {"vgg16": vgg16(weights=None).features, "alexnet": alexnet(weights=None).features}
    ours = {name: [layer.rule for layer in STACKS[name]] for name in theirs}
    assert ours["vgg16"] == rows_of(theirs["vgg16"])
    assert ours["alexnet"][1:] == rows_of(theirs["alexnet"])[1:] and ours["alexnet"][0] == (11, 4, 0)


def test_known_fields():
    sizes = {
        name: receptive_field(n, [layer.rule for layer in STACKS[name]])
        for name, n in (("alexnet", 227), ("vgg16", 224))
    }
    assert [f.n for f in sizes["alexnet"]] == [227, 55, 27, 27, 13, 13, 13, 13, 6]
    assert [f.size for f in sizes["alexnet"]] == [1, 11, 19, 51, 67, 99, 131, 163, 195]
    assert sizes["vgg16"][-1] == (7, 32, 212, 16.0)


def test_a_random_gradient_equals_finite_differences():
    layers = parse_layers("conv 3 1 1, pool 2 2, conv 3 1 1")
    image = torch.randn(12, 12, generator=generator(1), dtype=torch.float64)
    unit = (2, 3)
    gradient = random_gradient(image, layers, unit, 4, generator(2))
    for row, column in ((3, 5), (5, 7), (6, 6), (2, 4)):
        step = torch.zeros_like(image)
        step[row, column] = 1e-6
        high, low = (random_unit(image + by, layers, unit, 4, generator(2)) for by in (step, -step))
        assert float(high - low) / 2e-6 == pytest.approx(float(gradient[row, column]), abs=1e-7)
    (top, bottom), (left, right) = (cone(12, layers, u)[0] for u in unit)
    outside = gradient.clone()
    outside[top : bottom + 1, left : right + 1] = 0
    assert not outside.any() and gradient.any()


def test_too_much_work_is_refused():
    with pytest.raises(BadInput, match="at most 400,000,000 multiplications"):
        random_gradient(torch.zeros(256, 256), [Layer("conv", 31, 1, 15)] * 4, (0, 0), 6, generator(0))


def test_the_effective_square():
    spot, block = torch.zeros(20, 20), torch.zeros(20, 20)
    spot[4, 9], block[5:14, 3:12] = -2.0, 1.0
    assert effective_square(spot) == (4, 9, 1)
    assert effective_square(block) == (9, 7, 9) and effective_square(block, 49 / 81) == (9, 7, 7)
    assert effective_square(torch.zeros(5, 5)) == (0, 0, 0)


def test_rows_are_read():
    assert parse_layers("conv 11 4 2; pool 3 2,5") == [("conv", 11, 4, 2), ("pool", 3, 2, 0), ("conv", 5, 1, 0)]
    for wrong in (
        "",
        "conv",
        "conv 3 0",
        "conv 3 1 3",
        "pool 3 1 2",
        "conv 32",
        "deconv 3 1 1",
        "conv 3 1 1 1",
        "conv 3,,x",
    ):
        with pytest.raises(BadInput):
            parse_layers(wrong)
