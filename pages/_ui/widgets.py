"""From a parameter's declaration to a widget: one maker a kind, and nothing about any lab."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import streamlit as st

from engine.data import media
from engine.kinds import read_sketch
from engine.params import to_text
from pages._ui import layers, pad, uploads
from pages._ui.slots import Slot, as_rows, common, label, last_given, place, put

LOG_STOPS = 120


def show(slot: Slot) -> None:
    """Draw one control."""
    # Streamlit drops the state of a widget that wasn't drawn in the last run (another lab was open).
    if slot.key not in st.session_state:
        put(slot.control, slot.key, st.session_state.get(f"{slot.key}/given", slot.control.default))
    _MAKERS[slot.control.kind](slot)


def _slider(slot: Slot) -> None:
    control = slot.control
    assert control.hint is not None
    whole = control.kind == "integer"
    low, high, step = control.hint
    given = last_given(slot)
    low, high = min(low, given), max(high, given)
    if control.log:
        st.select_slider(options=_stops(low, high, given, whole), format_func=_short, value=given, **common(slot))
    elif whole:
        st.slider(min_value=int(low), max_value=int(high), step=int(step), value=int(given), **common(slot))
    else:
        ends: dict[str, Any] = {
            "min_value": float(low),
            "max_value": float(high),
            "step": float(step),
            "value": float(given),
        }
        st.slider(format=_format(step), **ends, **common(slot))


def _integer(slot: Slot) -> None:
    control = slot.control
    assert control.hint is not None and control.low is not None and control.high is not None
    if control.hint[1] - control.hint[0] > 100_000:
        st.number_input(
            min_value=int(control.low), max_value=int(control.high), step=1, value=last_given(slot), **common(slot)
        )
    else:
        _slider(slot)


def _stops(low: float, high: float, given: float, whole: bool) -> list[float]:
    """Values spaced by ratios, at two significant digits, with the one given by a link among them."""
    ratio = math.log(high / low) / LOG_STOPS
    stops = {_two_digits(low * math.exp(ratio * i)) for i in range(LOG_STOPS + 1)} | {low, high, given}
    return sorted({int(s) for s in stops} if whole else stops)


def _two_digits(value: float) -> float:
    return float(f"{value:.2g}")


def _short(value: float) -> str:
    return f"{value:g}"


def _format(step: float) -> str:
    return f"%.{max(0, -math.floor(math.log10(step)))}f"


def _choice(slot: Slot) -> None:
    control = slot.control
    names = control.names

    def name(option: str) -> str:
        return names.get(option, option.replace("_", " ").capitalize())

    short = sum(len(name(option)) + 4 for option in control.options) <= 34
    if short:
        options = {"options": control.options, "format_func": name, "required": True, "default": last_given(slot)}
        st.segmented_control(width="stretch", **options, **common(slot))
    else:
        st.selectbox(options=control.options, format_func=name, index=place(control.options, slot), **common(slot))


def _toggle(slot: Slot) -> None:
    st.toggle(value=last_given(slot), **common(slot))


def _span(slot: Slot) -> None:
    control = slot.control
    assert control.hint is not None
    low, high, step = control.hint
    ends: dict[str, Any] = {
        "min_value": float(low),
        "max_value": float(high),
        "step": float(step),
        "value": last_given(slot),
    }
    st.slider(format=_format(step), **ends, **common(slot))


def _text(slot: Slot) -> None:
    st.text_input(max_chars=int(slot.control.high or 0), value=last_given(slot), **common(slot))


def _matrix(slot: Slot) -> None:
    st.text_area(height=112, value=as_rows(last_given(slot)), **common(slot))


def _sketch(slot: Slot) -> None:
    key = f"{slot.key}/pad"

    def take() -> None:
        try:
            strokes = read_sketch(pad.drawn(key) or "")
        except ValueError:
            return  # a full pad takes no more
        put(slot.control, slot.key, strokes)
        slot.touched()

    st.markdown(label(slot.control), help=slot.control.help)
    pad.pad(key, label(slot.control), st.session_state[slot.key], take)


def _layers(slot: Slot) -> None:
    def changed(rows: tuple[tuple[Any, ...], ...]) -> None:
        put(slot.control, slot.key, rows)
        slot.touched()

    layers.show(slot.key, label(slot.control), slot.control.help, changed)


_MAKERS: dict[str, Callable[[Slot], None]] = {
    "number": _slider,
    "integer": _integer,
    "choice": _choice,
    "toggle": _toggle,
    "span": _span,
    "matrix": _matrix,
    "text": _text,
    "picture": uploads.picture,
    "sound": uploads.sound,
    "examples": uploads.examples,
    "points": _matrix,
    "album": uploads.album,
    "passage": uploads.passage,
    "recordings": uploads.several_recordings,
    "weights": uploads.weights,
    "sketch": _sketch,
    "layers": _layers,
}


def in_words(value: Any) -> str:
    """A value as a person reads it in a comparison."""
    if isinstance(value, tuple) and value and isinstance(value[0], tuple) and isinstance(value[0][0], str):
        return "; ".join(map(layers.line, value))
    return uploads.media_name(value) if isinstance(value, media.Upload) else to_text(value)
