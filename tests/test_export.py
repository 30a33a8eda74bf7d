"""What leaves the app: scripts and notebooks are executed, pages parsed, numbers read back with other libraries."""

import ast
import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import numpy as np
import plotly.graph_objects as go
import pytest
from hypothesis import given, settings

from engine import export
from engine.data import albums, media, passages, tables, tensors
from engine.data.samples import PICTURES
from engine.lab import Frame, found, load
from engine.share import link
from engine.snapshot import Snapshot, snapshot
from tests.made_up import LAB, Everything, values_of

ROOT = Path(__file__).resolve().parent.parent
HOSTILE = '"""\n\'\\ {slug} {0} %s </script>\x00\u2028;import os #'


def python(*arguments, cwd):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        [sys.executable, *map(str, arguments)], cwd=cwd, env=environment, capture_output=True, text=True, encoding="utf-8",
        timeout=280,
    )  # fmt: skip


def test_a_script_writes_pages_into_the_folder_it_is_given_and_prints_the_metrics(tmp_path):
    lab = load("gradient-descent")
    params = lab.params(rate=0.15, steps=7, seed=5)
    (tmp_path / "run.py").write_text(export.script(lab, params), encoding="utf-8")
    done = python("run.py", "here/and there", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [f"{k}: {v}" for k, v in lab.last_frame(params).metrics.items()]
    written = tmp_path / "here" / "and there"
    assert sorted(file.name for file in written.iterdir()) == ["cost-by-step.html", "path.html"]
    text = (written / "path.html").read_text(encoding="utf-8")
    assert "Plotly.newPlot" in text and "#1d232b" in text, "drawn with the project's template"


def test_a_script_is_short_and_lists_only_what_changed():
    lab = load("gradient-descent")
    text = export.script(lab, lab.params(rate=0.3, surface="bowl"))
    assert "params = lab.params(surface='bowl', rate=0.3, seed=0)" in text.splitlines()
    assert "Gradient descent" in text and "?lab=gradient-descent&surface=bowl&rate=0.3&seed=0&v=1" in text
    assert len(text.splitlines()) < 35


def call_of(text: str) -> dict[str, ast.expr]:
    """The arguments of the only `lab.params(...)` in a script."""
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    (call,) = [call for call in calls if ast.unparse(call.func) == "lab.params"]
    return {keyword.arg: keyword.value for keyword in call.keywords}


def skeleton(text: str) -> list[str]:
    """A script's statements with the parameters' values and the docstring taken out."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "lab.params":
            node.keywords = []
    return [ast.dump(statement) for statement in tree.body[1:]]


@given(values_of(Everything))
@settings(max_examples=60)
def test_values_stand_in_a_script_as_literals(values):
    text = export.script(LAB, Everything(**values))
    written = {name: ast.literal_eval(value) for name, value in call_of(text).items()}
    assert Everything(**written) == Everything(**values) and "seed" in written
    assert skeleton(text) == skeleton(export.script(LAB, Everything()))


@pytest.mark.parametrize(
    "word", [HOSTILE, "'''", '"""', "\\", "{", "}", "\r\n__import__('os')", "\u202ekcab", "\U0001f600"]
)
def test_no_text_becomes_code(word):
    text = export.script(LAB, Everything(word=word))
    assert ast.literal_eval(call_of(text)["word"]) == word
    assert skeleton(text) == skeleton(export.script(LAB, Everything()))
    assert {character for character in text if not character.isprintable() and character != "\n"} == set()


def uploaded(name: str) -> media.Picture:
    return media.picture(PICTURES["half-and-half"].read_bytes(), name)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("cat.png", "cat.png"),
        ("../../etc/passwd", "passwd"),
        ("C:\\me\\cat.png", "cat.png"),
        ("a/b/", "upload"),
        ("", "upload"),
        ('it\'s "mine"\nimport os.png', 'it\'s "mine"\nimport os.png'),
    ],
)
def test_an_upload_is_read_from_a_file_beside_the_script(name, file):
    text = export.script(LAB, Everything(image=uploaded(name)))
    call = call_of(text)["image"]
    assert ast.unparse(call.func) == "media.picture"
    assert ast.unparse(call.args[0]) == f"Path({file!r}).read_bytes()"
    assert ast.literal_eval(call.args[1]) == name
    assert [line for line in text.splitlines() if line.startswith("# Put the uploaded") and repr(file) in line]


