"""Parameters: what each maker declares, what validation lets in, and what it says about the rest."""

from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, ValidationError

from engine.data import tables
from engine.data.media import Picture, Sound
from engine.data.samples import PICTURES, SOUNDS
from engine.errors import BadInput
from engine.params import (
    Matrix,
    Params,
    Span,
    choice,
    control,
    controls,
    integer,
    matrix,
    number,
    parse,
    span,
    to_text,
    validate,
)
from tests.made_up import IDENTITY, Everything, is_inside, values_of

UPLOADED = Picture(np.zeros((1, 1, 3), np.uint8), "cat.png", "0123456789ab")
RECORDED = Sound(np.zeros((1, 8), np.float32), 8000, "me.wav", "ba9876543210")
OWN = tables.table(b"a,class\n1,x\n2,y\n", "own.csv")

DECLARED = {
    "rate": {
        "kind": "number",
        "label": "Rate",
        "help": "How fast.",
        "default": 0.1,
        "low": 1e-4,
        "high": 10.0,
        "hint": (0.001, 1.5, 0.001),
        "unit": "Hz",
        "log": True,
        "more": False,
    },
    "count": {"kind": "integer", "default": 20, "low": -5, "high": 200, "hint": (0, 60, 1), "log": False, "unit": ""},
    "shape": {"kind": "choice", "options": ("round", "square"), "names": {"round": "A circle"}, "low": None},
    "on": {"kind": "toggle", "default": False, "low": None, "high": None},
    "reach": {"kind": "span", "low": -10, "high": 10, "hint": (-10, 10, 0.5), "unit": "m", "default": (1, 4)},
    "kernel": {"kind": "matrix", "low": -5, "high": 5, "default": IDENTITY, "more": True},
    "word": {"kind": "text", "high": 80, "low": None},
    "image": {"kind": "picture", "label": "Picture", "default": "shapes"},
    "noise": {"kind": "sound", "label": "Sound", "default": "chirp"},
    "examples": {"kind": "examples", "default": "moons", "options": ("moons", "iris"), "more": False},
    "drawn": {"kind": "points", "low": -4, "high": 4, "default": ((0.5, -1.0, 1),), "more": True},
    "pictures": {"kind": "album", "default": "all", "options": ("all", "none")},
    "head": {"kind": "weights", "default": ""},
    "story": {
        "kind": "passage",
        "default": "names",
        "options": ("names", "tales"),
        "names": {"names": "Names", "tales": "Tales"},
    },
    "spoken": {"kind": "recordings", "default": "made", "options": ("made",), "names": {"made": "Made"}},
    "strokes": {"kind": "sketch", "default": (), "low": 0, "high": 255},
    "network": {"kind": "layers", "default": (("conv", 4, 3, 1, 0), ("dense", 10))},
    "seed": {"kind": "integer", "low": 0, "high": 2**31 - 1, "more": True, "default": 0},
}


@pytest.mark.parametrize("name", DECLARED)
def test_a_maker_declares_everything_a_widget_needs(name):
    found = control(Everything, name)
    assert {key: getattr(found, key) for key in DECLARED[name]} == DECLARED[name]


def test_controls_keep_the_order_of_declaration_with_the_seed_last():
    assert [found.name for found in controls(Everything)] == list(DECLARED)


def test_a_number_without_hint_gets_a_hundred_steps_and_an_integer_steps_of_one():
    class Plain(Params):
        x: float = number(0, low=-1, high=1, label="x", help="x.")
        n: int = integer(0, low=-1, high=1, label="n", help="n.")

    assert control(Plain, "x").hint == (-1, 1, 0.02)
    assert control(Plain, "n").hint == (-1, 1, 1)


def test_a_field_made_without_a_maker_is_refused():
    class Bare(Params):
        x: float = Field(0.0)

    with pytest.raises(TypeError, match="'x' must be declared with a maker"):
        controls(Bare)


def test_an_unknown_control_is_named_with_the_known_ones():
    with pytest.raises(BadInput, match=r"Parameter 'nope' is not known: it must be one of rate, count, .*, seed\."):
        control(Everything, "nope")


