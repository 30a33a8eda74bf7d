"""What leaves the app: a run as a script or a notebook that rebuilds it, its figures as a page, its numbers as JSON or CSV."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest
from typing import Any, NamedTuple

import numpy as np

from engine.data.media import Upload
from engine.figures.export import standalone
from engine.lab import Lab
from engine.params import Params
from engine.share import link
from engine.snapshot import Snapshot

SCRIPT = '''"""{title}

Rebuilds the figures of {link}
and writes them as HTML: python SCRIPT.py [FOLDER]
"""

{imports}

{build}

folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
folder.mkdir(parents=True, exist_ok=True)
names = file_names(frame.figures)
for title, figure in frame.figures.items():
    themed(figure, title).write_html(folder / f"{{names[title]}}.html")

{tell}
'''

BUILD = """# One thread, as in the app: sums in another order end in other digits.
torch.set_num_threads(1)

lab = load({slug!r})
{uploads}params = lab.params({arguments})
frame = lab.last_frame(params)"""

TELL = """for label, value in frame.metrics.items():
    print(f"{label}: {value}")"""

SHOW = """for title, figure in frame.figures.items():
    themed(figure, title).show()"""

AXES = ("x", "y", "z")


def script(lab: Lab[Any], params: Params) -> str:
    """A Python script that rebuilds the last figures of a run and writes them as HTML."""
    return SCRIPT.format(
        title=lab.entry.title,
        link=link("", lab, params),
        imports=_imports(params, script=True),
        build=_build(lab, params, "this script"),
        tell=TELL,
    )


def notebook(lab: Lab[Any], params: Params) -> str:
    """A notebook, as JSON, that rebuilds the last figures of a run and shows them."""
    text = f"# {lab.entry.title}\n\n{lab.summary}\n\n{lab.maths}\n\nRebuilds the figures of `{link('', lab, params)}`."
    code = (_imports(params, script=False), _build(lab, params, "this notebook"), TELL, SHOW)
    cells: list[dict[str, Any]] = [{"cell_type": "markdown", "id": "about", "metadata": {}, "source": text}]
    cells += [
        {"cell_type": "code", "id": name, "metadata": {}, "source": source, "execution_count": None, "outputs": []}
        for name, source in zip(("imports", "run", "metrics", "figures"), code, strict=True)
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}, indent=1)


def page(snapshot: Snapshot, title: str, dark: bool = False) -> str:
    """All figures of a snapshot as one HTML page that needs nothing else."""
    return standalone(snapshot.figures, title, snapshot.frame.says, snapshot.frame.metrics, dark)


def numbers_json(snapshot: Snapshot) -> str:
    """Metrics, and for every trace of every figure its x, y and z; what isn't finite becomes null."""
    traces = [
        {"figure": trace.figure, "trace": trace.name, **{axis: _plain(values) for axis, values in trace.axes.items()}}
        for trace in _traces(snapshot.figures)
    ]
    return json.dumps({"metrics": dict(snapshot.frame.metrics), "traces": traces}, allow_nan=False)


def numbers_csv(snapshot: Snapshot) -> str:
    """The same as a table with a row for each point or cell of a matrix; metrics come first, what isn't finite is empty."""
    file = io.StringIO()
    table = csv.writer(file)
    table.writerow(("figure", "trace", "index", *AXES))
    for label, value in snapshot.frame.metrics.items():
        table.writerow(("Metrics", _cell(label), 0, "", _cell(value), ""))
    for trace in _traces(snapshot.figures):
        for index, point in enumerate(_points(trace.axes)):
            table.writerow((_cell(trace.figure), _cell(trace.name), index, *map(_cell, point)))
    return file.getvalue()


def file_names(titles: Iterable[str]) -> dict[str, str]:
    """Title to a file's name without ending, safe on every system and unique among them."""
    names: dict[str, str] = {}
    taken = {"numbers"}  # numbers.csv and numbers.json stand beside the figures.
    for title in titles:
        plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
        stem = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60] or "figure"
        tries = (stem if count == 1 else f"{stem}-{count}" for count in range(1, len(taken) + 2))
        names[title] = next(name for name in tries if name not in taken)
        taken.add(names[title])
    return names


def _uploads(params: Params) -> dict[str, Upload]:
    return {name: value for name, value in params.changed().items() if isinstance(value, Upload)}


