"""The address bar and the controls, kept telling the same story.

The controls are the truth while a person moves them; the address is the truth whenever it changes by itself: a link was
opened, or the person went back or forward.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import streamlit as st

from engine.lab import Lab
from engine.params import Params, controls, to_text, validate
from engine.share import query, restore
from pages._ui import slots

# A rerun sent before the browser has applied our last write still carries the old address.
SETTLE_SECONDS = 0.5


def arrive(lab: Lab[Any]) -> None:
    """Bring the controls to the address, if the address has changed by itself. Call before any control is drawn."""
    state = _state(lab)
    now = st.query_params.to_dict()
    touched = state.pop("touched", False)
    settling = now == state.get("before") and time.monotonic() - state.get("at", 0.0) < SETTLE_SECONDS
    state["arrived"] = not ("written" in state and (touched or now == state["written"] or settling))
    if state["arrived"]:
        restored = restore(lab, _with_uploads(lab, now))
        put(lab, restored.params)
        state |= {"rejected": restored.rejected, "written": now}


def _with_uploads(lab: Lab[Any], texts: Mapping[str, str]) -> dict[str, Any]:
    """The address's values, with this session's own uploads where it names them."""
    own = {c.name: st.session_state.get(f"{_key(lab, c.name)}/own") for c in controls(lab.params)}
    named = {name: file for name, file in own.items() if file is not None and to_text(file) == texts.get(name)}
    return {**{name: text for name, text in texts.items() if not name.startswith("embed")}, **named}


def put(lab: Lab[Any], params: Params) -> None:
    """Set every control to these parameters."""
    for control in controls(lab.params):
        slots.put(control, _key(lab, control.name), getattr(params, control.name))


def change(lab: Lab[Any], changes: Mapping[str, Any]) -> None:
    """Set some controls, as if the person had moved them. For callbacks."""
    # In the types that the widgets know: a lab may answer a drag in whole numbers where a slider takes any.
    params, _ = validate(lab.params, changes)
    for control in controls(lab.params):
        if control.name in changes:
            slots.put(control, _key(lab, control.name), getattr(params, control.name))
    touched(lab)


def touched(lab: Lab[Any]) -> None:
    """Note that the controls changed, so they outrank the address; what the link had wrong is settled by that."""
    _state(lab).update(touched=True, rejected={})


def is_touched(lab: Lab[Any]) -> bool:
    """Whether the controls changed since this page was last drawn whole."""
    return bool(_state(lab).get("touched"))


def read(lab: Lab[Any]) -> tuple[Params, Mapping[str, str]]:
    """The parameters as the controls stand, and a sentence for each value that the server refuses."""
    values = {c.name: slots.get(c, _key(lab, c.name)) for c in controls(lab.params)}
    params, refused = validate(lab.params, values)
    return params, {**_state(lab)["rejected"], **refused}


def depart(lab: Lab[Any], params: Params) -> None:
    """Write the parameters to the address. A link with something wrong in it stays as it is until the person acts."""
    state = _state(lab)
    wanted, now = query(lab, params), st.query_params.to_dict()
    if state["rejected"] or wanted == {"v": wanted["v"], **now}:
        return
    if state["arrived"]:
        # Completing a short link adds a step to the history; going back over it must not complete it again.
        if now in state["completed"]:
            return
        state["completed"].append(now)
    embed = {name: text for name, text in now.items() if name.startswith("embed")}
    st.query_params.from_dict({**wanted, **embed})
    state |= {"before": now, "written": st.query_params.to_dict(), "at": time.monotonic()}


def _state(lab: Lab[Any]) -> dict[str, Any]:
    found: dict[str, Any] = st.session_state.setdefault(f"link/{lab.slug}", {"rejected": {}, "completed": []})
    return found


def _key(lab: Lab[Any], name: str) -> str:
    return f"{lab.slug}/{name}"
