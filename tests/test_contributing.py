"""The example lab in CONTRIBUTING.md is a lab that works."""

import importlib
import re
import sys
from pathlib import Path

import plotly.graph_objects as go
import pytest

from engine import syllabus
from engine.lab import Lab
from engine.params import controls, validate

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    (block,) = re.findall(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.DOTALL)
    folder = tmp_path_factory.mktemp("example")
    (folder / "example_lab.py").write_text(block, encoding="utf-8")
    sys.path.insert(0, str(folder))
    yield importlib.import_module("example_lab").LAB
    sys.path.remove(str(folder))
    del sys.modules["example_lab"]


def test_it_is_a_lab_of_the_syllabus(lab):
    assert isinstance(lab, Lab)
    assert set(lab.ids) <= set(syllabus.entries())
    assert set(lab.mistakes) == {e.id for e in syllabus.errata().values() if e.lab == lab.slug}


def test_every_parameter_is_documented(lab):
    for control in controls(lab.params):
        assert control.label and control.help, control.name


def test_defaults_and_presets_are_valid(lab):
    for changed in ({}, *lab.presets.values()):
        assert validate(lab.params, changed)[1] == {}


def test_frames_hold_figures_plotly_accepts(lab):
    for changed in ({}, *lab.presets.values()):
        frame = next(lab.frames(lab.params(**changed)))
        assert frame.says and frame.figures
        for figure in frame.figures.values():
            assert len(go.Figure(figure.to_dict()).data) == 3


def test_its_numbers_are_right(lab):
    frame = lab.last_frame(lab.params(z=0.0))
    assert frame.metrics["Slope"] == "0.250"
    assert lab.mistakes["relu-at-zero"](lab.params()).right.endswith("takes 0.")


def test_its_text_is_complete(lab):
    assert lab.summary and "?" in lab.look_for and "$$" in lab.maths and all(f.__doc__ for f in lab.code)
