"""A person's own faces: no encoding reaches another session or the disk, and one button forgets them all."""

from __future__ import annotations

import gc
import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from engine.data.albums import Album
from engine.data.faces import identities
from engine.data.people import drawn
from engine.executor import Inline
from engine.labs.face_recognition.face_database import LAB, FaceDatabase, Kept
from engine.models import dlib_faces
from engine.seeding import generator
from pages._ui import player

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENT, KEY = 120, "face-database/people"
# Every file that a process opens for writing, while a zip of people is enrolled.
WATCH = """
import os, sys
sys.path.insert(0, {root!r})
from engine.labs.face_recognition.face_database import LAB, FaceDatabase
from engine.data.albums import album
LAB.last_frame(FaceDatabase())
written = []
def watch(event, args):
    if event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        written.append(str(args[0]))
sys.addaudithook(watch)
frame = LAB.last_frame(FaceDatabase(people=album(sys.stdin.buffer.read(), "mine.zip")))
print(frame.metrics["Encodings kept"], [name for name in written if "__pycache__" not in name])
"""


@pytest.fixture(autouse=True)
def in_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """No workers: labs run in the page's script. Drawn faces stand for real ones."""
    monkeypatch.setattr("pages._ui.player.executor", Inline)
    monkeypatch.setattr("pages._ui.warm._warm", lambda: None)
    monkeypatch.setattr(dlib_faces, "find_spec", lambda name: None)


def people(*names: str) -> bytes:
    """A zip with a folder of three pictures for each name."""
    random, file = generator(len(names[0])), io.BytesIO()
    pictures = iter(drawn(identities(len(names), random).repeat_interleave(3, 0), random))
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            for k in range(3):
                packed = io.BytesIO()
                Image.fromarray(next(pictures)).save(packed, "PNG")
                archive.writestr(f"{name}/{k}.png", packed.getvalue())
    return file.getvalue()


def session() -> AppTest:
    at = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=PATIENT).run()
    at.query_params["lab"], at.query_params["seed"] = "face-database", "0"
    at.switch_page("pages/face_recognition.py").run()
    at.session_state[f"{KEY}/popover"] = True
    return at.run()


def enrol(at: AppTest, *names: str) -> None:
    at.file_uploader[0].upload("mine.zip", people(*names)).run()
    assert not at.exception


def shown(at: AppTest) -> str:
    """All that a session's page says."""
    return " ".join(element.value for kind in (at.caption, at.markdown, at.metric) for element in kind)


def known() -> set[str]:
    """Names in all databases that this process holds."""
    gc.collect()  # the type, because asking a weak proxy for its class fails where what it stood for is gone
    return {name for each in gc.get_objects() if type(each) is Kept for name in each.names}


def test_two_sessions_dont_see_each_others_people() -> None:
    one, two = session(), session()
    enrol(one, "Walburga", "Xerxes")
    enrol(two, "Ottokar", "Philomena", "Gundula")
    for at, own, others in ((one, "Walburga", "Ottokar"), (two, "Ottokar", "Walburga")):
        at.run()
        albums = [value for value in at.session_state.values() if isinstance(value, Album)]
        assert albums and all(own in album.labels and others not in album.labels for album in albums)
        assert own in shown(at) and others not in shown(at)
    third = session()
    assert not any(isinstance(value, Album) for value in third.session_state.values())
    assert "Walburga" not in shown(third) and "Ottokar" not in shown(third)
    # What finished runs leave for all sessions holds nobody's own.
    assert not any("upload-" in text for key in player._finished() for _, text in key)


def test_one_button_forgets_people_and_encodings() -> None:
    at = session()
    enrol(at, "Kunigunde", "Balthasar")
    assert "Kunigunde" in known() and "Kunigunde" in shown(at)
    at.button(key=f"{KEY}/forget").click().run()
    assert not at.exception and "Kunigunde" not in shown(at)
    assert not any(isinstance(value, Album) for value in at.session_state.values())
    assert "people" not in at.query_params
    assert "Kunigunde" not in known()


def test_nothing_is_written_to_the_disk() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WATCH.format(root=str(ROOT))],
        input=people("Ada", "Bea"),
        capture_output=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.decode().strip() == "6, 4 enrolled []"


def test_encodings_are_counted() -> None:
    frame = LAB.last_frame(FaceDatabase(enrolled=5, each=3))
    assert frame.metrics["Encodings kept"] == f"{len(frame.state.database) + len(frame.state.askers)}, 15 enrolled"
    assert len(frame.state.database) == 15
