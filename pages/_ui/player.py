"""A run on the page: its first frame at once, the rest as a worker sends it, until it ends or is stopped."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from operator import itemgetter
from typing import Any

import streamlit as st

from engine.executor import Job, Status, executor
from engine.lab import Lab
from engine.params import Params
from engine.share import query
from engine.snapshot import Snapshot, snapshot
from engine.training import FRAME_SECONDS
from pages._ui.chart import chart

MOST_REMEMBERED = 64
# A place in the queue changes seldom.
QUEUE_SECONDS = 0.3
# The next rerun drops what the server hasn't sent yet: without a pause, one that comes at once takes the picture away.
SEND_SECONDS = 0.03
DONE, STOPPED = Status("done", 0, ""), Status("stopped", 0, "")

Key = tuple[tuple[str, str], ...]


@dataclass
class Run:
    """One run as this session sees it. ``fresh`` holds the frames that the browser may not have yet.

    ``begun`` are the frames computed in the page: the first one, or all of a walk. ``count`` is how many frames the worker
    has sent, its own first frame among them, which is the one shown at once. ``repeat`` asks for what was begun with,
    because the browser doesn't have it. ``looks`` counts the changes of view.
    """

    key: Key
    lab: Lab[Any]
    params: Params
    begun: list[Snapshot]
    shot: Snapshot
    job: Job | None = None
    began: float = field(default_factory=time.monotonic)
    count: int = 0
    repeat: bool = False
    looks: int = 0
    fresh: list[tuple[int, Snapshot]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Tells one run from the next, for the chart's history."""
        return f"{hash(self.key) & 0xFFFFFFFF:08x}-{self.began:.3f}"

    @property
    def index(self) -> int:
        """The number of the frame in sight."""
        return max(0, self.count - 1)

    @property
    def status(self) -> Status:
        """Where the run stands."""
        return self.job.status if self.job else DONE

    @property
    def alive(self) -> bool:
        """Whether more frames may come."""
        return self.status.state in ("waiting", "running")

    def poll(self) -> None:
        """Take in what the worker has sent."""
        shots = self.job.poll() if self.job else []
        self.fresh = [(self.count + i, shot) for i, shot in enumerate(shots)] or [(self.index, self.shot)]
        if shots and self.looks:
            self.fresh[-1] = (self.fresh[-1][0], self.seen(shots[-1]))
        if self.repeat:
            self.fresh = sorted({**dict(enumerate(self.begun)), **dict(self.fresh)}.items(), key=itemgetter(0))
            self.repeat = False
        self.count += len(shots)
        self.shot = self.fresh[-1][1] if shots else self.shot

    def look(self, params: Params) -> None:
        """See the frame in sight with other parameters of the view."""
        if params != self.params:
            self.params = params
            self.shot = self.seen(self.shot)
            self.looks += 1

    def seen(self, shot: Snapshot) -> Snapshot:
        """A frame with what depends on the view drawn as the parameters say now."""
        drawn = snapshot(self.lab.seen(self.params, shot.frame))
        own = {title: figure for title, figure in shot.figures.items() if title not in shot.frame.viewed}
        return Snapshot({**own, **drawn.figures}, drawn.frame)

    def stop(self) -> None:
        """End it; the last frame stays."""
        if self.job:
            self.job.stop()


@dataclass
class Stage:
    """What one session has on stage: the run in sight and the finished one before it."""

    run: Run | None = None
    last: Run | None = None

    def clear(self) -> None:
        """Free the worker."""
        if self.run:
            self.run.stop()

    def forget(self) -> None:
        """Drop both runs, with all they hold."""
        self.clear()
        self.run = self.last = None


@st.cache_resource(scope="session", on_release=Stage.clear, show_spinner=False)
def stage() -> Stage:
    """This session's stage. Closing the browser releases it, and with it the worker."""
    return Stage()


@st.cache_resource(show_spinner=False)
def _finished() -> OrderedDict[Key, Snapshot]:
    """The last frames of finished trainings, so a link opened by a whole class trains once."""
    return OrderedDict()


def begin(lab: Lab[Any], params: Params, again: bool = False) -> Run:
    """The run of these parameters: the one in sight, or a new one in its place."""
    scene = stage()
    key = tuple((name, text) for name, text in query(lab, params).items() if name not in lab.views)
    if scene.run and scene.run.key == key and scene.run.lab is lab and not again:
        scene.run.look(params)
        return scene.run
    scene.clear()
    if scene.run and scene.run.lab is lab:
        scene.last = scene.run
    scene.run = _start(lab, params, key, again)
    return scene.run


