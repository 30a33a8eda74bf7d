"""The pages without a browser: every page and lab runs, controls and address agree, bad values are named."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from engine import executor as executors
from engine import lab as registry
from engine.executor import Inline
from engine.params import controls
from engine.syllabus import PAGES

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENT = 120
# Kinds of controls made of several widgets: none of them carries the control's own key.
COMPOSED = ("sketch", "layers", "weights")


@pytest.fixture(autouse=True)
def in_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """No workers: labs run in the page's script."""
    monkeypatch.setattr("pages._ui.player.executor", Inline)
    monkeypatch.setattr("pages._ui.warm._warm", lambda: None)


def start() -> AppTest:
    return AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=PATIENT).run()


def open_lab(slug: str, **query: str) -> AppTest:
    at = start()
    for name, text in {"lab": slug, **query}.items():
        at.query_params[name] = text
    at.switch_page(f"pages/{registry.found()[slug].parent.name}.py")
    return at.run()


def test_home_runs() -> None:
    assert not start().exception


@pytest.mark.parametrize("name", PAGES)
def test_every_page_lists_its_labs(name: str) -> None:
    at = start()
    at.switch_page(f"pages/{name}.py").run()
    assert not at.exception
    links = [link.value for link in at.page_link]
    expected = [slug for slug, path in registry.found().items() if path.parent.name == name]
    assert len(links) == len(expected)


@pytest.mark.parametrize("slug", registry.found())
def test_every_lab_runs_and_documents_its_controls(slug: str) -> None:
    at = open_lab(slug, seed="0")
    assert not at.exception
    lab = registry.load(slug)
    helps = [getattr(getattr(element, "proto", None), "help", "") for element in at.main]
    for control in controls(lab.params):
        if control.kind in COMPOSED:
            assert control.help in helps
        else:
            assert at.get_by_key(f"{slug}/{control.name}").help == control.help


@pytest.mark.parametrize("slug", registry.found())
def test_presets_are_one_click(slug: str) -> None:
    at = open_lab(slug, seed="0")
    lab = registry.load(slug)
    # A preset of a training trains to its end: one is enough.
    for name, changes in list(lab.presets.items())[: 1 if lab.trains else 2]:
        at.button(key=f"preset-{slug}-{name}").click().run()
        assert not at.exception
        params = lab.params(**changes)
        assert {k: v for k, v in at.query_params.items() if k not in ("lab", "v")} == {
            name: text for name, text in _query(lab, params).items() if name not in ("lab", "v")
        }


def _query(lab: registry.Lab, params: object) -> dict[str, str]:  # type: ignore[type-arg]
    from engine.share import query

    return query(lab, params)  # type: ignore[arg-type]


def test_a_moved_slider_is_in_the_address_at_once() -> None:
    at = open_lab("gradient-descent", seed="0")
    at.slider(key="gradient-descent/steps").set_value(33).run()
    assert at.query_params["steps"] == "33"
    assert at.query_params["seed"] == "0"


def test_a_link_sets_every_control() -> None:
    at = open_lab("gradient-descent", surface="bowl", rate="0.123456", steps="9", start="2.25", stretch="3", seed="8")
    assert at.select_slider(key="gradient-descent/rate").value == 0.123456
    assert at.slider(key="gradient-descent/steps").value == 9
    assert at.slider(key="gradient-descent/start").value == 2.25
    assert at.number_input(key="gradient-descent/seed").value == 8
    assert at.query_params["rate"] == "0.123456"


def test_a_value_outside_the_slider_but_inside_the_bounds_stays() -> None:
    at = open_lab("gradient-descent", rate="5", steps="150", seed="0")
    assert at.select_slider(key="gradient-descent/rate").value == 5
    assert at.slider(key="gradient-descent/steps").value == 150
    assert not any("must be" in warning.value for warning in at.warning)


def test_rejected_values_are_named_until_the_person_acts() -> None:
    at = open_lab("gradient-descent", rate="nan", steps="9999", seed="0", colour="red")
    text = at.warning[0].value.replace("\\", "")
    assert "rate must be a number from 0.0001 to 10, got 'nan'." in text
    assert "steps must be a whole number from 0 to 200, got '9999'." in text
    assert "'colour' is not a parameter of this lab" in text
    assert at.query_params["steps"] == "9999"
    at.slider(key="gradient-descent/steps").set_value(5).run()
    assert not at.warning
    assert at.query_params["steps"] == "5"


def test_another_version_of_the_lab_is_named() -> None:
    assert "version 7" in open_lab("gradient-descent", v="7", seed="0").warning[0].value


def test_the_address_wins_when_it_changes_by_itself() -> None:
    at = open_lab("gradient-descent", steps="12", seed="0")
    at.query_params["steps"] = "30"
    at.run()
    assert at.slider(key="gradient-descent/steps").value == 30


def test_reset_brings_the_defaults_back() -> None:
    at = open_lab("gradient-descent", steps="12", rate="0.5", seed="4")
    at.button(key="reset-gradient-descent").click().run()
    assert set(at.query_params) == {"lab", "seed", "v"}
    assert at.slider(key="gradient-descent/steps").value == 20


def test_own_kernel_is_typed_and_a_bad_one_is_named() -> None:
    at = open_lab("edges", seed="0")
    at.text_area(key="edges/own").set_value("0 1 0\n1 -4 1\n0 1 0").run()
    assert at.query_params["own"] == "0~1~0!1~-4~1!0~1~0"
    at.text_area(key="edges/own").set_value("0 1 0\n1 x 1").run()
    assert not at.exception
    assert "own must be a square of 3, 5 or 7 rows" in at.warning[0].value.replace("\\", "")


def test_an_uploaded_picture_is_used_and_a_foreign_upload_is_named() -> None:
    at = open_lab("edges", picture="upload-0123456789ab", seed="0")
    assert "upload it again" in at.warning[0].value
    file = io.BytesIO()
    Image.fromarray(np.arange(48 * 64 * 3, dtype=np.uint8).reshape(48, 64, 3)).save(file, "PNG")
    at.session_state["edges/picture/popover"] = True
    at.run()
    at.file_uploader[0].upload("mine.png", file.getvalue()).run()
    assert not at.exception
    assert at.query_params["picture"].startswith("upload-")
    assert at.selectbox(key="edges/picture").value.name == "mine.png"


def test_a_training_runs_to_its_end_without_workers_and_can_be_stopped() -> None:
    at = open_lab("shallow-network", steps="20000", seed="0")
    at.button(key="stop-shallow-network").click().run()
    assert not at.exception
    assert any("the last frame stays" in caption.value for caption in at.caption)


def test_an_unknown_lab_is_named_as_text() -> None:
    at = start()
    at.query_params["lab"] = "![x](http://outside.invalid)"
    at.switch_page("pages/foundations.py").run()
    assert "There is no lab of this name" in at.error[0].value
    assert "http" not in at.error[0].value or "](" not in at.error[0].value


def test_a_setting_that_is_wrong_gives_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEP_ATLAS_WORKERS", "many")
    executors.executor.cache_clear()
    monkeypatch.setattr("pages._ui.player.executor", executors.executor)
    at = open_lab("shallow-network", seed="0")
    assert not at.exception
    assert "DEEP_ATLAS_WORKERS must be" in at.error[0].value.replace("\\", "")
    executors.executor.cache_clear()
