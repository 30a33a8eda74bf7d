"""What every lab promises, held over all that the registry finds: a new lab file is covered without a change here."""

import gc
import inspect
import json
import math
import os
import pickle
import re
import subprocess
import sys
import threading
import time
from functools import cache
from itertools import product
from pathlib import Path

import plotly.graph_objects as go
import psutil
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import export, syllabus
from engine.lab import MOST_METRICS, Event, Frame, Lab, found, load
from engine.params import controls, validate
from engine.share import query, restore
from engine.snapshot import Snapshot, snapshot
from tests.made_up import is_inside, values_of

MOST_IN_SIGHT = 6
FIRST_FRAME_SECONDS = 0.5
MOST_FIGURE_BYTES = 250_000
SENTENCE = re.compile(r"\S.*[.!?]", re.DOTALL)

ROOT = Path(__file__).resolve().parents[2]
# Runs each script that it is told of as `python SCRIPT FOLDER` does, and answers with what came of it.
RUNNER = """
import contextlib, json, pathlib, runpy, sys, traceback
from engine.snapshot import snapshot
for line in sys.stdin:
    sys.argv = [line.strip(), str(pathlib.Path(line.strip()).with_suffix(""))]
    try:
        with contextlib.redirect_stdout(sys.stderr):
            frame = runpy.run_path(sys.argv[0], run_name="__main__")["frame"]
        answer = {"figures": dict(snapshot(frame).figures), "metrics": dict(frame.metrics), "says": frame.says}
    except Exception:
        answer = traceback.format_exc()
    print(json.dumps(answer), flush=True)
"""

pytestmark = pytest.mark.parametrize("slug", found())


def first_frame(lab: Lab, changed=None) -> Frame:
    frames = lab.frames(lab.params(**(changed or {})))
    try:
        return next(frames)
    finally:
        frames.close()


@cache
def last(slug: str) -> Snapshot:
    lab = load(slug)
    return snapshot(lab.last_frame(lab.params()))


def starts(lab: Lab) -> dict:
    """The defaults and every preset, by name."""
    return {"defaults": {}, **lab.presets}


def test_every_parameter_is_documented(slug):
    for control in controls(load(slug).params):
        assert control.label and control.help.endswith("."), control.name
        assert control.unit == control.unit.strip(), control.name


def test_defaults_and_hints_keep_to_the_hard_bounds(slug):
    lab = load(slug)
    params = lab.params()
    for control in controls(lab.params):
        assert is_inside(control, getattr(params, control.name)), control.name
        if control.hint:
            low, high, step = control.hint
            assert control.low <= low < high <= control.high, control.name
            assert 0 < step <= high - low, control.name
            assert low > 0 or not control.log, control.name


def test_at_most_six_controls_are_in_sight(slug):
    in_sight = [control.name for control in controls(load(slug).params) if not control.more]
    assert 1 <= len(in_sight) <= MOST_IN_SIGHT


def test_presets_are_valid_and_differ(slug):
    lab = load(slug)
    built = [lab.params()]
    for changed in lab.presets.values():
        params, rejected = validate(lab.params, changed)
        assert rejected == {}
        assert params not in built
        built.append(params)


def test_its_text_is_complete(slug):
    lab = load(slug)
    assert SENTENCE.fullmatch(lab.summary) and SENTENCE.fullmatch(lab.look_for)
    assert "?" in lab.look_for
    assert "$" in lab.maths and lab.maths.count("$") % 2 == 0
    assert lab.version >= 1


def test_its_code_can_be_shown(slug):
    functions = load(slug).code
    assert functions
    for function in functions:
        assert inspect.getsource(function).strip(), function
        assert inspect.getdoc(function), function


def test_its_mistakes_are_the_errata_of_its_ids(slug):
    lab = load(slug)
    assert set(lab.mistakes) == {e.id for e in syllabus.errata().values() if e.lab in lab.ids}
    for mistake, compute in lab.mistakes.items():
        both = compute(lab.params())
        assert both.wrong and both.right and both.wrong != both.right, mistake


def test_the_first_frame_is_quick(slug):
    lab = load(slug)
    first_frame(lab)
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        first_frame(lab)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < FIRST_FRAME_SECONDS


def test_frames_of_defaults_and_presets_are_whole(slug):
    lab = load(slug)
    for name, changed in starts(lab).items():
        check_frame(snapshot(first_frame(lab, changed)), name)
    check_frame(last(slug), "last")


def check_frame(shot: Snapshot, name: str) -> None:
    frame = shot.frame
    assert shot.figures, name
    assert SENTENCE.fullmatch(frame.says) and "nan" not in frame.says.lower().split(), name
    assert len(frame.metrics) <= MOST_METRICS, name
    assert all(type(text) is str and text for pair in frame.metrics.items() for text in pair), name
    assert 0 <= frame.progress <= 1, name
    assert sum(len(text.encode()) for text in shot.figures.values()) < MOST_FIGURE_BYTES, name
    for table in frame.tables.values():
        assert len({len(column) for column in table.values()}) == 1, name
    assert not frame.diverged or SENTENCE.fullmatch(frame.diverged), name


def test_a_run_ends_at_full_progress(slug):
    assert last(slug).frame.progress == 1


