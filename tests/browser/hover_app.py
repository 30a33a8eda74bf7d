"""A page of one chart that says what the pointer does; the browser tests serve it."""

import numpy as np
import streamlit as st

from engine.figures.theme import figure, line
from engine.lab import Frame
from engine.snapshot import snapshot
from pages._ui.chart import chart, event

x = np.arange(5.0)
frame = Frame({"Squares": figure([line(x, x**2, "squares", "#2b7bba")], "x", "y")}, "Squares of whole numbers.")
chart("chart", "run", [(0, snapshot(frame))], [["Squares"]], listens=("hover", "click"))
happened = event("chart")
if happened:
    st.write(f"{happened.kind} on {happened.figure} at {happened.x:.1f}, {happened.y:.1f} {happened.name}")
