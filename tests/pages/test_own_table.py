"""A person's own table in the page: read, its columns chosen, and refused in one sentence where it can't be used."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from engine.data.tables import Table
from engine.executor import Inline

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENT = 120
KEY = "shallow-network/examples"
PLAIN = "age,dose,name,ill\n" + "\n".join(f"{i % 37},{i / 7:.3f},n{i},{int(i % 37 > i / 7)}" for i in range(60))
BAD = {
    "not a number": (PLAIN + "\n?,1,x,0", "must hold a number in every cell of column 'age', got '?' in row 62."),
    "latin-1": ("größe,class\n1,a\n2,b".encode("latin-1"), "must be a CSV file in UTF-8, got bytes that aren't."),
    "one class": ("a,b,class\n1,2,x\n3,4,x\n", "must have 2 to 10 classes in column 'class', got 1."),
    "ragged": ("a,b,class\n1,2,x\n3,x\n", "must have 3 cells in every row, got 2 in row 3."),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(50), "must be a CSV file in UTF-8, got bytes that aren't."),
}


@pytest.fixture(autouse=True)
def in_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """No workers: labs run in the page's script."""
    monkeypatch.setattr("pages._ui.player.executor", Inline)
    monkeypatch.setattr("pages._ui.warm._warm", lambda: None)


def upload(content: str | bytes, name: str = "mine.csv") -> AppTest:
    """The page of a lab after a file came in."""
    at = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=PATIENT).run()
    for key, text in {"lab": "shallow-network", "steps": "20", "seed": "0"}.items():
        at.query_params[key] = text
    at.switch_page("pages/foundations.py").run()
    at.session_state[f"{KEY}/popover"] = True
    at.run()
    at.file_uploader[0].upload(name, content.encode() if isinstance(content, str) else content).run()
    assert not at.exception
    return at


def errors(at: AppTest) -> list[str]:
    return [error.value.replace("\\", "") for error in at.error]


@pytest.mark.parametrize("kind", BAD)
def test_a_table_that_cannot_be_used_gives_one_sentence_and_the_set_stays(kind: str) -> None:
    content, sentence = BAD[kind]
    at = upload(content)
    assert errors(at) == [f"The table 'mine.csv' {sentence}"]
    assert at.selectbox(key=KEY).value == "flower"
    assert "examples" not in at.query_params


def test_the_sentence_goes_when_a_good_table_comes() -> None:
    at = upload("a,class\n1,x\n")
    assert len(errors(at)) == 1
    at.file_uploader[0].upload("good.csv", PLAIN.encode()).run()
    assert errors(at) == [] and isinstance(at.selectbox(key=KEY).value, Table)


def test_an_own_table_is_learned_from_and_its_columns_are_chosen() -> None:
    at = upload(PLAIN)
    own = at.selectbox(key=KEY).value
    assert isinstance(own, Table) and errors(at) == []
    assert (own.features, own.label, own.classes) == (("age", "dose"), "ill", ("0", "1"))
    assert at.query_params["examples"] == f"upload-{own.digest}"
    assert at.multiselect(key=f"{KEY}/features").value == ["age", "dose"]
    at.selectbox(key=f"{KEY}/scaling").set_value("as they are").run()
    assert not at.exception and at.selectbox(key=KEY).value.scaling == "as they are"
    at.multiselect(key=f"{KEY}/features").set_value(["dose", "name"]).run()
    assert errors(at) == ["The table 'mine.csv' must hold a number in every cell of column 'name', got 'n0' in row 2."]
    assert at.selectbox(key=KEY).value.features == ("age", "dose"), "what worked stays"


def test_a_table_that_does_not_suit_the_lab_gives_one_sentence() -> None:
    at = upload("a,b,c,class\n" + "\n".join(f"{i},{-i},{i * i},{i % 2}" for i in range(20)))
    assert errors(at) == ["The table must be used with two columns to learn from here, got 3."]
    at.multiselect(key=f"{KEY}/features").set_value(["a", "c"]).run()
    assert not at.exception and errors(at) == []
