"""A run's numbers as JSON and CSV: read back with other libraries, they are those of the figures."""

import csv
import io
import json

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import export
from engine.lab import Frame, found, load
from engine.snapshot import Snapshot, snapshot


def made(figures: dict, **more) -> Snapshot:
    return snapshot(Frame(figures=figures, says="Something.", **more))


def table(shot) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(export.numbers_csv(shot)), keep_default_na=False, dtype=str)


@pytest.mark.parametrize("slug", found())
def test_numbers_are_those_of_the_figures(slug):
    lab = load(slug)
    frame = next(lab.frames(lab.params()))
    decoded = json.loads(export.numbers_json(snapshot(frame)))
    assert decoded["metrics"] == frame.metrics
    traces = [(title, trace) for title, figure in frame.figures.items() for trace in figure.data]
    assert len(decoded["traces"]) == len(traces)
    for found_trace, (title, trace) in zip(decoded["traces"], traces, strict=True):
        assert (found_trace["figure"], found_trace["trace"]) == (title, trace.name or trace.type)
        for axis in "xyz":
            values = getattr(trace, axis, None) if axis in trace else None
            if values is not None and np.asarray(values).dtype.kind in "fiu":
                numbers = np.array(found_trace[axis], dtype=float)
                np.testing.assert_array_equal(numbers, np.where(np.isfinite(values), values, np.nan))


SIZES = st.tuples(st.integers(1, 4), st.integers(1, 4))
KINDS = st.sampled_from(["float64", "float32", "uint8", "int8", "int16", "int32", "int64"])


@given(SIZES, KINDS, st.integers(0, 99))
@settings(max_examples=40)
def test_typed_arrays_come_back_exactly(size, kind, seed):
    z = (np.random.default_rng(seed).normal(size=size) * 50).astype(kind)
    shot = made({"Map": go.Figure(go.Heatmap(z=z, x=np.arange(size[1]) * 0.5, y=np.arange(size[0]) + 3))})
    (trace,) = json.loads(export.numbers_json(shot))["traces"]
    assert np.array_equal(np.array(trace["z"], dtype=kind), z)
    rows = table(shot).astype({"x": float, "y": float, "z": float})
    back = rows.pivot(index="y", columns="x", values="z")
    assert np.array_equal(back.to_numpy().astype(kind), z)
    assert list(back.index) == list(np.arange(size[0]) + 3.0) and list(back.columns) == list(np.arange(size[1]) * 0.5)
    assert list(rows["index"].astype(int)) == list(range(z.size))


def test_points_have_a_row_each_and_what_is_not_finite_is_empty():
    line = go.Scatter(x=[1, 2, 3], y=np.array([0.1, np.nan, np.inf]), name="a")
    figure = go.Figure([line, go.Bar(x=["p", "q"], y=[4, None])])
    shot = made({"Plot": figure}, metrics={"Cost": "+1.5", "Word": "fine"})
    assert list(csv.reader(io.StringIO(export.numbers_csv(shot)))) == [
        ["figure", "trace", "index", "x", "y", "z"],
        ["Metrics", "Cost", "0", "", "+1.5", ""],
        ["Metrics", "Word", "0", "", "fine", ""],
        ["Plot", "a", "0", "1", "0.1", ""],
        ["Plot", "a", "1", "2", "", ""],
        ["Plot", "a", "2", "3", "", ""],
        ["Plot", "bar", "0", "p", "4", ""],
        ["Plot", "bar", "1", "q", "", ""],
    ]
    first = json.loads(export.numbers_json(shot))["traces"][0]
    assert first == {"figure": "Plot", "trace": "a", "x": [1, 2, 3], "y": [0.1, None, None]}


def test_axes_that_plotly_counts_are_counted_too():
    z = np.arange(6).reshape(2, 3)
    figure = go.Figure([go.Heatmap(z=z, x0=10, dx=5), go.Scatter(y=[7, 8], x0=1, dx=0.5), go.Histogram(x=[1, 1, 2])])
    heat, line, bars = json.loads(export.numbers_json(made({"A": figure})))["traces"]
    assert (heat["x"], heat["y"], heat["z"]) == ([10, 15, 20], [0, 1], z.tolist())
    assert (line["x"], line["y"]) == ([1, 1.5], [7, 8])
    assert bars["x"] == [1, 1, 2] and "y" not in bars


def test_a_coloured_picture_has_a_row_for_each_channel():
    pixels = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    shot = made({"Photo": go.Figure(go.Image(z=pixels))})
    rows = table(shot)[["x", "y", "z"]].astype(int).to_numpy()
    assert rows[:, 2].tolist() == list(range(12))
    assert rows[:4].tolist() == [[0, 0, 0], [0, 0, 1], [0, 0, 2], [1, 0, 3]]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_text_becomes_a_formula(start):
    evil = f"{start}HYPERLINK(1)"
    figure = go.Figure(go.Bar(x=[evil, "-5", "−5"], y=[-1.5, 2, 3], name=evil))
    shot = made({evil: figure}, metrics={evil: evil, "Gain": "-0.25"})
    rows = list(csv.reader(io.StringIO(export.numbers_csv(shot), newline="")))
    assert rows[1] == ["Metrics", f"'{evil}", "0", "", f"'{evil}", ""]
    assert rows[2] == ["Metrics", "Gain", "0", "", "-0.25", ""], "a number stays a number"
    assert rows[3] == [f"'{evil}", f"'{evil}", "0", f"'{evil}", "-1.5", ""]
    assert [row[3] for row in rows[4:]] == ["-5", "−5"]
