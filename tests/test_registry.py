"""The registry: labs are found by file name, loaded when asked for, and own their syllabus ids alone."""

import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest

import engine.lab
from engine import syllabus
from engine.errors import BadInput
from engine.lab import Frame, covered, found, load
from tests.made_up import LAB


def forget() -> None:
    for cached in (found, load, covered):
        cached.cache_clear()


@pytest.fixture
def labs(tmp_path, monkeypatch):
    """Writes lab files by page/name into a registry of its own."""
    monkeypatch.setattr(engine.lab, "LABS", tmp_path)
    forget()

    def write(**files: str):
        for place, source in files.items():
            path = tmp_path / (place.replace("__", "/") + ".py")
            path.parent.mkdir(exist_ok=True)
            path.write_text(source, encoding="utf-8")

    yield write
    forget()


def test_labs_come_in_the_order_of_the_syllabus(labs):
    labs(speech__spectrogram="", foundations__logistic="", foundations__gradient_descent="", foundations__perceptron="")
    assert list(found()) == ["perceptron", "logistic", "gradient-descent", "spectrogram"]
    assert found()["gradient-descent"].name == "gradient_descent.py"


def test_private_files_are_no_labs(labs):
    labs(foundations___shared="", foundations____init__="", foundations__logistic="")
    assert list(found()) == ["logistic"]


def test_no_labs_are_fine(labs):
    assert found() == {} and covered() == {}


def test_a_duplicate_slug_raises(labs, tmp_path):
    labs(foundations__gradient_descent="")
    (tmp_path / "foundations" / "gradient-descent.py").touch()
    with pytest.raises(ValueError, match="slug must be unique: 'gradient-descent'"):
        found()


@pytest.mark.parametrize(
    "place", ["foundations__no_such_thing", "speech__gradient_descent", "nowhere__gradient_descent"]
)
def test_an_unknown_slug_or_page_raises(labs, place):
    labs(**{place: ""})
    with pytest.raises(ValueError, match="named after a syllabus id of its page"):
        found()


def test_an_unknown_lab_is_bad_input_that_lists_the_known_ones(labs):
    labs(foundations__logistic="", foundations__perceptron="")
    with pytest.raises(BadInput, match=r"^Lab 'nope' is not known: it must be one of perceptron, logistic\.$"):
        load("nope")


def test_a_lab_is_loaded_once_from_its_module(labs, monkeypatch):
    labs(foundations__perceptron="")
    lab = replace(LAB, slug="perceptron")
    monkeypatch.setitem(sys.modules, "engine.labs.foundations.perceptron", SimpleNamespace(LAB=lab))
    assert load("perceptron") is lab and load("perceptron") is lab
    assert lab.entry.title == "Perceptron and sigmoid unit"


def test_a_lab_named_otherwise_than_its_file_raises(labs, monkeypatch):
    labs(foundations__perceptron="")
    monkeypatch.setitem(sys.modules, "engine.labs.foundations.perceptron", SimpleNamespace(LAB=LAB))
    with pytest.raises(ValueError, match="slug must match its file"):
        load("perceptron")


def test_covered_ids_are_read_without_importing(labs):
    labs(foundations__logistic='LAB = Lab(covers=("cost-convexity", "derivative"))\nraise RuntimeError', speech__ctc="")
    assert covered() == {"logistic": "logistic", "cost-convexity": "logistic", "derivative": "logistic", "ctc": "ctc"}


@pytest.mark.parametrize("other", ['covers=("perceptron",)', 'covers=("made-up",)'])
def test_an_id_has_one_owner_and_is_in_the_syllabus(labs, other):
    labs(foundations__perceptron="", foundations__logistic=f"LAB = Lab({other})")
    with pytest.raises(ValueError, match="must cover syllabus ids no other lab covers"):
        covered()


def test_what_files_declare_is_what_labs_say():
    owners = {id: slug for slug in found() for id in load(slug).ids}
    assert covered() == owners
    assert set(owners) <= set(syllabus.entries())


def test_a_frame_holds_four_metrics_at_most():
    Frame(figures={}, says="", metrics=dict.fromkeys("abcd", ""))
    with pytest.raises(ValueError, match="at most 4 metrics, got 5"):
        Frame(figures={}, says="", metrics=dict.fromkeys("abcde", ""))
