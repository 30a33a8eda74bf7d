"""Typed mathematics: what the whitelist lets through, and both passes of the graph against autograd."""

import math
import re
import sys
import time

import pytest
import torch
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from engine.errors import BadInput
from engine.functional.expressions import DEEPEST, FUNCTIONS, LONGEST, parse, read_values

NAMES = ("a", "b", "c")
ORACLES = {
    "exp": torch.exp,
    "log": torch.log,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "sqrt": torch.sqrt,
    "sin": torch.sin,
    "cos": torch.cos,
    "abs": torch.abs,
    "square": torch.square,
}
SENTENCE = re.compile(r"[A-Z][^\n]*\.")
QUICK = 1.0


def numbers():
    whole = st.integers(0, 12).map(str)
    return st.one_of(whole, st.sampled_from([".5", "2.", "1e-2", "3.25", "0.001", "1.5E2"]))


def leaves():
    variables = st.sampled_from(NAMES).map(lambda name: (name, lambda env: env[name]))
    return st.one_of(
        variables, numbers().map(lambda text: (text, lambda env: torch.tensor(float(text), dtype=torch.float64)))
    )


def grown(inner):
    """An operation on smaller expressions, as text in which parentheses leave no doubt, and as PyTorch computes it."""
    pair = st.tuples(inner, inner)
    return st.one_of(
        inner.map(lambda x: (f"-({x[0]})", lambda env: -x[1](env))),
        st.tuples(st.sampled_from(list(ORACLES)), inner).map(
            lambda p: (f"{p[0]}({p[1][0]})", lambda env: ORACLES[p[0]](p[1][1](env)))
        ),
        pair.map(lambda p: (f"({p[0][0]})+({p[1][0]})", lambda env: p[0][1](env) + p[1][1](env))),
        pair.map(lambda p: (f"({p[0][0]}) - ({p[1][0]})", lambda env: p[0][1](env) - p[1][1](env))),
        pair.map(lambda p: (f"({p[0][0]})*({p[1][0]})", lambda env: p[0][1](env) * p[1][1](env))),
        pair.map(lambda p: (f"({p[0][0]})/({p[1][0]})", lambda env: p[0][1](env) / p[1][1](env))),
        pair.map(lambda p: (f"({p[0][0]})^({p[1][0]})", lambda env: p[0][1](env) ** p[1][1](env))),
    )


def made():
    """Expressions as text, with the same function written in PyTorch."""
    return st.recursive(leaves(), grown, max_leaves=10).filter(lambda x: len(x[0]) <= LONGEST)


def typed():
    """What somebody might type: anything, near misses, and right expressions."""
    near = st.text(alphabet="abcx019.+-*/^() ,e", max_size=60)
    words = st.lists(
        st.sampled_from([*NAMES, *FUNCTIONS, "(", ")", "+", "-", "*", "**", "^", "/", "1", "9", "e5", "."]), max_size=40
    )
    return st.one_of(st.text(max_size=LONGEST + 20), near, words.map("".join), made().map(lambda x: x[0]))


def ends_well(text):
    """A value or one sentence, quickly; says which."""
    start = time.perf_counter()
    try:
        expression = parse(text, NAMES)
        values = expression.forward({"a": 1.5, "b": -2.0, "c": torch.tensor([0.0, 3.0])})
        slopes = expression.backward(values)
        assert all(s.shape == v.shape and s.dtype == torch.float64 for s, v in zip(slopes, values, strict=True))
        sentence = ""
    except BadInput as error:
        sentence = str(error)
        assert SENTENCE.fullmatch(sentence) and sentence.isascii() and len(sentence) < 250, sentence
    assert time.perf_counter() - start < QUICK
    return sentence


@given(typed())
@settings(max_examples=500, deadline=None)
def test_any_text_ends_in_a_value_or_one_sentence(text):
    ends_well(text)


