"""A network's layers as a list to edit: one line a layer, opened to change its numbers, moved, removed, added."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from engine.kinds import LAYERS, MOST_LAYERS

Row = tuple[Any, ...]
NEW: dict[str, Row] = {
    "Conv": ("conv", 16, 3, 1, 1),
    "Max": ("max", 2, 2),
    "Average": ("average", 2, 2),
    "Dense": ("dense", 64),
}


def line(row: Row) -> str:
    """A layer in a few words."""
    kind, *numbers = row
    if kind == "conv":
        filters, size, stride, padding = numbers
        return f"Conv {filters}, {size}×{size} s{stride} p{padding}"
    if kind == "dense":
        return f"Dense {numbers[0]}"
    return f"{kind.capitalize()} {numbers[0]}×{numbers[0]} s{numbers[1]}"


def show(key: str, label: str, help: str, changed: Callable[[tuple[Row, ...]], None]) -> None:
    """Draw the list for the rows in the session's state under ``key``; ``changed`` is called with the edited rows."""
    state = st.session_state
    rows: tuple[Row, ...] = state[key]
    if state.get(f"{key}/shown") != rows:
        # Somebody else set them: a link, a preset. Every line begins anew.
        state[f"{key}/edition"] = state.get(f"{key}/edition", 0) + 1
        state[f"{key}/shown"] = rows

    with st.container(gap="xxsmall", key="layer-list"):
        st.markdown(label, help=help)
        for i in range(len(rows)):
            _line(key, rows, i, changed)
        with st.container(horizontal=True, gap="xxsmall"):
            for name, row in NEW.items():
                full = len(rows) >= MOST_LAYERS
                # A dense layer ends the list; the others come before the first dense one.
                place = (
                    len(rows)
                    if row[0] == "dense"
                    else next((i for i, r in enumerate(rows) if r[0] == "dense"), len(rows))
                )
                added = (*rows[:place], row, *rows[place:])
                st.button(
                    f"+ {name}",
                    key=f"{key}/add/{name}",
                    on_click=changed,
                    args=(added,),
                    disabled=full,
                    type="tertiary",
                )


def _line(key: str, rows: tuple[Row, ...], i: int, changed: Callable[[tuple[Row, ...]], None]) -> None:
    edition = f"{key}/{st.session_state[f'{key}/edition']}/{i}"

    def move(to: int) -> None:
        rest = (*rows[:i], *rows[i + 1 :])
        changed((*rest[:to], rows[i], *rest[to:]))

    def edit() -> None:
        numbers = [int(st.session_state[f"{edition}/{name}"]) for name in LAYERS[rows[i][0]]]
        new = (*rows[:i], (rows[i][0], *numbers), *rows[i + 1 :])
        st.session_state[f"{key}/shown"] = new
        changed(new)

    with st.container(horizontal=True, vertical_alignment="center", gap="xxsmall"):
        with st.popover(line(rows[i]), width="stretch", key=f"{edition}/popover"):
            for (name, (low, high)), value in zip(LAYERS[rows[i][0]].items(), rows[i][1:], strict=True):
                ends: dict[str, Any] = {"min_value": low, "max_value": high, "value": value, "step": 1}
                st.number_input(name.capitalize(), **ends, key=f"{edition}/{name}", on_change=edit)
        icons = (("up", "arrow_upward", i - 1, i == 0), ("down", "arrow_downward", i + 1, i == len(rows) - 1))
        for name, icon, to, off in icons:
            given: dict[str, Any] = {"icon": f":material/{icon}:", "type": "tertiary", "disabled": off}
            st.button("", key=f"{edition}/{name}", on_click=move, args=(to,), help=f"Move {name}", **given)
        given = {"icon": ":material/close:", "type": "tertiary", "disabled": len(rows) == 1}
        st.button(
            "", key=f"{edition}/remove", on_click=changed, args=((*rows[:i], *rows[i + 1 :]),), help="Remove", **given
        )
