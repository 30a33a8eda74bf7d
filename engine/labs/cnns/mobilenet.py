"""Depthwise-separable convolution counted and timed, the bottleneck block, and MobileNet v1 and v2."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engine.figures import architectures
from engine.figures import separable as figures
from engine.functional.convolution import output_size
from engine.functional.separable import normal_cost, ratio, separable_conv, separable_cost
from engine.lab import Frame, Frames, Lab
from engine.models.counting import multiplications
from engine.models.mobilenet_v2 import Bottleneck
from engine.params import Params, integer, toggle
from engine.results import separable as results
from engine.results.architectures import architecture, shape, totals
from engine.training import paced

# Figures and tables by title.
Part = tuple[dict[str, Any], dict[str, dict[str, list[str]]]]
COMPARED = ("mobilenet_v1", "mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large", "vgg16")


class MobileNet(Params):
    """What a person can move."""

    side: int = integer(6, low=3, high=112, hint=(4, 112, 2), label="Side n", help="Pixels along the input's side.")
    channels: int = integer(
        3, low=1, high=256, hint=(1, 256, 1), log=True, label="Channels", help="Of the input, and of the block's ends."
    )
    filters: int = integer(
        5, low=1, high=512, hint=(1, 512, 1), log=True, label="Filters", help="Channels of the convolution's output."
    )
    f: int = integer(3, low=1, high=7, label="Kernel f", help="Pixels along the kernel's side.")
    expansion: int = integer(
        6, low=1, high=10, label="Expansion", help="How many times as many channels the block has inside."
    )
    residual: bool = toggle(True, label="Residual connection", help="Add the block's input to its output, at stride 1.")
    same: bool = toggle(
        False, label="Same padding", help="For an odd kernel: the output is as large as the input.", more=True
    )
    stride: int = integer(
        1, low=1, high=2, label="Stride of the block", help="2 halves the map, and adds no input.", more=True
    )

    @property
    def padding(self) -> int:
        """Zeros around the input of the convolution."""
        return self.f // 2 if self.same else 0

    @property
    def convolution(self) -> tuple[int, int, int, int, int]:
        """Side, channels, filters, kernel and padding, as the cost functions take them."""
        return self.side, self.channels, self.filters, self.f, self.padding


def run(params: MobileNet) -> Frames:
    """The counts at once, then a frame for each number of filters as it is measured, with the whole networks counted."""
    parts = [counted(params)]
    for done in paced(measured(params)):
        yield frame(params, done, parts)
        parts = parts if len(parts) > 1 else [*parts, networks()]


def measured(params: MobileNet) -> Iterator[list[results.Timing]]:
    """All timings so far: none in the first place, and none in the second, by when the networks are counted."""
    done: list[results.Timing] = []
    yield done
    yield done
    for timing in results.timings(*params.convolution, params.seed):
        done = [*done, timing]
        yield done


def counted(params: MobileNet) -> Part:
    """What needs no clock and no network from elsewhere."""
    steps = results.block(params.side, params.channels, params.expansion, params.stride)
    added = params.residual and params.stride == 1
    size = (params.channels, params.expansion)
    skipping, plain = (results.gradients(*size, residual, params.seed) for residual in (True, False))
    drawn = {
        "Multiplications": figures.costs(normal_cost(*params.convolution), *separable_cost(*params.convolution)),
        "Bottleneck block": figures.block(steps, added),
        "Gradient through 12 blocks": figures.gradients(skipping, plain, params.residual),
    }
    return drawn, {"Bottleneck block step by step": results.block_table(steps, added)}


def networks() -> Part:
    """MobileNet v1 and v2 side by side, and others beside them."""
    one, two = (architecture(name) for name in COMPARED[:2])
    drawn = {
        "Parameters by stage": architectures.side_by_side(one, two, "parameters"),
        "Multiplications by stage": architectures.side_by_side(one, two, "multiplications"),
    }
    return drawn, {"Networks": totals(COMPARED)}


def frame(params: MobileNet, done: list[results.Timing], parts: list[Part]) -> Frame:
    """Counts, and times as far as measured."""
    normal, (depthwise, pointwise) = normal_cost(*params.convolution), separable_cost(*params.convolution)
    sizes = results.sizes(*params.convolution)
    shown = sizes or [params.filters]
    here = next((each for each in done if each.filters == params.filters), None)
    share = ratio(params.filters, params.f)
    n = output_size(params.side, params.f, params.padding)
    if here is None:
        timed = "too large to time" if params.filters not in sizes else "not measured yet"
    else:
        timed = f"{here.separable / here.normal:.2f}"
    return Frame(
        figures={
            **{title: drawn for part, _ in parts for title, drawn in part.items()},
            "Measured time": figures.times(done, shown, params.filters),
            "Separable over normal": figures.ratios(done, shown, params.filters, params.f),
        },
        says=(
            f"From {shape((params.channels, params.side, params.side))} to {shape((params.filters, n, n))} a normal "
            f"convolution takes {normal:,} multiplications and a separable one {depthwise + pointwise:,}, "
            f"{share:.3f} of them; its share of the time is {timed}."
        ),
        metrics={
            "Normal": f"{normal:,}",
            "Separable": f"{depthwise + pointwise:,}",
            "1/n + 1/f²": f"{share:.3f}",
            "Share of the time": timed,
        },
        progress=len(done) / len(sizes) if sizes else float(len(parts) > 1),
        tables={title: table for _, part in parts for title, table in part.items()},
    )


LAB = Lab(
    slug="mobilenet",
    summary="Split a convolution into depthwise and pointwise, count what that saves, and time it on this machine.",
    params=MobileNet,
    run=run,
    trains=True,
    measures=True,
    look_for=(
        "The course's example, 6 × 6 × 3 to 4 × 4 × 5, takes 2160 multiplications normally and 672 separably, a share of "
        "1/5 + 1/9 = 0.311 that no picture size changes. Time is another matter: on so small an input calling takes longer "
        "than computing, and the separable form is the slower one; on a layer of v1 it is the quicker one, by how much is up "
        "to the machine and its memory. In the bottleneck block, which step costs most, and what does expansion 1 take away?"
    ),
    maths=(
        r"$$\frac{\text{separable}}{\text{normal}} = \frac{n_{out}^2\, n_c\, f^2 + n_{out}^2\, n_c\, n_c'}"
        r"{n_{out}^2\, n_c'\, f^2\, n_c} = \frac{1}{n_c'} + \frac{1}{f^2}$$"
        "\n\n"
        r"$$n \times n \times n_c \;\xrightarrow{1 \times 1}\; n \times n \times t\,n_c \;"
        r"\xrightarrow{3 \times 3 \text{ depthwise}}\; n \times n \times t\,n_c \;\xrightarrow{1 \times 1}\; "
        r"n \times n \times n_c, \qquad y = x + F(x)$$"
        "\n\n"
        r"The stack has fresh weights: without $x$ the gradient grows by about the same factor in every block, with it far "
        r"more slowly."
    ),
    code=(separable_conv, normal_cost, separable_cost, ratio, Bottleneck, multiplications),
    presets={
        "A layer of v1": {"side": 28, "channels": 128, "filters": 256, "same": True},
        "Wide": {"side": 14, "channels": 256, "filters": 512, "same": True},
        "5 × 5 kernel": {"side": 28, "channels": 40, "filters": 80, "f": 5, "same": True},
        "One filter": {"filters": 1},
        "Block of v2": {"side": 56, "channels": 24, "filters": 24, "same": True},
        "No residual, stride 2": {"side": 56, "channels": 24, "filters": 32, "residual": False, "stride": 2},
    },
    rows=(
        ("Multiplications", "Separable over normal"),
        ("Measured time",),
        ("Bottleneck block", "Gradient through 12 blocks"),
        ("Parameters by stage", "Multiplications by stage"),
    ),
)