ATTACKS = [
    "",
    "   ",
    "__import__('os').system('true')",
    "().__class__.__bases__",
    "a.real",
    "a.b()",
    "(1).bit_length()",
    "1 .real",
    "eval(a)",
    "open(a)",
    "print(1)",
    "lambda: 1",
    "lambda a: a",
    "[a for a in (1, 2)]",
    "{a}",
    "a if b else c",
    "a and b",
    "not a",
    "a or b",
    "a in b",
    "a is b",
    "a == b",
    "a < b",
    "a := 1",
    "a = 1",
    "a; b",
    "'a' * 9",
    '"a"',
    "f'{a}'",
    "b'a'",
    "a[0]",
    "*a",
    "**a",
    "a, b",
    "log(a, b)",
    "exp(a=1)",
    "exp()",
    "exp",
    "exp a",
    "a(b)",
    "2a",
    "2(a)",
    "(a)(b)",
    "1_000",
    "0x10",
    "0b1",
    "1j",
    "1e",
    "1e999",
    "9" * 180 + "e999",
    "1..2",
    ".",
    "..",
    "...",
    "1.2.3",
    "a @ b",
    "a % b",
    "a // b",
    "a << 9",
    "~a",
    "a | b",
    "+a",
    "a!",
    "a?",
    "None",
    "True",
    "nan",
    "inf",
    "pi",
    "x",
    "A",
    "ab",
    "a1",
    "a" * 150,
    "\u0430",  # Cyrillic a
    "\u03b1",  # Greek alpha
    "\uff41",  # full-width a
    "\uff11",  # full-width 1
    "\u0661",  # Arabic-Indic 1
    "a\u00b2",  # superscript
    "a \u2212 b",  # a minus that isn't a hyphen
    "a\u00d7b",
    "\u00bd",
    "\u1d43",
    "a\u200bb",
    "a\u0301",
    "\U0001d41a",  # mathematical bold a
    "a\x00b",
    "\x00",
    "a\nb",
    "a\n",
    "a\t+b",
    "a\r",
    "a\x0b+b",
    "a\u2028+b",
    "a#b",
    "a\\b",
    "`a`",
    "${a}",
    "<b>a</b>",
    "![x](http://outside.invalid)",
    "(" * 100_000 + "a" + ")" * 100_000,
    "(" * 90 + "a" + ")" * 90,
    "(" * 100,
    ")" * 100,
    "-" * 199 + "a",
    "-" * 100_000 + "a",
    "a" + "^a" * 90,
    "sin(" * 40 + "a" + ")" * 40,
    "exp(" * 31 + "a" + ")" * 31,
    "1+" * 1_000_000 + "1",
]
# These are expressions, though they may be infinite.
HUGE = [
    "9**9**9**9",
    "9^9^9^9^9^9^9",
    "(9^9)^(9^9)",
    "-9^9^9",
    "((((9^99)^99)^99)^99)^99",
    "9" * 190,
    "1/0",
    "0/0",
    "0^0",
    "0^(-1)",
    "log(0)",
    "log(-1)",
    "sqrt(-1)",
    "(-1)^0.5",
    "exp(exp(exp(9)))",
    "exp(" * 20 + "a" + ")" * 20,
    "-" * (DEEPEST - 1) + "a",
    "(" * (DEEPEST - 1) + "a" + ")" * (DEEPEST - 1),
    "1+" * 99 + "1",
    "a" + "*a" * 99,
    "a" + "-b" * 99,
]


@pytest.mark.parametrize("text", ATTACKS, ids=lambda text: ascii(text[:30]))
def test_attacks_end_in_one_sentence(text):
    assert ends_well(text)


@pytest.mark.parametrize("text", HUGE, ids=lambda text: text[:30])
def test_huge_and_undefined_numbers_end_in_a_value(text):
    assert ends_well(text) == ""


def test_the_bound_on_nesting_is_well_inside_the_interpreters():
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(len_of_stack() + 12 * DEEPEST)
    try:
        assert "at most 30 deep" in ends_well("(" * 100)
        assert ends_well("(" * (DEEPEST - 1) + "a" + ")" * (DEEPEST - 1)) == ""
    finally:
        sys.setrecursionlimit(before)


def len_of_stack():
    frame, depth = sys._getframe(), 0
    while frame:
        frame, depth = frame.f_back, depth + 1
    return depth