def test_a_script_with_uploads_runs_on_them(tmp_path):
    content = PICTURES["half-and-half"].read_bytes()
    (tmp_path / "cat.png").write_bytes(content)
    sound = media.to_wav(np.sin(np.arange(800) / 5), 8000)
    (tmp_path / "me.wav").write_bytes(sound)
    params = Everything(image=uploaded("cat.png"), noise=media.sound(sound, "me.wav"), rate=0.5)
    (tmp_path / "run.py").write_text(export.script(LAB, params), encoding="utf-8")
    probe = (
        "import runpy, engine.lab; from tests.made_up import LAB; engine.lab.load = lambda slug: LAB\n"
        "made = runpy.run_path('run.py')['params']; print(made.image.digest, made.noise.digest, made.changed().keys())"
    )
    done = python("-c", probe, cwd=tmp_path)
    told = f"{params.image.digest} {params.noise.digest} {params.changed().keys()}"
    assert done.stdout.splitlines()[1:] == [told], done.stderr


@pytest.mark.parametrize(
    ("upload", "call"),
    [
        (passages.passage(b"To be", "play.txt"), "passages.passage(Path('play.txt').read_bytes(), 'play.txt')"),
        (
            tensors.Weights({}, {}, "head.safetensors", "0" * 12),
            "tensors.weights(Path('head.safetensors').read_bytes()",
        ),
        (albums.Album((), (), (), "mine.zip", "0" * 12), "albums.album(Path('mine.zip').read_bytes()"),
    ],
)
def test_every_kind_of_file_is_read_by_its_own_door(upload, call):
    assert call in export._literal(upload)


RISKS = "age;dose;name;ill\n" + "\n".join(
    f"{i % 37};{i / 7:.3f};n{i};{'yes' if i % 37 > i / 7 else 'no'}" for i in range(120)
)


def test_a_table_is_read_from_a_file_beside_the_script_with_what_was_chosen():
    own = tables.table(RISKS.encode(), "C:\\me\\risks.csv", ("dose", "age"), "ill", "from 0 to 1")
    text = export.script(LAB, Everything(examples=own))
    call = call_of(text)["examples"]
    assert ast.unparse(call.func) == "tables.table"
    assert ast.unparse(call.args[0]) == "Path('risks.csv').read_bytes()"
    assert ast.literal_eval(call.args[1]) == "C:\\me\\risks.csv"
    told = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
    assert told == {"features": ("dose", "age"), "label": "ill", "scaling": "from 0 to 1"}
    assert "from engine.data import tables" in text and "from pathlib import Path" in text
    assert "# Put the uploaded 'risks.csv'" in text and own.digest in text


def test_a_hostile_table_becomes_no_code():
    own = tables.table(f"{chr(34)}{HOSTILE.replace(chr(34), chr(34) * 2)}{chr(34)},class\n1,x\n2,y\n".encode(), HOSTILE)
    text = export.script(LAB, Everything(examples=own))
    call = call_of(text)["examples"]
    told = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
    assert ast.literal_eval(call.args[1]) == HOSTILE and told["features"] == own.features
    assert {character for character in text if not character.isprintable() and character != "\n"} == set()
    assert own.choices == {**told, "label": "class", "scaling": "standardized"}


def test_a_script_on_an_uploaded_table_learns_from_it(tmp_path):
    """Of a real lab, trained on the person's own table, run where the file lies."""
    own = tables.table(RISKS.encode(), "risks.csv", ("age", "dose"), "ill")
    lab = load("shallow-network")
    params = lab.params(examples=own, steps=40, units=3)
    (tmp_path / "risks.csv").write_bytes(RISKS.encode())
    (tmp_path / "run.py").write_text(export.script(lab, params), encoding="utf-8")
    done = python("run.py", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"{k}: {v}" for k, v in lab.last_frame(params).metrics.items()]
    assert "boundary.html" in {file.name for file in (tmp_path / "out").iterdir()}
    (tmp_path / "risks.csv").unlink()
    assert "risks.csv" in python("run.py", "out", cwd=tmp_path).stderr, (
        "without its table it says which file is missing"
    )


# A training's cells hold the program whose script the contract runs: they are run in the nightly round.
CLOSED = [slug if not load(slug).trains else pytest.param(slug, marks=pytest.mark.slow) for slug in found()]


@pytest.mark.parametrize("slug", CLOSED)
def test_the_cells_of_a_notebook_show_the_figures_of_the_page(slug, monkeypatch):
    lab = load(slug)
    book = nbformat.reads(export.notebook(lab, lab.params()), as_version=4)
    nbformat.validate(book)
    shown = []
    monkeypatch.setattr(go.Figure, "show", lambda figure: shown.append(figure))
    names: dict = {}
    for cell in book.cells:
        if cell.cell_type == "code":
            exec(cell.source, names)
    figures = snapshot(lab.last_frame(lab.params())).figures
    again = snapshot(names["frame"]).figures
    assert again.keys() == figures.keys() if lab.measures else again == figures
    assert [figure.layout.title.text for figure in shown] == list(figures)
    assert all(figure.layout.template.layout.colorway for figure in shown)


