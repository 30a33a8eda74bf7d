"""A recurrent cell unrolled over a typed text, step by step, with every shape and value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from engine.figures import cells as figures
from engine.functional.activations import softmax
from engine.functional.recurrent import rnn_cell, rnn_forward
from engine.functional.recurrent_weights import RnnWeights, initialize_rnn
from engine.lab import Frame, Frames, Lab, Mistake
from engine.params import Params, choice, integer, number, text
from engine.results.cells import Block, Edit, Unrolled, column, labels, matrix, tokens
from engine.seeding import generator

LONGEST, MOST_STEPS = 120, 32
ROWS = (
    ("Unrolled cell",),
    ("From the past", "From the input"),
    ("New state: a = tanh(z)", "Output: ŷ = softmax(z)"),
    ("Untouched", "Overwritten"),
)
SURE = 5.0  # the logit that the fitted output aims at for the right token


class RnnCell(Params):
    """What a person can move."""

    units: int = integer(4, low=1, high=8, label="Units nₐ", help="How many numbers the state a⟨t⟩ holds.")
    text: str = text("banana", longest=LONGEST, label="Text", help="What the cell reads, one token a step; 32 at most.")
    step: int = integer(
        2,
        low=1,
        high=MOST_STEPS,
        hint=(1, 12, 1),
        label="Step t",
        help="Which step to open at; beyond the last is the last.",
    )
    edit_step: int = integer(
        2,
        low=0,
        high=MOST_STEPS,
        hint=(0, 12, 1),
        label="Overwrite at step",
        help="Where the state is overwritten; 0 is nowhere.",
    )
    edit_unit: int = integer(1, low=0, high=8, label="Unit to overwrite", help="Which number of the state; 0 is all.")
    edit_value: float = number(
        -1.0,
        low=-1.0,
        high=1.0,
        hint=(-1.0, 1.0, 0.05),
        label="Its new value",
        help="In place of what tanh gave there.",
    )
    level: Literal["characters", "words"] = choice(
        "characters", label="Tokens", help="What one step reads: a character or a word.", more=True
    )
    scale: float = number(
        1.0,
        low=0.0,
        high=4.0,
        hint=(0.0, 3.0, 0.05),
        label="Scale of Waa",
        help="How strongly the past counts.",
        more=True,
    )
    output: Literal["fitted", "random"] = choice(
        "fitted",
        label="Output weights",
        help="Fitted by least squares so that ŷ names the next token, with Waa and Wax left random; or random as well.",
        more=True,
    )


@dataclass(frozen=True)
class Reading:
    """A cell that reads: its tokens, the vocabulary, x (1, T, n_x), the weights, and both runs' states (T, n_a)."""

    found: list[str]
    vocabulary: list[str]
    x: Tensor
    weights: RnnWeights
    Wya: Tensor
    by: Tensor
    plain: Tensor
    edited: Tensor
    edit: Edit | None

    def outputs(self, a: Tensor) -> tuple[Tensor, Tensor]:
        """z = Wya a + by and ŷ = softmax(z), (T, n_y), of states (T, n_a)."""
        z = a @ self.Wya.T + self.by
        return z, softmax(z)


def read(params: RnnCell) -> Reading:
    """Both runs, the untouched and the overwritten."""
    found = tokens(params.text, params.level, MOST_STEPS)
    vocabulary = sorted(set(found))
    inputs = torch.tensor([vocabulary.index(token) for token in found])
    x = one_hot(inputs, len(vocabulary)).double()[None]
    weights = initialize_rnn(len(vocabulary), params.units, generator(params.seed))
    weights = weights._replace(Waa=params.scale * weights.Waa)
    plain = rnn_forward(weights, x)[0]
    Wya, by = fitted(plain, inputs, len(vocabulary))
    if params.output == "random":
        Wya, by = torch.randn(Wya.shape, generator=generator(params.seed, 1)).double(), torch.zeros_like(by)
    edit, edits = None, {}
    if 1 <= params.edit_step <= len(found) and params.edit_unit <= params.units:
        edit = Edit("a", params.edit_step, params.edit_unit)
        new = torch.full((1, params.units), float("nan"), dtype=torch.float64)
        new[:, slice(None) if edit.unit == 0 else edit.unit - 1] = params.edit_value
        edits = {edit.step - 1: {"a": new}}
    return Reading(found, vocabulary, x, weights, Wya, by, plain, rnn_forward(weights, x, edits=edits)[0], edit)