def test_sentences_say_what_was_wrong_and_show_little_of_it():
    assert ends_well("3*(a+b*c") == "The expression must go on with an operator or ) after 'c', got its end."
    assert ends_well("") == "The expression must begin with a number, a name or (, got nothing."
    assert ends_well("2a") == "The expression must go on with an operator such as * after '2', got 'a'."
    assert "one of a, b, c, exp, log" in ends_well("foo + 1") and ends_well("foo + 1").endswith("got 'foo'.")
    assert ends_well("\u0430").endswith(r"got '\u0430'.")
    assert "x" * 37 + "...'" in ends_well("x" * 150) and "x" * 41 not in ends_well("x" * 150)
    assert ends_well("1" * 201) == "The expression must have at most 200 characters, got 201."


FLOATS = ("0.0", "1.0", "2.0", "3.5", "0.25", "12.0")


@given(
    st.lists(
        st.tuples(st.sampled_from(["", "-", "--"]), st.sampled_from(FLOATS), st.sampled_from("+-*/^")),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from(["^", "**"]),
)
@example([("-", "2.0", "^"), ("", "2.0", "^"), ("-", "3.5", "-"), ("", "1.0", "-"), ("", "12.0", "/")], "**")
@settings(max_examples=200, deadline=None)
def test_operators_bind_as_in_python(parts, power):
    text = "".join(f"{sign}{number}{operator}" for sign, number, operator in parts)[:-1]
    value = parse(text.replace("^", power), ()).forward({})[-1]
    try:
        expected = eval(text.replace("^", "**"))
    except (OverflowError, ZeroDivisionError):
        assume(False)
    if isinstance(expected, complex):
        assert math.isnan(value)
    else:
        assert float(value) == pytest.approx(expected, rel=1e-12, nan_ok=True)


SHAPES = {"numbers": ((), (), ()), "points": ((4,), (4,), (4,)), "grid": ((3, 1), (4,), ())}


@given(
    made(),
    st.lists(st.floats(-3, 3).filter(lambda x: x == 0 or abs(x) > 1e-3), min_size=12, max_size=12),
    st.sampled_from(list(SHAPES)),
)
@example(("a*a+a", lambda env: env["a"] * env["a"] + env["a"]), [1.5] * 12, "grid")
@example(("a^2", lambda env: env["a"] ** 2), [0.0] * 12, "numbers")
@settings(max_examples=200, deadline=None)
def test_both_passes_are_pytorchs(pair, drawn, shape):
    """Values to the last bits, and the derivative by every node, inner ones too, to 1e-9 of autograd's."""
    text, oracle = pair
    expression = parse(text, NAMES)
    pool = torch.tensor(drawn, dtype=torch.float64)
    env = {
        name: pool[4 * i : 4 * i + max(1, math.prod(size))].reshape(size).clone().requires_grad_()
        for i, (name, size) in enumerate(zip(NAMES, SHAPES[shape], strict=True))
    }
    values = expression.forward(env)
    torch.testing.assert_close(values[-1], oracle(env), rtol=1e-12, atol=0, equal_nan=True)
    slopes = expression.backward([value.detach() for value in values])
    # Beyond these a product of derivatives may overflow in one order and not in another.
    assume(all(bool(((v == 0) | (v.abs() > 1e-60) & (v.abs() < 1e60) | ~v.isfinite()).all()) for v in values))
    if not values[-1].requires_grad:
        return
    recorded = [i for i, value in enumerate(values) if value.requires_grad]
    theirs = torch.autograd.grad(values[-1].sum(), [values[i] for i in recorded])
    size = max(float(t[t.isfinite()].abs().max()) if t.isfinite().any() else 0.0 for t in theirs)
    # Infinity times zero is undefined here, and zero where autograd masks it.
    whole = all(bool(t.isfinite().all()) for t in (*values, *theirs))
    for i, expected in zip(recorded, theirs, strict=True):
        finite = expected.isfinite() & (slopes[i].isfinite() | whole)
        # What cancels between two ways to a node is rounded in proportion to the ways, not to what is left.
        torch.testing.assert_close(slopes[i][finite], expected[finite], rtol=1e-9, atol=1e-14 * size)
    inputs = expression.variables
    direct = torch.autograd.grad(oracle(env).sum(), [env[name] for name in inputs], allow_unused=True)
    for i, expected in zip(inputs.values(), direct, strict=True):
        finite = expected.isfinite() & (slopes[i].isfinite() | whole)
        torch.testing.assert_close(slopes[i][finite], expected[finite], rtol=1e-9, atol=1e-13 * size)


@pytest.mark.parametrize("name", ORACLES)
def test_every_function_alone_is_autograds_over_its_range(name):
    x = torch.linspace(-6, 6, 121, dtype=torch.float64, requires_grad=True)
    expression = parse(f"{name}(a)", NAMES)
    values = expression.forward({"a": x})
    (expected,) = torch.autograd.grad(ORACLES[name](x).sum(), x)
    ours = expression.backward([value.detach() for value in values])[0]
    finite = expected.isfinite()
    assert finite.any()
    torch.testing.assert_close(ours[finite], expected[finite], rtol=1e-9, atol=0)


def test_the_graph_is_the_courses():
    expression = parse("3*(a+b*c)", NAMES)
    names = [node.name for node in expression.nodes]
    assert names == ["3", "a", "b", "c", "u", "v", "J"]
    assert [expression.written(i) for i in (4, 5, 6)] == ["b * c", "a + u", "3 * v"]
    values = expression.forward({"a": 5, "b": 3, "c": 2})
    slopes = expression.backward(values)
    assert [float(v) for v in values[1:]] == [5, 3, 2, 6, 11, 33]
    assert [float(s) for s in slopes[1:]] == [3, 6, 9, 3, 3, 1]


def test_what_is_written_twice_is_one_node_and_adds_up():
    expression = parse("sigmoid(a*b)+sigmoid(a*b)*a", NAMES)
    assert [node.name for node in expression.nodes] == ["a", "b", "z", "u", "v", "J"]
    assert [float(s) for s in expression.backward(expression.forward({"a": 0.0, "b": 2.0}))[:1]] == [
        0.5 * 2 * 0.5 + 0.5
    ]
    loss = parse("-(y*log(sigmoid(w*x+b))+(1-y)*log(1-sigmoid(w*x+b)))", ("w", "x", "b", "y"))
    names = {node.name: loss.written(i) for i, node in enumerate(loss.nodes)}
    assert names["z"] == "u + b" and names["u"] == "w * x" and "np.exp(-z)" in names["a"]
    places = [i for node in loss.nodes for i in node.inputs]
    assert all(i < place for place, node in enumerate(loss.nodes) for i in node.inputs)
    assert set(places) == set(range(len(loss.nodes) - 1)), "everything but the result is used"


def test_names_never_clash():
    expression = parse("sigmoid(u+J)*z*a+u1/v", ("u", "J", "z", "a", "u1", "v"))
    names = [node.name for node in expression.nodes]
    assert len(names) == len(set(names))


@given(st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_values_end_in_numbers_or_one_sentence(text):
    try:
        values = read_values(text)
    except BadInput as error:
        assert SENTENCE.fullmatch(str(error)) and str(error).isascii() and len(str(error)) < 200
    else:
        assert all(math.isfinite(value) for value in values.values())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a=5, b=3, c=2", {"a": 5, "b": 3, "c": 2}),
        (" w1 = -0.5 ,x=1e-3", {"w1": -0.5, "x": 1e-3}),
        ("rate=.25", {"rate": 0.25}),
    ],
)
def test_values_are_read(text, expected):
    assert read_values(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "a", "a=", "=1", "a=b", "a=1,", "a=1;b=2", "a=1 b=2", "a=1+1", "a==1", "a=--1", "a=nan", "a=inf", "a=1e999",
     "a=1, a=2", "exp=1", "1a=1", "abcdefghi=1", "\u0430=1", "a=\uff11", "a=1\n", "a=0x1", "a=1_0", "a_b=1",
     ", ".join(f"x{i}=1" for i in range(13)), "a=![x](http://outside.invalid)"],
)  # fmt: skip
def test_bad_values_end_in_one_sentence(text):
    with pytest.raises(BadInput) as told:
        read_values(text)
    assert SENTENCE.fullmatch(str(told.value)) and "outside" not in str(told.value)
