"""The tape: minima against SciPy's, programs that run and agree, and what is said of a descent that goes wrong."""

import importlib.util
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from engine import cli
from engine.errors import BadInput
from engine.functional.expressions import parse as parse_expression
from engine.functional.idioms import Descent, infix, programs
from engine.functional.optimizers import adam, sgd
from engine.labs.optimization.autodiff import LAB, Autodiff
from engine.params import parse
from engine.training.tape import minimise, tape

FRAMEWORKS = ["PyTorch", "TensorFlow", "JAX", "Keras", "NumPy by hand"]
MODULES = {"TensorFlow": ["tensorflow"], "JAX": ["jax", "optax"], "Keras": ["keras"]}


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


COSTS = {
    "w^2-10*w+25": (lambda w: w**2 - 10 * w + 25, {}),
    "(w-3)^2+2*(b+1)^2+sin(w)": (lambda w, b: (w - 3) ** 2 + 2 * (b + 1) ** 2 + np.sin(w), {}),
    "log(1+exp(-w))+0.1*w^2": (lambda w: np.log(1 + np.exp(-w)) + 0.1 * w**2, {"rate": 0.5}),
    "exp(w)-2*w": (lambda w: np.exp(w) - 2 * w, {"start": -1.0}),
    "0.1*w^4-2*w^2+w": (lambda w: 0.1 * w**4 - 2 * w**2 + w, {"start": 1.0, "rate": 0.02, "steps": 200}),
    "w-log(w)": (lambda w: w - np.log(w), {"start": 3.0, "steps": 200}),
    "square(1-w)+10*square(b-w^2)": (
        lambda w, b: (1 - w) ** 2 + 10 * (b - w**2) ** 2,
        {"optimizer": "adam", "start": -1.0, "start_b": 2.0, "steps": 1000},
    ),
    "sqrt(1+square(w-b))+0.5*tanh(w)+b^2/4": (
        lambda w, b: np.sqrt(1 + (w - b) ** 2) + 0.5 * np.tanh(w) + b**2 / 4,
        {"start": 1.0, "start_b": 1.0, "steps": 800},
    ),
    "sigmoid(2*w-1)+w^2*exp(b)-b+cos(b)/4": (
        lambda w, b: sigmoid(2 * w - 1) + w**2 * np.exp(b) - b + np.cos(b) / 4,
        {"start": 1.0, "start_b": 0.0, "steps": 1500, "optimizer": "adam", "rate": 0.02},
    ),
}


def last(cost, **changed):
    return LAB.last_frame(parse(Autodiff, {"cost": cost, **changed}))


def found(frame):
    name = next(iter(frame.metrics))
    return dict(zip(name.split(", "), map(float, frame.metrics[name].split(", ")), strict=True))


def task(cost, optimizer="sgd", rate=0.1, steps=60, start=(-5.0, 5.0)):
    expression = parse_expression(cost, ("w", "b"))
    return Descent(
        expression,
        {n: x for n, x in zip("wb", start, strict=True) if n in expression.variables},
        rate,
        steps,
        optimizer,
    )


def spread(function):
    """SciPy hands over one vector."""
    return lambda at: function(*at)


@pytest.mark.parametrize("cost", [cost for cost in COSTS if "exp(b)" not in cost])
def test_the_minimum_is_scipys(cost):
    function, changed = COSTS[cost]
    params = Autodiff(cost=cost, **changed)
    start = [params.start, params.start_b][: function.__code__.co_argcount]
    theirs = minimize(spread(function), start)
    frame = LAB.last_frame(params)
    assert list(found(frame).values()) == pytest.approx(theirs.x, abs=1e-3)
    assert float(frame.metrics["Cost J"]) == pytest.approx(theirs.fun, abs=1e-3)
    assert not frame.diverged and frame.progress == 1


def test_two_valleys_are_both_found_from_their_own_sides():
    function, changed = COSTS["0.1*w^4-2*w^2+w"]
    for start in (1.0, -1.0):
        theirs = minimize(spread(function), [start])
        assert found(last("0.1*w^4-2*w^2+w", **{**changed, "start": start}))["w"] == pytest.approx(
            theirs.x[0], abs=1e-3
        )


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("cost", COSTS)
def test_every_step_is_the_pure_optimizers_on_the_hand_written_gradient(cost, optimizer):
    job = task(cost, optimizer, rate=0.01, steps=25, start=(1.5, 0.5))
    at, state = [torch.tensor(x, dtype=torch.float64) for x in job.start.values()], {}
    update = {"sgd": sgd, "adam": adam}[optimizer]
    for point in minimise(job):
        assert list(point.at.values()) == pytest.approx([float(x) for x in at], rel=1e-9)
        values = job.cost.forward(dict(zip(job.start, at, strict=True)))
        slopes = job.cost.backward(values)
        assert point.cost == pytest.approx(float(values[-1]), rel=1e-9)
        gradient = [slopes[job.cost.variables[name]] for name in job.start]
        assert list(point.gradient) == pytest.approx([float(g) for g in gradient], rel=1e-9, abs=1e-12)
        at, state = update(at, gradient, state, 0.01)