def fitted(a: Tensor, inputs: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """Wya (n_y, n_a) and by (n_y,) whose logits come closest to ``SURE`` for the token that follows each state of a (T, n_a)
    and to 0 for the others: ridge regression, as in the echo state networks of Jaeger 2001.
    """
    states = torch.cat([a, torch.ones_like(a[:, :1])], 1)[:-1]
    wanted = SURE * one_hot(inputs[1:], classes).to(a)
    ridge = 1e-3 * torch.eye(states.shape[1], dtype=a.dtype)
    both = torch.linalg.solve(states.T @ states + ridge, states.T @ wanted).T
    return both[:, :-1], both[:, -1]


def run(params: RnnCell) -> Frames:
    """One frame a step."""
    reading = read(params)
    words, vocabulary = labels(reading.found), labels(reading.vocabulary)
    z, y = reading.outputs(reading.edited)
    likely = [vocabulary[i] for i in y.argmax(1).tolist()]
    for t in range(1, len(words) + 1):
        shown = Unrolled(words, likely, y.amax(1).tolist(), t, reading.edit.step if reading.edit else 0)
        states = {"Untouched": figures.heatmaps({"a": matrix(reading.plain)}, words, t)}
        states["Overwritten"] = figures.heatmaps({"a": matrix(reading.edited)}, words, t, reading.edit)
        apart = float((reading.edited[t - 1] - reading.plain[t - 1]).abs().max())
        yield Frame(
            figures={"Unrolled cell": figures.unrolled(shown), **written_out(reading, z, y, t), **states},
            says=(
                f"Step {t} of {len(words)} reads {words[t - 1]!r} beside the {params.units} numbers of a⟨{t - 1}⟩; the output "
                f"finds {likely[t - 1]!r} most likely to come next, at {float(y[t - 1].max()):.0%}."
            ),
            note="The overwritten step lies outside this text or state."
            if params.edit_step and not reading.edit
            else "",
            metrics={
                "Step": f"{t} of {len(words)}",
                "Reads": words[t - 1],
                "Most likely next": f"{likely[t - 1]}, {float(y[t - 1].max()):.0%}",
                "Change by overwriting": f"{apart:.3f}",
            },
            tables={"Shapes": shapes(reading)},
            progress=t / len(words),
        )


def written_out(reading: Reading, z: Tensor, y: Tensor, t: int) -> dict[str, Any]:
    """The matrices of step t, those of the overwritten run."""
    weights, x = reading.weights, reading.x[0, t - 1]
    before = reading.edited[t - 2] if t > 1 else torch.zeros_like(reading.edited[0])
    past, now = weights.Waa @ before, weights.Wax @ x
    new = Block(f"a⟨{t}⟩", column(reading.edited[t - 1]), "→")
    return {
        "From the past": figures.equation(
            [Block("Waa", matrix(weights.Waa)), Block(f"a⟨{t - 1}⟩", column(before), "·"), Block("", column(past), "=")]
        ),
        "From the input": figures.equation(
            [Block("Wax", matrix(weights.Wax)), Block(f"x⟨{t}⟩", column(x), "·"), Block("", column(now), "=")]
        ),
        "New state: a = tanh(z)": figures.equation(
            [
                Block("past", column(past)),
                Block("input", column(now), "+"),
                Block("ba", column(weights.ba), "+"),
                Block("z", column(past + now + weights.ba), "="),
                new,
            ]
        ),
        "Output: ŷ = softmax(z)": figures.equation(
            [
                Block("Wya", matrix(reading.Wya)),
                Block(f"a⟨{t}⟩", column(reading.edited[t - 1]), "·"),
                Block("by", column(reading.by), "+"),
                Block("z", column(z[t - 1]), "="),
                Block(f"ŷ⟨{t}⟩", column(y[t - 1]), "→"),
            ]
        ),
    }


def shapes(reading: Reading) -> dict[str, list[Any]]:
    """What is used at every step, the same weights each time."""
    n, n_x, n_y, T = *reading.weights.Wax.shape, len(reading.by), len(reading.found)
    rows = [("x", f"({n_x}, 1) a step, {T} steps"), ("a", f"({n}, 1)"), ("ŷ", f"({n_y}, 1)"), ("Waa", f"({n}, {n})")]
    rows += [("Wax", f"({n}, {n_x})"), ("ba", f"({n}, 1)"), ("Wya", f"({n_y}, {n})"), ("by", f"({n_y}, 1)")]
    rows.append(("Wa = [Waa | Wax]", f"({n}, {n + n_x})"))
    return {"What": [name for name, _ in rows], "Shape": [shape for _, shape in rows]}


def same_step(params: RnnCell) -> Mistake:
    """What the state at the end owes to the first token if a<t> came from a<t> itself, and if it comes from a<t-1>."""
    reading = read(params)
    x = reading.x if len(reading.found) > 1 else reading.x.expand(1, 2, -1)
    weights, other = reading.weights, x.clone()
    other[:, 0] = 0

    def from_itself(inputs: Tensor) -> Tensor:
        a = torch.zeros_like(rnn_forward(weights, inputs))
        for _ in range(100):
            a = rnn_cell(weights, inputs, a)
        return a[0, -1]

    wrong = float((from_itself(x) - from_itself(other)).abs().max())
    right = float((rnn_forward(weights, x) - rnn_forward(weights, other))[0, -1].abs().max())
    return Mistake(
        wrong=f"a⟨t⟩ from a⟨t⟩, solved by repeating it: leaving out the first token changes the last state by {wrong:.3g}.",
        right=f"a⟨t⟩ from a⟨t−1⟩: leaving out the first token changes the last state by {right:.3g}, so the cell remembers.",
    )


LAB = Lab(
    slug="rnn-cell",
    summary="Step a recurrent cell through a word: the same weights at every step, and a state that remembers.",
    params=RnnCell,
    run=run,
    look_for=(
        "The letter a comes three times in banana: the same x and the same Wax x each time, but another state, because "
        "Waa a⟨t−1⟩ differs. Step through the word and watch one number overwritten at step 2 spread to the other units and, "
        "as tanh and Waa shrink it, fade. With the scale of Waa at 0, can the output still tell the second a from the third?"
    ),
    maths=(
        r"$$a^{\langle t \rangle} = \tanh\big(W_{aa}\, a^{\langle t-1 \rangle} + W_{ax}\, x^{\langle t \rangle} + b_a\big), "
        r"\qquad a^{\langle 0 \rangle} = 0$$"
        "\n\n"
        r"$$\hat y^{\langle t \rangle} = \text{softmax}\big(W_{ya}\, a^{\langle t \rangle} + b_y\big)$$"
        "\n\n"
        r"In short, $a^{\langle t \rangle} = \tanh\big(W_a [a^{\langle t-1 \rangle}, x^{\langle t \rangle}] + b_a\big)$ with "
        r"$W_a = [W_{aa} \mid W_{ax}]$ side by side and $[a, x]$ one below the other. $x^{\langle t \rangle}$ is one-hot."
    ),
    code=(rnn_cell, rnn_forward, fitted),
    presets={
        "No memory": {"scale": 0.0, "edit_step": 0},
        "Nothing overwritten": {"edit_step": 0},
        "A state wiped out": {"edit_unit": 0, "edit_value": 0.0},
        "A sentence": {"level": "words", "text": "the cat that ate the fish was full", "units": 6, "edit_unit": 0},
        "One unit": {"units": 1},
        "A strong past": {"scale": 3.0, "text": "mississippi"},
    },
    mistakes={"rnn-recursion": same_step},
    rows=ROWS,
    opens=lambda params: min(params.step, len(tokens(params.text, params.level, MOST_STEPS))) - 1,
)
