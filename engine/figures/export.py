"""Figures that leave the app: with template, title and background of their own, alone or on one page that needs no network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from engine.figures.theme import FONT, template

LIGHT, DARK = "#ffffff", "#0f141a"
TITLE_ROOM = 72

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ max-width: 64rem; margin: 1rem auto; padding: 0 1rem; font-family: {font}; color: {text}; background: {background} }}
dl {{ display: flex; flex-wrap: wrap; gap: 0 2rem }}
dd {{ margin: 0; font-size: 1.5rem }}
.figure {{ height: 28rem }}
</style>
<script>{plotly}</script>
</head>
<body>
<h1>{title}</h1>
<p>{says}</p>
<dl>{metrics}</dl>
{figures}
<script>
const template = {template};
const config = {{responsive: true, displaylogo: false, showSendToCloud: false}};
{figures_json}.forEach((figure, at) =>
  Plotly.newPlot(`figure-${{at}}`, figure.data, {{...figure.layout, template}}, config));
</script>
</body>
</html>
"""


def themed(figure: go.Figure, title: str, dark: bool = False) -> go.Figure:
    """A copy of a figure that can stand alone."""
    copy = go.Figure(figure)
    background = DARK if dark else LIGHT
    return copy.update_layout(
        template=template(dark),
        title={"text": escape(title, quote=False)},
        paper_bgcolor=background,
        margin={"t": TITLE_ROOM},
    )


def standalone(
    figures: Mapping[str, str], title: str, says: str, metrics: Mapping[str, str], dark: bool = False
) -> str:
    """An HTML page of figures, given as JSON by title, with plotly's script inside."""
    look = template(dark)
    return PAGE.format(
        title=escape(title),
        says=escape(says),
        metrics="".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in metrics.items()),
        figures="\n".join(
            f'<h2>{escape(name)}</h2>\n<div class="figure" id="figure-{at}"></div>' for at, name in enumerate(figures)
        ),
        figures_json=_script_safe(f"[{', '.join(figures.values())}]"),
        template=_script_safe(json.dumps(look)),
        plotly=get_plotlyjs(),
        font=FONT,
        text=look["layout"]["font"]["color"],
        background=DARK if dark else LIGHT,
    )


def _script_safe(text: str) -> str:
    """JSON that can't end the script element it stands in: "<" occurs in its strings only."""
    return text.replace("<", "\\u003c")