# Each text is refused, and the sentence ends as written.
REFUSED = {
    "rate": (
        "a number from 0.0001 to 10",
        ["0.00009", "10.001", "nan", "inf", "-inf", "1e999", "fast", "", "0,1", "1;2"],
    ),
    "count": ("a whole number from -5 to 200", ["-6", "201", "1.5", "nan", "inf", "", "9" * 50]),
    "shape": ("one of round, square", ["Round", "", "oval", "A circle"]),
    "on": ("true or false", ["maybe", "2", ""]),
    "reach": (
        "two increasing numbers from -10 to 10",
        ["4~1", "1~1", "1", "1~2~3", "", "~", "-11~1", "1~11", "nan~1", "1~nan", "-inf~inf", "a~b"],
    ),
    "kernel": (
        "a square of 3, 5 or 7 rows of numbers from -5 to 5",
        [
            "1",
            "1~2!3~4",
            "1~2~3!4~5~6",
            "1~2~3!1~2~3!1~2",
            "9~0~0!0~0~0!0~0~0",
            "nan~0~0!0~0~0!0~0~0",
            "inf~0~0!0~0~0!0~0~0",
            "",
            "!!",
        ],
    ),
    "word": ("text of at most 80 characters", ["x" * 81]),
    "image": ("the name of a sample picture or an uploaded picture", ["chirp", "", "../shapes", "/etc/passwd"]),
    "noise": ("the name of a sample sound or an uploaded sound", ["shapes", ""]),
    "examples": ("one of moons, iris or an uploaded table", ["Moons", "", "circles", "../iris", "moons~iris"]),
    "drawn": (
        "at most 300 points x y class, the class 0 or 1 and the others from -4 to 4",
        [
            "1~2",
            "1~2~3",
            "1~2~0.5",
            "1~2~-1",
            "4.1~0~1",
            "0~-4.1~1",
            "nan~0~1",
            "0~inf~0",
            "a~b~1",
            "1~2~1!1",
            "!".join(["0~0~1"] * 301),
        ],
    ),
    "pictures": ("one of all, none, or uploaded pictures", ["some", ""]),
    "head": ("nothing or an uploaded safetensors file", ["head.safetensors", "none"]),
    "strokes": (
        "strokes of whole numbers x y from 0 to 255",
        ["1", "1~2~3", "1~256", "-1~0", "1.5~2", "a~b", "!".join(["1~2"] * 41), "~".join(["1"] * 4002)],
    ),
    "network": (
        "1 to 16 rows: conv filters size stride padding, max or average size stride, dense units",
        [
            "",
            "conv",
            "conv~1~3~1",
            "conv~0~3~1~0",
            "max~5~2",
            "dense~5000",
            "dense~ten",
            "flat~1",
            "!".join(["dense~1"] * 17),
        ],
    ),
    "seed": ("a whole number from 0 to 2147483647", ["-1", "2147483648", "x"]),
}


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, (_, texts) in REFUSED.items() for text in texts])
def test_a_refused_text_keeps_the_default_and_says_why(name, text):
    params, rejected = validate(Everything, {name: text, "seed": "7"} if name != "seed" else {name: text})
    shown = text if len(text) <= 60 else text[:57] + "..."
    assert rejected == {name: f"{name} must be {REFUSED[name][0]}, got {shown!r}."}
    assert getattr(params, name) == control(Everything, name).default
    assert params.seed == (0 if name == "seed" else 7), "what else the link says is kept"
    with pytest.raises(BadInput, match=rf"^{name} must be "):
        parse(Everything, {name: text})


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("rate", "10", 10.0),
        ("rate", "0.0001", 1e-4),
        ("count", "-5", -5),
        ("on", "true", True),
        ("reach", "-10~10", (-10.0, 10.0)),
        ("reach", "0.25~1e0", (0.25, 1.0)),
        ("kernel", "1~2~3!4~5~-5!0~0~0.5", ((1.0, 2.0, 3.0), (4.0, 5.0, -5.0), (0.0, 0.0, 0.5))),
        ("word", "", ""),
        ("examples", "iris", "iris"),
        ("drawn", "", ()),
        ("drawn", "4~-4~0", ((4.0, -4.0, 0),)),
        ("drawn", "0.25~1e0~1!0~0~0", ((0.25, 1.0, 1), (0.0, 0.0, 0))),
        ("drawn", "!".join(["0~0~1"] * 300), ((0.0, 0.0, 1),) * 300),
        ("pictures", "none", "none"),
        ("strokes", "", ()),
        ("strokes", "0~255!1~2~3~4", ((0, 255), (1, 2, 3, 4))),
        ("network", "max~2~2!dense~10", (("max", 2, 2), ("dense", 10))),
        ("seed", "2147483647", 2**31 - 1),
    ],
)
def test_the_edges_of_what_is_allowed(name, text, value):
    assert getattr(parse(Everything, {name: text}), name) == value


