"""The typed graph: every node's value and derivative against autograd, the walk through it, and bad input."""

import ast
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from engine import cli
from engine.errors import BadInput
from engine.figures.theme import BLUE, VERMILION
from engine.functional.expressions import Expression
from engine.functional.expressions import parse as parse_expression
from engine.labs.foundations.computation_graph import ALL, LAB, LOSS, UNKNOWN, ComputationGraph
from engine.params import parse
from engine.results.graphs import walk


def last(**changed):
    return LAB.last_frame(parse(ComputationGraph, {"step": ALL, **changed}))


def table(frame):
    columns = frame.tables["Every node"]
    return {name: dict(zip(columns["Node"], columns[name], strict=True)) for name in columns}


def texts(frame, name):
    trace = next(t for t in frame.figures["Graph"].data if t.name == name)
    return [text for text in trace.text if text.strip("<br> ")]


def course(env):
    u = env["b"] * env["c"]
    v = env["a"] + u
    return {"u": u, "v": v, "J": 3 * v}


def loss(env):
    u = env["w"] * env["x"]
    z = u + env["b"]
    a = torch.sigmoid(z)
    return {"u": u, "z": z, "a": a, "J": -(env["y"] * a.log() + (1 - env["y"]) * (1 - a).log())}


def shared(env):
    u, v = env["a"] + env["b"], env["a"] - env["b"]
    w = u * v
    return {"u": u, "v": v, "w": w, "J": w + env["a"]}


def dead(env):
    u = env["w"] * env["x"]
    v = u + env["b"]
    p = torch.relu(v)
    q = p - env["y"]
    return {"u": u, "v": v, "p": p, "q": q, "J": q**2}


def polynomial(env):
    a, b = env["a"], env["b"]
    return {"J": a**3 / b - 2 ** (a * b) + torch.sqrt(a) * torch.tanh(b) - torch.cos(a - b)}


CASES = [
    ("3*(a+b*c)", {"a": 5, "b": 3, "c": 2}, course),
    ("3*(a+b*c)", {"a": -0.3, "b": 1.7, "c": 0}, course),
    (LOSS, {"w": 0.5, "b": -0.3, "x": 2, "y": 1}, loss),
    (LOSS, {"w": -1.5, "b": 0.2, "x": 0.7, "y": 0}, loss),
    (LOSS, {"w": 1, "b": 0, "x": -1, "y": 0.25}, loss),
    ("(a+b)*(a-b)+a", {"a": 3, "b": 2}, shared),
    ("square(relu(w*x+b)-y)", {"w": -1, "x": 2, "b": 0.5, "y": 1}, dead),
    ("square(relu(w*x+b)-y)", {"w": 1, "x": 2, "b": 0.5, "y": 1}, dead),
    ("a^3/b-2^(a*b)+sqrt(a)*tanh(b)-cos(a-b)", {"a": 1.3, "b": 0.6}, polynomial),
]


@pytest.mark.parametrize(("expression", "values", "oracle"), CASES)
def test_every_value_and_derivative_is_autograds(expression, values, oracle):
    env = {name: torch.tensor(float(x), dtype=torch.float64, requires_grad=True) for name, x in values.items()}
    every = {**env, **oracle(env)}
    slopes = torch.autograd.grad(every["J"], list(every.values()))
    frame = last(expression=expression, values=", ".join(f"{name}={x}" for name, x in values.items()))
    shown = table(frame)
    for (name, value), slope in zip(every.items(), slopes, strict=True):
        assert float(shown["Value"][name]) == pytest.approx(value.item(), rel=1e-4, abs=1e-12), name
        assert float(shown["dJ/dnode"][name]) == pytest.approx(slope.item(), rel=1e-4, abs=1e-12), name
    for label, text in frame.metrics.items():
        expected = every["J"] if label == "J" else slopes[list(every).index(label.removeprefix("dJ/d"))]
        assert float(text) == pytest.approx(expected.item(), rel=1e-4, abs=1e-12), label


@pytest.mark.parametrize(("expression", "values", "oracle"), CASES)
def test_the_walk_holds_them_to_the_last_digits(expression, values, oracle):
    env = {name: torch.tensor(float(x), dtype=torch.float64, requires_grad=True) for name, x in values.items()}
    every = {**env, **oracle(env)}
    slopes = torch.autograd.grad(every["J"], list(every.values()))
    now = walk(parse_expression(expression, tuple(values)), values, ALL)
    place = {now.name(i): i for i in now.drawn}
    for (name, value), slope in zip(every.items(), slopes, strict=True):
        assert now.values[place[name]] == pytest.approx(value.item(), rel=1e-12)
        assert now.slopes[place[name]] == pytest.approx(slope.item(), rel=1e-9, abs=1e-15)


def test_the_courses_example():
    frame = last()
    assert dict(frame.metrics) == {"J": "33", "dJ/da": "3", "dJ/db": "6", "dJ/dc": "9"}
    assert frame.says == "J = 33; dJ/da = 3, dJ/db = 6, dJ/dc = 9."
    assert texts(frame, "values") == ["a = 5", "b = 3", "c = 2", "u = 6", "v = 11", "J = 33"]
    assert texts(frame, "derivatives") == ["da = 3", "db = 6", "dc = 9", "du = 3", "dv = 3", "dJ = 1"]
    shown = table(frame)
    assert shown["Operation"] == dict.fromkeys("abc", "given") | {"u": "b * c", "v": "a + u", "J": "3 * v"}
    assert shown["Local rule"]["u"] == "∂u/∂b = c, ∂u/∂c = b" and shown["Local rule"]["J"] == "∂J/∂v = 3"


