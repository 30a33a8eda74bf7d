"""A pad to draw on: our own component, whose strokes are a control like any other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

HERE = Path(__file__).resolve().parent

_PAD = st.components.v2.component(
    "atlas_pad",
    css=(HERE / "pad.css").read_text(encoding="utf-8"),
    js=(HERE / "pad.js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def pad(key: str, label: str, strokes: tuple[tuple[int, ...], ...], on_draw: Callable[[], None]) -> None:
    """Show a pad with these strokes; ``on_draw`` is called while a person draws, and :func:`drawn` then tells what."""
    _PAD(key=key, data={"strokes": strokes, "label": label}, on_strokes_change=on_draw)


def drawn(key: str) -> Any:
    """The strokes of this rerun as link text, or None. They come from a browser: the parameter itself validates them."""
    return (st.session_state.get(key) or {}).get("strokes")
