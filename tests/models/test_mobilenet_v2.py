import torch

from engine.models.mobilenet_v2 import Bottleneck, drawn
from engine.seeding import generator


def test_the_block_is_torchvisions() -> None:
    from torchvision.models.mobilenetv2 import InvertedResidual

    for expansion, stride in ((6, 1), (6, 2), (1, 1)):
        own, theirs = Bottleneck(8, expansion, stride).eval(), InvertedResidual(8, 8, stride, expansion).eval()
        theirs.load_state_dict(dict(zip(theirs.state_dict(), own.state_dict().values(), strict=True)))
        x = torch.randn(2, 8, 9, 9, generator=generator(1))
        torch.testing.assert_close(own(x), theirs(x), rtol=0, atol=1e-6)


def test_the_residual_is_the_input_added() -> None:
    with_input, without = (drawn(4, 3, residual, generator(5)).eval() for residual in (True, False))
    x = torch.randn(1, 4, 6, 6, generator=generator(2))
    torch.testing.assert_close(with_input(x), x + without(x))
    assert not Bottleneck(4, 3, stride=2).residual


def test_drawn_blocks_come_from_their_generator_alone() -> None:
    before = torch.get_rng_state()
    one, two = (drawn(4, 6, True, generator(7)) for _ in range(2))
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    wide = one.steps[0].weight
    assert abs(
        float(drawn(32, 6, True, generator(0)).steps[0].weight.detach().var()) - 2 / 32
    ) < 0.01 and wide.shape == (
        24,
        4,
        1,
        1,
    )