def test_figures_are_valid_and_leave_the_template_to_the_page(slug):
    lab = load(slug)
    for changed in starts(lab).values():
        for title, figure in first_frame(lab, changed).figures.items():
            assert figure.data, title
            plain = figure.to_plotly_json()
            assert go.Figure(plain).to_plotly_json()["data"], title
            assert not plain["layout"].get("template", {}).get("layout"), title


def test_rows_name_figures_that_exist(slug):
    lab = load(slug)
    titles = {title for changed in starts(lab).values() for title in first_frame(lab, changed).figures}
    laid_out = [title for row in lab.rows for title in row]
    assert len(laid_out) == len(set(laid_out))
    assert set(laid_out) <= titles | set(last(slug).figures)


@pytest.fixture(scope="module")
def runner():
    """Another process that runs scripts one after the other, because importing everything takes longer than most runs."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", RUNNER]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, env=environment, text=True, encoding="utf-8", **pipes) as process:

        def run(script):
            print(script, file=process.stdin, flush=True)
            return json.loads(process.stdout.readline())

        yield run
        process.stdin.close()


def test_a_script_gives_the_same_numbers_in_another_process(slug, runner, tmp_path):
    check_rebuilt(slug, {}, last(slug), runner, tmp_path / "run.py")


@pytest.mark.slow
def test_a_script_of_the_last_preset_gives_the_same_numbers(slug, runner, tmp_path):
    lab = load(slug)
    changed = list(lab.presets.values())[-1]
    check_rebuilt(slug, changed, snapshot(lab.last_frame(lab.params(**changed))), runner, tmp_path / "run.py")


def check_rebuilt(slug, changed, shot, runner, script):
    """What the exported script makes of the parameters, with the same seed, is what the page shows."""
    lab = load(slug)
    script.write_text(export.script(lab, lab.params(**changed)), encoding="utf-8")
    rebuilt = runner(script)
    assert isinstance(rebuilt, dict), rebuilt
    assert {file.stem for file in script.with_suffix("").iterdir()} == set(export.file_names(shot.figures).values())
    if lab.measures:
        assert rebuilt["figures"].keys() == shot.figures.keys()
        return
    assert rebuilt == {"figures": dict(shot.figures), "metrics": dict(shot.frame.metrics), "says": shot.frame.says}


def test_a_remedy_is_valid(slug):
    lab = load(slug)
    for changed in starts(lab).values():
        frame = first_frame(lab, changed)
        for remedy in (frame.remedy, last(slug).frame.remedy):
            assert validate(lab.params, {**changed, **remedy})[1] == {}


def test_links_of_defaults_and_presets_come_back(slug):
    lab = load(slug)
    for changed in starts(lab).values():
        params = lab.params(**changed)
        restored = restore(lab, query(lab, params))
        assert restored.params == params and not restored.rejected


@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_links_of_any_parameters_come_back(slug, data):
    lab = load(slug)
    params, rejected = validate(lab.params, data.draw(values_of(lab.params)))
    assert rejected == {}
    restored = restore(lab, query(lab, params))
    assert restored.params == params and not restored.rejected


def test_parameters_and_frames_travel_between_processes(slug):
    lab = load(slug)
    for changed in starts(lab).values():
        params = lab.params(**changed)
        assert pickle.loads(pickle.dumps(params)) == params
    shot = pickle.loads(pickle.dumps(last(slug)))
    assert shot.figures == last(slug).figures and shot.frame.metrics == last(slug).frame.metrics


def tensors() -> int:
    gc.collect()
    return sum(issubclass(type(each), torch.Tensor) for each in gc.get_objects())


def held(process):
    return set(threading.enumerate()), sorted((file.path, file.fd) for file in process.open_files()), tensors()


def test_closing_after_the_first_frame_leaves_nothing_behind(slug):
    lab, process = load(slug), psutil.Process()
    first_frame(lab)  # fills whatever caches the lab and its libraries keep
    before = held(process)
    for _ in range(3):
        first_frame(lab)
    assert held(process) == before


COORDINATES = (0.0, -1.0, 1e300, math.nan, math.inf, -math.inf)


def test_respond_takes_any_event_and_gives_valid_values(slug):
    lab = load(slug)
    assert bool(lab.respond) == bool(lab.listens)
    assert set(lab.listens) <= {"click", "hover", "drag", "draw"}
    if not lab.respond:
        return
    figures = [*last(slug).figures, "No such figure", ""]
    boxes = [(x, y, y, x) for x, y in product(COORDINATES, repeat=2)]
    for changed, figure, kind in product(starts(lab).values(), figures, (*lab.listens, "unheard of")):
        params = lab.params(**changed)
        events = [Event(kind, figure, x, y) for x, y in product(COORDINATES, repeat=2)]
        events += [Event(kind, figure, name=name, box=box) for name, box in product(("", "A", "B", "a", "b"), boxes)]
        for event in events:
            answer = lab.respond(params, event)
            assert validate(lab.params, {**params.changed(), **answer})[1] == {}, (event, answer)


@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_respond_takes_whatever_is_drawn(slug, data):
    lab = load(slug)
    if not lab.respond:
        return
    numbers = st.floats()
    kind, figure = st.sampled_from([*lab.listens, ""]), st.sampled_from([*last(slug).figures, ""])
    event = data.draw(st.builds(Event, kind, figure, numbers, numbers, st.text(), st.tuples(*[numbers] * 4)))
    params = lab.params(**data.draw(values_of(lab.params)))
    assert validate(lab.params, {**params.changed(), **lab.respond(params, event)})[1] == {}
