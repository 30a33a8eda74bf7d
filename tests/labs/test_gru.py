"""The GRU's lab: its formulas, that it learns, that its gates close, and that overwriting them loses the subject."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from torch import nn

from engine.data.sequences import SINGULAR
from engine.errors import BadInput
from engine.functional.recurrent import gru_forward
from engine.functional.recurrent_weights import GruWeights, from_torch
from engine.lab import Event, Frame
from engine.labs.sequence_models import gru
from engine.labs.sequence_models.gru import LAB, PANELS, Gru, read_twice
from engine.seeding import generator
from engine.training import gated


@cache
def trained(variant: str = "full", price: float = 0.3) -> Frame:
    return LAB.last_frame(Gru(variant=variant, price=price))


def seen(frame: Frame, **changed) -> Frame:
    return LAB.seen(Gru(**changed), frame)


def panel(frame: Frame, run: str, name: str) -> np.ndarray:
    """One gate or state as drawn, (units, T)."""
    traces = frame.figures[f"{run}: gates and memory"].data
    return np.asarray(next(trace.z for trace in traces if trace.name == PANELS[name]))


def by_hand(cell: GruWeights, x: torch.Tensor) -> torch.Tensor:
    """The course's formulas, a loop of their own: c (T, n) of x (T, V)."""
    c, states = torch.zeros(len(cell.bc)), []
    for now in x:
        update = 1 / (1 + torch.exp(-(cell.Wu @ torch.cat([c, now]) + cell.bu)))
        relevance = 1.0 if cell.Wr is None else 1 / (1 + torch.exp(-(cell.Wr @ torch.cat([c, now]) + cell.br)))
        candidate = torch.tanh(cell.Wc @ torch.cat([relevance * c, now]) + cell.bc)
        c = update * candidate + (1 - update) * c
        states.append(c)
    return torch.stack(states)


@pytest.mark.parametrize("variant", ["full", "simplified"])
def test_it_learns_and_what_is_drawn_are_the_courses_formulas(variant: str) -> None:
    frame = trained(variant)
    assert float(frame.metrics["Held-out verbs found"][:-1]) > 97
    words, _ = gru.up_to_the_verb(Gru().text)
    expected = by_hand(frame.state.cell, gated.one_hots([words])[0])
    assert np.abs(panel(seen(frame, variant=variant), "Untouched", "c").T - expected.numpy()).max() < 1e-5
    shown = {trace.name for trace in frame.figures["Untouched: gates and memory"].data}
    assert (PANELS["relevance"] in shown) == (variant == "full")


@pytest.mark.parametrize("seed", range(5))
def test_pytorchs_unit_is_torch_nn_gru(seed: int) -> None:
    torch.manual_seed(seed)
    module = nn.GRU(seed + 2, seed + 3, batch_first=True, dtype=torch.float64)
    x = torch.randn(3, 4 + seed, seed + 2, generator=generator(seed)).double()
    with torch.no_grad():
        expected, _ = module(x)
    assert (gru_forward(from_torch(module), x).c - expected).abs().max() < 1e-12


def test_the_gate_opens_at_the_subject_and_stays_closed_after_it() -> None:
    update = panel(seen(trained()), "Untouched", "update").max(0)
    words, _ = gru.up_to_the_verb(Gru().text)
    others = [i for i, word in enumerate(words) if word not in ("cat", "dogs", "children")]
    assert update[1] > 0.4 and update[others].max() < 0.2
    free = panel(seen(trained(price=0.0)), "Untouched", "update").mean()
    assert free > 3 * panel(seen(trained()), "Untouched", "update").mean()


def test_held_shut_at_the_subject_the_next_noun_takes_its_place() -> None:
    frame = seen(trained(), gate="update", step=2, value=0.0)
    assert frame.metrics["Untouched says"].startswith("was") and frame.metrics["Overwritten says"].startswith("were")
    before, after = panel(frame, "Overwritten", "c")[:, 0], panel(frame, "Overwritten", "c")[:, 1]
    assert np.array_equal(before, after)
    assert "was 100% untouched" in frame.says and "overwritten at 'cat'" in frame.says


def test_every_subject_gets_its_verb() -> None:
    for noun in SINGULAR:
        frame = seen(trained(), text=f"the {noun} near the dogs", gate="none")
        assert frame.metrics["Untouched says"].startswith("was"), noun
        assert frame.metrics["Overwritten says"] == frame.metrics["Untouched says"]


@pytest.mark.parametrize("gate", ["update", "relevance", "candidate", "c"])
def test_overwriting_reaches_the_figure_from_that_step_on(gate: str) -> None:
    frame = seen(trained(), gate=gate, step=4, value=0.5, unit=2)
    new, old = (panel(frame, run, gate) for run in ("Overwritten", "Untouched"))
    assert new[1, 3] == 0.5 and np.array_equal(np.delete(new[:, 3], 1), np.delete(old[:, 3], 1))
    c_new, c_old = (panel(frame, run, "c") for run in ("Overwritten", "Untouched"))
    assert np.array_equal(c_new[:, :3], c_old[:, :3]) and not np.array_equal(c_new[:, 4:], c_old[:, 4:])
    assert any(
        shape.line.color == gru.figures.MARK for shape in frame.figures["Overwritten: gates and memory"].layout.shapes
    )


