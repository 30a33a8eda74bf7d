import pytest
import torch
from scipy.signal import correlate2d
from torch import Tensor
from torch.nn import functional as F

from engine.errors import BadInput
from engine.functional.convolution import (
    EDGE_KERNELS,
    conv_forward,
    critical_rate,
    kernel_moments,
    learn_kernel,
    output_size,
    windows,
    zero_pad,
)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def one(image: Tensor, kernel: Tensor, padding: int = 0) -> Tensor:
    return conv_forward(image[None, None], kernel[None, None], torch.zeros(1).double(), padding=padding)[0, 0]


@pytest.mark.parametrize("f", [3, 5, 7])
def test_equals_scipy(f: int) -> None:
    image, kernel = normal(31, 23), normal(f, f, seed=f)
    for mode, padding in (("valid", 0), ("same", f // 2)):
        theirs = torch.from_numpy(correlate2d(image.numpy(), kernel.numpy(), mode))
        torch.testing.assert_close(one(image, kernel, padding), theirs, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", EDGE_KERNELS)
def test_edge_kernels_equal_scipy_and_ignore_flat_regions(name: str) -> None:
    kernel = torch.tensor(EDGE_KERNELS[name], dtype=torch.float64)
    image = normal(12, 17)
    theirs = torch.from_numpy(correlate2d(image.numpy(), kernel.numpy(), "valid"))
    torch.testing.assert_close(one(image, kernel), theirs, atol=1e-5, rtol=0)
    assert kernel.sum() == 0


@pytest.mark.parametrize("seed", range(20))
def test_equals_torch(seed: int) -> None:
    draw = torch.Generator().manual_seed(seed)
    m, c, k, stride, padding = (int(torch.randint(1, 4, (), generator=draw)) for _ in range(5))
    f = int(torch.randint(1, 6, (), generator=draw))
    x, w, b = normal(m, c, 11, 8, seed=seed), normal(k, c, f, f, seed=seed + 1), normal(k, seed=seed + 2)
    ours = conv_forward(x, w, b, stride, padding)
    torch.testing.assert_close(ours, F.conv2d(x, w, b, stride, padding))
    assert ours.shape == (m, k, output_size(11, f, padding, stride), output_size(8, f, padding, stride))


def test_half_bright_picture_of_the_course() -> None:
    image = torch.zeros(6, 6, dtype=torch.float64)
    image[:, :3] = 10
    vertical = torch.tensor(EDGE_KERNELS["vertical"], dtype=torch.float64)
    assert one(image, vertical).tolist() == [[0, 30, 30, 0]] * 4
    assert one(image.flip(1), vertical).tolist() == [[0, -30, -30, 0]] * 4
    assert one(image, vertical.T).abs().max() == 0


def test_sizes_and_padding() -> None:
    assert (output_size(6, 3), output_size(6, 3, padding=1), output_size(7, 3, stride=2)) == (4, 6, 3)
    padded = zero_pad(torch.ones(1, 1, 2, 3), 2)
    assert padded.shape == (1, 1, 6, 7) and padded.sum() == 6
    assert torch.equal(
        windows(torch.arange(16.0).view(4, 4), 3)[1, 0], torch.tensor([[4.0, 5, 6], [8, 9, 10], [12, 13, 14]])
    )
    with pytest.raises(BadInput, match=r"at least 5 pixels .* got 4"):
        output_size(4, 5)


def test_gradient_equals_autograd() -> None:
    image, start = normal(12, 15), normal(3, 3, seed=1)
    target = one(image, normal(3, 3, seed=2))
    k = start.clone().requires_grad_()
    cost = ((one(image, k) - target) ** 2).mean()
    cost.backward()
    assert k.grad is not None
    (_, first), (after, second) = learn_kernel(kernel_moments(image, target), start, 0.1, 1)
    assert first == pytest.approx(cost.item())
    torch.testing.assert_close(after, start - 0.1 * k.grad)
    assert second == pytest.approx(((one(image, after) - target) ** 2).mean().item())


@pytest.mark.parametrize(("share", "settles"), [(0.5, True), (0.99, True), (1.01, False)])
def test_critical_rate_divides(share: float, settles: bool) -> None:
    image = normal(20, 20)
    moments = kernel_moments(image, one(image, normal(3, 3, seed=1)))
    costs = [cost for _, cost in learn_kernel(moments, normal(3, 3, seed=2), share * critical_rate(moments[0]), 2000)]
    assert (costs[-1] < 1e-6) if settles else (costs[-1] > 1e6 * costs[0])
