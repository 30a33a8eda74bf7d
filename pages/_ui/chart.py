"""The chart: our own component over plotly's bundled script, so an update never remounts a figure."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import streamlit as st

from engine.lab import Event
from engine.snapshot import Snapshot

HERE = Path(__file__).resolve().parent
STATIC = HERE.parent.parent / "static"


def _serve_plotly() -> str:
    """Put plotly's own script where Streamlit serves static files, and return its address."""
    from importlib.metadata import version

    spec = find_spec("plotly")
    assert spec is not None and spec.origin is not None, "plotly is a requirement"
    served = STATIC / f"plotly-{version('plotly')}.min.js"
    if not served.exists():
        STATIC.mkdir(exist_ok=True)
        shutil.copyfile(Path(spec.origin).parent / "package_data" / "plotly.min.js", served)
    return f"app/static/{served.name}"


def _script() -> str:
    from engine.figures.theme import template

    templates = {"light": template(dark=False), "dark": template(dark=True)}
    source = (HERE / "chart.js").read_text(encoding="utf-8")
    return source.replace("__TEMPLATES__", json.dumps(templates)).replace("__PLOTLY__", _serve_plotly())


_CHART = st.components.v2.component(
    "atlas_chart", css=(HERE / "chart.css").read_text(encoding="utf-8"), js=_script(), isolate_styles=False
)


def chart(
    key: str,
    run: str,
    frames: Sequence[tuple[int, Snapshot]],
    rows: Sequence[Sequence[str]],
    listens: Sequence[str] = (),
    on_event: Callable[[], None] | None = None,
    *,
    opens: int | None = None,
    looks: int = 0,
) -> None:
    """Show the frames of a run, the last one first in sight; ``frames`` are (index, snapshot) that the browser may lack.

    ``opens`` is the frame to begin at where all are there at once. ``looks`` counts how often the view of the last frame
    changed; a frame that the browser has is replaced when it comes with another count. ``on_event`` is called when a
    person acts on a figure; :func:`event` then tells what happened.
    """
    # Tuples: Streamlit asks of every list whether it is a table, and loads pandas to find out.
    data = {
        "run": run,
        "rows": tuple(tuple(row) for row in rows),
        "listens": tuple(listens),
        "frames": tuple(_payload(i, shot) for i, shot in frames),
        "opens": opens,
        "looks": looks,
    }
    _CHART(key=key, data=data, on_event_change=on_event or _nothing)


def event(key: str) -> Event | None:
    """What a person did on the chart of this key in this rerun, or None."""
    raw: Any = (st.session_state.get(key) or {}).get("event")
    try:
        x, y, (x0, y0, x1, y1) = float(raw.get("x", 0)), float(raw.get("y", 0)), raw.get("box", (0, 0, 0, 0))
        box = (float(x0), float(y0), float(x1), float(y1))
        if not all(map(math.isfinite, (x, y, *box))):
            return None
        return Event(str(raw["kind"]), str(raw["figure"]), x, y, str(raw.get("name", "")), box)
    except (AttributeError, KeyError, TypeError, ValueError):
        # Nothing happened, or a browser that isn't running our script sent something else.
        return None


def _payload(index: int, shot: Snapshot) -> dict[str, Any]:
    frame = shot.frame
    return {
        "index": index,
        "figures": dict(shot.figures),
        "metrics": dict(frame.metrics),
        "says": frame.says,
        "note": frame.note,
    }


def _nothing() -> None:
    """Declares the event, so that its value exists."""
