import numpy as np
import pytest
import torch
from torch import Tensor, nn

from engine.functional.features import NINE, field_box, first_peaks, layer_fields, layer_maps, merged, search
from engine.models.atlas20 import Atlas20, initialize
from engine.seeding import generator

LAYERS = ("stem", *(f"block{n}" for n in range(1, 7)))


def network() -> Atlas20:
    """Random weights, with the running averages of batch normalization away from their start."""
    made = initialize(0).eval()
    for module in made.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.3, 0.3, generator=generator(1))
            module.running_var.uniform_(0.5, 2.0, generator=generator(2))
            module.bias.data.uniform_(-0.3, 0.3, generator=generator(3))
    return made.requires_grad_(False)


def hooked(made: Atlas20, x: Tensor) -> dict[str, Tensor]:
    """What each layer gives while the network classifies, caught by hooks."""
    caught: dict[str, Tensor] = {}
    modules = dict(zip(LAYERS, (made.stem, *made.blocks), strict=True))
    hooks = [m.register_forward_hook(lambda _, __, out, name=n: caught.update({name: out})) for n, m in modules.items()]
    with torch.no_grad():
        made(x)
    for hook in hooks:
        hook.remove()
    return caught


def pictures(m: int, side: int = 64) -> Tensor:
    return torch.rand(m, 3, side, side, generator=generator(7))


def test_maps_are_those_of_the_network_at_work() -> None:
    made, x = network(), pictures(3)
    ours, theirs = dict(layer_maps(made, x)), hooked(made, x)
    assert list(ours) == list(LAYERS)
    for layer in LAYERS:
        assert torch.equal(ours[layer], theirs[layer]), layer


@pytest.mark.parametrize("sizes", [(30,), (4, 26), (7, 7, 7, 7, 2), (1,) * 30])
def test_peaks_are_the_true_maxima_over_the_set(sizes: tuple[int, ...]) -> None:
    made, x = network(), pictures(30)
    *_, (seen, found) = search(made, x.split(sizes))
    assert seen == 30
    for layer in LAYERS:
        every = np.stack([hooked(made, one[None])[layer][0].numpy() for one in x])  # (m, units, h, w)
        peaks = found[layer]
        for unit in range(every.shape[1]):
            of_picture = every[:, unit].reshape(30, -1).max(1)
            np.testing.assert_allclose(peaks.value[unit], np.sort(of_picture)[::-1][:NINE], rtol=1e-5, atol=1e-6)
            at = every[peaks.picture[unit], unit, peaks.row[unit], peaks.column[unit]]
            np.testing.assert_allclose(at, peaks.value[unit], rtol=1e-5, atol=1e-6)
            assert len(set(peaks.picture[unit].tolist())) == NINE
        np.testing.assert_allclose(peaks.total / peaks.seen, every.mean((0, 2, 3)), rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(peaks.silent / peaks.seen, (every == 0).mean((0, 2, 3)), atol=1e-3)


def test_of_equals_the_picture_seen_first_comes_first() -> None:
    maps = torch.zeros(12, 2, 3, 3)
    maps[[3, 8], 0, 1, 2] = 5.0
    peaks = merged(first_peaks(maps[:5], 0), first_peaks(maps[5:], 5))
    assert peaks.picture[0].tolist() == [3, 8, 0, 1, 2, 4, 5, 6, 7]
    assert peaks.picture[1].tolist() == list(range(9))
    assert (peaks.row[0, 0], peaks.column[0, 0], peaks.value[0, 1]) == (1, 2, 5)


def test_fewer_than_nine_pictures() -> None:
    assert first_peaks(torch.rand(4, 2, 3, 3), 0).value.shape == (2, 4)


@pytest.mark.parametrize("layer", LAYERS)
def test_the_box_is_where_the_gradient_is_not_zero(layer: str) -> None:
    """With positive weights and no ReLU in the way, every pixel that a unit sees moves it."""
    made = initialize(0).eval()
    for name, parameter in made.named_parameters():
        parameter.data = parameter.data.abs() + 0.01 if "weight" in name else parameter.data
    side = 192
    x = torch.rand(1, 3, side, side, generator=generator(0)).add(1).double().requires_grad_()
    maps = dict(layer_maps(made.double(), x))[layer]
    field = layer_fields(made, side)[layer]
    assert field.n == maps.shape[-1]
    row, column = field.n // 2, field.n // 2 + 1
    (grad,) = torch.autograd.grad(maps[0, 0, row, column], x)
    rows, columns = (grad[0].abs().sum((0, axis)).nonzero().flatten() for axis in (2, 1))
    left, top, right, bottom = field_box(field, row, column)
    assert (rows[0], rows[-1], columns[0], columns[-1]) == (top, bottom - 1, left, right - 1)


@pytest.mark.parametrize("layer", LAYERS[:5])
def test_nothing_outside_the_box_changes_the_unit(layer: str) -> None:
    made, x = network(), pictures(1)
    *_, (_, found) = search(made, [x])
    peaks = found[layer]
    unit = int(peaks.value[:, 0].argmax())
    row, column = int(peaks.row[unit, 0]), int(peaks.column[unit, 0])
    left, top, right, bottom = field_box(layer_fields(made, 64)[layer], row, column)
    outside = torch.ones(64, 64, dtype=torch.bool)
    outside[max(top, 0) : bottom, max(left, 0) : right] = False
    noise = torch.rand(1, 3, 64, 64, generator=generator(9))
    kept, lost = torch.where(outside, noise, x), torch.where(outside, x, noise)
    at = [hooked(made, one)[layer][0, unit, row, column] for one in (kept, lost)]
    torch.testing.assert_close(at[0], peaks.value[unit, 0], rtol=1e-4, atol=1e-5)
    assert abs(at[1] - peaks.value[unit, 0]) > 1e-2
