"""Walks, whose frames are all there at once, and views, which need no new run."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

import plotly.graph_objects as go
import pytest

from engine.lab import Frame, Lab
from engine.params import Params, integer
from pages._ui import player


class Steps(Params):
    step: int = integer(2, low=0, high=9, label="Step", help="Which.")
    scale: int = integer(1, low=1, high=9, label="Scale", help="How large.")


runs: list[int] = []


def run(params: Steps) -> Generator[Frame]:
    runs.append(params.step)
    for i in range(4):
        figure = go.Figure(go.Scatter(x=[i], y=[1.0]))
        yield Frame({"Fixed": figure}, "Fixed.", {"Step": str(i)}, progress=i / 3, state=i)


def view(params: Steps, frame: Frame) -> Frame:
    figure = go.Figure(go.Scatter(x=[0], y=[frame.state * params.scale]))
    drawn = {"Seen": figure} | ({"Large": figure} if params.scale > 8 else {})
    metrics = {**frame.metrics, "Seen": str(frame.state * params.scale)}
    return replace(frame, figures=drawn, metrics=metrics, says=f"{frame.says} Seen at {params.scale}.")


TEXT = {"summary": "s", "look_for": "?", "maths": "m", "code": (run,)}
WALK = Lab("gradient-descent", params=Steps, run=run, opens=lambda p: min(p.step, 3), **TEXT)  # type: ignore[arg-type]
VIEWED = Lab("gradient-descent", params=Steps, run=run, views=("scale",), view=view, **TEXT)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = player.Stage()
    monkeypatch.setattr(player, "stage", lambda: scene)
    runs.clear()


def test_a_walk_sends_all_its_frames_and_opens_at_its_own() -> None:
    found = player.begin(WALK, Steps())
    found.poll()
    assert [i for i, _ in found.fresh] == [0, 1, 2, 3]
    assert found.index == 2 and found.shot.frame.metrics["Step"] == "2" and not found.alive
    found.poll()
    assert [i for i, _ in found.fresh] == [2]
    found.repeat = True  # the browser missed them
    found.poll()
    assert [i for i, _ in found.fresh] == [0, 1, 2, 3]


def test_a_view_is_drawn_without_a_new_run_and_other_figures_stay() -> None:
    found = player.begin(VIEWED, Steps())
    assert set(found.shot.figures) == {"Fixed", "Seen"} and found.looks == 0
    again = player.begin(VIEWED, Steps(scale=5))
    assert again is found and runs == [2] and found.looks == 1
    found.shot = player.snapshot(replace(found.lab.last_frame(Steps()), state=3))
    player.begin(VIEWED, Steps(scale=7))
    assert found.shot.frame.metrics["Seen"] == "21" and set(found.shot.figures) == {"Fixed", "Seen"}
    assert found.shot.frame.says == "Fixed. Seen at 7."
    player.begin(VIEWED, Steps(scale=9))
    assert set(found.shot.figures) == {"Fixed", "Seen", "Large"}
    player.begin(VIEWED, Steps(scale=2))
    assert set(found.shot.figures) == {"Fixed", "Seen"} and found.shot.frame.says == "Fixed. Seen at 2."
    assert player.begin(VIEWED, Steps(step=4, scale=7)) is not found


def test_frames_from_a_worker_are_seen_as_the_person_looks_now() -> None:
    class Job:
        status = player.DONE

        def poll(self) -> list[player.Snapshot]:
            return [player.snapshot(VIEWED.seen(Steps(), Frame({}, "", state=i))) for i in (1, 2)]

    found = player.begin(VIEWED, Steps())
    found.job = Job()  # type: ignore[assignment]
    player.begin(VIEWED, Steps(scale=4))
    found.poll()
    assert [shot.frame.metrics["Seen"] for _, shot in found.fresh] == ["1", "8"]
    assert found.shot.frame.metrics["Seen"] == "8"


def test_the_last_frame_is_seen_as_its_parameters_say() -> None:
    assert VIEWED.last_frame(Steps(scale=3)).metrics["Seen"] == "9"
    assert set(VIEWED.last_frame(Steps()).figures) == {"Fixed", "Seen"}