def test_the_logistic_loss_has_the_courses_derivatives():
    shown = table(LAB.last_frame(ComputationGraph(**LAB.presets["Logistic loss"])))["dJ/dnode"]
    a, y, x = 1 / (1 + np.exp(-0.7)), 1, 2
    assert float(shown["a"]) == pytest.approx(-y / a + (1 - y) / (1 - a), rel=1e-4)
    assert float(shown["z"]) == float(shown["b"]) == pytest.approx(a - y, rel=1e-4)
    assert float(shown["w"]) == pytest.approx(x * (a - y), rel=1e-4)


def test_it_walks_forward_node_by_node_and_then_backward():
    assert "Step" not in last(step=0).says and last(step=0).metrics["J"] == UNKNOWN
    forward = [last(step=step) for step in range(1, 4)]
    assert [frame.says for frame in forward] == [
        "Step 1 of 9, forward: u = b * c = 6.",
        "Step 2 of 9, forward: v = a + u = 11.",
        "Step 3 of 9, forward: J = 3 * v = 33.",
    ]
    assert [len(texts(frame, "values")) for frame in forward] == [4, 5, 6]
    assert not any(texts(frame, "derivatives") for frame in forward)
    backward = [last(step=step) for step in range(4, 10)]
    assert [frame.says.split("backward: ")[1] for frame in backward] == [
        "dJ, which is dJ/dJ, = 1.",
        "dv = dJ · 3 = 3.",
        "du = dv · 1 = 3.",
        "dc = du · b = 9.",
        "db = du · c = 6.",
        "da = dv · 1 = 3.",
    ]
    assert [len(texts(frame, "derivatives")) for frame in backward] == [1, 2, 3, 4, 5, 6]
    assert last(step=10).says == last().says


def test_a_shared_input_adds_up_what_it_is_handed():
    steps = [last(**{**LAB.presets["Shared input"], "step": step}).says for step in range(1, 12)]
    assert any("da = du · 1 + dv · 1 + dJ · 1 = 7." in says for says in steps)


def test_the_step_is_lit_in_the_colour_of_its_direction():
    for step, color, lit in ((2, BLUE, 2), (6, VERMILION, 1), (ALL, None, 0)):
        traces = {t.name: t for t in last(step=step).figures["Graph"].data}
        colors = list(traces["operations"].marker.color)
        assert colors.count(color) == (1 if color else 0)
        assert sum(size > 0 for size in traces["edges in use"].marker.size or ()) == lit
        assert sum(size > 0 for size in traces["edges"].marker.size) == 5 - lit
    assert traces["values"].textfont.color == BLUE and traces["derivatives"].textfont.color == VERMILION


def test_numbers_stand_in_the_operations_that_take_them():
    frame = last(expression="2*a^3-1/b+sqrt(c)")
    signs = next(t for t in frame.figures["Graph"].data if t.name == "operations").text
    assert {"2×", "^3", "1÷", "√"} <= set(signs)


@pytest.mark.parametrize(("name", "factor"), [("a", 3), ("b", 6), ("c", 9)])
def test_a_nudge_moves_j_by_the_derivative(name, factor):
    frame = last(nudged=name, nudge=0.001)
    assert float(frame.metrics["J"]) == pytest.approx(33 + factor * 0.001, abs=5e-4)
    assert f"moves J from 33 to {33 + factor * 0.001:g}, {factor} times as far." in frame.note


def test_what_has_no_value_is_named():
    frame = last(expression="a*log(b-c)", values="a=1, b=2, c=3")
    assert frame.diverged == "v = log(u) has no finite value here." and frame.metrics["J"] == "undefined"
    assert last(expression="9^9^9^9*a", values="a=1").diverged.endswith("has no finite value here.")


BAD = [
    {"expression": "3*(a+d)"},
    {"expression": ""},
    {"expression": "__import__('os')"},
    {"expression": "(" * 200},
    {"expression": "\u0430+b"},
    {"values": "a=5, b=3"},
    {"values": "a=5; b=3; c=2"},
    {"values": ""},
    {"nudged": "d", "nudge": 1.0},
    {"nudged": "<b>", "nudge": 1.0},
]


@pytest.mark.parametrize("changed", BAD)
def test_bad_input_is_one_sentence_and_exit_code_two(changed, capsys):
    with pytest.raises(BadInput) as told:
        last(**changed)
    sentence = str(told.value)
    assert sentence.endswith(".") and "\n" not in sentence and sentence.isascii() and "<" not in sentence
    options = [f"--set={name}={value}" for name, value in changed.items()]
    assert cli.main(["run", "computation-graph", *options]) == 2
    assert capsys.readouterr().err.splitlines() == [sentence]


def test_nothing_typed_is_ever_evaluated():
    for module in (Expression.__module__, ComputationGraph.__module__, walk.__module__):
        source = Path(sys.modules[module].__file__).read_text(encoding="utf-8")
        names = {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
        assert not names & {"eval", "exec", "compile", "getattr", "__import__", "globals"}


def test_an_expression_as_long_as_allowed_is_drawn():
    frame = last(expression="+".join(f"sin({n}*a)" for n in range(10, 30)), values="a=0.3")
    assert len(frame.figures["Graph"].to_json()) < 60_000
    assert len(frame.tables["Every node"]["Node"]) == 1 + 20 + 20 + 19
