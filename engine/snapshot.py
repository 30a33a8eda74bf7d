"""A frame ready to travel: its figures drawn to JSON where they were made, so nobody on the way has to know them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engine.lab import Frame

if TYPE_CHECKING:
    import plotly.graph_objects as go


@dataclass(frozen=True)
class Snapshot:
    """A frame whose figures are JSON text by title; ``frame`` holds the rest, with no figures."""

    figures: Mapping[str, str]
    frame: Frame


def snapshot(frame: Frame) -> Snapshot:
    """Draw a frame's figures to JSON."""
    return Snapshot({title: _text(figure) for title, figure in frame.figures.items()}, replace(frame, figures={}))


def _text(figure: go.Figure) -> str:
    # Plotly writes every slash as six characters, to be safe inside a script element. Nobody puts this text into one,
    # and the base64 of its arrays is full of slashes.
    return str(figure.to_json(validate=False)).replace(r"\u002f", "/")