@given(values_of(Everything))
def test_every_value_reads_back_from_its_own_text(values):
    texts = {name: to_text(value) for name, value in values.items()}
    assert all(type(text) is str for text in texts.values())
    built, rejected = validate(Everything, texts)
    assert rejected == {}
    assert {name: getattr(built, name) for name in values} == values


SINGLE = ["rate", "count", "shape", "on", "word", "image", "noise", "examples", "drawn", "seed"]
ANYTHING = st.one_of(st.text(), st.floats(), st.integers(), st.none(), st.binary())


@given(st.dictionaries(st.sampled_from(SINGLE), ANYTHING))
def test_whatever_comes_in_parameters_keep_their_bounds(values):
    built, rejected = validate(Everything, values)
    assert all(is_inside(found, getattr(built, found.name)) for found in controls(Everything))
    assert set(rejected) <= set(values)
    assert all(sentence.startswith(f"{name} must be ") for name, sentence in rejected.items())


def test_numbers_are_written_as_people_write_them():
    cases = {3.0: "3", 1e-4: "0.0001", -0.5: "-0.5", 1e15: "1000000000000000.0", True: "true", 7: "7", "cat": "cat"}
    assert {value: to_text(value) for value in cases} == cases
    assert to_text((1.0, 2.5)) == "1~2.5"
    assert to_text(((1.0, 0.0), (0.5, 2.0))) == "1~0!0.5~2"


def test_an_upload_stands_in_a_link_by_its_digest_and_can_not_be_read_back():
    assert to_text(UPLOADED) == "upload-0123456789ab"
    params = Everything(image=UPLOADED, noise=RECORDED, examples=OWN)
    assert params.image is UPLOADED and params.noise is RECORDED and params.examples is OWN
    assert params.changed() == {"image": UPLOADED, "noise": RECORDED, "examples": OWN}
    for name in ("image", "noise", "examples"):
        _, rejected = validate(Everything, {name: to_text(getattr(params, name))})
        assert "uploaded file, which a link doesn't carry" in rejected[name]


def test_an_upload_of_another_kind_is_refused():
    assert set(validate(Everything, {"image": RECORDED, "noise": UPLOADED})[1]) == {"image", "noise"}
    wrong = {"image": OWN, "noise": OWN, "examples": UPLOADED}
    assert set(validate(Everything, wrong)[1]) == set(wrong)


def test_every_sample_is_a_value():
    assert PICTURES and SOUNDS
    for name, samples in {"image": PICTURES, "noise": SOUNDS}.items():
        assert all(validate(Everything, {name: sample})[1] == {} for sample in samples)


def test_an_unknown_name_is_rejected_by_name_and_the_rest_kept():
    params, rejected = validate(Everything, {"nope": "1", "rate": "2"})
    assert params.rate == 2.0
    assert list(rejected) == ["nope"] and "nope" in rejected["nope"]
    with pytest.raises(ValidationError):
        Everything(nope=1)


def test_several_refused_values_each_have_their_sentence():
    _, rejected = validate(Everything, {"rate": "x", "reach": "2~1", "nope": "", "count": "3"})
    assert set(rejected) == {"rate", "reach", "nope"}


def test_parameters_are_frozen_hashable_and_equal_by_value():
    params = Everything(rate=0.5)
    with pytest.raises(ValidationError):
        params.rate = 0.6
    assert params == Everything(rate=0.5) and hash(params) == hash(Everything(rate=0.5))


def test_changed_lists_only_what_differs_from_the_defaults():
    assert Everything().changed() == {}
    assert Everything(rate=0.1, count=21, reach=(1.0, 4.0), seed=3).changed() == {"count": 21, "seed": 3}


class TooHigh(Params):
    x: float = number(2.0, low=0, high=1, label="x", help="x.")


class NoSuchChoice(Params):
    x: Literal["a"] = choice("b", label="x", help="x.")


class Backwards(Params):
    x: Span = span((2, 1), low=0, high=3, step=1, label="x", help="x.")


class OutOfBounds(Params):
    x: Matrix = matrix(IDENTITY, low=0, high=0.5, label="x", help="x.")


class Even(Params):
    x: Matrix = matrix(((1, 2), (3, 4)), low=0, high=9, label="x", help="x.")


@pytest.mark.parametrize("wrong", [TooHigh, NoSuchChoice, Backwards, OutOfBounds, Even])
def test_a_wrong_default_is_an_error_of_the_lab(wrong):
    with pytest.raises(ValidationError):
        wrong()