def test_a_notebook_explains_itself():
    lab = load("gradient-descent")
    params = lab.params(rate=0.3)
    about = nbformat.reads(export.notebook(lab, params), as_version=4).cells[0]
    assert about.cell_type == "markdown"
    for part in ("# Gradient descent", lab.summary, lab.maths, link("", lab, params)):
        assert part in about.source


def test_a_notebook_takes_hostile_values_and_uploads():
    book = nbformat.reads(export.notebook(LAB, Everything(word=HOSTILE, image=uploaded(HOSTILE))), as_version=4)
    nbformat.validate(book)
    code = "\n".join(cell.source for cell in book.cells if cell.cell_type == "code")
    assert ast.literal_eval(call_of(code)["word"]) == HOSTILE
    assert "from pathlib import Path" in code and "from engine.data import media" in code


@pytest.mark.slow
def test_a_notebook_runs_in_jupyter():
    import nbclient

    lab = load("gradient-descent")
    book = nbformat.reads(export.notebook(lab, lab.params(rate=0.5)), as_version=4)
    nbclient.NotebookClient(book, timeout=200, resources={"metadata": {"path": str(ROOT)}}).execute()
    outputs = [output for cell in book.cells if cell.cell_type == "code" for output in cell.outputs]
    assert any("w: 5" in output.get("text", "") for output in outputs)
    assert sum("application/vnd.plotly.v1+json" in output.get("data", {}) for output in outputs) == 2


class Reader(HTMLParser):
    """Collects the text of a page by element, and the names of all elements."""

    def __init__(self):
        super().__init__()
        self.open, self.texts, self.names = [], {}, []

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)
        self.names.append(tag)

    def handle_endtag(self, tag):
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data):
        if self.open:
            self.texts.setdefault(self.open[-1], []).append(data)


def read_page(text):
    reader = Reader()
    reader.feed(text)
    return reader


def made(figures: dict, **more) -> Snapshot:
    return snapshot(Frame(figures=figures, says=more.pop("says", "Something."), **more))


def test_a_page_holds_all_figures_and_needs_nothing_else():
    lab = load("gradient-descent")
    shot = snapshot(lab.last_frame(lab.params(surface="bowl")))
    reader = read_page(export.page(shot, "Gradient descent"))
    assert reader.texts["title"] == reader.texts["h1"] == ["Gradient descent"]
    assert reader.texts["h2"] == list(shot.figures)
    assert reader.texts["p"] == [shot.frame.says]
    assert dict(zip(reader.texts["dt"], reader.texts["dd"], strict=True)) == shot.frame.metrics
    library, drawing = reader.texts["script"]
    assert "plotly.js v" in library[:200] and "newPlot" in drawing
    assert "link" not in reader.names and "src=" not in drawing
    (figures,) = re.findall(r"^(\[.*\])\.forEach", drawing, re.MULTILINE)
    assert json.loads(figures) == [json.loads(text) for text in shot.figures.values()]


def test_a_page_follows_the_theme():
    shot = made({"A": go.Figure(go.Scatter(y=[1, 2]))})
    light, dark = (export.page(shot, "T", dark) for dark in (False, True))
    assert "background: #ffffff" in light and "background: #0f141a" in dark
    assert '"color": "#1d232b"' in light and '"color": "#e6e8ec"' in dark


def test_nothing_shown_becomes_markup():
    evil = "</script></title><img src=x onerror=alert(1)>&amp;"
    shot = made({evil: go.Figure(go.Scatter(y=[1], name=evil))}, says=evil, metrics={evil: evil})
    reader = read_page(export.page(shot, evil))
    assert "img" not in reader.names and reader.names.count("script") == 2
    assert ["".join(reader.texts[tag]) for tag in ("title", "h1", "h2", "p", "dt", "dd")] == [evil] * 6


def test_file_names_are_plain_and_unique():
    titles = [
        "Cost by step",
        "cost: by step!",
        "J(w, b)",
        "Überlauf α",
        "∂",
        "∂∂",
        "Numbers",
        "../../x",
        "CON/" + "y" * 99,
    ]
    names = export.file_names(titles)
    assert list(names) == titles
    assert list(names.values())[:-1] == [
        "cost-by-step", "cost-by-step-2", "j-w-b", "uberlauf", "figure", "figure-2", "numbers-2", "x",
    ]  # fmt: skip
    assert all(re.fullmatch(r"[a-z0-9-]{1,60}", name) for name in names.values())


def test_exporting_changes_nothing():
    lab = load("gradient-descent")
    frame = lab.last_frame(lab.params())
    before = snapshot(frame)
    from engine.figures.export import themed

    copy = themed(frame.figures["Path"], "A & <b>", dark=True)
    assert copy.layout.title.text == "A &amp; &lt;b&gt;" and copy.layout.paper_bgcolor == "#0f141a"
    assert snapshot(frame) == before