def _imports(params: Params, script: bool) -> str:
    needs_path = script or _uploads(params)
    standard = ["import sys"] * script + ["from pathlib import Path"] * bool(needs_path)
    doors = sorted({_door(upload) for upload in _uploads(params).values()})
    own = [f"from engine.data import {', '.join(doors)}"] * bool(doors) + [
        "from engine.export import file_names"
    ] * script
    own += ["from engine.figures.export import themed", "from engine.lab import load"]
    return "\n\n".join("\n".join(block) for block in (standard, ["import torch"], own) if block)


def _build(lab: Lab[Any], params: Params, beside: str) -> str:
    """The lines that run the lab. Values stand there by repr alone, so nothing from a link can become code."""
    values = {**params.changed(), "seed": params.seed}
    arguments = ", ".join(f"{name}={_literal(value)}" for name, value in values.items())
    files = [f"{_file(value)!r} (SHA-256 {value.digest}...)" for value in _uploads(params).values()]
    uploads = f"# Put the uploaded {' and '.join(files)} beside {beside} and run it there.\n" if files else ""
    return BUILD.format(slug=lab.slug, uploads=uploads, arguments=arguments)


def _literal(value: Any) -> str:
    if not isinstance(value, Upload):
        return repr(value)
    kind = type(value).__name__.lower()
    choices = "".join(f", {name}={choice!r}" for name, choice in value.choices.items())
    return f"{_door(value)}.{kind}(Path({_file(value)!r}).read_bytes(), {value.name!r}{choices})"


def _door(upload: Upload) -> str:
    """The module that reads such a file: its reader bears the name of what it returns."""
    return type(upload).__module__.rsplit(".", 1)[-1]


def _file(upload: Upload) -> str:
    """The upload's name without folders, of whichever system."""
    return re.split(r"[/\\]", upload.name)[-1] or "upload"


class _Trace(NamedTuple):
    figure: str
    name: str
    axes: dict[str, np.ndarray]


def _traces(figures: Mapping[str, str]) -> Iterator[_Trace]:
    """Every trace of figures given as JSON, with those of x, y and z that it has."""
    for title, text in figures.items():
        for trace in json.loads(text)["data"]:
            yield _Trace(title, trace.get("name") or trace["type"], _axes(trace))


def _axes(trace: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """A trace's x, y and z; where Plotly would count the columns and rows of a matrix, or a line's points, so does this."""
    axes = {axis: _decode(trace[axis]) for axis in AXES if trace.get(axis) is not None}
    drawn = axes.get("z", axes.get("y"))
    if drawn is not None:
        sizes = {"x": drawn.shape[1], "y": drawn.shape[0]} if drawn.ndim > 1 else {"x": len(drawn)}
        steps = {a: trace.get(f"{a}0", 0) + trace.get(f"d{a}", 1) * np.arange(size) for a, size in sizes.items()}
        axes = steps | axes
    return {axis: axes[axis] for axis in AXES if axis in axes}


def _decode(values: Any) -> np.ndarray:
    """Plotly's JSON of an array: a list, or the bytes of a typed array in base64."""
    if not isinstance(values, dict):
        return np.array(values, dtype=object)
    array = np.frombuffer(base64.b64decode(values["bdata"]), dtype=np.dtype(values["dtype"]).newbyteorder("<"))
    # The shape of a matrix is text: "41, 41".
    return array.reshape([int(size) for size in str(values.get("shape", array.size)).split(",")])


def _plain(values: np.ndarray) -> Any:
    plain = values.astype(object)
    if values.dtype.kind == "f":
        plain[~np.isfinite(values)] = None
    return plain.tolist()


def _points(axes: Mapping[str, np.ndarray]) -> Iterator[tuple[Any, ...]]:
    """One (x, y, z) for each point, or for each cell of a matrix z over the columns x and the rows y."""
    dimensions = max((values.ndim for values in axes.values()), default=1)
    if dimensions > 1:
        across = {"x": (1, -1), "y": (-1, 1)}
        # A coloured picture's z has a third dimension: its channels follow each other.
        lying = [v.reshape(across[a] + (1,) * (dimensions - 2)) if v.ndim == 1 else v for a, v in axes.items()]
        axes = dict(zip(axes, np.broadcast_arrays(*lying), strict=True))
    yield from zip_longest(*(axes[axis].ravel() if axis in axes else () for axis in AXES))


def _cell(value: Any) -> str:
    """A value as a spreadsheet should read it: text that it would take for a formula starts with an apostrophe."""
    if not isinstance(value, str):
        return "" if str(value) in ("None", "nan", "inf", "-inf") else str(value)
    risky = value.startswith(("=", "+", "-", "@", "\t", "\r"))
    return f"'{value}" if risky and not _is_number(value) else value


def _is_number(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False
