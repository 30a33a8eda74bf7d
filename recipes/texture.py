"""Train the bundled network of style transfer: `python -m recipes.texture` rewrites assets/weights/texture.*.

It learns to tell from which of two dozen photographs and drawn materials a piece of 64 x 64 was cut. On the way the first
nonlinearity of every width must still tell the colours of the piece: features that know no colour make pictures of any.
Pieces of the lowest fifth of every photograph are kept for the test.
"""

import numpy as np
import torch
from skimage import data
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, interpolate, mse_loss

from engine.data import drawn
from engine.models.bundled import Card, write
from engine.models.texture import WIDTHS, Texture, initialize
from engine.seeding import generator
from recipes.loop import fit

SEED = 0
STEPS, BATCH, SIDE = 1500, 24, 64
COLOURS = 30.0  # what a squared error of colour weighs beside the cross-entropy
TEST_SEED, TESTED = 1, 1200
PHOTOGRAPHS = (
    "astronaut", "brick", "camera", "chelsea", "coffee", "coins", "grass", "gravel", "hubble_deep_field",
    "immunohistochemistry", "moon", "page", "retina", "rocket",
)  # fmt: skip
MATERIALS = tuple(name for name in drawn.MATERIALS if name not in drawn.PHOTOGRAPHS)
CLASSES = (*PHOTOGRAPHS, *MATERIALS)
HELD_OUT = 0.2


def photograph(name: str) -> Tensor:
    """A photograph that scikit-image ships: (3, h, w) in [0, 1]."""
    pixels = np.asarray(getattr(data, name)())
    pixels = np.stack([pixels] * 3, -1) if pixels.ndim == 2 else pixels[..., :3]
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1))).float() / 255


def piece(source: Tensor, random: torch.Generator, held_out: bool) -> Tensor:
    """A square piece (3, 64, 64) of random place and size, turned and mirrored."""
    _, h, w = source.shape
    border = int((1 - HELD_OUT) * h)
    source = source[:, border:] if held_out else source[:, :border]
    size = min(int(SIDE * (0.75 + 1.5 * float(torch.rand((), generator=random)))), source.shape[1], w)
    y, x = (int(torch.randint(0, length - size + 1, (), generator=random)) for length in source.shape[1:])
    cut = source[:, y : y + size, x : x + size]
    cut = cut.flip(-1) if torch.rand((), generator=random) < 0.5 else cut
    cut = cut.rot90(int(torch.randint(0, 4, (), generator=random)), (1, 2))
    return interpolate(cut[None], (SIDE, SIDE), mode="bilinear", antialias=True, align_corners=False)[0]


def batch(m: int, sources: list[Tensor], random: torch.Generator, held_out: bool = False) -> tuple[Tensor, Tensor]:
    """Pieces (m, 3, 64, 64) of random sources, their light and colour changed, and which (m,) each is from."""
    y = torch.randint(0, len(CLASSES), (m,), generator=random)
    x = torch.empty(m, 3, SIDE, SIDE)
    for i in (y < len(PHOTOGRAPHS)).nonzero().flatten().tolist():
        x[i] = piece(sources[y[i]], random, held_out)
    made = (y >= len(PHOTOGRAPHS)).nonzero().flatten()
    index = torch.tensor([drawn.CLASSES.index(name) for name in MATERIALS])
    x[made] = drawn.draw(index[y[made] - len(PHOTOGRAPHS)], random)
    gain = 0.7 + 0.6 * torch.rand(m, 3, 1, 1, generator=random)
    shift = 0.2 * torch.rand(m, 3, 1, 1, generator=random) - 0.1
    return (x * gain + shift).clamp(0, 1), y


def told(network: Texture, x: Tensor, colours: nn.ModuleList) -> tuple[Tensor, Tensor]:
    """Logits (m, classes), and the mean squared error of the colours read from each width's first nonlinearity, summed."""
    h, error, read = network.normalized(x), x.new_zeros(()), iter(colours)
    for layer, following in zip(network.features, [*network.features[1:], nn.Identity()], strict=True):
        h = layer(h)
        if isinstance(layer, nn.ReLU) and isinstance(following, nn.Conv2d):
            seen = next(read)(h)
            error = error + mse_loss(seen, nn.functional.adaptive_avg_pool2d(x, seen.shape[-1]) - 0.5)
    return network.head(h.mean((2, 3))), error


def train(steps: int = STEPS) -> Texture:
    """A network after so many batches, by AdamW."""
    network, random = initialize(SEED, len(CLASSES)), generator(SEED)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        colours = nn.ModuleList(nn.Conv2d(width, 3, 1) for width in WIDTHS)
    sources = [photograph(name) for name in PHOTOGRAPHS]

    def cost() -> Tensor:
        x, y = batch(BATCH, sources, random)
        logits, error = told(network, x, colours)
        return cross_entropy(logits, y) + COLOURS * error

    optimizer = torch.optim.AdamW([*network.parameters(), *colours.parameters()], weight_decay=0.02)
    fit(optimizer, cost, rate=4e-3, steps=steps)
    return network.eval()


@torch.inference_mode()
def accuracy(network: Texture) -> float:
    """The share of held-out pieces whose source it finds."""
    random, sources = generator(TEST_SEED), [photograph(name) for name in PHOTOGRAPHS]
    right = 0
    for _ in range(TESTED // 100):
        x, y = batch(100, sources, random, held_out=True)
        right += int((network(x).argmax(1) == y).sum())
    return right / TESTED


def main() -> None:
    """Train, measure, write."""
    network = train()
    share = accuracy(network)
    print(f"accuracy {share:.4f}")
    card = Card(
        name="texture",
        title="Atlas texture network",
        recipe="recipes/texture.py",
        data=f"{STEPS * BATCH:,} pieces of {len(PHOTOGRAPHS)} photographs that scikit-image ships, and of drawn materials.",
        seed=SEED,
        metric=f"{share:.1%} of {TESTED:,} held-out pieces (seed {TEST_SEED}) put to their source.",
        limits="Knows textures of a few pixels to a few dozen: it sees no objects, so deep content is coarse.",
        licence="CC0-1.0",
        sha256="",
        labels=CLASSES,
    )
    write(card, network.state_dict())


if __name__ == "__main__":
    main()