def run_program(source):
    names: dict = {"print": lambda *_: None}
    exec(compile(source, "program", "exec"), names)
    return names


def number(x):
    return float(x.detach()) if isinstance(x, torch.Tensor) else float(x)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("framework", ["PyTorch", "NumPy by hand"])
def test_programs_that_can_run_here_end_where_the_lab_does(framework, cost, optimizer):
    _, changed = COSTS[cost]
    params = parse(Autodiff, {"cost": cost, **changed, "optimizer": optimizer, "steps": 150, "rate": 0.02})
    frame = LAB.last_frame(params)
    ended = run_program(frame.code[framework])
    for name, x in found(frame).items():
        assert number(ended[name]) == pytest.approx(x, rel=1e-3, abs=1e-9)
    *_, point = minimise(task(cost, optimizer, 0.02, 150, (params.start, params.start_b)))
    for name, x in point.at.items():
        assert number(ended[name]) == pytest.approx(x, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("framework", MODULES)
def test_programs_of_frameworks_that_are_installed_end_there_too(framework):
    if not all(importlib.util.find_spec(module) for module in MODULES[framework]):
        pytest.skip(f"{framework} is not installed")
    for cost in ("w^2-10*w+25", "(w-3)^2+2*(b+1)^2+sin(w)"):
        job = task(cost)
        *_, point = minimise(job)
        done = subprocess.run(
            [sys.executable, "-c", programs(job)[framework]], capture_output=True, text=True, timeout=200, check=True
        )
        assert f"{point.at['w']:.2f}" in done.stdout


@pytest.mark.parametrize("cost", COSTS)
def test_all_programs_are_python_and_change_with_what_is_typed(cost):
    frame, other = last(cost, steps=3, rate=0.0625), last(cost, steps=4, rate=0.03125, optimizer="adam")
    assert list(frame.code) == FRAMEWORKS
    for framework, source in frame.code.items():
        compile(source, framework, "exec")
        assert "0.0625" in source and "-5.0" in source
        assert "range(3)" in source or "epochs=3" in source
        changed = other.code[framework]
        assert "0.03125" in changed and ("range(4)" in changed or "epochs=4" in changed)
        assert ("adam" in changed.lower()) == (framework != "NumPy by hand")
    assert "s_w" in other.code["NumPy by hand"] and "s_w" not in frame.code["NumPy by hand"]


def test_the_default_cost_stands_in_every_program_as_it_is_typed():
    code = last("w^2-10*w+25", steps=1).code
    assert all("w ** 2 - 10 * w + 25" in code[name] for name in FRAMEWORKS if name != "NumPy by hand")
    assert "dw = dv * 10 + du * 2 * w ** (2 - 1)" in code["NumPy by hand"] and "dv = -dp" in code["NumPy by hand"]


@given(
    st.lists(
        st.tuples(st.sampled_from(["", "-", "(", "sin(", "2*", "w^", "-w/("]), st.sampled_from("wb23"),
                  st.sampled_from("+-*/^")),
        min_size=1, max_size=7,
    )
)  # fmt: skip
@settings(max_examples=100, deadline=None)
def test_written_as_python_an_expression_keeps_its_value(parts):
    text, opened = "", 0
    for before, leaf, operator in parts:
        text += before + leaf + operator
        opened += before.count("(")
    text = text[:-1] + ")" * opened
    expression = parse_expression(text, ("w", "b"))
    env = {"w": np.float64(1.3), "b": np.float64(0.7), "sin": np.sin}
    expected = float(expression.forward({"w": 1.3, "b": 0.7})[-1])
    with np.errstate(all="ignore"):
        assert float(eval(infix(expression, {"sin": "sin"}), env)) == pytest.approx(expected, rel=1e-9, nan_ok=True)


def test_huge_constants_become_numbers_before_they_become_programs():
    code = programs(task("w/9^9^9^9+(-2)^2*w", steps=1))
    assert all('float("inf")' in source and "9 ** 9" not in source for source in code.values())
    assert float(run_program(code["NumPy by hand"])["w"]) == pytest.approx(-5.4)


def test_the_tape_holds_what_autograd_recorded_in_its_order():
    cost = parse_expression("(w-3)^2+2*(b+1)^2+sin(w)", ("w", "b"))
    records = tape(cost, {"w": -5.0, "b": 5.0})
    w, b = (torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in (-5.0, 5.0))
    two, three, one = (torch.tensor(x, dtype=torch.float64) for x in (2.0, 3.0, 1.0))
    J = (w - three) ** two + two * (b + one) ** two + torch.sin(w)
    entries, ahead = set(), [J.grad_fn]
    while ahead:
        entry = ahead.pop()
        if entry is not None and entry not in entries:
            entries.add(entry)
            ahead += [before for before, _ in entry.next_functions]
    operations = sorted((e for e in entries if type(e).__name__ != "AccumulateGrad"), key=lambda e: e._sequence_nr())
    ours = [record for record in records if record.function != "AccumulateGrad"]
    assert [record.function for record in ours] == [type(e).__name__ for e in operations]
    assert len(records) == len(entries)
    assert all(i < record.place for record in records for i in record.hands_to)
    values = cost.forward({"w": -5.0, "b": 5.0})
    slopes = cost.backward(values)
    for record in records:
        assert record.slope == pytest.approx(float(slopes[record.place]), rel=1e-9)
        needed = {i for i in cost.nodes[record.place].inputs if cost.nodes[i].number is None}
        assert set(record.hands_to) == needed


def test_the_table_of_the_tape():
    columns = last("w^2-10*w+25", steps=0).tables["The tape of this step, in the order of recording"]
    assert columns["Operation"] == ["w", "u = w^2", "v = 10 * w", "p = u - v", "J = p + 25"]
    assert columns["grad_fn"] == ["AccumulateGrad", "PowBackward1", "MulBackward0", "SubBackward0", "AddBackward0"]
    assert columns["Derivative"] == ["dw = -20", "du = 1", "dv = -1", "dp = 1", "dJ = 1"]
    assert columns["Hands on to"] == ["", "dw", "dw", "du, dv", "dp"]


def test_the_first_frame_shows_the_start_alone():
    frames = LAB.run(Autodiff())
    first = next(frames)
    frames.close()
    assert found(first) == {"w": -5} and first.metrics["Cost J"] == "100" and first.progress == 0
    assert list(first.figures["Path"].data[1].x) == [-5]


@pytest.mark.parametrize(
    ("changed", "why", "remedied"),
    [
        ({"cost": "w^2-10*w+25", "rate": 1.03, "steps": 100}, "rose", True),
        ({"cost": "w^4", "rate": 0.1}, "overflowed by step 5", True),
        ({"cost": "sqrt(w)+w", "start": 0.2, "rate": 1.0}, "left the region where the cost has a value", False),
        ({"cost": "log(w)+w^2", "start": -2.0}, "no finite value or slope at the start, w = -2", False),
        ({"cost": "w^3", "rate": 0.1}, "fell without end", False),
        ({"cost": "9^9^9*w"}, "no finite value", False),
    ],
)
def test_a_descent_that_goes_wrong_says_why_and_what_to_try(changed, why, remedied):
    frame = last(**changed)
    assert why in frame.diverged and frame.diverged.endswith(".")
    assert "nan" not in frame.says.split() and frame.progress == 1
    if remedied:
        assert frame.remedy["rate"] < parse(Autodiff, changed).rate
        assert not last(**{**changed, **frame.remedy}).diverged
    if "start" in frame.remedy:
        assert "at the start" not in last(**{**changed, **frame.remedy}).diverged


@pytest.mark.parametrize("cost", ["", "b^2", "3", "x^2", "w;w", "__import__('os')", "(" * 150, "\u03c9^2"])
def test_a_cost_that_is_none_is_one_sentence_and_exit_code_two(cost, capsys):
    with pytest.raises(BadInput) as told:
        last(cost)
    assert cli.main(["run", "autodiff", f"--set=cost={cost}"]) == 2
    assert capsys.readouterr().err.splitlines() == [str(told.value)]


def test_a_path_of_two_parameters_lies_over_the_contours():
    frame = last("(w-3)^2+2*(b+1)^2+sin(w)")
    field, path = frame.figures["Path"].data[:2]
    w, b = np.meshgrid(np.array(field.x, np.float64), np.array(field.y, np.float64))
    expected = COSTS["(w-3)^2+2*(b+1)^2+sin(w)"][0](w, b)
    inside = expected < np.quantile(expected, 0.89)
    np.testing.assert_allclose(np.array(field.z)[inside], expected[inside], rtol=1e-4, atol=1e-4)
    assert (path.x[0], path.y[0]) == (-5, 5) and len(path.x) == 61
    steps = frame.figures["Cost by step"].data[0]
    heights = COSTS["(w-3)^2+2*(b+1)^2+sin(w)"][0](np.float64(path.x), np.float64(path.y))
    np.testing.assert_allclose(steps.y, heights, rtol=1e-4, atol=1e-5)
