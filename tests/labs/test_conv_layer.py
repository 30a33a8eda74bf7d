"""The network builder: counts against PyTorch, the course's examples, what can't fit, training and the exported module."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load
from torch import nn

from engine.errors import BadInput
from engine.lab import Event
from engine.labs.cnns.conv_layer import COURSE, LAB, LENET, Builder, counted
from engine.models.built import build, program
from tests.made_up import layer


def test_the_courses_39_x_39_x_3_example() -> None:
    shapes = [row.shape for row in counted(Builder(network=COURSE, side=39)).layers]
    assert [s for s in shapes if len(s) == 3][::2] == [(10, 37, 37), (20, 17, 17), (40, 7, 7)]
    assert (1960,) in shapes and shapes[-1] == (10,)


def test_the_courses_32_x_32_x_3_example() -> None:
    rows = counted(Builder()).layers
    assert [row.parameters for row in rows if row.parameters] == [608, 3216, 48120, 10164, 850]
    assert [row.shape for row in rows if row.kind in ("conv", "pool")] == [
        (8, 28, 28), (8, 14, 14), (16, 10, 10), (16, 5, 5),
    ]  # fmt: skip


def test_the_notes_slips_are_shown_beside_the_right_counts() -> None:
    mistake = LAB.mistakes["lenet-parameters"](Builder())
    assert mistake.wrong.endswith("208, 416, 48,001, 10,081, 841")
    assert mistake.right.endswith("608, 3,216, 48,120, 10,164, 850")


def numbers_of(module: nn.Module, x: torch.Tensor) -> int:
    """Multiplications, counted by PyTorch's own counter: two operations each."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        module(x)
    return int(counter.get_total_flops()) // 2


@settings(deadline=None, max_examples=60)
@given(rows=st.lists(layer(), min_size=1, max_size=5).map(tuple), side=st.integers(4, 24), channels=st.integers(1, 3))
def test_counts_equal_torchs_or_the_layer_that_cannot_fit_is_named(rows: tuple, side: int, channels: int) -> None:
    # Small enough to be run for real.
    rows = tuple((row[0], min(row[1], 8), *row[2:]) if row[0] in ("conv", "dense") else row for row in rows)
    params = Builder(network=rows, side=side, channels=channels)
    try:
        result = counted(params)
    except BadInput as problem:
        place = int(str(problem).split(" ")[1]) - 1
        with pytest.raises(BadInput):
            build(rows[: place + 1], side, channels)
        if place:
            build(rows[:place], side, channels)
        return
    network, x = build(rows, side, channels), torch.zeros(1, channels, side, side)
    assert result.layers[-1].shape == tuple(network(x).shape[1:])
    assert result.parameters == sum(p.numel() for p in network.parameters())
    assert result.multiplications == numbers_of(network, x)


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ((("dense", 5), ("conv", 4, 3, 1, 1)), r"Layer 2 \(conv\) must stand before every dense layer"),
        (
            (("max", 4, 4), ("max", 4, 4)),
            r"Layer 2 \(max pool\) must have a window that fits into the 2 x 2 .* got 4 x 4",
        ),
        (
            (("conv", 1, 11, 1, 0),),
            r"Layer 1 \(conv\) must have a window that fits into the 8 x 8 that reach it, got 11 x 11",
        ),
    ],
)
def test_a_layer_that_cannot_fit_is_named(rows: tuple, sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        LAB.last_frame(Builder(network=rows, side=8))


def test_the_exported_program_is_the_network() -> None:
    scope: dict = {}
    exec(program(LENET, 32, 3), scope)
    network = scope["Network"]()
    mine = build(LENET, 32, 3)
    assert [type(m) for m in network.layers] == [type(m) for m in mine]
    assert [tuple(p.shape) for p in network.parameters()] == [tuple(p.shape) for p in mine.parameters()]


def test_it_trains_on_digits_and_its_weights_fit_the_exported_module() -> None:
    rows = (("conv", 8, 3, 1, 1), ("max", 2, 2), ("conv", 16, 3, 1, 1), ("max", 2, 2), ("dense", 24))
    *_, frame = LAB.frames(Builder(network=rows, side=16, channels=1, train=True, epochs=6, rate=0.01))
    assert float(frame.metrics["Held-out accuracy"].rstrip("%")) > 90
    assert frame.note == "A dense output of 10 units was added for the digits."
    scope: dict = {}
    exec(program((*rows, ("dense", 10)), 16, 1), scope)
    scope["Network"]().load_state_dict(load(frame.files["network.safetensors"]))


def test_what_is_too_large_to_train_is_only_counted() -> None:
    frame = LAB.last_frame(Builder(side=200, train=True))
    assert frame.note.startswith("To be trained here it must keep to 64 px")


def test_a_click_picks_a_layer_and_its_arithmetic_is_written_out() -> None:
    assert LAB.respond(Builder(), Event("click", "Shapes", 2.2)) == {"layer": 3}
    frame = LAB.last_frame(Builder(layer=3))
    table = next(columns for title, columns in frame.tables.items() if title.startswith("The arithmetic"))
    assert dict(zip(table["What"], table["How"], strict=True))["Parameters"] == "5·5·8·16 + 16 = 3,216"