def test_a_gate_below_zero_is_shut() -> None:
    assert (panel(seen(trained(), gate="update", step=3, value=-1.0), "Overwritten", "update")[:, 2] == 0).all()
    assert (panel(seen(trained(), gate="c", step=3, value=-1.0), "Overwritten", "c")[:, 2] == -1).all()


def test_one_step_is_written_out() -> None:
    frame = seen(trained(), gate="none", step=5)
    update, candidate, kept, before, after = np.asarray(frame.figures[LAB.rows[-1][0]].data[0].z)[:, ::2].T
    assert np.allclose(update * candidate + kept * before, after, atol=1e-6) and np.allclose(update + kept, 1)
    assert np.allclose(panel(frame, "Untouched", "c")[:, 4], after)


def test_sentences_are_read_up_to_their_verb() -> None:
    assert gru.up_to_the_verb("The CAT, that saw: was full") == (["the", "cat", "that", "saw"], "was")
    assert gru.up_to_the_verb("cats") == (["cats"], "")
    for text in ("", "was", "!?", "Were the cats"):
        with pytest.raises(BadInput, match="must have a word"):
            gru.up_to_the_verb(text)


@pytest.mark.parametrize("text", ["x", "😀 cat", "הכלב ראה", "<b> cats were", "cat " * 75, "a" * 300])
def test_any_text_is_read_and_unknown_words_are_named(text: str) -> None:
    if not gru.re.findall(r"[^\W_]+", text):
        return
    frame = seen(trained(), text=text, step=40)
    words = frame.figures["Was or were?"].layout.xaxis.ticktext
    assert words and all("<" not in word for word in words)
    assert ("read as nothing" in frame.note) == any(word not in gru.INDEX for word in gru.up_to_the_verb(text)[0])


def test_impossible_overwriting_is_said() -> None:
    assert "no relevance gate" in seen(trained("simplified"), variant="simplified", gate="relevance").note
    frame = seen(trained(), unit=9)
    assert "no unit 9" in frame.note and frame.metrics["Overwritten says"] == frame.metrics["Untouched says"]


def test_the_price_is_part_of_the_gradient() -> None:
    """One update by hand with autograd on formulas of its own gives the weights of :func:`gated.fit`."""
    first, after = gated.fit(3, simplified=False, price=0.7, rate=0.01, updates=1, batch=4, seed=3)
    data = gated.sentences(gated.TRAIN + gated.HELD_OUT, generator(3, 1))
    rows = torch.randint(gated.TRAIN, (4,), generator=generator(3, 4))
    cell = [w.clone().requires_grad_() for w in first.reader.cell if w is not None]
    cost, opened, words = torch.zeros(()), torch.zeros(()), 0
    for row in rows:
        length = int(data.lengths[row])
        c = by_hand(GruWeights(*cell), data.x[row, :length])
        before = torch.cat([torch.zeros(1, 3), c[:-1]])
        opened = opened + torch.sigmoid(torch.cat([before, data.x[row, :length]], 1) @ cell[2].T + cell[3]).sum() / 3
        words += length
        z = (c[-1] @ first.reader.Wy.T + first.reader.by)[0]
        cost = cost + nn.functional.binary_cross_entropy_with_logits(z, data.plural[row]) / 4
    grads = torch.autograd.grad(cost + 0.7 * opened / words, cell)
    moved = [w - v for w, v in zip((w for w in after.reader.cell if w is not None), cell, strict=True)]
    for move, grad in zip(moved, grads, strict=True):
        big = grad.abs() > 1e-5
        assert torch.allclose(move[big], -0.01 * grad[big].sign(), atol=1e-4)  # Adam's first step


def test_a_view_needs_no_new_run() -> None:
    frame = trained()
    other = LAB.seen(Gru(text="the dogs", step=1, gate="c", value=0.3, unit=1), frame)
    assert other.figures["Training"] is frame.figures["Training"] and other.state is frame.state
    assert read_twice(Gru(text="the dogs"), frame.state).words == ["the", "dogs"]


def test_a_click_on_a_word_picks_it() -> None:
    for figure in ("Was or were?", "Overwritten: gates and memory"):
        assert LAB.respond(Gru(), Event("click", figure, x=4.4, y=2)) == {"step": 4}
    assert LAB.respond(Gru(), Event("click", "Training", x=4.4)) == {}
    assert LAB.respond(Gru(), Event("click", "Was or were?", x=0.2)) == {}


def test_the_errata_memory_grows() -> None:
    mistake = LAB.mistakes["gru-sum"](Gru())
    assert float(mistake.wrong.split("memory ")[1].split(",")[0]) > 5
    assert 0 < float(mistake.right.split("make it ")[1].split(";")[0]) < 1
