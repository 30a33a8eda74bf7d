"""Convolution over any number of axes, against PyTorch's."""

import pytest
import torch
from torch.nn import functional

from engine.errors import BadInput
from engine.functional.convolution_nd import conv_nd, kernel_nd
from engine.seeding import generator

THEIRS = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}


@pytest.mark.parametrize("d", THEIRS)
@pytest.mark.parametrize(("f", "stride", "padding"), [(1, 1, 0), (3, 1, 0), (3, 2, 1), (5, 3, 2), (2, 2, 0)])
def test_it_equals_pytorch(d, f, stride, padding):
    random = generator(d)
    shape = [7, 9, 8][:d]
    x = torch.randn(2, 3, *shape, generator=random)
    w, b = torch.randn(4, 3, *(f,) * d, generator=random), torch.randn(4, generator=random)
    ours, theirs = conv_nd(x, w, b, stride, padding), THEIRS[d](x, w, b, stride, padding)
    assert ours.shape == theirs.shape
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


def test_kernels_need_not_be_cubes():
    x, w = torch.randn(1, 2, 6, 7, 8, generator=generator(0)), torch.randn(3, 2, 1, 3, 5, generator=generator(1))
    torch.testing.assert_close(conv_nd(x, w, torch.zeros(3)), functional.conv3d(x, w), atol=1e-5, rtol=1e-5)


def test_the_shapes_of_the_course():
    for d in (1, 2, 3):
        x = torch.zeros(1, 1, *(14,) * d)
        first = conv_nd(x, torch.zeros(16, 1, *(5,) * d), torch.zeros(16))
        second = conv_nd(first, torch.zeros(32, 16, *(5,) * d), torch.zeros(32))
        assert first.shape == (1, 16, *(10,) * d) and second.shape == (1, 32, *(6,) * d)


def test_an_input_too_short_is_named():
    with pytest.raises(BadInput, match=r"at least 5 long.*got 4"):
        conv_nd(torch.zeros(1, 1, 4), torch.zeros(1, 1, 5), torch.zeros(1))


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("f", [3, 5, 7])
def test_the_named_kernels(d, f):
    average, change, peak = (kernel_nd(name, f, d, generator(0)) for name in ("average", "change", "peak"))
    assert average.shape == (f,) * d == change.shape == peak.shape
    assert float(average.sum()) == pytest.approx(1) and float(change.sum()) == pytest.approx(0, abs=1e-6)
    assert float(peak.sum()) == pytest.approx(0, abs=1e-5) and float(peak.max()) == 1
    torch.testing.assert_close(change.flip(0), -change)
    step = torch.cat([torch.zeros(f // 2 + 1, *(f,) * (d - 1)), torch.ones(f // 2, *(f,) * (d - 1))])
    assert float((change * step).sum()) == pytest.approx(1), "a rise by 1 is answered with 1"
    assert torch.equal(kernel_nd("random", f, d, generator(3)), kernel_nd("random", f, d, generator(3)))
