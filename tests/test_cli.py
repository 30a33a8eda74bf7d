"""The command line: what it prints, what it writes, and one line for everything that is wrong."""

import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl

import numpy as np
import plotly.graph_objects as go
import pytest
import soundfile
from PIL import Image

from engine import cli, syllabus
from engine.data import media
from engine.data.samples import PICTURES, SOUNDS
from engine.errors import AtlasError
from engine.lab import covered, found, load
from engine.params import controls
from engine.share import restore
from engine.snapshot import snapshot
from tests.made_up import LAB, RATE

ROOT = Path(__file__).resolve().parent.parent
COMMAND = [sys.executable, "-m", "engine"]


def engine(*arguments, **more):
    """Run the command line in a process of its own."""
    settings = {"cwd": ROOT, "capture_output": True, "text": True, "encoding": "utf-8", "timeout": 200}
    environment = os.environ | {"PYTHONIOENCODING": "utf-8"}
    return subprocess.run([*COMMAND, *map(str, arguments)], env=environment, **settings, **more)


def said(capsys, *arguments, code=0):
    """Run the command line in this process and return what it printed."""
    assert cli.main(list(map(str, arguments))) == code
    return capsys.readouterr()


@pytest.fixture
def made_up(monkeypatch):
    """Every slug is the lab with all kinds of parameters."""
    monkeypatch.setattr("engine.lab.load", lambda slug: LAB)


def test_labs_lists_every_parameter_with_its_bounds():
    done = engine("labs", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    listed = {lab["slug"]: lab for lab in json.loads(done.stdout)}
    assert list(listed) == list(found())
    for slug, lab in listed.items():
        opened = load(slug)
        assert (lab["page"], lab["title"], lab["covers"]) == (opened.entry.page, opened.entry.title, list(opened.ids))
        assert [p["name"] for p in lab["parameters"]] == [c.name for c in controls(opened.params)]
    rate = listed["gradient-descent"]["parameters"][1]
    assert rate == {
        "name": "rate",
        "kind": "number",
        "label": "Learning rate α",
        "default": 0.1,
        "low": 1e-4,
        "high": 10.0,
        "options": [],
        "unit": "",
        "help": "Step size along the slope.",
    }


def test_labs_reads_well_without_json(capsys):
    lines = said(capsys, "labs").out.splitlines()
    heads = [line for line in lines if not line.startswith("  ")]
    assert [line.partition(":")[0] for line in heads] == list(found())
    assert "  rate=0.1: a number from 0.0001 to 10. Step size along the slope." in lines


def test_every_kind_of_default_can_be_listed(capsys, made_up):
    parameters = json.loads(said(capsys, "labs", "--json").out)[0]["parameters"]
    defaults = {p["name"]: p["default"] for p in parameters}
    assert defaults["reach"] == [1, 4] and defaults["image"] == "shapes"
    assert defaults["kernel"] == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    assert "  reach=1~4 m: two increasing numbers from -10 to 10." in said(capsys, "labs").out


@pytest.mark.parametrize("slug", found())
def test_a_run_prints_the_last_metrics(slug, capsys):
    lab = load(slug)
    result = json.loads(said(capsys, "run", slug, "--json").out)
    frame = lab.last_frame(lab.params())
    assert result["lab"] == slug and result["files"] == []
    assert result["metrics"].keys() == frame.metrics.keys()
    if not lab.measures:
        assert result["metrics"] == frame.metrics
        assert (result["says"], result["note"], result["diverged"]) == (frame.says, frame.note, frame.diverged)
    assert restore(lab, dict(parse_qsl(result["query"]))).params == lab.params()
    assert list(result["params"]) == [control.name for control in controls(lab.params)]


def test_a_run_in_a_process_of_its_own(tmp_path):
    settings = ("--set", "rate=0.5", "--set", "steps=3", "--set", "seed=4")
    done = engine("run", "gradient-descent", *settings, "--out", tmp_path / "new" / "folder")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[:4] == ["w: 5", "Cost J: 0", "Steepest factor: +0", "The path: glides in"]
    assert lines[4].startswith("After 3 steps at rate 0.5 ")
    names = {Path(line.removeprefix("Wrote ")).name for line in lines[5:]}
    assert names == {"path.html", "path.json", "cost-by-step.html", "cost-by-step.json", "numbers.csv", "numbers.json"}
    assert names == {path.name for path in (tmp_path / "new" / "folder").iterdir()}


def test_a_run_that_diverges_says_so(capsys):
    result = json.loads(said(capsys, "run", "gradient-descent", "--set", "rate=1.5", "--json").out)
    assert "overshoots" in result["diverged"] and result["params"]["rate"] == 1.5


def test_out_holds_figures_numbers_sounds_and_pictures(capsys, made_up, tmp_path):
    result = json.loads(said(capsys, "run", "made-up", "--set", "rate=2", "--out", tmp_path, "--json").out)
    names = {"numbers.csv", "numbers.json", "line.html", "line.json", "hum.wav", "grey.png"}
    assert {Path(file).name for file in result["files"]} == names == {path.name for path in tmp_path.iterdir()}
    frame = LAB.last_frame(LAB.params(rate=2.0))
    assert (tmp_path / "line.json").read_text(encoding="utf-8") == snapshot(frame).figures["Line"]
    assert "Plotly.newPlot" in (tmp_path / "line.html").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "numbers.json").read_text())["traces"][0]["y"] == [2.0, 2.0]
    assert "Line,rate,1,1.0,2.0," in (tmp_path / "numbers.csv").read_text(encoding="utf-8").splitlines()
    samples, rate = soundfile.read(tmp_path / "hum.wav")
    np.testing.assert_allclose(samples, np.sin(np.arange(RATE) / 9), atol=1e-4)
    assert rate == RATE
    assert np.array_equal(np.asarray(Image.open(tmp_path / "grey.png")), np.full((2, 3, 3), 128))


