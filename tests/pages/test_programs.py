"""A frame's programs on the page, and a typed expression that is none."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from engine.executor import Inline

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(autouse=True)
def in_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """No workers: labs run in the page's script."""
    monkeypatch.setattr("pages._ui.player.executor", Inline)
    monkeypatch.setattr("pages._ui.warm._warm", lambda: None)


def open_lab(page: str, slug: str, **query: str) -> AppTest:
    at = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=120).run()
    for name, text in {"lab": slug, "seed": "0", **query}.items():
        at.query_params[name] = text
    return at.switch_page(f"pages/{page}.py").run()


def test_programs_stand_in_tabs() -> None:
    at = open_lab("optimization", "autodiff", cost="w^2+1")
    assert not at.exception
    assert [tab.label for tab in at.tabs] == ["PyTorch", "TensorFlow", "JAX", "Keras", "NumPy by hand"]
    assert ["w ** 2 + 1" in tab.code[0].value for tab in at.tabs] == [True] * 4 + [False]
    assert all(tab.code[0].language == "python" for tab in at.tabs)


def test_a_bad_expression_is_one_sentence_until_it_is_mended() -> None:
    at = open_lab("foundations", "computation-graph", expression="3*(a+d)")
    assert not at.exception and at.error[0].value.endswith("got 'd'.")
    at.text_input(key="computation-graph/expression").set_value("3*a").run()
    assert not at.exception and not at.error
