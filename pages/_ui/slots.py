"""A control on the page: the key of its widget, and how values move between the session's state and Python."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from engine.params import Control

# Kinds that are typed as rows of numbers.
TYPED = ("matrix", "points")


@dataclass(frozen=True)
class Slot:
    """A control with the key of its widget and what to do when it moves."""

    control: Control
    key: str
    touched: Callable[[], None]


def put(control: Control, key: str, value: Any) -> None:
    """Set the state of a widget before it is drawn; a value outside the slider's usual range widens the slider."""
    st.session_state[f"{key}/given"] = value
    st.session_state[key] = as_rows(value) if control.kind in TYPED else value


def get(control: Control, key: str) -> Any:
    """The value of a control as it stands."""
    value = st.session_state.get(key, control.default)
    return from_rows(value) if control.kind in TYPED and isinstance(value, str) else value


def label(control: Control) -> str:
    """The label with its unit."""
    return f"{control.label} ({control.unit})" if control.unit else control.label


def common(slot: Slot) -> dict[str, Any]:
    """What every widget of Streamlit takes."""
    # The value goes in twice, as state and as default: a browser busy drawing may miss the run that set the state, and a
    # widget that starts from nothing would then report its lowest value as the person's.
    return {
        "label": label(slot.control),
        "key": slot.key,
        "help": slot.control.help,
        "on_change": slot.touched,
    }


def last_given(slot: Slot) -> Any:
    """The value last set from outside: by a link, a preset, a reset."""
    return st.session_state[f"{slot.key}/given"]


def place(options: Sequence[Any], slot: Slot) -> int:
    """Where the given value stands among the options."""
    given = last_given(slot)
    return options.index(given) if given in options else 0


def as_rows(value: tuple[tuple[float, ...], ...]) -> str:
    """Rows of numbers as a person types them."""
    return "\n".join("  ".join(f"{x:g}" for x in row) for row in value)


def from_rows(text: str) -> str:
    """Rows of numbers as typed, in the form of a link, which the parameter itself validates."""
    return "!".join("~".join(line.replace(",", " ").split()) for line in text.strip().splitlines())