def _start(lab: Lab[Any], params: Params, key: Key, again: bool) -> Run:
    if lab.trains and not again and (known := _finished().get(key)):
        run = Run(key, lab, params, [known], known)
        run.shot = run.seen(known)
        return run
    with closing(lab.frames(params)) as frames:
        begun = [snapshot(frame) for frame in islice(frames, None if lab.opens else 1)]
    opened = lab.opens(params) if lab.opens else 0
    run = Run(
        key, lab, params, begun, begun[opened], count=opened + 1 if lab.opens else 0, repeat=lab.opens is not None
    )
    if lab.trains:
        run.job = executor().submit(lab.slug, params)
    return run


def show(run: Run, key: str, on_event: Callable[[], None], below: Callable[[], None]) -> None:
    """The figure with its metrics, and for a training its progress and Stop, refreshed while it runs.

    ``below`` draws what the last frame calls for under the figure.
    """
    began = run.status.state
    every = {"running": FRAME_SECONDS, "waiting": QUEUE_SECONDS}.get(began)

    @st.fragment(run_every=every)
    def live() -> None:
        if stage().run is not run:
            st.rerun()
        run.poll()
        state = run.status.state
        _stop_bar(run)
        opens = run.index if run.lab.opens else None
        chart(key, run.name, run.fresh, rows(run), run.lab.listens, on_event, opens=opens, looks=run.looks)
        _extras(run)
        # Whatever comes and goes stands below the chart: an element that appears above it would remount it.
        if run.status.state == "failed":
            st.error(run.status.message, icon=":material/error:")
        below()
        if state != began:
            _remember(run)
            st.rerun()
        if run.alive:
            time.sleep(SEND_SECONDS)

    live()


def rows(run: Run) -> list[list[str]]:
    """The lab's rows of figure titles that this frame has, then any others."""
    present = list(run.shot.figures)
    laid = [[title for title in row if title in present] for row in run.lab.rows]
    rest = [title for title in present if not any(title in row for row in laid)]
    return [row for row in [*laid, rest] if row]


def _remember(run: Run) -> None:
    uploads = any(not isinstance(value, (str, int, float, bool, tuple)) for value in run.params.changed().values())
    if run.status.state == "done" and not uploads:
        known = _finished()
        known[run.key] = run.shot
        while len(known) > MOST_REMEMBERED:
            known.popitem(last=False)


def _stop_bar(run: Run) -> None:
    """Progress, time left, place in the queue and Stop; or how the training ended."""
    if not run.lab.trains:
        return
    status = run.status
    with st.container(horizontal=True, vertical_alignment="center", key=f"run-bar-{run.lab.slug}"):
        if run.alive:
            st.button("Stop", key=f"stop-{run.lab.slug}", icon=":material/stop:", on_click=_stop)
            st.progress(run.shot.frame.progress, text=_progress_text(run, status))
        else:
            st.button("Run again", key=f"again-{run.lab.slug}", icon=":material/replay:", on_click=_again)
            st.caption(_ending(run, status))


# Streamlit keeps a button's callback long after the button: one that held a run would outlive what is forgotten.
def _again() -> None:
    if run := stage().run:
        begin(run.lab, run.params, again=True)


def _stop() -> None:
    if run := stage().run:
        run.stop()


def _progress_text(run: Run, status: Status) -> str:
    if status.state == "waiting":
        return f"Waiting for a free worker: place {status.place} in the queue"
    done = run.shot.frame.progress
    elapsed = time.monotonic() - run.began
    if done <= 0.02:
        return "Training"
    return f"Training, about {max(1, round(elapsed * (1 - done) / done))} s left"


def _ending(run: Run, status: Status) -> str:
    if status.state == "stopped":
        return f"Stopped at {run.shot.frame.progress:.0%}; the last frame stays."
    return "Failed; the last frame stays." if status.state == "failed" else "Finished."


def _extras(run: Run) -> None:
    """What a frame carries beside figures: sound, pictures, tables, programs."""
    frame = run.shot.frame
    for title, sound in frame.sounds.items():
        from engine.data.media import to_wav

        st.caption(title)
        st.audio(to_wav(sound.samples, sound.rate), alt=title)
    for title, pixels in frame.pictures.items():
        st.image(pixels, caption=title)
    for title, columns in frame.tables.items():
        st.caption(title)
        st.dataframe(columns, hide_index=True)
    for name, data in frame.files.items():
        st.download_button(name, data, name, on_click="ignore", icon=":material/download:", key=f"file-{name}")
    if frame.code:
        for tab, source in zip(st.tabs(list(frame.code)), frame.code.values(), strict=True):
            tab.code(source, language="python")
