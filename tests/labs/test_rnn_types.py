"""Each shape learns its task on held-out examples, and its network computes what PyTorch's cells do step by step."""

import time

import pytest
import torch
from torch import nn

from engine.data.shapes import END, MAKERS
from engine.labs.sequence_models.rnn_types import LAB, Types, answered, built, made, unroll

# The share of steps and of whole answers that must be right on held-out examples, and the seconds it may take.
BARS = {"one-to-many": (0.95, 0.85), "many-to-one": (0.98, 0.98), "tagging": (0.99, 0.98), "translation": (0.95, 0.85)}
SECONDS = 30


@pytest.mark.parametrize("shape", MAKERS)
def test_each_shape_learns_its_task(shape):
    began = time.process_time()
    frame = LAB.last_frame(Types(shape=shape))
    assert time.process_time() - began < SECONDS
    network, task = built(Types(shape=shape)), made(shape, 0)
    network.load_state_dict(frame.state)
    said = answered(network, task, task.test)
    whole = sum(row == outs for row, (_, outs) in zip(said, task.test, strict=True)) / len(said)
    pairs = [
        (o, row[i] if i < len(row) else "")
        for row, (_, outs) in zip(said, task.test, strict=True)
        for i, o in enumerate(outs)
    ]
    steps = sum(a == b for a, b in pairs) / len(pairs)
    assert steps >= BARS[shape][0] and whole >= BARS[shape][1], (steps, whole)
    assert frame.metrics["Whole answers right"] == f"{whole:.1%}"
    assert frame.tables["Held-out examples"]["right"].count("✓") == sum(
        r == t[1] for r, t in zip(said[:12], task.test, strict=False)
    )


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_a_translation_is_read_word_by_word_and_written_word_by_word(cell):
    """Against torch.nn's cells for single steps, with the network's weights."""
    params = Types(shape="translation", cell=cell, units=6)
    network, task = built(params), made("translation", 0)
    ins, _ = task.test[0]

    def single(layer):
        one = getattr(nn, f"{cell.upper()}Cell")(6, 6)
        for name, p in one.named_parameters():
            p.data = getattr(layer, f"{name}_l0").data
        return one

    with torch.no_grad():
        state = None
        for word in ins:
            state = single(network.cell)(network.words.weight[task.inputs.index(word)][None], state)
        fed, said = network.said.weight[-1][None], []
        for _ in range(9):
            state = single(network.decoder)(fed, state)
            best = int(network.out(state[0] if cell == "lstm" else state).argmax())
            said.append(task.outputs[best])
            if best == 0:
                break
            fed = network.said.weight[best][None]
    expected = answered(network, task, (task.test[0],))[0]
    assert tuple(said[: len(expected)]) == expected


def test_unrolled_steps_have_inputs_and_answers_where_the_shape_has_them():
    for shape, inputs, outputs, fed in (
        ("one-to-many", [0], [0, 1, 2], (0, 1)),
        ("many-to-one", [0, 1, 2, 3, 4], [4], ()),
        ("tagging", [0, 1, 2], [0, 1, 2], ()),
        ("translation", [0, 1], [2, 3, 4], (2, 3)),
    ):
        network = built(Types(shape=shape))
        example = {
            "one-to-many": (("G", "up", "2"), ("G", "A", END)),
            "many-to-one": (("the", "end", "was", "really", "bad"), ("negative",)),
            "tagging": (("(", "(", ")"), ("1", "2", "1")),
            "translation": (("a", "b"), ("b", "a", END)),
        }[shape]
        drawn = unroll(network, example, example[1])
        assert [t for t, x in enumerate(drawn.inputs) if x is not None] == inputs
        assert [t for t, y in enumerate(drawn.outputs) if y is not None] == outputs
        assert drawn.fed == fed and all(drawn.right[t] for t in outputs)
        assert drawn.second == (2 if shape == "translation" else None)


def test_an_own_input_is_answered_without_a_new_run():
    params = Types(shape="tagging", updates=60)
    frame = LAB.last_frame(params)
    seen = LAB.seen(params.model_copy(update={"own": "(())"}), frame)
    assert "To “( ( ) )” it answers “1 2 1 0”." in seen.says
    odd = LAB.seen(params.model_copy(update={"own": "🎵 <b>"}), frame)
    assert odd.note.startswith("It can't read that")
    assert LAB.last_frame(Types(shape="tagging", updates=60)).says == frame.says