def test_input_reads_pictures_and_sounds(capsys, made_up):
    picture, sound = PICTURES["shapes"], next(iter(SOUNDS.values()))
    files = ("--input", f"image={picture}", "--input", f"noise={sound}")
    result = json.loads(said(capsys, "run", "made-up", *files, "--json").out)
    assert result["params"]["image"] == f"upload-{media.picture(picture.read_bytes()).digest}"
    assert result["params"]["noise"] == f"upload-{media.sound(sound.read_bytes()).digest}"


def test_values_are_read_as_from_a_link(capsys, made_up):
    settings = ("reach=-1~2.5", "on=true", "shape=square", "word=a=b", "kernel=0~0~0!0~1~0!0~0~0", "image=brick")
    result = json.loads(said(capsys, "run", "x", *[part for s in settings for part in ("--set", s)], "--json").out)
    expected = {"reach": [-1.0, 2.5], "on": True, "shape": "square", "word": "a=b", "image": "brick", "count": 20}
    assert {name: result["params"][name] for name in expected} == expected
    assert result["params"]["kernel"][1] == [0.0, 1.0, 0.0]


def test_coverage_counts_the_syllabus():
    done = engine("coverage", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    result = json.loads(done.stdout)
    assert result["total"] == 136 == len(syllabus.entries())
    assert set(result["covered"]) == set(covered())
    assert sorted(result["covered"] + result["missing"]) == sorted(syllabus.entries())
    assert (result["covered_count"], result["missing_count"]) == (len(result["covered"]), len(result["missing"]))


def test_coverage_reads_well_without_json(capsys):
    first, done, missing = said(capsys, "coverage").out.splitlines()
    assert first == f"{len(covered())} of 136"
    assert "gradient-descent" in done.split() and "debiasing" in missing.split()


WRONG = {
    "no command": ([], "{labs,run,coverage}"),
    "unknown command": (["fly"], "'fly'"),
    "unknown option": (["labs", "--fast"], "--fast"),
    "half an option": (["labs", "--js"], "--js"),
    "option without value": (["run", "gradient-descent", "--set"], "--set"),
    "no slug": (["run"], "SLUG"),
    "two slugs": (["run", "gradient-descent", "iou"], "iou"),
    "a newline": (["labs", "--a\nb\u2028c"], "--a b c"),
    "unknown lab": (["run", "no-such-lab"], "Lab 'no-such-lab' is not known: it must be one of perceptron"),
    "an evil lab": (["run", "../../etc/passwd\n"], "is not known"),
    "unknown name": (
        ["run", "gradient-descent", "--set", "speed=1"],
        "Parameter 'speed' is not known: it must be one of surface, rate,",
    ),
    "value out of bounds": (
        ["run", "gradient-descent", "--set", "rate=11"],
        "rate must be a number from 0.0001 to 10, got '11'.",
    ),
    "no number": (["run", "gradient-descent", "--set", "rate=nan"], "got 'nan'"),
    "no choice": (["run", "gradient-descent", "--set", "surface=cone"], "one of parabola, bowl, got 'cone'"),
    "no equals sign": (["run", "gradient-descent", "--set", "rate"], "--set must be NAME=VALUE, got 'rate'."),
    "no name": (["run", "gradient-descent", "--set", "=1"], "Parameter '' is not known"),
    "a newline in a value": (["run", "gradient-descent", "--set", "rate=1\n2"], "got '1\\n2'"),
    "input without a file": (["run", "gradient-descent", "--input", "rate"], "--input must be NAME=FILE, got 'rate'."),
    "input for a number": (
        ["run", "gradient-descent", "--input", "rate=x.png"],
        "--input must name a picture, pictures, a sound, examples, text or weights",
    ),
    "folder is a file": (
        ["run", "gradient-descent", "--out", __file__],
        f"--out must be a folder that can be written to, got {__file__!r}",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_is_said_in_one_line(wrong, capsys):
    arguments, part = WRONG[wrong]
    output = said(capsys, *arguments, code=2)
    assert output.out == ""
    (line,) = output.err.splitlines()
    assert part in line and line.endswith(".")


@pytest.mark.parametrize("wrong", ["unknown command", "unknown lab"])
def test_errors_end_a_process_with_2_and_one_line(wrong):
    arguments, part = WRONG[wrong]
    done = engine(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith(".\n") and len(done.stderr.splitlines()) == 1 and part in done.stderr


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n cut short"])
def test_a_file_that_is_no_picture_is_said_in_one_line(content, capsys, made_up, tmp_path):
    (tmp_path / "cat.png").write_bytes(content)
    output = said(capsys, "run", "x", "--input", f"image={tmp_path / 'cat.png'}", code=2)
    (line,) = output.err.splitlines()
    assert "'cat.png' must" in line and "got" in line


@pytest.mark.parametrize("name", ["none.png", "."])
def test_a_file_that_is_not_there_is_said_in_one_line(name, capsys, made_up, tmp_path):
    output = said(capsys, "run", "x", "--input", f"image={tmp_path / name}", code=2)
    assert output.err == f"The picture for image must be a file, got {str(tmp_path / name)!r}.\n"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="Root may write and read everywhere.")
def test_what_may_not_be_read_or_written_is_said_in_one_line(capsys, made_up, tmp_path):
    secret = tmp_path / "secret.png"
    secret.touch(mode=0o000)
    assert "must be readable" in said(capsys, "run", "x", "--input", f"image={secret}", code=2).err
    tmp_path.chmod(0o500)
    assert "folder that can be written to" in said(capsys, "run", "x", "--out", tmp_path, code=2).err


def test_an_error_of_the_run_is_one_line_and_no_bad_input(capsys, monkeypatch):
    def run(params):
        raise AtlasError("The model must be there, got none.")
        yield

    monkeypatch.setattr("engine.lab.load", lambda slug: replace(LAB, run=run))
    output = said(capsys, "run", "x", code=1)
    assert output.err == "The model must be there, got none.\n"


def test_figures_with_odd_titles_stay_inside_the_folder(capsys, monkeypatch, tmp_path):
    def run(params):
        yield replace(LAB.last_frame(LAB.params()), figures={"../../Numbers": go.Figure(go.Scatter(y=[1]))})

    monkeypatch.setattr("engine.lab.load", lambda slug: replace(LAB, run=run))
    said(capsys, "run", "x", "--out", tmp_path / "in")
    assert {path.name for path in tmp_path.iterdir()} == {"in"}
    assert {"numbers.json", "numbers-2.json", "numbers-2.html"} <= {path.name for path in (tmp_path / "in").iterdir()}


def test_a_reader_who_leaves_early_gets_no_traceback():
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "cwd": ROOT}
    with subprocess.Popen([*COMMAND, "coverage", "--json"], **pipes) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 1


def test_a_terminal_without_the_letter_gets_its_code(monkeypatch):
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", terminal)
    assert cli.main(["labs"]) == 0
    assert b"w\\xb2" in terminal.buffer.getvalue()


def test_help_is_no_error(capsys):
    with pytest.raises(SystemExit) as left:
        cli.main(["run", "--help"])
    assert left.value.code == 0 and "--set NAME=VALUE" in capsys.readouterr().out
