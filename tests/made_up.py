"""A lab with every kind of parameter, and hypothesis strategies that draw values from any lab's declaration."""

from collections.abc import Generator
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go
from hypothesis import strategies as st

from engine.data.media import Sound
from engine.data.samples import PICTURES, SOUNDS
from engine.kinds import LAYERS
from engine.lab import Frame, Lab
from engine.params import (
    AlbumSource,
    Control,
    ExamplesSource,
    Layers,
    Matrix,
    Params,
    PictureSource,
    Points,
    RecordingsSource,
    Sketch,
    SoundSource,
    Span,
    TextSource,
    WeightsSource,
    album,
    choice,
    controls,
    drawing,
    examples,
    integer,
    layers,
    matrix,
    number,
    passage,
    picture,
    recordings,
    sketch,
    sound,
    span,
    text,
    toggle,
    weights,
)

IDENTITY = ((1, 0, 0), (0, 1, 0), (0, 0, 1))
RATE = 8000


class Everything(Params):
    rate: float = number(
        0.1, low=1e-4, high=10.0, hint=(0.001, 1.5, 0.001), log=True, unit="Hz", label="Rate", help="How fast."
    )
    count: int = integer(20, low=-5, high=200, hint=(0, 60, 1), label="Count", help="How many.")
    shape: Literal["round", "square"] = choice("round", label="Shape", help="Which.", names={"round": "A circle"})
    on: bool = toggle(False, label="On", help="Whether.")
    reach: Span = span((1, 4), low=-10, high=10, step=0.5, unit="m", label="Reach", help="From where to where.")
    kernel: Matrix = matrix(IDENTITY, low=-5, high=5, label="Kernel", help="Weights.", more=True)
    word: str = text("cat", longest=80, label="Word", help="What to say.")
    image: PictureSource = picture("shapes", help="What to look at.")
    noise: SoundSource = sound("chirp", help="What to listen to.")
    examples: ExamplesSource = examples("moons", sets=("moons", "iris"), help="What to learn.")
    drawn: Points = drawing(((0.5, -1.0, 1),), low=-4, high=4, label="Drawn", help="What was drawn.", more=True)
    pictures: AlbumSource = album("all", sets=("all", "none"), help="What to name.")
    head: WeightsSource = weights(label="Head", help="What was learned before.")
    story: TextSource = passage("names", sets={"names": "Names", "tales": "Tales"}, help="What to read.")
    spoken: RecordingsSource = recordings("made", sets={"made": "Made"}, help="What was said.")
    strokes: Sketch = sketch(label="Strokes", help="What to draw.")
    network: Layers = layers((("conv", 4, 3, 1, 0), ("dense", 10)), label="Network", help="What to build.")


def run(params: Everything) -> Generator[Frame]:
    wave = np.sin(np.arange(RATE, dtype=np.float32) / 9)[None]
    yield Frame(
        figures={"Line": go.Figure(go.Scatter(x=[0.0, 1.0], y=[params.rate, 2.0], name="rate"))},
        says="A line.",
        metrics={"Rate": f"{params.rate:+g}"},
        note="All made up.",
        pictures={"Grey": np.full((2, 3, 3), 128, np.uint8)},
        sounds={"Hum": Sound(wave, RATE, "hum", "0" * 12)},
    )


LAB = Lab(
    slug="gradient-descent",
    summary="All kinds.",
    params=Everything,
    run=run,
    look_for="Why?",
    maths="$$x$$",
    code=(run,),
)


def values_of(params: type[Params]) -> st.SearchStrategy[dict[str, Any]]:
    """Valid values of some of a class's parameters, by name."""
    return st.fixed_dictionaries({}, optional={c.name: drawn(c) for c in controls(params)})


def drawn(control: Control) -> st.SearchStrategy[Any]:
    """Valid values of one parameter, uploads aside."""
    if control.kind in ("number", "span", "matrix"):
        numbers = st.floats(control.low, control.high, allow_nan=False)
    if control.kind == "number":
        return numbers
    if control.kind == "span":
        return st.tuples(numbers, numbers).filter(lambda ends: ends[0] != ends[1]).map(lambda ends: tuple(sorted(ends)))
    if control.kind == "matrix":
        return st.sampled_from((3, 5, 7)).flatmap(lambda size: st.tuples(*[st.tuples(*[numbers] * size)] * size))
    return {
        "integer": lambda: st.integers(int(control.low), int(control.high)),
        "choice": lambda: st.sampled_from(control.options),
        "toggle": st.booleans,
        "text": lambda: st.text(max_size=int(control.high)),
        "picture": lambda: st.sampled_from(list(PICTURES)),
        "sound": lambda: st.sampled_from(list(SOUNDS)),
        "examples": lambda: st.sampled_from(control.options),
        "passage": lambda: st.sampled_from(control.options),
        "recordings": lambda: st.sampled_from(control.options),
        "weights": lambda: st.just(""),
        "album": lambda: st.sampled_from(control.options),
        "sketch": lambda: st.lists(
            st.lists(st.tuples(st.integers(0, 255), st.integers(0, 255)), min_size=1, max_size=5).map(
                lambda points: tuple(x for point in points for x in point)
            ),
            max_size=4,
        ).map(tuple),
        "layers": lambda: st.lists(layer(), min_size=1, max_size=4).map(tuple),
        "points": lambda: st.lists(
            st.tuples(
                st.floats(control.low, control.high, allow_nan=False),
                st.floats(control.low, control.high, allow_nan=False),
                st.integers(0, 1),
            ),
            max_size=12,
        ).map(tuple),
    }[control.kind]()


def layer() -> st.SearchStrategy[tuple[str | int, ...]]:
    """A layer of a convolutional network."""
    kinds = [
        st.tuples(st.just(kind), *(st.integers(*ends) for ends in bounds.values())) for kind, bounds in LAYERS.items()
    ]
    return st.one_of(*kinds)


def is_inside(control: Control, value: Any) -> bool:
    """Whether a value keeps to what its parameter declares; written apart from the validation it checks."""
    match control.kind:
        case "number":
            return type(value) is float and control.low <= value <= control.high
        case "integer":
            return type(value) is int and control.low <= value <= control.high
        case "span":
            return len(value) == 2 and control.low <= value[0] < value[1] <= control.high
        case "matrix":
            cells = [x for row in value for x in row]
            return (
                len(value) in (3, 5, 7)
                and len(cells) == len(value) ** 2
                and np.ptp([*map(len, value)]) == 0
                and (bool(np.all(np.array(cells) >= control.low) and np.all(np.array(cells) <= control.high)))
            )
        case "choice":
            return value in control.options
        case "toggle":
            return type(value) is bool
        case "text":
            return len(value) <= control.high
        case "picture":
            return value in PICTURES
        case "examples" | "album" | "passage" | "recordings":
            return value in control.options
        case "weights":
            return value == ""
        case "sketch":
            return all(len(s) % 2 == 0 and all(type(x) is int and 0 <= x <= 255 for x in s) for s in value)
        case "layers":
            return 1 <= len(value) <= 16 and all(
                len(row) == 1 + len(LAYERS[row[0]])
                and all(low <= x <= high for x, (low, high) in zip(row[1:], LAYERS[row[0]].values(), strict=True))
                for row in value
            )
        case "points":
            return len(value) <= 300 and all(
                control.low <= x <= control.high and control.low <= y <= control.high and type(c) is int and c in (0, 1)
                for x, y, c in value
            )
    return value in SOUNDS
